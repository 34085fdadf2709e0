import * as z from 'zod';
import { API_GROUP, API_VERSION, type ResourceKind } from '../../src/resources/resource.ts';

/** A part of a JSON Schema, as zod writes it and as the API server takes it. */
interface Schema {
  readonly [keyword: string]: unknown;
}

/** What all our kinds have in common in `kubectl get vcs-pki`. */
const CATEGORY = 'vcs-pki';

/** The CustomResourceDefinition of a kind: structural, every string, list and map bounded, so that the cost of its rules is too. */
export function definitionOf(kind: ResourceKind<z.ZodType, z.ZodType>): object {
  const { plural, shortNames, description, columns, rules = [], selectableFields = [] } = kind;
  const singular = kind.kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${API_GROUP}` },
    spec: {
      group: API_GROUP,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural,
        singular,
        shortNames: [...shortNames],
        categories: [CATEGORY],
      },
      versions: [
        {
          name: API_VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns.map((column) => ({ ...column })),
          ...(selectableFields.length > 0 && {
            selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })),
          }),
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description,
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: structural(kind.spec, `${kind.kind}.spec`),
                status: structural(kind.status, `${kind.kind}.status`),
              },
              required: ['spec'],
              ...(rules.length > 0 && { 'x-kubernetes-validations': rules.map((rule) => ({ ...rule })) }),
            },
          },
        },
      ],
    },
  };
}

function structural(schema: z.ZodType, at: string): Schema {
  return walk(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }), at);
}

const COMMON = ['description', 'default', 'type', 'x-kubernetes-validations'];

/** The keywords that are carried over; every other one fails, because the API server would refuse it or silently drop it. */
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'x-kubernetes-map-type'],
  array: ['items', 'minItems', 'maxItems', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys'],
  string: ['enum', 'minLength', 'maxLength', 'pattern', 'format'],
  integer: ['minimum', 'maximum'],
  boolean: [],
};

function walk(value: unknown, at: string): Schema {
  if (!isSchema(value) || typeof value.type !== 'string') throw new TypeError(`${at}: has no type`);
  const schema = withoutNoise(value);
  const allowed = KEYWORDS[value.type];
  if (!allowed) throw new TypeError(`${at}: type ${value.type} is not structural`);
  const unknown = Object.keys(schema).find((keyword) => !COMMON.includes(keyword) && !allowed.includes(keyword));
  if (unknown !== undefined) throw new TypeError(`${at}: ${unknown} cannot be said in a structural schema`);
  if (value.type === 'string' && !('enum' in schema)) requireBound(schema, 'maxLength', at);
  if (value.type === 'array') {
    requireBound(schema, 'maxItems', at);
    return { ...schema, items: walk(schema.items, `${at}[]`) };
  }
  if (value.type !== 'object') return schema;
  const { properties } = schema;
  if (!isSchema(properties)) throw new TypeError(`${at}: an object must list its properties`);
  const walked = Object.entries(properties).map(([name, property]) => [name, walk(property, `${at}.${name}`)]);
  return { ...schema, properties: Object.fromEntries(walked) };
}

/** Without what zod says of every integer. */
function withoutNoise(schema: Schema): Schema {
  const { minimum, maximum, ...others } = schema;
  return {
    ...others,
    ...(minimum !== undefined && minimum !== Number.MIN_SAFE_INTEGER && { minimum }),
    ...(maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER && { maximum }),
  };
}

function requireBound(schema: Schema, bound: string, at: string): void {
  if (typeof schema[bound] !== 'number') throw new TypeError(`${at}: needs ${bound}, or rules over it cost too much`);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

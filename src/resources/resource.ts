import * as z from 'zod';
import { VcsPkiError } from '../errors.ts';
import { parseInput } from '../topology/input.ts';

export const API_GROUP = 'vcs-pki.dev';
export const API_VERSION = 'v1alpha1';

/** The metadata that vcs-pki reads; whatever else is there is left alone. */
const metadataSchema = z.looseObject({
  name: z.string().min(1).max(253),
  namespace: z.string().max(63).optional(),
  uid: z.string().optional(),
  generation: z.number().optional(),
  resourceVersion: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  finalizers: z.array(z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
});

export const conditionSchema = z.object({
  type: z.string().min(1).max(63).describe('What the condition is about'),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().min(1).max(127).describe('One word for programs'),
  message: z.string().min(1).max(4096).describe('Why, for people'),
  observedGeneration: z.int().min(0).describe('The generation of the spec that was looked at'),
  lastTransitionTime: z.string().max(64).meta({ format: 'date-time' }),
});
export type Condition = z.output<typeof conditionSchema>;

export const conditionsSchema = z
  .array(conditionSchema)
  .max(16)
  .optional()
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });

/** One kind of resource: all that is derived from it - types, parsing, definition, columns - comes from here. */
export interface ResourceKind<Spec extends z.ZodType, Status extends z.ZodType> {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly description: string;
  readonly spec: Spec;
  readonly status: Status;
  /** Rules of the API server over the whole object, its name included. */
  readonly rules?: readonly { readonly rule: string; readonly message: string }[];
  /** Paths of the fields by which objects can be listed (a server of 1.32 or later); an optional one that is absent counts as empty. */
  readonly selectableFields?: readonly string[];
  readonly columns: readonly {
    readonly name: string;
    readonly type: 'string' | 'integer' | 'date';
    readonly jsonPath: string;
    readonly description: string;
    readonly priority?: number;
  }[];
}

/** A resource as read from YAML or the API server, with its spec checked. */
export interface Resource<Spec, Status = unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: z.output<typeof metadataSchema>;
  readonly spec: Spec;
  readonly status?: Status | undefined;
}

/** Parses a manifest of one kind. Throws INPUT_INVALID, also for manifests of others. */
export function parseResource<Spec extends z.ZodType, Status extends z.ZodType>(
  kind: ResourceKind<Spec, Status>,
  value: unknown,
  at: string,
): Resource<z.output<Spec>, z.output<Status>> {
  const envelope = parseInput(
    z.looseObject({
      apiVersion: z.string(),
      kind: z.string(),
      metadata: metadataSchema,
      spec: z.unknown().optional(),
      status: z.unknown().optional(),
    }),
    value,
    at,
  );
  const apiVersion = `${API_GROUP}/${API_VERSION}`;
  if (envelope.apiVersion !== apiVersion || envelope.kind !== kind.kind) {
    throw new VcsPkiError('INPUT_INVALID', {
      at,
      value: `${envelope.apiVersion} ${envelope.kind}`,
      message: `is a ${envelope.kind} of ${envelope.apiVersion}, not a ${kind.kind} of ${apiVersion}`,
      fix: `give a manifest with apiVersion: ${apiVersion} and kind: ${kind.kind}`,
    });
  }
  const name = `${at}: ${kind.kind} ${envelope.metadata.name}`;
  const spec = parseInput(kind.spec, envelope.spec, `${name}: spec`);
  const { metadata } = envelope;
  const status = kind.status.safeParse(envelope.status ?? {});
  return { apiVersion, kind: kind.kind, metadata, spec, ...(status.success && { status: status.data }) };
}

/** The rules of the API server for a field that can't change, with the message that it gives. */
export function immutable(message: string) {
  return { 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message }] };
}

/** `core/expc1/server` as the name of a resource. */
export function resourceName(id: string): string {
  return id.replaceAll('/', '-');
}

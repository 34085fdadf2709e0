import * as z from 'zod';
import type { Demand } from '../topology/demands.ts';
import type { AuthorityId, DemandId } from '../topology/ids.ts';
import { peerKeyTypes } from '../topology/releases/release.ts';
import { dnsNameSchema, onRemovalSchema } from '../topology/schema.ts';
import { issuerRefSchema, subjectSpecSchema } from './certificate-authority.ts';
import {
  API_GROUP,
  API_VERSION,
  conditionsSchema,
  immutable,
  type Resource,
  type ResourceKind,
  resourceName,
} from './resource.ts';

const specSchema = z
  .object({
    demandId: z
      .string()
      .min(1)
      .max(200)
      .regex(
        /^[a-z0-9-]+\/[a-z0-9-]+\/(server|client)$/,
        'must be <cluster>/<peer>/<role>; write it like core/expc1/server',
      )
      .describe('<cluster>/<peer>/<role>: under this id it is on record, and shares its history with the other ways in')
      .meta(immutable('demandId cannot change; create another Certificate')),
    subject: subjectSpecSchema,
    dnsNames: z
      .array(dnsNameSchema)
      .min(1)
      .max(1000)
      .describe('Subject alternative names, in this order')
      .meta({ 'x-kubernetes-list-type': 'atomic' }),
    usages: z
      .array(z.enum(['serverAuth', 'clientAuth']))
      .min(1)
      .max(2)
      .describe('Extended key usages')
      .meta({ 'x-kubernetes-list-type': 'atomic' }),
    keyType: z.enum(peerKeyTypes).optional().describe('Type and size of the key that is generated'),
    request: z
      .string()
      .min(1)
      .max(65_536)
      .optional()
      .describe('The request made on the appliance, PEM; the key stays there'),
    issuerRef: issuerRefSchema,
    lifetimeDays: z.int().min(1).max(18_250).default(365).describe('Validity in days'),
    renewBeforeDays: z.int().min(0).max(18_250).describe('Days before expiry at which to renew'),
    onRemoval: onRemovalSchema.default('revoke'),
    secretName: z
      .string()
      .min(1)
      .max(253)
      .describe('The Secret to write')
      .meta(immutable('secretName cannot change; create another Certificate')),
    peers: z
      .array(z.string().min(1).max(63))
      .min(1)
      .max(64)
      .describe('Ids of the peers that hold it')
      .meta({ 'x-kubernetes-list-type': 'atomic' }),
  })
  .refine((spec) => (spec.keyType === undefined) !== (spec.request === undefined), {
    path: ['keyType'],
    message: 'must be given, or request, but not both; give keyType unless the key is on the appliance',
  })
  .meta({
    'x-kubernetes-validations': [
      { rule: 'has(self.keyType) != has(self.request)', message: 'give either keyType or request' },
      {
        rule: 'has(self.request) == has(oldSelf.request)',
        message: 'where the key is cannot change; create another Certificate',
      },
    ],
  });

const statusSchema = z.object({
  conditions: conditionsSchema,
  observedGeneration: z.int().optional(),
  issue: z.int().optional().describe('How many times it has been issued'),
  serial: z.string().max(64).optional().describe('Of the newest certificate, hex'),
  notBefore: z.string().max(64).meta({ format: 'date-time' }).optional(),
  notAfter: z.string().max(64).meta({ format: 'date-time' }).optional(),
  renewalTime: z.string().max(64).meta({ format: 'date-time' }).optional(),
  reason: z.string().max(4096).optional().describe('Why it was last issued'),
});

export const certificateKind = {
  kind: 'Certificate',
  plural: 'certificates',
  shortNames: ['vcscert'],
  description: 'A certificate of a peer, kept issued and renewed in a Secret',
  spec: specSchema,
  status: statusSchema,
  columns: [
    {
      name: 'Ready',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: 'Whether the Secret holds it',
    },
    { name: 'Secret', type: 'string', jsonPath: '.spec.secretName', description: 'Where it is' },
    { name: 'Issuer', type: 'string', jsonPath: '.spec.issuerRef.name', description: 'Who signs it' },
    { name: 'Expires', type: 'date', jsonPath: '.status.notAfter', description: 'When it ends' },
    { name: 'Renewal', type: 'date', jsonPath: '.status.renewalTime', description: 'When it is renewed', priority: 1 },
    { name: 'Serial', type: 'string', jsonPath: '.status.serial', description: 'Its serial number', priority: 1 },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].message',
      description: 'Why',
      priority: 1,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since when it is declared' },
  ],
} as const satisfies ResourceKind<typeof specSchema, typeof statusSchema>;

export type CertificateSpec = z.output<typeof specSchema>;
export type CertificateStatus = z.output<typeof statusSchema>;
export type CertificateResource = Resource<CertificateSpec, CertificateStatus>;

/** The manifest of a demand. Throws a TypeError for a key type that the rules refuse. */
export function certificateManifest(demand: Demand): CertificateResource {
  const { id, subject, names, usages, key, issuer, lifetimeDays, renewBeforeDays, onRemoval, peers } = demand;
  return {
    apiVersion: `${API_GROUP}/${API_VERSION}`,
    kind: certificateKind.kind,
    metadata: { name: resourceName(id) },
    spec: {
      demandId: id,
      subject,
      dnsNames: [...names],
      usages: [...usages],
      ...('request' in key ? { request: key.request } : { keyType: keyTypeOf(key.type) }),
      issuerRef: { name: issuer },
      lifetimeDays,
      renewBeforeDays,
      onRemoval,
      secretName: resourceName(id),
      peers: [...peers],
    },
  };
}

/** The demand that a resource declares: `certificateManifest` backwards. */
export function demandOf({ spec }: Pick<CertificateResource, 'spec'>): Demand {
  const {
    demandId,
    subject,
    dnsNames,
    usages,
    keyType,
    request,
    issuerRef,
    lifetimeDays,
    renewBeforeDays,
    onRemoval,
    peers,
  } = spec;
  const [cluster = ''] = demandId.split('/');
  return {
    id: demandId as DemandId,
    subject,
    names: dnsNames,
    usages,
    key: request === undefined ? { type: keyType ?? 'rsa-2048' } : { request },
    issuer: issuerRef.name as AuthorityId,
    lifetimeDays,
    renewBeforeDays,
    onRemoval,
    cluster,
    peers,
  };
}

function keyTypeOf(type: string): (typeof peerKeyTypes)[number] {
  const known = peerKeyTypes.find((candidate) => candidate === type);
  if (known) return known;
  throw new TypeError(`no certificate is issued for a key of type ${type}: check the rules first`);
}

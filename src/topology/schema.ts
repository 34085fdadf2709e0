import * as z from 'zod';
import { patterns } from './names.ts';
import { releaseNames } from './releases/releases.ts';

/**
 * The declared topology: the one source of its types, its validation and the JSON Schema of topology.json.
 * Numbers in brackets are requirements of the Cisco guides.
 */

export const products = ['vcs-control', 'vcs-expressway', 'expressway-c', 'expressway-e'] as const;
export type Product = (typeof products)[number];

/** rsa-8192 can be declared, and is then refused by the rule that says why (41). */
const peerKeyTypes = ['rsa-2048', 'rsa-4096', 'rsa-8192', 'ec-p256', 'ec-p384'] as const;
export const authorityKeyTypes = ['rsa-2048', 'rsa-4096', 'ec-p256', 'ec-p384'] as const;

const matching = (pattern: string, message: string) => z.string().regex(new RegExp(pattern), message);

const idSchema = matching(
  patterns.label,
  'must be 1 to 63 lower-case letters, digits and hyphens; write it like edge-1',
).describe('Id, unique among its kind');
export const fqdnSchema = matching(
  patterns.fqdn,
  'must be a fully qualified domain name of lower-case letters, digits and hyphens; write it like expc1.example.com',
).max(253);
export const dnsNameSchema = matching(
  patterns.dnsName,
  'must be a DNS name of lower-case letters, digits and hyphens; write it like chat.example.com, an international name in its xn-- form',
).max(253);
export const timeOfDaySchema = matching(patterns.timeOfDay, 'must be a time of day in UTC; write it like 02:30');
const pemSchema = (label: string) =>
  matching(`-----BEGIN ${label}-----`, `must be PEM text with a ${label} block; give the content of the PEM file`).max(
    65_536,
  );

const subjectSchema = z.strictObject({
  commonName: z.string().min(1).max(64),
  organization: z.string().min(1).max(64).optional(),
  organizationalUnit: z.string().min(1).max(64).optional(),
  locality: z.string().min(1).max(128).optional(),
  state: z.string().min(1).max(128).optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be an ISO 3166 country code of two capitals; write it like GB')
    .optional(),
});

/** What a certificate of a peer says about its holder beside the common name, which the deployment model sets. */
const peerSubjectSchema = subjectSchema.omit({ commonName: true });

export const onRemovalSchema = z
  .enum(['revoke', 'keep'])
  .describe('What becomes of the last certificate when its declaration is removed');

const crlSettingsSchema = z
  .strictObject({
    dailyUpdateUtc: timeOfDaySchema.default('02:00').describe('When the list is signed, UTC'),
    everyDays: z.int().min(1).max(366).default(1).describe('Days between two updates'),
    validDays: z.int().min(1).max(1098).optional().describe('Validity of a list in days; default 7 update periods'),
    baseUrl: matching(
      patterns.httpUrl,
      'must be an http:// or https:// address that ends with a slash; write it like http://pki.example.com/crl/',
    )
      .max(1024)
      .optional()
      .describe('Where the lists are published; written into certificates as their distribution point'),
  })
  .transform((crl) => ({ ...crl, validDays: crl.validDays ?? 7 * crl.everyDays }))
  .refine((crl) => crl.validDays >= 3 * crl.everyDays, {
    path: ['validDays'],
    message: 'must be at least three update periods (I5); raise validDays or update more often',
  });

export const authoritySchema = z.strictObject({
  id: idSchema,
  subject: subjectSchema,
  issuer: idSchema.optional().describe('The authority that signs this one; absent for a self-signed root'),
  key: z.enum(authorityKeyTypes).default('rsa-4096'),
  lifetimeDays: z.int().min(1).max(18_250).default(3650),
  crl: crlSettingsSchema.prefault({}),
});
export type Authority = z.output<typeof authoritySchema>;

export const peerSchema = z.strictObject({
  id: idSchema,
  hostName: matching(
    patterns.label,
    'must be one host name label of lower-case letters, digits and hyphens; give host name and domain apart (16)',
  ),
  domain: fqdnSchema.or(matching(patterns.label, 'must be a DNS domain; write it like example.com')),
  request: pemSchema('CERTIFICATE REQUEST')
    .optional()
    .describe('The request generated on the appliance (31-35), PEM; absent: the key is generated here'),
});
export type Peer = z.output<typeof peerSchema>;

export const clusterSchema = z.strictObject({
  id: idSchema,
  product: z.enum(products),
  release: z.enum(releaseNames),
  clusterName: fqdnSchema.optional().describe('FQDN of the cluster; absent for a single appliance'),
  certificateModel: z
    .enum(['per-peer', 'shared'])
    .default('per-peer')
    .describe('One certificate per peer (12), or one for all (13)'),
  issuer: idSchema.optional().describe('The authority of its certificates; absent: self-signed certificates'),
  subject: peerSubjectSchema.default({}),
  key: z.enum(peerKeyTypes).default('rsa-2048'),
  lifetimeDays: z.int().min(1).max(18_250).default(365),
  renewBeforeDays: z
    .int()
    .min(0)
    .optional()
    .describe('Days before expiry at which to renew; default a third of the lifetime'),
  onRemoval: onRemovalSchema.default('revoke'),
  peers: z.array(peerSchema).min(1, 'must list a peer; add one with its host name and domain'),
  chatNodeAliases: z.array(dnsNameSchema).default([]).describe('IM and Presence chat node aliases (26a, 27b)'),
  phoneSecurityProfiles: z
    .array(dnsNameSchema)
    .default([])
    .describe('Names of encrypted phone security profiles (26b)'),
  revocationChecking: z.boolean().default(true).describe('SIP certificate revocation checking mode (60)'),
  crlUpdateTimeUtc: timeOfDaySchema.default('06:00').describe('Daily update time of automatic CRL downloads (57)'),
});
export type Cluster = z.output<typeof clusterSchema>;

export const domainSchema = z.strictObject({
  name: fqdnSchema,
  unifiedCommunications: z.boolean().default(false),
  presence: z.boolean().default(false),
});
export type Domain = z.output<typeof domainSchema>;

const peerAddressSchema = z
  .string()
  .regex(/^[A-Za-z0-9:.*-]+$/, 'must be a host name or an IP address; write it like expe1.example.com')
  .max(253);

export const traversalZoneSchema = z.strictObject({
  kind: z.literal('traversal'),
  id: idSchema,
  client: idSchema.describe('The VCS Control or Expressway-C cluster'),
  server: idSchema.describe('The VCS Expressway or Expressway-E cluster'),
  tlsVerify: z.boolean().default(true),
  unifiedCommunications: z.boolean().default(false),
  peerAddresses: z.array(peerAddressSchema).min(1).optional().describe('Default: the FQDNs of the peers of the server'),
  tlsVerifySubjectName: fqdnSchema.optional().describe('Default: the cluster name of the client, or its only peer'),
});

export const neighborZoneSchema = z.strictObject({
  kind: z.literal('neighbor'),
  id: idSchema,
  cluster: idSchema,
  neighbor: idSchema,
  tlsVerify: z.boolean().default(true),
  peerAddresses: z
    .array(peerAddressSchema)
    .min(1)
    .optional()
    .describe('Default: the FQDNs of the peers of the neighbor'),
});

const zoneSchema = z.discriminatedUnion('kind', [traversalZoneSchema, neighborZoneSchema]);
export type TraversalZone = z.output<typeof traversalZoneSchema>;
export type NeighborZone = z.output<typeof neighborZoneSchema>;

export const trustListSchema = z.strictObject({
  id: idSchema,
  authorities: z.array(idSchema).default([]),
  certificates: z.array(pemSchema('CERTIFICATE')).default([]).describe('Authorities of others, PEM'),
  appliesTo: z.array(idSchema).min(1).describe('The clusters that load it'),
});
export type TrustList = z.output<typeof trustListSchema>;

const storageSchema = z.strictObject({
  directory: z.string().min(1).default('pki').describe('The PKI directory, relative to this file'),
  lockFile: z.string().min(1).default('vcs-pki.lock.json').describe('The lock file, relative to this file'),
});

export const topologySchema = z.strictObject({
  version: z.literal(1).default(1),
  name: idSchema,
  storage: storageSchema.prefault({}),
  authorities: z.array(authoritySchema).default([]),
  clusters: z.array(clusterSchema).default([]),
  domains: z.array(domainSchema).default([]),
  zones: z.array(zoneSchema).default([]),
  trustLists: z.array(trustListSchema).default([]),
});
export type Topology = z.output<typeof topologySchema>;
/** What a declaration may leave out. */
export type TopologyInput = z.input<typeof topologySchema>;

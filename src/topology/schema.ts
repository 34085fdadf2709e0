import { domainToASCII } from 'node:url';
import * as z from 'zod';
import { patterns } from './names.ts';
import { nameMatchings } from './releases/name-matching.ts';
import { peerKeyTypes } from './releases/release.ts';
import { findRelease, releaseNames } from './releases/releases.ts';

/**
 * The declared topology: the one source of its types, its validation and the JSON Schema of topology.json.
 * Numbers in brackets are requirements of the Cisco guides.
 */

export const products = ['vcs-control', 'vcs-expressway', 'expressway-c', 'expressway-e'] as const;
export type Product = (typeof products)[number];

/** rsa-8192 can be declared, and is then refused by the rule that says why (41). */
const declaredKeyTypes = [...peerKeyTypes, 'rsa-8192'] as const;
export const authorityKeyTypes = ['rsa-2048', 'rsa-4096', 'ec-p256', 'ec-p384'] as const;

const matching = (pattern: string, message: string) => z.string().regex(new RegExp(pattern), message);

/** A list that names nothing twice. */
function distinct<Schema extends z.ZodType<readonly string[]>>(list: Schema): Schema {
  const isDistinct = (items: readonly string[]) => new Set(items).size === items.length;
  return list.refine(isDistinct, 'must name each once; remove the repetition').meta({ uniqueItems: true });
}

const idSchema = matching(
  patterns.label,
  'must be 1 to 63 lower-case letters, digits and hyphens; write it like edge-1',
).describe('Id, unique among its kind');
const authorityIdSchema = idSchema.brand<'AuthorityId'>();
/** A name, or what to write instead: an international name in its A-label form, capitals as small letters. */
const nameMatching = (pattern: string, what: string, example: string) =>
  z
    .string()
    .regex(new RegExp(pattern), {
      error: ({ input }) => {
        const ascii = typeof input === 'string' ? domainToASCII(input) : '';
        const instead = new RegExp(pattern).test(ascii) ? ascii : example;
        return `must be ${what} of lower-case letters, digits and hyphens; write it like ${instead}`;
      },
    })
    .max(253);

export const fqdnSchema = nameMatching(patterns.fqdn, 'a fully qualified domain name', 'expc1.example.com');
export const dnsNameSchema = nameMatching(patterns.dnsName, 'a DNS name', 'chat.example.com');
export const timeOfDaySchema = matching(patterns.timeOfDay, 'must be a time of day in UTC; write it like 02:30');
const pemSchema = (label: string) =>
  matching(`-----BEGIN ${label}-----`, `must be PEM text with a ${label} block; give the content of the PEM file`).max(
    65_536,
  );

/** A part of a distinguished name, of at most so many characters (RFC 5280 appendix A). */
const nameAttribute = (max: number) =>
  matching(
    '^[^\\u0000-\\u001f\\u007f-\\u009f]+$',
    'must be one line of text; remove line breaks, tabs and the like',
  ).max(max);

const subjectSchema = z.strictObject({
  commonName: nameAttribute(64),
  organization: nameAttribute(64).optional(),
  organizationalUnit: nameAttribute(64).optional(),
  locality: nameAttribute(128).optional(),
  state: nameAttribute(128).optional(),
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

/** Where published lists are served, or what to write instead: anything but ASCII in its encoded form. */
export const baseUrlSchema = z
  .string()
  .regex(new RegExp(patterns.httpUrl), {
    error: ({ input }) => {
      const encoded = typeof input === 'string' && URL.canParse(input) ? new URL(input).href : '';
      const instead = new RegExp(patterns.httpUrl).test(encoded) ? encoded : 'http://pki.example.com/crl/';
      return `must be an http:// or https:// address in ASCII that ends with a slash; write it like ${instead}`;
    },
  })
  .max(1024);

const crlSettingsSchema = z
  .strictObject({
    dailyUpdateUtc: timeOfDaySchema.default('02:00').describe('When the list is signed, UTC'),
    everyDays: z.int().min(1).max(366).default(1).describe('Days between two updates'),
    validDays: z.int().min(1).max(1098).optional().describe('Validity of a list in days; default 7 update periods'),
    baseUrl: baseUrlSchema
      .optional()
      .describe('Where the lists are published; written into certificates as their distribution point'),
  })
  .transform((crl) => ({ ...crl, validDays: crl.validDays ?? 7 * crl.everyDays }))
  .refine((crl) => crl.validDays >= 3 * crl.everyDays, {
    path: ['validDays'],
    message: 'must be at least three update periods (I5); raise validDays or update more often',
  });

export const authoritySchema = z.strictObject({
  id: authorityIdSchema,
  subject: subjectSchema,
  issuer: authorityIdSchema.optional().describe('The authority that signs this one; absent for a self-signed root'),
  key: z.enum(authorityKeyTypes).default('rsa-4096'),
  lifetimeDays: z.int().min(1).max(18_250).default(3650),
  crl: crlSettingsSchema.prefault({}),
});
export type Authority = z.output<typeof authoritySchema>;

/** An authority that signs elsewhere: a public one, or the internal one of another department. */
export const externalAuthoritySchema = z.strictObject({
  id: authorityIdSchema,
  certificates: z
    .array(pemSchema('CERTIFICATE'))
    .min(1, 'must have the certificate of the authority; give it, and those of the authorities above it')
    .describe('Its certificate and those above it up to the root, PEM'),
  publiclyTrusted: z
    .boolean()
    .default(false)
    .describe('Its root is in the trust stores of browsers, phones and operating systems'),
});
export type ExternalAuthority = z.output<typeof externalAuthoritySchema>;

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

const usageSchema = distinct(
  z.array(z.enum(['serverAuth', 'clientAuth'])).min(1, 'must name a usage; give serverAuth'),
);

/** What is declared of a certificate of a cluster's peers, whichever of their stores it is for. */
const certificateSettings = {
  key: z.enum(declaredKeyTypes).default('rsa-2048'),
  lifetimeDays: z.int().min(1).max(18_250).default(365),
  renewBeforeDays: z
    .int()
    .min(0)
    .optional()
    .describe('Days before expiry at which to renew; default a third of the lifetime'),
  usages: usageSchema
    .default(['serverAuth', 'clientAuth'])
    .describe('Extended key usage; mutual TLS needs both on a single certificate (20, 23)'),
};

/** The second certificate of a peer, for the client store of X15.5. */
const clientCertificateSchema = z.strictObject({
  issuer: authorityIdSchema.describe('The authority of the client certificates'),
  ...certificateSettings,
});

const phoneSecurityProfileSchema = z
  .string()
  .min(1)
  .max(253)
  .or(
    z.strictObject({
      name: z.string().min(1).max(253),
      oauth: z.boolean().default(false).describe('With OAuth the name need not be in the certificate'),
    }),
  )
  .transform((profile) => (typeof profile === 'string' ? { name: profile, oauth: false } : profile));

const crlChannels = ['automatic', 'manual', 'embedded'] as const;
export type CrlChannel = (typeof crlChannels)[number];

export const clusterSchema = z.strictObject({
  id: idSchema,
  product: z.enum(products),
  release: z
    .string()
    .refine((name) => findRelease(name) !== undefined, {
      error: `must be a known release; write one of ${releaseNames.join(', ')}, or a maintenance release of one like X14.0.11`,
    })
    .meta({ examples: [...releaseNames] })
    .describe('Software release'),
  clusterName: fqdnSchema.optional().describe('FQDN of the cluster; absent for a single appliance'),
  certificateModel: z
    .enum(['per-peer', 'shared'])
    .default('per-peer')
    .describe('One certificate per peer (12), or one for all (13)'),
  issuer: authorityIdSchema.optional().describe('The authority of its certificates; absent: self-signed certificates'),
  subject: peerSubjectSchema.default({}),
  ...certificateSettings,
  clientCertificate: clientCertificateSchema
    .optional()
    .describe('From X15.5: a certificate of its own for the client store; absent: the server certificate serves both'),
  onRemoval: onRemovalSchema.default('revoke'),
  peers: z.array(peerSchema).min(1, 'must list a peer; add one with its host name and domain'),
  clusterTls: z
    .enum(['permissive', 'enforce'])
    .default('permissive')
    .describe('From X8.8: TLS verification mode between the peers of the cluster'),
  clientAuthChecking: z
    .boolean()
    .default(true)
    .describe('From X15.5: ExtendedKeyUsage Checking Mode of inbound SIP TLS'),
  serverAuthOnlyUpload: z.boolean().default(false).describe('X15.4 on Expressway-E: EnableServerEkuUpload is On'),
  acme: z.boolean().default(false).describe('The ACME scheduler of Expressway-E is on'),
  chatNodeAliases: z.array(dnsNameSchema).default([]).describe('IM and Presence chat node aliases (26a, 27b)'),
  phoneSecurityProfiles: z
    .array(phoneSecurityProfileSchema)
    .default([])
    .describe('Encrypted phone security profiles (26b)'),
  revocationChecking: z.boolean().default(true).describe('SIP certificate revocation checking mode (60)'),
  crlChannels: z
    .array(z.enum(crlChannels))
    .default([...crlChannels])
    .describe(
      'How revocation lists reach its peers: distribution points, manual upload, inside the trusted CA file (53)',
    ),
  crlUpdateTimeUtc: timeOfDaySchema.default('06:00').describe('Daily update time of automatic CRL downloads (57)'),
});
export type Cluster = z.output<typeof clusterSchema>;

export const domainSchema = z.strictObject({
  name: fqdnSchema,
  unifiedCommunications: z.boolean().default(false),
  presence: z.boolean().default(false),
  dnsSec: z.boolean().default(false).describe('With DNS-SEC the domain need not be in certificates (27a)'),
  certificateName: z
    .enum(['domain', 'collab-edge'])
    .default('domain')
    .describe('Which name stands for it on Expressway-E: the domain, or collab-edge.<domain>'),
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
  peerAddresses: distinct(z.array(peerAddressSchema).min(1))
    .optional()
    .describe('Default: the FQDNs of the peers of the server'),
  tlsVerifySubjectName: fqdnSchema.optional().describe('Default: the cluster name of the client, or its only peer'),
});

export const neighborZoneSchema = z.strictObject({
  kind: z.literal('neighbor'),
  id: idSchema,
  cluster: idSchema,
  neighbor: idSchema,
  tlsVerify: z.boolean().default(true),
  peerAddresses: distinct(z.array(peerAddressSchema).min(1))
    .optional()
    .describe('Default: the FQDNs of the peers of the neighbor'),
});

const zoneSchema = z.discriminatedUnion('kind', [traversalZoneSchema, neighborZoneSchema]);
export type TraversalZone = z.output<typeof traversalZoneSchema>;
export type NeighborZone = z.output<typeof neighborZoneSchema>;

export const trustListSchema = z.strictObject({
  id: idSchema,
  authorities: z.array(authorityIdSchema).default([]).describe('Authorities and external authorities of this topology'),
  certificates: z.array(pemSchema('CERTIFICATE')).default([]).describe('Authorities of others, PEM'),
  appliesTo: distinct(z.array(idSchema).min(1)).describe('The clusters, systems and client groups that load it'),
});
export type TrustList = z.output<typeof trustListSchema>;

/** What every system beside the appliances has. Whose certificate is not declared can't be proved, and the proof says so. */
const systemSettings = {
  id: idSchema,
  clusters: distinct(z.array(idSchema).min(1)).describe('The clusters that it is connected with'),
  certificates: z
    .array(pemSchema('CERTIFICATE'))
    .default([])
    .describe('The certificate that it presents, then those that it sends along, PEM'),
  tlsVerify: z.boolean().default(true).describe('Whether the appliances verify it'),
};

/** Unified CM: -C dials its nodes, over HTTPS and for secure SIP, and is verified by them. */
const unifiedCmSchema = z.strictObject({
  kind: z.literal('unified-cm'),
  ...systemSettings,
  nodes: distinct(
    z.array(z.string().min(1).max(253)).min(1, 'must list a node; add the name by which Expressway-C knows it'),
  ).describe('Its nodes as -C knows them'),
  secureSip: z.boolean().default(true).describe('SIP over TLS between it and -C'),
  tomcatTrust: z.array(idSchema).default([]).describe('Authorities that are in tomcat-trust'),
  callManagerTrust: z.array(idSchema).default([]).describe('Authorities that are in CallManager-trust'),
});

/** A SIP system that is no appliance of this topology, at the other end of a neighbor zone with mutual TLS. */
const sipServerSchema = z.strictObject({
  kind: z.literal('sip-server'),
  ...systemSettings,
  address: peerAddressSchema.describe('Peer address of the neighbor zone to it'),
  nameMatching: z.enum(nameMatchings).default('rfc5922').describe('How it compares names'),
});

/** The directory of remote login accounts. It reads no certificate of ours. */
const ldapSchema = z.strictObject({
  kind: z.literal('ldap'),
  ...systemSettings,
  address: peerAddressSchema,
  revocationChecking: z.enum(['none', 'peer', 'all']).default('none').describe('CRL mode of the LDAP connection'),
});

const policyServerSchema = z.strictObject({
  kind: z.literal('policy-server'),
  ...systemSettings,
  address: peerAddressSchema,
  revocationChecking: z.boolean().default(false).describe('Certificate revocation checking of the policy service'),
});

export const systemSchema = z.discriminatedUnion('kind', [
  unifiedCmSchema,
  sipServerSchema,
  ldapSchema,
  policyServerSchema,
]);
export type System = z.output<typeof systemSchema>;
export type UnifiedCm = z.output<typeof unifiedCmSchema>;

/** People and devices that come in: browsers of administrators, Jabber, phones. They present no certificate. */
export const clientGroupSchema = z.strictObject({
  id: idSchema,
  kind: z.enum(['mobile-and-remote-access', 'web']),
  clusters: distinct(z.array(idSchema).min(1)).describe('Where they connect to'),
  fixedTrust: z
    .boolean()
    .default(false)
    .describe('Their trust list is built in, like that of 7800 and 8800 phones: publicly trusted authorities alone'),
});
export type ClientGroup = z.output<typeof clientGroupSchema>;

/** A finding that is accepted, and why. It still shows in reports. */
export const suppressionSchema = z.strictObject({
  code: z.string().min(1).describe('The code of the finding, as docs/rules.md lists it'),
  at: z.string().min(1).optional().describe('The place as the finding names it; absent: everywhere'),
  reason: z.string().min(3, 'must say why; give the reason for who reads the report later'),
});
export type Suppression = z.output<typeof suppressionSchema>;

const storageSchema = z.strictObject({
  directory: z.string().min(1).default('pki').describe('The PKI directory, relative to this file'),
  lockFile: z.string().min(1).default('vcs-pki.lock.json').describe('The lock file, relative to this file'),
});

export const topologySchema = z.strictObject({
  version: z.literal(1).default(1),
  name: idSchema,
  storage: storageSchema.prefault({}),
  authorities: z.array(authoritySchema).default([]),
  externalAuthorities: z.array(externalAuthoritySchema).default([]),
  clusters: z.array(clusterSchema).default([]),
  domains: z.array(domainSchema).default([]),
  zones: z.array(zoneSchema).default([]),
  trustLists: z.array(trustListSchema).default([]),
  systems: z.array(systemSchema).default([]),
  clients: z.array(clientGroupSchema).default([]),
  suppressions: z.array(suppressionSchema).default([]),
});
export type Topology = z.output<typeof topologySchema>;
/** What a declaration may leave out. */
export type TopologyInput = z.input<typeof topologySchema>;

import * as z from 'zod';
import type { AuthorityId } from '../topology/ids.ts';
import { patterns } from '../topology/names.ts';
import { type Authority, authorityKeyTypes, baseUrlSchema, timeOfDaySchema } from '../topology/schema.ts';
import { API_GROUP, API_VERSION, conditionsSchema, immutable, type Resource, type ResourceKind } from './resource.ts';

export const subjectSpecSchema = z
  .object({
    commonName: z.string().min(1).max(64),
    organization: z.string().min(1).max(64).optional(),
    organizationalUnit: z.string().min(1).max(64).optional(),
    locality: z.string().min(1).max(128).optional(),
    state: z.string().min(1).max(128).optional(),
    country: z
      .string()
      .min(2)
      .max(2)
      .regex(/^[A-Z]{2}$/, 'must be an ISO 3166 country code of two capitals; write it like GB')
      .optional(),
  })
  .describe('The distinguished name');

export const issuerRefSchema = z
  .object({ name: z.string().min(1).max(63).describe('A CertificateAuthority in the same namespace') })
  .describe('The authority that signs it');

const specSchema = z
  .object({
    subject: subjectSpecSchema.meta(immutable('the subject of an authority cannot change; create another authority')),
    issuerRef: issuerRefSchema.optional(),
    keyType: z
      .enum(authorityKeyTypes)
      .default('rsa-4096')
      .describe('Type and size of the key')
      .meta(immutable('the key of an authority cannot change; create another authority')),
    lifetimeDays: z.int().min(1).max(18_250).default(3650).describe('Validity of its certificate, in days'),
    pathLength: z.int().min(0).max(8).optional().describe('The longest chain of authorities below it; absent: any'),
    crl: z
      .object({
        dailyUpdateUtc: timeOfDaySchema.max(5).default('02:00').describe('When the list is signed, UTC'),
        everyDays: z.int().min(1).max(366).default(1).describe('Days between two updates'),
        validDays: z.int().min(1).max(1098).optional().describe('Validity of a list in days; default 7 update periods'),
        baseUrl: baseUrlSchema
          .optional()
          .describe('Where the lists are published; written into certificates as their distribution point'),
      })
      .prefault({})
      .describe('Its revocation list')
      .meta({
        'x-kubernetes-validations': [
          {
            rule: '!has(self.validDays) || self.validDays >= 3 * (has(self.everyDays) ? self.everyDays : 1)',
            message: 'validDays must be at least three update periods',
          },
        ],
      }),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.issuerRef) == has(oldSelf.issuerRef) && (!has(self.issuerRef) || self.issuerRef == oldSelf.issuerRef)',
        message: 'the issuer of an authority cannot change; create another authority',
      },
    ],
  });

const statusSchema = z.object({
  conditions: conditionsSchema,
  observedGeneration: z.int().optional(),
  serial: z.string().max(64).optional().describe('Of its certificate, hex'),
  notAfter: z.string().max(64).meta({ format: 'date-time' }).optional(),
  keyIdentifier: z.string().max(64).optional().describe('Subject key identifier, hex'),
  secretName: z.string().max(253).optional(),
  pendingKeyIds: z
    .array(z.string().max(64))
    .max(8)
    .optional()
    .describe('SHA-256 of the SubjectPublicKeyInfo of keys that were made for it and are not on record yet, hex')
    .meta({ 'x-kubernetes-list-type': 'atomic' }),
  crl: z
    .object({
      number: z.string().max(64).describe('CRL number, decimal'),
      thisUpdate: z.string().max(64).meta({ format: 'date-time' }),
      nextUpdate: z.string().max(64).meta({ format: 'date-time' }),
      entries: z.int(),
      configMaps: z
        .array(z.string().max(253))
        .max(64)
        .describe('What holds the list, in order')
        .meta({ 'x-kubernetes-list-type': 'atomic' }),
    })
    .optional(),
});

export const certificateAuthorityKind = {
  kind: 'CertificateAuthority',
  plural: 'certificateauthorities',
  shortNames: ['vcsca'],
  description: 'An authority that signs certificates and revocation lists for VCS and Expressway clusters',
  spec: specSchema,
  status: statusSchema,
  rules: [
    {
      rule: `self.metadata.name.matches('${patterns.label}')`,
      message: 'the name of an authority must be 1 to 63 lower-case letters, digits and hyphens',
    },
  ],
  columns: [
    {
      name: 'Ready',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: 'Whether it can issue',
    },
    { name: 'Subject', type: 'string', jsonPath: '.spec.subject.commonName', description: 'Its common name' },
    {
      name: 'Issuer',
      type: 'string',
      jsonPath: '.spec.issuerRef.name',
      description: 'Who signed it; empty for a root',
    },
    { name: 'Expires', type: 'date', jsonPath: '.status.notAfter', description: 'When its certificate ends' },
    {
      name: 'CRL-Expires',
      type: 'date',
      jsonPath: '.status.crl.nextUpdate',
      description: 'When its revocation list ends',
    },
    {
      name: 'Revoked',
      type: 'integer',
      jsonPath: '.status.crl.entries',
      description: 'Entries of its list',
      priority: 1,
    },
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

export type CertificateAuthoritySpec = z.output<typeof specSchema>;
export type CertificateAuthorityStatus = z.output<typeof statusSchema>;
export type CertificateAuthorityResource = Resource<CertificateAuthoritySpec, CertificateAuthorityStatus>;

/** The manifest of a declared authority. @param pathLength the chain of authorities below it in the topology */
export function authorityManifest(authority: Authority, pathLength: number): CertificateAuthorityResource {
  const { id, subject, issuer, key, lifetimeDays, crl } = authority;
  return {
    apiVersion: `${API_GROUP}/${API_VERSION}`,
    kind: certificateAuthorityKind.kind,
    metadata: { name: id },
    spec: {
      subject,
      ...(issuer !== undefined && { issuerRef: { name: issuer } }),
      keyType: key,
      lifetimeDays,
      pathLength,
      crl,
    },
  };
}

/** The authority that a resource declares. */
export function authorityOf(resource: Pick<CertificateAuthorityResource, 'metadata' | 'spec'>): Authority {
  const { subject, issuerRef, keyType, lifetimeDays, crl } = resource.spec;
  return {
    id: resource.metadata.name as AuthorityId,
    subject,
    key: keyType,
    lifetimeDays,
    crl: { ...crl, validDays: crl.validDays ?? 7 * crl.everyDays },
    ...(issuerRef && { issuer: issuerRef.name as AuthorityId }),
  };
}

import * as z from 'zod';
import type { Resource, ResourceKind } from './resource.ts';

const revocationReasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
] as const;

const moment = z
  .string()
  .max(20)
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'must be a UTC time; write it like 2026-11-21T02:30:00Z')
  .meta({ format: 'date-time' });

/** Everything is in the spec: tools that back up and restore resources drop the status. */
const specSchema = z
  .object({
    authority: z.string().min(1).max(63).describe('The authority that signed it'),
    authorityGeneration: z.int().min(1).describe('Which key of the authority signed it'),
    serial: z
      .string()
      .min(2)
      .max(40)
      .regex(/^([0-9A-F]{2})+$/, 'must be hex in capitals; write it like 4A0F')
      .describe('Serial number, hex'),
    certificate: z.string().min(1).max(87_384).describe('The certificate, DER in base64'),
    notBefore: moment,
    notAfter: moment,
    owner: z.string().min(1).max(200).describe('A demand id, or authority/<name>'),
    generation: z.int().min(1).describe('How many times the owner had been issued a certificate'),
    reason: z.string().min(1).max(4096).describe('Why it was issued'),
    specification: z.string().min(2).max(300_000).describe('What it was issued for, JSON'),
    keyId: z
      .string()
      .min(64)
      .max(64)
      .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex; write it as sha256sum prints it')
      .optional()
      .describe('SHA-256 of its SubjectPublicKeyInfo, hex: which certificates have one key'),
    revocation: z
      .object({ at: moment, reason: z.enum(revocationReasons) })
      .optional()
      .describe('Set once; a revocation is never taken back'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: [
          'authority',
          'authorityGeneration',
          'serial',
          'certificate',
          'notBefore',
          'notAfter',
          'owner',
          'generation',
          'reason',
          'specification',
        ]
          .map((field) => `self.${field} == oldSelf.${field}`)
          .join(' && '),
        message: 'a record of the ledger cannot change',
      },
      {
        rule: '!has(oldSelf.revocation) || (has(self.revocation) && self.revocation == oldSelf.revocation)',
        message: 'a revocation is never taken back',
      },
      {
        rule: '!has(oldSelf.keyId) || (has(self.keyId) && self.keyId == oldSelf.keyId)',
        message: 'a key id is added once and never changes',
      },
    ],
  });

const statusSchema = z.object({});

export const issuedCertificateKind = {
  kind: 'IssuedCertificate',
  plural: 'issuedcertificates',
  shortNames: ['vcsissued'],
  description:
    'The record of one issued certificate: what revocation lists are made from. Never delete one before its certificate has expired',
  spec: specSchema,
  status: statusSchema,
  selectableFields: [
    '.spec.authority',
    '.spec.authorityGeneration',
    '.spec.owner',
    '.spec.keyId',
    '.spec.revocation.reason',
  ],
  columns: [
    { name: 'Owner', type: 'string', jsonPath: '.spec.owner', description: 'Whom it was issued for' },
    { name: 'Authority', type: 'string', jsonPath: '.spec.authority', description: 'Who signed it' },
    { name: 'Expires', type: 'date', jsonPath: '.spec.notAfter', description: 'When it ends' },
    { name: 'Revoked', type: 'date', jsonPath: '.spec.revocation.at', description: 'When it was revoked' },
    { name: 'Why', type: 'string', jsonPath: '.spec.reason', description: 'Why it was issued', priority: 1 },
  ],
} as const satisfies ResourceKind<typeof specSchema, typeof statusSchema>;

export type IssuedCertificateSpec = z.output<typeof specSchema>;
export type IssuedCertificateResource = Resource<IssuedCertificateSpec>;

/** The name under which a serial is on record: creating it twice is a conflict (I2). */
export function issuedCertificateName(
  { authority, generation }: { readonly authority: string; readonly generation: number },
  serial: string,
): string {
  return `${authority}-${generation}-${serial.toLowerCase()}`;
}

import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Demand } from '../topology/demands.ts';
import type { Certificate, Serial } from '../x509/certificate.ts';
import type { RevocationReason } from '../x509/crl.ts';
import { revocationReasons } from '../x509/crl.ts';
import { ownerSchema } from './owner.ts';

/** A moment as records keep it: UTC, seconds, `2026-11-21T02:30:00Z`. */
export type Timestamp = string;

export function timestamp(date: Date): Timestamp {
  return `${date.toISOString().slice(0, 19)}Z`;
}

export const timestampSchema = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'must be a UTC time; write it like 2026-11-21T02:30:00Z');

/** The part of a demand that goes into its certificate. Whatever is not in here never reissues (I9). */
const specificationSchema = z.object({
  subject: z.object({
    commonName: z.string(),
    organization: z.string().optional(),
    organizationalUnit: z.string().optional(),
    locality: z.string().optional(),
    state: z.string().optional(),
    country: z.string().optional(),
  }),
  names: z.array(z.string()),
  usages: z.array(z.enum(['serverAuth', 'clientAuth'])),
  /** A key of this type, made here; or one on the appliance, told by the SHA-256 of its request. */
  key: z.union([z.object({ type: z.string() }), z.object({ request: z.string() })]),
  issuer: z.string().brand<'AuthorityId'>(),
  lifetimeDays: z.number(),
});
export type Specification = z.output<typeof specificationSchema>;

/** Why and for whom a certificate was issued. */
export const issuanceSchema = z.object({
  owner: ownerSchema,
  /** Name of the topology that demanded it: no other topology's plan touches it. */
  topology: z.string(),
  /** How many times the owner has been issued a certificate, this one included. */
  issue: z.int().min(1),
  reason: z.string(),
  specification: specificationSchema,
  /** An authority that is not of the topology signed it: revoking it is not ours to do. */
  signedElsewhere: z.literal(true).optional(),
});
export type Issuance = z.output<typeof issuanceSchema>;

const revocationSchema = z.object({ at: timestampSchema, reason: z.enum(revocationReasons) });
export interface Revocation {
  readonly at: Timestamp;
  readonly reason: RevocationReason;
}

export const recordSchema = z.object({
  /** Upper-case hex, as openssl writes it. */
  serial: z
    .string()
    .regex(/^([0-9A-F]{2})+$/)
    .brand<'Serial'>(),
  notBefore: timestampSchema,
  notAfter: timestampSchema,
  revocation: revocationSchema.optional(),
  issuance: issuanceSchema,
});
/** A certificate of ours on record, without its bytes: what planning and the lock file need. */
export type CertificateRecord = z.output<typeof recordSchema>;

/** One certificate of a ledger. `issuance` is absent where somebody else (openssl) signed it. */
export interface LedgerEntry {
  readonly serial: Serial;
  readonly notAfter: Timestamp;
  readonly revocation?: Revocation | undefined;
  readonly issuance?: Issuance | undefined;
  readonly notBefore?: Timestamp | undefined;
  /** Read when asked for. */
  certificate(): Promise<Certificate | undefined>;
}

export interface RevokedEntry extends LedgerEntry {
  readonly revocation: Revocation;
}

/** What a list tells of a certificate. */
export type Revoked = Pick<RevokedEntry, 'serial' | 'notAfter' | 'revocation'>;

/** The one that was issued last. */
export function newestOf(entries: Iterable<LedgerEntry>): LedgerEntry | undefined {
  let newest: LedgerEntry | undefined;
  for (const entry of entries) if ((entry.issuance?.issue ?? 0) >= (newest?.issuance?.issue ?? 0)) newest = entry;
  return newest;
}

export function isRevoked(entry: LedgerEntry): entry is RevokedEntry {
  return entry.revocation !== undefined;
}

/** A certificate that has been signed in memory and is not on record yet. */
export interface NewEntry {
  readonly certificate: Certificate;
  readonly issuance: Issuance;
}

/** A request that has been made and whose certificate has not come yet. */
export const pendingRequestSchema = z.object({
  issue: z.int().min(1),
  reason: z.string(),
  createdAt: timestampSchema,
  specification: specificationSchema,
  /** PKCS #10, DER in base64. */
  request: z.base64(),
});
export type PendingRequest = z.output<typeof pendingRequestSchema>;

export function specificationOf(demand: Demand): Specification {
  const { subject, names, usages, key, issuer, lifetimeDays } = demand;
  return { subject, names: [...names], usages: [...usages], key: specifiedKey(key), issuer, lifetimeDays };
}

function specifiedKey(key: Demand['key']): Specification['key'] {
  if ('type' in key) return { type: key.type };
  const base64 = key.request.replace(/-----[A-Z ]+-----|\s/g, '');
  return { request: createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex') };
}

/** The record of an entry, if the certificate is ours. */
export function recordOf(entry: LedgerEntry): CertificateRecord | undefined {
  const { serial, notBefore, notAfter, revocation, issuance } = entry;
  if (!issuance || !notBefore) return undefined;
  return { serial, notBefore, notAfter, issuance, ...(revocation && { revocation }) };
}

import { fromFormat1 } from '../../src/authority/format-1.ts';
import { type AuthorityGeneration, type Owner, ownerFromText, ownerText } from '../../src/authority/owner.ts';
import {
  type CertificateRecord,
  type Issuance,
  issuanceSchema,
  type LedgerEntry,
  type Revocation,
  type Timestamp,
  timestamp,
} from '../../src/authority/record.ts';
import { VcsPkiError } from '../../src/errors.ts';
import type { AuthorityId } from '../../src/topology/ids.ts';
import { type Certificate, readCertificate, type Serial, serialHex } from '../../src/x509/certificate.ts';
import { keyId } from '../../src/x509/keys.ts';
import { type IssuedCertificateObject, issuedCertificates } from '../api/resources.ts';
import type { KubeApi } from './client.ts';
import { hasReason, KubeApiError } from './errors.ts';
import { keyOf, type ObjectRef, type Stored } from './resource.ts';

/** A certificate of one owner on record, as far as that can be read. */
export interface OwnerRecord {
  /** The IssuedCertificate. */
  readonly ref: ObjectRef;
  /** Who signed it. */
  readonly issuer: AuthorityGeneration;
  /** Its specification says nothing where `damage` says why. */
  readonly record: CertificateRecord;
  /** Absent where it cannot be read. */
  readonly certificate: Certificate | undefined;
  readonly keyId: string | undefined;
  /** LEDGER_CORRUPT: why nothing can be decided on it. */
  readonly damage: VcsPkiError | undefined;
}

/** The fields of IssuedCertificates by which they are asked for. */
type RecordField = 'authority' | 'authorityGeneration' | 'owner' | 'keyId' | 'revocation.reason';

/** IssuedCertificates with these values in their spec; the empty value is that of an absent field. Labels play no part. */
export async function recordsWhere(
  client: KubeApi,
  namespace: string,
  values: Partial<Record<RecordField, string>>,
): Promise<readonly Stored<IssuedCertificateObject>[]> {
  const fields = Object.fromEntries(Object.entries(values).map(([field, value]) => [`spec.${field}`, value]));
  try {
    return inOrder((await client.list(issuedCertificates, { namespace, fields })).items);
  } catch (error) {
    throw error instanceof KubeApiError && error.status === 400 ? KubeApiError.unselectable(error) : error;
  }
}

/** Everything on record for one owner, whoever signed it, in order of issue. */
export async function recordsOfOwner(
  client: KubeApi,
  namespace: string,
  owner: Owner,
): Promise<readonly OwnerRecord[]> {
  return (await recordsWhere(client, namespace, { owner: ownerText(owner) })).map(ownerRecordOf);
}

export function newest(records: readonly OwnerRecord[]): OwnerRecord | undefined {
  return records.reduce<OwnerRecord | undefined>(
    (latest, each) => (latest && latest.record.issuance.issue > each.record.issuance.issue ? latest : each),
    undefined,
  );
}

/** For a list: whatever is wrong with the rest, serial, expiry and revocation count. */
export function entryOf(object: IssuedCertificateObject): LedgerEntry {
  const { serial, notBefore, notAfter } = object.spec;
  return {
    serial: serial as Serial,
    notBefore,
    notAfter,
    revocation: revocationOf(object),
    get issuance() {
      return issuanceOf(object);
    },
    certificate: async () => certificateOf(object),
  };
}

/** Puts a record down as revoked, unless it is: the first revocation stands. False where there is no such record. */
export async function revokeRecord(client: KubeApi, ref: ObjectRef, revocation: Revocation): Promise<boolean> {
  for (;;) {
    const object = await client.get(issuedCertificates, ref);
    if (!object) return false;
    if (object.spec.revocation) return true;
    const revoked = { ...object, spec: { ...object.spec, revocation: { ...revocation } } };
    if (await unlessChanged(client.update(issuedCertificates, revoked))) return true;
  }
}

/** The name that records of a namespace give as their topology. */
export function topologyOf(namespace: string): string {
  return `kubernetes/${namespace}`;
}

/** The key of a record: as written there, or of its certificate where a version before wrote it. */
export function keyIdOfRecord(object: IssuedCertificateObject): string | undefined {
  const known = object.spec.keyId;
  if (known !== undefined) return known;
  const certificate = certificateOf(object);
  return certificate && keyId(certificate.subjectPublicKeyInfo);
}

/** False where somebody else was quicker. */
export async function unlessChanged(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (hasReason(error, 'Conflict')) return false;
    throw error;
  }
}

export function ownerRecordOf(object: IssuedCertificateObject): OwnerRecord {
  const { metadata, spec } = object;
  const certificate = certificateOf(object);
  const issuance = issuanceOf(object);
  const revocation = revocationOf(object);
  const { serial, notBefore, notAfter } = spec;
  return {
    ref: metadata,
    issuer: { authority: spec.authority as AuthorityId, generation: spec.authorityGeneration },
    record: {
      serial: serial as Serial,
      notBefore,
      notAfter,
      issuance: issuance ?? standIn(object),
      ...(revocation && { revocation }),
    },
    certificate,
    keyId: keyIdOfRecord(object),
    damage: !certificate ? corrupt(object, 'certificate') : issuance ? undefined : corrupt(object, 'specification'),
  };
}

/** The certificate of this very serial. */
function certificateOf({ metadata, spec }: IssuedCertificateObject): Certificate | undefined {
  const certificate = unlessUnreadable(() => readCertificate(Buffer.from(spec.certificate, 'base64'), metadata.name));
  return certificate && serialHex(certificate.serialNumber) === spec.serial ? certificate : undefined;
}

function issuanceOf({ metadata, spec }: IssuedCertificateObject): Issuance | undefined {
  const { generation: issue, reason } = spec;
  const owner = unlessUnreadable(() => ownerFromText(spec.owner));
  const specification = unlessUnreadable(() => fromFormat1.specification(JSON.parse(spec.specification)));
  const topology = topologyOf(metadata.namespace ?? '');
  return issuanceSchema.safeParse({ owner, topology, issue, reason, specification }).data;
}

function standIn({ metadata, spec }: IssuedCertificateObject): Issuance {
  const { generation: issue, reason } = spec;
  const issuer = spec.authority as AuthorityId;
  return {
    owner: ownerFromText(spec.owner),
    topology: topologyOf(metadata.namespace ?? ''),
    issue,
    reason,
    specification: { subject: { commonName: '' }, names: [], usages: [], key: { type: '' }, issuer, lifetimeDays: 0 },
  };
}

/** A moment that no list can carry must not keep a serial off it (RFC 5280 5.1.2.6: dates from 1950 to 9999). */
function revocationOf({ spec }: IssuedCertificateObject): Revocation | undefined {
  const { revocation, notBefore } = spec;
  return revocation && { ...revocation, at: isListable(revocation.at) ? revocation.at : notBefore };
}

function isListable(moment: Timestamp): boolean {
  return moment >= timestamp(new Date('1950-01-01T00:00:00Z')) && !Number.isNaN(Date.parse(moment));
}

function corrupt({ metadata }: IssuedCertificateObject, field: 'certificate' | 'specification'): VcsPkiError {
  return new VcsPkiError('LEDGER_CORRUPT', {
    at: `IssuedCertificate ${keyOf(metadata)}: spec.${field}`,
    message: 'cannot be read',
    fix: 'create it again as it is in a backup; or, unless it is that of an authority, set its spec.revocation, and another certificate is issued',
  });
}

/** What others may have written: undefined where it cannot be read. */
export function unlessUnreadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Objects come back by name. Those of one second come by the owner's count, then by serial: the same order every time. */
function inOrder<T extends IssuedCertificateObject>(objects: readonly T[]): T[] {
  return [...objects].sort(
    ({ spec: a }, { spec: b }) =>
      compare(a.notBefore, b.notBefore) || a.generation - b.generation || compare(a.serial, b.serial),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

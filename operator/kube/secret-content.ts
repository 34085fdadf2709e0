import { createPublicKey } from 'node:crypto';
import { type Owner, ownerText } from '../../src/authority/owner.ts';
import { VcsPkiError } from '../../src/errors.ts';
import { Secret } from '../../src/secret.ts';
import { type Certificate, readCertificate } from '../../src/x509/certificate.ts';
import { keyId, parsePrivateKey, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { decodeDerOrPem } from '../../src/x509/pem.ts';
import type { IssueIn } from './kube-material.ts';
import { claimedOwner, names, refuseTaken } from './labels.ts';
import { type OwnerRecord, unlessUnreadable } from './records.ts';
import type { SecretObject } from './resource.ts';

/** What a Secret holds, as far as it can be read. */
export interface SecretContent {
  readonly certificate: Certificate | undefined;
  /** Of its private key. */
  readonly keyId: string | undefined;
}

export function contentOf({ metadata, data = {} }: SecretObject): SecretContent {
  const bytes = (name: string) => Buffer.from(data[name] ?? '', 'base64');
  return {
    certificate: unlessUnreadable(() => {
      const [der] = decodeDerOrPem(bytes('tls.crt'), 'CERTIFICATE', metadata.name);
      return der && readCertificate(der, metadata.name);
    }),
    keyId: unlessUnreadable(() => {
      const key = parsePrivateKey(new Secret(bytes('tls.key').toString()), { at: metadata.name });
      return keyId(subjectPublicKeyInfo(createPublicKey(key)));
    }),
  };
}

/** Whether a Secret holds the certificate of a record, with its key. */
export function holds({ certificate, keyId }: SecretContent, record: OwnerRecord): boolean {
  return certificate !== undefined && isOnRecordAs(certificate, record) && keyId === record.keyId;
}

export interface Vouching {
  /** Ids of keys that this authority may have written and that are not on record yet. */
  readonly pendingKeyIds?: readonly string[];
  /** Whether a certificate that is not on record was issued here all the same: then the record is lost. */
  readonly wasIssued?: (certificate: Certificate) => boolean;
}

/**
 * Tells by the records of an owner which issue a Secret holds (I14): marks can be copied, a key or certificate on record
 * can't. What its marks alone vouch for is refused, unless it is the damaged Secret of an owner on record.
 */
export function vouchedBy(
  records: readonly OwnerRecord[],
  { pendingKeyIds = [], wasIssued = () => false }: Vouching = {},
): IssueIn {
  return (secret, place, owner) => {
    const { certificate, keyId } = contentOf(secret);
    const byKey = keyId === undefined ? undefined : records.findLast((record) => record.keyId === keyId);
    // Anybody has the certificate: beside another key it proves nothing.
    const proves = keyId === undefined || claimedOwner(secret) === ownerText(owner);
    const byCertificate = records.findLast((record) => certificate && isOnRecordAs(certificate, record));
    const known = byKey ?? (proves ? byCertificate : undefined);
    if (known) return known.record.issuance.issue;
    if (keyId !== undefined && pendingKeyIds.includes(keyId) && !certificate) return 1;
    refuseTaken(secret, place, owner);
    if (certificate && wasIssued(certificate)) throw recordLost(place, owner);
    if (certificate ?? keyId ?? (records.length === 0 && isFilled(secret))) throw unvouched(place, owner);
    return Number(secret.metadata.annotations?.[names.issue]) || undefined;
  };
}

function isOnRecordAs(certificate: Certificate, record: OwnerRecord): boolean {
  return record.certificate?.der.equals(certificate.der) ?? false;
}

function isFilled({ data = {} }: SecretObject): boolean {
  return ['tls.key', 'tls.crt'].some((name) => (data[name] ?? '') !== '');
}

/** @param place where the certificate is seen */
export function recordLost(place: string, owner: Owner): VcsPkiError {
  return new VcsPkiError('LEDGER_LOST_ENTRIES', {
    at: place,
    message: `a certificate was issued for ${ownerText(owner)}, but the IssuedCertificate that records it is gone`,
    fix: 'restore the IssuedCertificates from a backup; without them revoked certificates would become valid again',
  });
}

function unvouched(place: string, owner: Owner): VcsPkiError {
  return new VcsPkiError('OBJECT_TAKEN', {
    at: place,
    value: ownerText(owner),
    message: `says that it belongs to ${ownerText(owner)}, but its key and certificate are not on record for that`,
    fix: 'if it is from a backup, restore the IssuedCertificates of that backup too; else move it away: it is never overwritten',
  });
}

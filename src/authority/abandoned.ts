import { type Finding, findingOf, type RuleFacts } from '../topology/rules/rule.ts';
import { ownerText } from './owner.ts';
import type { CertificateRecord } from './record.ts';

/** Why a certificate is issued anew whose private key is gone from where it is kept: with `planCertificate`. */
const KEY_LOST = /\bits private key (missing|altered)$/;

/**
 * The certificates of one owner whose private key is lost, as far as can be told: neither expired nor revoked, held nowhere, and
 * not replaced by an ordinary reissue. Such a certificate harms nobody that is known of, and may yet be in use on its peer: it is
 * shown, never revoked by a guess. A key on the appliance is kept nowhere here, and so is never lost here.
 * @param records all of one owner, in any order
 * @param isHeld whether a Secret or folder holds the certificate of this record
 */
export function abandonedOf(
  records: readonly CertificateRecord[],
  isHeld: (record: CertificateRecord) => boolean,
  now: Date,
): CertificateRecord[] {
  return records.filter((record) => {
    const { notAfter, revocation, issuance } = record;
    if (revocation || now >= new Date(notAfter)) return false;
    if ('request' in issuance.specification.key) return false;
    return wasNotReplaced(record, records) && !isHeld(record);
  });
}

/** It is the newest of its owner, or the next one was issued because this one's key was lost. */
function wasNotReplaced({ issuance }: CertificateRecord, records: readonly CertificateRecord[]): boolean {
  const later = records.filter((other) => other.issuance.issue > issuance.issue);
  const next = later.reduce((least, other) => Math.min(least, other.issuance.issue), Number.POSITIVE_INFINITY);
  return later.every((other) => other.issuance.issue > next || KEY_LOST.test(other.issuance.reason));
}

export const certificateAbandoned: RuleFacts = {
  code: 'CERTIFICATE_ABANDONED',
  title: 'A certificate is valid, and its private key is nowhere in the PKI directory.',
  holds: [5],
  severity: 'warning',
  releases: 'all',
};

export function abandonedFinding({ serial, notAfter, issuance }: CertificateRecord): Finding {
  const { owner, specification, signedElsewhere } = issuance;
  return findingOf(certificateAbandoned, {
    at: ownerText(owner),
    value: serial,
    message: `serial ${serial} is valid until ${notAfter.slice(0, 10)}, and its private key is gone from the PKI directory; a peer may still have it`,
    fix: signedElsewhere
      ? `once no peer uses it, ask ${specification.issuer} to revoke it`
      : `once no peer uses it, run: vcs-pki revoke ${serial} --reason superseded`,
  });
}

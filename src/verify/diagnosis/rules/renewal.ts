import type { Certificate } from '../../../x509/certificate.ts';
import { sameName } from '../../../x509/name.ts';
import type { Collection } from '../collection.ts';
import type { Renewal } from '../renewals.ts';
import { lostNames } from '../same-holder.ts';
import type { EvidenceRule } from './rule.ts';

/** D27: what worked with the old certificate and does not with the new one. */
export const renewalLost: EvidenceRule = {
  code: 'RENEWAL_LOST',
  title: 'A renewed certificate lacks names or usages of the one before it.',
  holds: [28],
  diagnosis: 'D27',
  severity: 'error',
  releases: 'all; names alone are a warning: they may have been left out on purpose',
  *check(collection) {
    for (const { older, newer } of newestOf(collection)) {
      const names = lostNames(older.certificate, newer.certificate);
      const usages = (older.certificate.extendedKeyUsage ?? []).filter(
        (usage) => newer.certificate.extendedKeyUsage?.includes(usage) === false,
      );
      if (names.length + usages.length === 0) continue;
      yield {
        at: newer.at,
        value: [...usages, ...names].join(', '),
        message: `${older.at}, which it replaces, has these and it lacks them: what relies on them fails from the renewal on`,
        fix: 'have it issued anew with all of them, unless they were left out on purpose',
        severity: usages.length > 0 ? 'error' : 'warning',
      };
    }
  },
};

/** D27: with another authority behind it, a certificate is refused wherever that one is not trusted yet. */
export const renewalAuthority: EvidenceRule = {
  code: 'RENEWAL_AUTHORITY_CHANGED',
  title: 'A renewed certificate was issued with the key of another authority.',
  holds: [42],
  diagnosis: 'D27',
  severity: 'warning',
  releases: 'all',
  *check(collection) {
    for (const { older, newer } of newestOf(collection)) {
      if (sameAuthority(older.certificate, newer.certificate)) continue;
      yield {
        at: newer.at,
        value: newer.certificate.issuer.commonName ?? newer.title,
        message: `it was issued by another authority than ${older.at}, or by the same with a new key: whoever trusts that one alone will refuse it`,
        fix: 'load the new authority and all above it into every trust list first, of both ends, and the certificate afterwards',
      };
    }
  },
};

/** By its key where both certificates name that, else by its name. */
function sameAuthority(one: Certificate, other: Certificate): boolean {
  const [before, after] = [one.authorityKeyIdentifier, other.authorityKeyIdentifier];
  return before && after ? before.equals(after) : sameName(one.issuer, other.issuer);
}

/** The last renewal of each peer: what was left out earlier has been lived with. */
function newestOf({ renewals }: Collection): Renewal[] {
  const replaced = new Set(renewals.map(({ older }) => older));
  return renewals.filter(({ newer }) => !replaced.has(newer));
}

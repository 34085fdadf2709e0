import { isSelfIssued } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** Documents from X15.4 on say that CA certificates must have them; openssl lets only roots of version 1 do without. */
export const basicConstraintsMissing: EvidenceRule = {
  code: 'BASIC_CONSTRAINTS_MISSING',
  title: 'The certificate of an authority has no basic constraints that say so.',
  holds: [],
  diagnosis: 'D32',
  severity: 'error',
  releases: 'all; for roots of version 1 a warning before X15.4',
  *check({ leaves, authorities, release }) {
    const issued = [...leaves, ...authorities].filter(({ certificate }) => !isSelfIssued(certificate));
    const issuers = new Set(issued.map(({ certificate }) => certificate.issuer.key));
    for (const { at, title, certificate } of authorities) {
      const { basicConstraints, version, keyUsage, subject } = certificate;
      // A self-signed certificate of a peer on a trust list claims nothing.
      const claims = version === 1 || issuers.has(subject.key) || keyUsage?.includes('keyCertSign') === true;
      if (basicConstraints?.authority || !claims) continue;
      yield {
        at,
        value: title,
        message: 'it issues certificates, or is there for it, without basic constraints CA:TRUE',
        fix: 'have it issued anew with basic constraints (-extensions v3_ca of openssl req), or take another authority',
        severity: version === 1 && release?.wantsBasicConstraints !== true ? 'warning' : 'error',
      };
    }
  },
};

/** RFC 5280 4.2.1.3. The v3_ca of openssl's own configuration leaves the key usage out, and verifiers take that for any. */
export const authorityKeyUsage: EvidenceRule = {
  code: 'AUTHORITY_KEY_USAGE',
  title: 'The key usage of an authority does not let it sign certificates or revocation lists.',
  holds: [52],
  severity: 'error',
  releases: 'all; a warning for lists',
  *check({ authorities, chains }) {
    const needed = new Set(chains.flatMap(({ verdict }) => verdict?.path ?? []));
    for (const { at, title, certificate, inPaths } of authorities) {
      const { keyUsage, basicConstraints } = certificate;
      if (!basicConstraints?.authority || !keyUsage || !needed.has(inPaths)) continue;
      const missing = ['keyCertSign', 'cRLSign'].filter((usage) => !keyUsage.includes(usage));
      if (missing.length === 0) continue;
      yield {
        at,
        value: keyUsage.join(', '),
        message: `${title} lacks ${missing.join(' and ')}: what it signs is refused`,
        fix: 'have it issued anew with keyUsage = critical, keyCertSign, cRLSign',
        severity: missing.includes('keyCertSign') ? 'error' : 'warning',
      };
    }
  },
};

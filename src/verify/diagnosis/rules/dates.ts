import type { Severity } from '../../../topology/rules/rule.ts';
import type { Collection } from '../collection.ts';
import type { FoundCertificate } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirement 3: what has expired is accepted nowhere. */
export const certificateExpired: EvidenceRule = {
  code: 'CERTIFICATE_EXPIRED',
  title: 'A certificate has expired.',
  holds: [3],
  severity: 'error',
  releases: 'all; a warning for an authority that no certificate needs',
  *check(collection) {
    for (const { found, severity } of inUse(collection)) {
      const { notAfter } = found.certificate;
      if (notAfter >= collection.now) continue;
      yield {
        at: found.at,
        value: found.title,
        message: `expired on ${notAfter.toISOString().slice(0, 10)}`,
        fix:
          severity === 'error' ? 'renew it; of an authority, renew what it has issued too' : 'remove it from the list',
        severity,
      };
    }
  },
};

export const certificateNotYetValid: EvidenceRule = {
  code: 'CERTIFICATE_NOT_YET_VALID',
  title: 'A certificate is not valid yet.',
  holds: [3],
  severity: 'error',
  releases: 'all; a warning for an authority that no certificate needs',
  *check(collection) {
    for (const { found, severity } of inUse(collection)) {
      const { notBefore } = found.certificate;
      if (notBefore <= collection.now) continue;
      yield {
        at: found.at,
        value: found.title,
        message: `is not valid before ${notBefore.toISOString()}`,
        fix: 'check the clocks of the authority, of the appliance and of this computer, or wait until then',
        severity,
      };
    }
  },
};

/** Later dates have another encoding, which the documents warn of from X8.5 on. */
export const endAfter2049: EvidenceRule = {
  code: 'END_AFTER_2049',
  title: 'A certificate ends after the year 2049.',
  holds: [],
  diagnosis: 'D32',
  severity: 'warning',
  releases: 'all; noted in the documents from X8.5',
  *check({ leaves, authorities }) {
    for (const { at, title, certificate } of [...leaves, ...authorities]) {
      const year = certificate.notAfter.getUTCFullYear();
      if (year <= 2049) continue;
      yield {
        at,
        value: title,
        message: `ends in ${year}, which can cause operational issues, up to failing SSH tunnels`,
        fix: 'have it issued with an end in 2049 at the latest',
      };
    }
  },
};

/** Requirement 72: `openssl req -x509` without -days makes an authority of 30 days. */
export const authorityOfDays: EvidenceRule = {
  code: 'AUTHORITY_OF_DAYS',
  title: 'The certificate of an authority is valid for 30 days or less.',
  holds: [72],
  severity: 'error',
  releases: 'all',
  *check({ authorities }) {
    for (const { at, title, certificate } of authorities) {
      const days = (certificate.notAfter.getTime() - certificate.notBefore.getTime()) / DAY_MS;
      if (days > 30) continue;
      yield {
        at,
        value: title,
        message: `is valid for ${Math.round(days)} days in all: everything that it issues ends with it`,
        fix: 'make it anew with -days 3650, and have its certificates issued anew',
      };
    }
  },
};

const DAY_MS = 24 * 3600 * 1000;

/** Certificates of peers and of the authorities that they chain to, which are needed, then the other authorities. */
function* inUse(collection: Collection): Generator<{ found: FoundCertificate; severity: Severity }> {
  const { leaves, authorities, chains } = collection;
  const needed = new Set(chains.flatMap(({ verdict }) => verdict?.path ?? []));
  for (const found of leaves) yield { found, severity: 'error' };
  for (const found of authorities) yield { found, severity: needed.has(found.inPaths) ? 'error' : 'warning' };
}

import { isSelfIssued } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirements 30 and 78. */
export const selfSignedCertificate: EvidenceRule = {
  code: 'CERTIFICATE_SELF_SIGNED',
  title: 'The certificate of a peer is self-signed.',
  holds: [30, 78],
  diagnosis: 'D10',
  severity: 'error',
  releases: 'all; a warning on X7.2, whose guide has it for tests',
  *check({ leaves, release }) {
    for (const { at, title, certificate } of leaves) {
      if (!isSelfIssued(certificate)) continue;
      yield {
        at,
        value: title,
        message:
          'nobody trusts it who has not been given this very certificate, and unified communications never work with it',
        fix: 'have it issued by an authority, and put that on the trust lists of both ends',
        severity: release?.unifiedCommunications === false ? 'warning' : 'error',
      };
    }
  },
};

import type { Name } from '../../../x509/name.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirement 7: a new appliance comes with a certificate, and from X8.1 an authority, that are to be replaced. */
export const factoryCertificate: EvidenceRule = {
  code: 'FACTORY_CERTIFICATE',
  title: 'A certificate is the temporary one of a new appliance.',
  holds: [7],
  diagnosis: 'D33',
  severity: 'error',
  releases: 'all; the temporary authority on a trust list is a warning',
  *check({ leaves, authorities }) {
    for (const { at, title, certificate } of leaves) {
      if (!isTemporary(certificate.subject) && !isTemporary(certificate.issuer)) continue;
      yield {
        at,
        value: title,
        message: 'an appliance makes it for itself: nobody else trusts it, and traversal zones do not support it',
        fix: 'have a certificate issued by an authority of your own, and load that',
      };
    }
    for (const { at, title, certificate } of authorities) {
      if (!isTemporary(certificate.subject)) continue;
      yield {
        at,
        value: title,
        message: 'it is the temporary authority of a new appliance',
        fix: 'delete it from the trust list once the temporary certificate is replaced',
        severity: 'warning',
      };
    }
  },
};

function isTemporary({ attributes }: Name): boolean {
  return attributes.some(({ value }) => TEMPORARY.test(value));
}

const TEMPORARY = /^Temporary (?:CA|Certificate) [0-9a-f]{8}[0-9a-f-]*$/i;

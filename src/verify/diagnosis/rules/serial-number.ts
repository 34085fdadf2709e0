import { serialHex } from '../../../x509/certificate.ts';
import { isSelfIssued } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** RFC 5280 4.1.2.2: positive, of at most 20 octets. Roots are old, and looked up by nobody's list. */
export const serialNumber: EvidenceRule = {
  code: 'SERIAL_NUMBER',
  title: 'A certificate has a serial number that is negative, 0 or too long.',
  holds: [],
  severity: 'warning',
  releases: 'all',
  *check({ leaves, authorities }) {
    for (const { at, title, certificate } of [...leaves, ...authorities]) {
      const serial = certificate.serialNumber;
      if ((serial > 0n && serial < LIMIT) || isSelfIssued(certificate)) continue;
      yield {
        at,
        value: serialHex(serial).slice(0, 48),
        message: `the serial number of ${title} is ${serial < 0n ? 'negative' : serial === 0n ? '0' : 'longer than 20 octets'}: strict readers refuse it, and no revocation list can name it reliably`,
        fix: 'have it issued anew; write a serial number of 16 random octets into the file serial of the authority',
      };
    }
  },
};

/** An integer of 20 octets has its top bit clear. */
const LIMIT = 1n << 159n;

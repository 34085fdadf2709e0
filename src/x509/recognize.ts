import { VcsPkiError } from '../errors.ts';
import { BerReader, type BerValue } from './ber.ts';
import { Tag } from './der.ts';

/**
 * What a value is, as the label that PEM has for it, or "PKCS12"; undefined when it is nothing of that, or broken.
 * Looks at its frame alone: the reader of the value finds what is wrong inside.
 */
export function recognize(bytes: Buffer): string | undefined {
  try {
    const whole = BerReader.open(bytes, 'value', bytes.length);
    const outer = firstValues(whole.enter(Tag.sequence, 'it'));
    const inner = outer.find(({ tag }) => tag === Tag.sequence);
    const frame = `${tags(outer)}|${tags(inner ? firstValues(whole.into(inner)) : [])}`;
    return frames.find(({ pattern }) => pattern.test(frame))?.label;
  } catch (error) {
    if (error instanceof VcsPkiError) return undefined;
    throw error;
  }
}

/** The tags of what is in the SEQUENCE, and after the bar of what is in the first SEQUENCE inside. */
const frames: readonly { pattern: RegExp; label: string }[] = [
  // RFC 5280 4.1: version, serial number, algorithm, issuer, validity, subject, key.
  { pattern: /^30 30 03\|(a0 )?02 30 30 30 30 30/, label: 'CERTIFICATE' },
  // RFC 5280 5.1: version, algorithm, issuer, this update.
  { pattern: /^30 30 03\|(02 )?30 30 1[78]/, label: 'X509 CRL' },
  // RFC 2986 4.1: version, subject, key, attributes.
  { pattern: /^30 30 03\|02 30 30( a0)?$/, label: 'CERTIFICATE REQUEST' },
  // RFC 5208 5: version, algorithm, key, attributes; and section 6: algorithm, encrypted key.
  { pattern: /^02 30 04( a[01])*( 81)?\|06/, label: 'PRIVATE KEY' },
  { pattern: /^30 04\|06/, label: 'ENCRYPTED PRIVATE KEY' },
  // RFC 8017 A.1.2: version and eight numbers.
  { pattern: /^02 02 02 02 02 02 02 02 02\|$/, label: 'RSA PRIVATE KEY' },
  // RFC 5915 3: version, key, curve, public key.
  { pattern: /^02 04( a0)?( a1)?\|$/, label: 'EC PRIVATE KEY' },
  // RFC 5280 4.1.2.7: algorithm, key.
  { pattern: /^30 03\|06/, label: 'PUBLIC KEY' },
  // RFC 7292 4: version, content, message authentication code.
  { pattern: /^02 30( 30)?\|06 a0$/, label: 'PKCS12' },
  // RFC 5652 3: type, content.
  { pattern: /^06 a0\|$/, label: 'PKCS7' },
];

const MOST_VALUES = 9;

function firstValues(reader: BerReader): BerValue[] {
  const values: BerValue[] = [];
  while (reader.more && values.length < MOST_VALUES) values.push(reader.any('a value'));
  return values;
}

function tags(values: readonly BerValue[]): string {
  return values.map(({ tag }) => tag.toString(16).padStart(2, '0')).join(' ');
}

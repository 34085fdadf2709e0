import { VcsPkiError } from '../errors.ts';
import { type DerElement, DerReader, derInvalid, encodeDer, oid, sequence, Tag } from './der.ts';

/** What a declared name may consist of. Lengths are those of RFC 5280 appendix A; country is two capital letters. */
export interface Subject {
  readonly commonName?: string | undefined;
  readonly organization?: string | undefined;
  readonly organizationalUnit?: string | undefined;
  readonly locality?: string | undefined;
  readonly state?: string | undefined;
  readonly country?: string | undefined;
}

export interface NameAttribute {
  readonly oid: string;
  /** The short name as OpenSSL writes it ("CN", "emailAddress"); the dotted OID of others. */
  readonly type: string;
  readonly value: string;
}

/** A distinguished name. Our own authorities copy an issuer byte for byte; those of others are compared with `sameName`. */
export interface Name {
  readonly der: Buffer;
  /** In the order in which they are encoded. */
  readonly attributes: readonly NameAttribute[];
  /** The last, which is the most specific, where there are several. */
  readonly commonName: string | undefined;
  /** Each relative name in the form in which RFC 5280 7.1 compares it: equal names have equal parts. Worked out when first asked for. */
  readonly parts: readonly string[];
  /** All parts in one: the key of a name in a map. */
  readonly key: string;
}

/** The fields of a Subject in the order in which they are encoded, with the upper bounds of RFC 5280 appendix A. */
const subjectFields = [
  { field: 'country', oid: '2.5.4.6', max: 2 },
  { field: 'state', oid: '2.5.4.8', max: 128 },
  { field: 'locality', oid: '2.5.4.7', max: 128 },
  { field: 'organization', oid: '2.5.4.10', max: 64 },
  { field: 'organizationalUnit', oid: '2.5.4.11', max: 64 },
  { field: 'commonName', oid: '2.5.4.3', max: 64 },
] as const;

/** A Name in the order C, ST, L, O, OU, CN; the country a PrintableString, all else UTF8String. Fails with CONTENT_INVALID. */
export function encodeName(subject: Subject): Buffer {
  const sets: Buffer[] = [];
  for (const { field, oid: type, max } of subjectFields) {
    const value = subject[field];
    if (value === undefined) continue;
    checkField(field, value, max);
    const tag = field === 'country' ? Tag.printableString : Tag.utf8String;
    sets.push(encodeDer(Tag.set, sequence(oid(type), encodeDer(tag, Buffer.from(value, 'utf8')))));
  }
  return sequence(...sets);
}

function checkField(field: string, value: string, max: number): void {
  const invalid = (message: string, fix: string) =>
    new VcsPkiError('CONTENT_INVALID', { at: `subject.${field}`, message, fix, value });
  const length = [...value].length;
  if (length === 0) throw invalid('the value is empty', `give ${field} a value or leave it out`);
  if (length > max)
    throw invalid(`${length} characters are more than the ${max} that RFC 5280 allows`, `shorten ${field}`);
  if (/\p{Cc}|\p{Cs}/u.test(value))
    throw invalid('the value has a control character in it', 'remove line breaks, tabs and the like');
  if (field === 'country' && !/^[A-Z]{2}$/.test(value))
    throw invalid('a country is two capital letters of ISO 3166', 'write for example "NO"');
}

export function readName(der: Buffer, at = 'name'): Name {
  const relativeNames = rdns(der, at);
  const attributes = relativeNames.flatMap((rdn) =>
    rdn.map(({ type, value }) => ({
      oid: type,
      type: shortNames[type] ?? type,
      value: text(value, at) ?? hexForm(value),
    })),
  );
  let parts: readonly string[] | undefined;
  let key: string | undefined;
  return {
    der,
    attributes,
    commonName: attributes.findLast(({ type }) => type === 'CN')?.value,
    get parts() {
      parts ??= relativeNames.map(comparable);
      return parts;
    },
    get key() {
      key ??= nameKey(this.parts);
      return key;
    },
  };
}

/** RFC 5280 7.1: case, outer and repeated spaces, string types and the order within a part make no difference. */
export function sameName(one: Name, other: Name): boolean {
  return one.der.equals(other.der) || one.key === other.key;
}

/** The `key` of the name that has these parts. */
export function nameKey(parts: readonly string[]): string {
  return JSON.stringify(parts);
}

/** For people: "C=NO, O=Example, CN=Example UC Root CA", in the order of the encoding, escaped as in RFC 4514 2.4. */
export function formatName(name: Name): string {
  return rdns(name.der, 'name')
    .map((rdn) => rdn.map(({ type, value }) => `${shortNames[type] ?? type}=${escaped(value)}`).join('+'))
    .join(', ');
}

/**
 * As `openssl ca` writes it in index.txt: "/C=NO/O=Example/CN=...", parts of several attributes joined by "+".
 * Octets outside printable ASCII become \xHH; "/" and "+" get a backslash, nothing else does.
 */
export function slashName(name: Name): string {
  return rdns(name.der, 'name')
    .map((rdn) => rdn.map(({ type, value }) => `${shortNames[type] ?? type}=${slashValue(value.content)}`).join('+'))
    .map((rdn) => `/${rdn}`)
    .join('');
}

interface RawAttribute {
  readonly type: string;
  readonly value: DerElement;
}

function rdns(der: Buffer, at: string): RawAttribute[][] {
  const name = DerReader.open(der, at).enter(Tag.sequence, 'the name');
  const result: RawAttribute[][] = [];
  while (name.more) {
    const set = name.enter(Tag.set, 'a part of the name');
    const rdn: RawAttribute[] = [];
    do {
      const attribute = set.enter(Tag.sequence, 'a name attribute');
      rdn.push({ type: attribute.oid('the type of a name attribute'), value: attribute.any('a name attribute') });
      attribute.end('a name attribute');
    } while (set.more);
    result.push(rdn);
  }
  return result;
}

/** A part in the form of RFC 5280 7.1. A value that is no text is compared byte for byte. */
function comparable(rdn: readonly RawAttribute[]): string {
  const attributes = rdn.map(({ type, value }) => {
    const decoded = text(value, 'name');
    return decoded === undefined ? `${type}${hexForm(value)}` : `${type}=${prepared(decoded)}`;
  });
  return JSON.stringify(attributes.sort());
}

/** RFC 4518 2.2 (map), 2.3 (normalize) and 2.6.1 (spaces). Upper case first, so that "ss" and a sharp s are the same. */
function prepared(value: string): string {
  const mapped = /^[ -~]*$/.test(value)
    ? value
    : value
        .replace(/\u034f|\u1806|\ufffc|\p{VS}|(?![\t-\r\u0085])[\p{Cc}\p{Cf}]/gu, '')
        .toUpperCase()
        .normalize('NFKC');
  return mapped
    .toLowerCase()
    .replace(/[\t-\r\u0085\p{Z}]+/gu, ' ')
    .trim();
}

function text({ tag, content }: DerElement, at: string): string | undefined {
  switch (tag) {
    case Tag.utf8String:
      return decode('utf-8', content, at);
    case Tag.bmpString:
      return decode('utf-16be', content, at);
    case Tag.printableString:
    case Tag.numericString:
    case Tag.ia5String:
    case Tag.visibleString:
    case Tag.teletexString:
      return content.toString('latin1');
    default:
      return undefined;
  }
}

/** What RFC 4514 2.4 shows of a value that is no text. */
function hexForm({ der }: DerElement): string {
  return `#${der.toString('hex')}`;
}

function escaped(value: DerElement): string {
  const decoded = text(value, 'name');
  return decoded === undefined ? hexForm(value) : escapeValue(decoded);
}

function decode(encoding: string, content: Buffer, at: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(content);
  } catch (cause) {
    throw derInvalid(at, `a name attribute is not ${encoding.toUpperCase()}`, cause);
  }
}

function escapeValue(value: string): string {
  return value
    .replace(/[,+"\\<>;]|^[ #]| $/g, '\\$&')
    .replace(/\p{Cc}|\p{Cf}|\p{Cs}|\u2028|\u2029/gu, (character) =>
      [...Buffer.from(character, 'utf8')].map((octet) => `\\${hexOctet(octet)}`).join(''),
    );
}

function slashValue(content: Buffer): string {
  return content
    .toString('latin1')
    .replace(/[/+]/g, '\\$&')
    .replace(/[^ -~]/g, (character) => `\\x${hexOctet(character.charCodeAt(0))}`);
}

/** "0A" */
export function hexOctet(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}

/** Attribute types that OpenSSL has a short name for; others appear as dotted OIDs. */
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.13': 'description',
  '2.5.4.15': 'businessCategory',
  '2.5.4.17': 'postalCode',
  '2.5.4.41': 'name',
  '2.5.4.42': 'GN',
  '2.5.4.43': 'initials',
  '2.5.4.44': 'generationQualifier',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.65': 'pseudonym',
  '2.5.4.97': 'organizationIdentifier',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '1.2.840.113549.1.9.2': 'unstructuredName',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
};

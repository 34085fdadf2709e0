import { type DerReader, derInvalid } from './der.ts';
import { formatName, hexOctet, type Name, readName } from './name.ts';

/** A GeneralName (RFC 5280 4.2.1.6). */
export interface GeneralName {
  /** In the words of openssl: "DNS", "IP", "URI", "email", "DirName", "othername" ... */
  readonly kind: string;
  /** For people, octets that are not ASCII as \xHH; of an other name its type alone. */
  readonly value: string;
  /** Of a DirName. */
  readonly name?: Name;
  /** Of an IP address, in a name constraint followed by its mask. */
  readonly octets?: Buffer;
}

/** GeneralNames: what is left in the reader. */
export function readGeneralNames(reader: DerReader): GeneralName[] {
  const names: GeneralName[] = [];
  while (reader.more) names.push(readGeneralName(reader));
  return names;
}

export function readGeneralName(reader: DerReader): GeneralName {
  return readAny(reader, (content) => ipAddress(content, reader.at));
}

/** The base of a name constraint (RFC 5280 4.2.1.10), whose IP form is an address with its mask. */
export function readConstraintBase(reader: DerReader): GeneralName {
  return readAny(reader, (content) => {
    const half = content.length / 2;
    return `${ipAddress(content.subarray(0, half), reader.at)}/${ipAddress(content.subarray(half), reader.at)}`;
  });
}

/** Equal for names that are the same: directory names by RFC 5280 7.1, others letter for letter (5.2.5: the same encoding). */
export function generalNameKey({ kind, value, name }: GeneralName): string {
  return name ? directoryNameKey(name.key) : `${kind}:${value}`;
}

/** The `generalNameKey` of the directory name with this key. */
export function directoryNameKey(key: string): string {
  return `DirName:${key}`;
}

function readAny(reader: DerReader, ip: (content: Buffer) => string): GeneralName {
  const element = reader.any('a name');
  const { tag, content } = element;
  switch (tag) {
    case 0x81:
      return { kind: 'email', value: asciiForm(content) };
    case 0x82:
      return { kind: 'DNS', value: asciiForm(content) };
    case 0x86:
      return { kind: 'URI', value: asciiForm(content) };
    case 0x87:
      return { kind: 'IP', value: ip(content), octets: content };
    case 0xa4: {
      const name = readName(content, reader.at);
      return { kind: 'DirName', value: formatName(name), name };
    }
    case 0xa0:
      return { kind: 'othername', value: reader.into(element).oid('an other name') };
    case 0x88:
      return { kind: 'Registered ID', value: content.toString('hex') };
    default:
      return { kind: `[${tag & 0x1f}]`, value: content.toString('hex') };
  }
}

/** RFC 5280 allows ASCII alone; some authorities write UTF-8. No host and no URL has a backslash: what has one matches nothing. */
function asciiForm(content: Buffer): string {
  return content.toString('latin1').replace(/[\x80-\xff]/g, (character) => `\\x${hexOctet(character.charCodeAt(0))}`);
}

/** Dotted IPv4, or IPv6 in the form of RFC 5952. */
function ipAddress(content: Buffer, at: string): string {
  if (content.length === 4) return content.join('.');
  if (content.length !== 16) throw derInvalid(at, `an IP address of ${content.length} octets`);
  const groups = content.toString('hex').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

import { VcsPkiError } from '../errors.ts';
import { contextTag, DerReader, derInvalid, encodeDer, integer, octetString, oid, sequence, Tag } from './der.ts';
import { formatName, readName } from './name.ts';

/** An extension of a certificate, request or CRL (RFC 5280 4.1, 4.2). `value` is the DER inside its OCTET STRING. */
export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Buffer;
}

export const extensionOids = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  crlDistributionPoints: '2.5.29.31',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
} as const;

/** The bits of KeyUsage in order (RFC 5280 4.2.1.3). */
export const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof keyUsages)[number];

export const keyPurposes = ['serverAuth', 'clientAuth'] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

// ---- building ------------------------------------------------------------------------------------------------------

/** Critical, as RFC 5280 4.2.1.9 demands of authorities. */
export function basicConstraints(content: { authority: boolean; pathLength?: number | undefined }): Extension {
  const { authority, pathLength } = content;
  const fields = authority ? [encodeDer(Tag.boolean, Buffer.of(0xff))] : [];
  if (authority && pathLength !== undefined) fields.push(integer(pathLength));
  return { oid: extensionOids.basicConstraints, critical: true, value: sequence(...fields) };
}

/** Critical. A named bit list: trailing zero bits are left out (X.690 11.2.2). */
export function keyUsage(names: readonly KeyUsage[]): Extension {
  if (names.length === 0) throw invalid('key usage', 'a certificate needs at least one', 'name one');
  const bits = names.reduce((sum, name) => sum | (0x8000 >> keyUsages.indexOf(name)), 0);
  const unused = 31 - Math.clz32(bits & -bits);
  const octets = unused < 8 ? [unused, bits >> 8, bits & 0xff] : [unused - 8, bits >> 8];
  return { oid: extensionOids.keyUsage, critical: true, value: encodeDer(Tag.bitString, Buffer.from(octets)) };
}

export function extendedKeyUsage(purposes: readonly KeyPurpose[]): Extension {
  if (purposes.length === 0) throw invalid('extended key usage', 'a certificate needs at least one', 'name one');
  const oids = purposes.map((purpose) => oid(purposeOids[purpose]));
  return { oid: extensionOids.extendedKeyUsage, critical: false, value: sequence(...oids) };
}

/**
 * DNS names alone. Each is a name of letters, digits and hyphens (RFC 5280 4.2.1.6, RFC 1034 3.5), internationalized
 * ones in their xn-- form, a wildcard only as the whole first label; others fail with CONTENT_INVALID.
 * Critical exactly when the subject is empty.
 */
export function subjectAlternativeName(
  dnsNames: readonly string[],
  options: { readonly critical?: boolean } = {},
): Extension {
  if (dnsNames.length === 0)
    throw invalid('subject alternative name', 'there is no name', 'give at least one DNS name');
  const names = dnsNames.map((name) => encodeDer(contextTag(2, 'primitive'), dnsName(name)));
  return {
    oid: extensionOids.subjectAlternativeName,
    critical: options.critical ?? false,
    value: sequence(...names),
  };
}

export function subjectKeyIdentifier(id: Buffer): Extension {
  return { oid: extensionOids.subjectKeyIdentifier, critical: false, value: octetString(id) };
}

export function authorityKeyIdentifier(id: Buffer): Extension {
  const value = sequence(encodeDer(contextTag(0, 'primitive'), id));
  return { oid: extensionOids.authorityKeyIdentifier, critical: false, value };
}

/** One distribution point per URL. */
export function crlDistributionPoints(urls: readonly string[]): Extension {
  if (urls.length === 0) throw invalid('CRL distribution points', 'there is no URL', 'give at least one');
  const points = urls.map((url) => {
    const fullName = encodeDer(contextTag(0, 'constructed'), uri(url));
    return sequence(encodeDer(contextTag(0, 'constructed'), fullName));
  });
  return { oid: extensionOids.crlDistributionPoints, critical: false, value: sequence(...points) };
}

export function authorityInfoAccess(content: {
  readonly caIssuers?: readonly string[];
  readonly ocsp?: readonly string[];
}): Extension {
  const { caIssuers = [], ocsp = [] } = content;
  if (caIssuers.length + ocsp.length === 0)
    throw invalid('authority information access', 'there is no URL', 'give at least one');
  const descriptions = [
    ...ocsp.map((url) => sequence(oid(OCSP), uri(url))),
    ...caIssuers.map((url) => sequence(oid(CA_ISSUERS), uri(url))),
  ];
  return { oid: extensionOids.authorityInfoAccess, critical: false, value: sequence(...descriptions) };
}

/** Extensions ::= SEQUENCE OF Extension; critical FALSE is left out. No extension may occur twice. */
export function encodeExtensions(extensions: readonly Extension[]): Buffer {
  const seen = new Set<string>();
  const encoded = extensions.map((extension) => {
    if (seen.has(extension.oid)) throw invalid(`extension ${extension.oid}`, 'it occurs twice', 'give it once');
    seen.add(extension.oid);
    const critical = extension.critical ? [encodeDer(Tag.boolean, Buffer.of(0xff))] : [];
    return sequence(oid(extension.oid), ...critical, octetString(extension.value));
  });
  return sequence(...encoded);
}

const purposeOids = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const satisfies Record<KeyPurpose, string>;
const OCSP = '1.3.6.1.5.5.7.48.1';
const CA_ISSUERS = '1.3.6.1.5.5.7.48.2';

function dnsName(name: string): Buffer {
  const labels = name.split('.');
  const hosts = labels[0] === '*' && labels.length > 1 ? labels.slice(1) : labels;
  if (name.length > 253 || !hosts.every((label) => /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/.test(label)))
    throw new VcsPkiError('CONTENT_INVALID', {
      at: 'subject alternative name',
      message: 'it is not a DNS name that a certificate can carry',
      fix: 'write a full host name of letters, digits and hyphens, an internationalized one in its xn-- form, without a final dot',
      value: name,
    });
  return Buffer.from(name, 'latin1');
}

function uri(url: string): Buffer {
  if (!/^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(url))
    throw new VcsPkiError('CONTENT_INVALID', {
      at: 'URL in an extension',
      message: 'it is not an absolute URL in ASCII',
      fix: 'write it like http://pki.example.com/ca.crl, other characters percent-encoded',
      value: url,
    });
  return encodeDer(contextTag(6, 'primitive'), Buffer.from(url, 'latin1'));
}

function invalid(at: string, message: string, fix: string): VcsPkiError {
  return new VcsPkiError('CONTENT_INVALID', { at, message, fix });
}

// ---- reading -------------------------------------------------------------------------------------------------------

/** Reads an Extensions value. An extension that occurs twice is refused (RFC 5280 4.2). */
export function readExtensions(extensions: DerReader): Extension[] {
  const list: Extension[] = [];
  const seen = new Set<string>();
  while (extensions.more) {
    const extension = extensions.enter(Tag.sequence, 'an extension');
    const type = extension.oid('an extension');
    if (seen.has(type)) throw derInvalid(extensions.at, `extension ${type} occurs twice`);
    seen.add(type);
    const critical = extension.booleanOrFalse(`extension ${type}`);
    const { content } = extension.next(Tag.octetString, `extension ${type}`);
    extension.end(`extension ${type}`);
    list.push({ oid: type, critical, value: content });
  }
  return list;
}

/** A GeneralName (RFC 5280 4.2.1.6) in the words of openssl: "DNS", "IP", "URI", "email", "DirName" ... */
export interface GeneralName {
  readonly kind: string;
  readonly value: string;
}

export interface KnownExtensions {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly emails: readonly string[];
  /** All names of the subject alternative name, of every kind. */
  readonly alternativeNames: readonly GeneralName[];
  readonly keyUsage: readonly string[] | undefined;
  /** Names of the purposes that are known, dotted OIDs of others. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly basicConstraints: { readonly authority: boolean; readonly pathLength: number | undefined } | undefined;
  readonly subjectKeyIdentifier: Buffer | undefined;
  readonly authorityKeyIdentifier: Buffer | undefined;
  readonly crlUrls: readonly string[];
  readonly caIssuerUrls: readonly string[];
  readonly ocspUrls: readonly string[];
}

/** Decodes the extensions that vcs-pki understands; the others stay what they are. */
export function decodeExtensions(extensions: readonly Extension[], at: string): KnownExtensions {
  const open = (type: string): DerReader | undefined => {
    const value = extensions.find((extension) => extension.oid === type)?.value;
    return value && DerReader.open(value, at);
  };
  const alternativeNames = readGeneralNames(open(extensionOids.subjectAlternativeName));
  const values = (kind: string) => alternativeNames.filter((name) => name.kind === kind).map(({ value }) => value);
  const access = readAccess(open(extensionOids.authorityInfoAccess));
  const accessUrls = (method: string) => access.filter((entry) => entry.method === method).map(({ url }) => url);
  return {
    dnsNames: values('DNS'),
    ipAddresses: values('IP'),
    uris: values('URI'),
    emails: values('email'),
    alternativeNames,
    keyUsage: readKeyUsage(open(extensionOids.keyUsage)),
    extendedKeyUsage: readExtendedKeyUsage(open(extensionOids.extendedKeyUsage)),
    basicConstraints: readBasicConstraints(open(extensionOids.basicConstraints)),
    subjectKeyIdentifier: open(extensionOids.subjectKeyIdentifier)?.next(Tag.octetString, 'the key identifier').content,
    authorityKeyIdentifier: readAuthorityKeyIdentifier(open(extensionOids.authorityKeyIdentifier)),
    crlUrls: readDistributionPoints(open(extensionOids.crlDistributionPoints)),
    caIssuerUrls: accessUrls(CA_ISSUERS),
    ocspUrls: accessUrls(OCSP),
  };
}

const purposeNames: Readonly<Record<string, string>> = {
  [purposeOids.serverAuth]: 'serverAuth',
  [purposeOids.clientAuth]: 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
  '2.5.29.37.0': 'anyExtendedKeyUsage',
};

function readKeyUsage(reader: DerReader | undefined): string[] | undefined {
  const content = reader?.next(Tag.bitString, 'key usage').content;
  return content && keyUsages.filter((_, bit) => ((content[1 + (bit >> 3)] ?? 0) << (bit & 7)) & 0x80);
}

function readExtendedKeyUsage(reader: DerReader | undefined): string[] | undefined {
  const purposes = reader?.enter(Tag.sequence, 'extended key usage');
  if (!purposes) return undefined;
  const names: string[] = [];
  while (purposes.more) {
    const purpose = purposes.oid('an extended key usage');
    names.push(purposeNames[purpose] ?? purpose);
  }
  return names;
}

function readBasicConstraints(reader: DerReader | undefined): KnownExtensions['basicConstraints'] {
  const constraints = reader?.enter(Tag.sequence, 'basic constraints');
  if (!constraints) return undefined;
  const authority = constraints.booleanOrFalse('basic constraints');
  const pathLength = constraints.tag === Tag.integer ? Number(constraints.integer('the path length')) : undefined;
  if (pathLength !== undefined && !(pathLength >= 0)) throw derInvalid(constraints.at, 'a path length below 0');
  constraints.end('basic constraints');
  return { authority, pathLength };
}

/** The key identifier alone; issuer and serial number, where present, are not used. */
export function readAuthorityKeyIdentifier(reader: DerReader | undefined): Buffer | undefined {
  const what = 'the authority key identifier';
  return reader?.enter(Tag.sequence, what).optional(contextTag(0, 'primitive'), what)?.content;
}

function readDistributionPoints(reader: DerReader | undefined): string[] {
  const what = 'a CRL distribution point';
  const points = reader?.enter(Tag.sequence, what);
  const urls: string[] = [];
  while (points?.more) {
    const name = points.enter(Tag.sequence, what).enterOptional(contextTag(0, 'constructed'), what);
    const fullName = name?.enterOptional(contextTag(0, 'constructed'), what);
    while (fullName?.more) {
      const { kind, value } = readGeneralName(fullName);
      if (kind === 'URI') urls.push(value);
    }
  }
  return urls;
}

function readAccess(reader: DerReader | undefined): { method: string; url: string }[] {
  const what = 'an authority information access';
  const descriptions = reader?.enter(Tag.sequence, what);
  const entries: { method: string; url: string }[] = [];
  while (descriptions?.more) {
    const description = descriptions.enter(Tag.sequence, what);
    const method = description.oid(what);
    const { kind, value } = readGeneralName(description);
    if (kind === 'URI') entries.push({ method, url: value });
  }
  return entries;
}

function readGeneralNames(reader: DerReader | undefined): GeneralName[] {
  const names = reader?.enter(Tag.sequence, 'the subject alternative name');
  const list: GeneralName[] = [];
  while (names?.more) list.push(readGeneralName(names));
  return list;
}

function readGeneralName(reader: DerReader): GeneralName {
  const element = reader.any('a name');
  const { tag, content } = element;
  switch (tag) {
    case 0x81:
      return { kind: 'email', value: ascii(content, reader.at) };
    case 0x82:
      return { kind: 'DNS', value: ascii(content, reader.at) };
    case 0x86:
      return { kind: 'URI', value: ascii(content, reader.at) };
    case 0x87:
      return { kind: 'IP', value: ipAddress(content, reader.at) };
    case 0xa4:
      return { kind: 'DirName', value: formatName(readName(content, reader.at)) };
    case 0xa0:
      return { kind: 'othername', value: reader.into(element).oid('an other name') };
    case 0x88:
      return { kind: 'Registered ID', value: content.toString('hex') };
    default:
      return { kind: `[${tag & 0x1f}]`, value: content.toString('hex') };
  }
}

function ascii(content: Buffer, at: string): string {
  if (content.some((octet) => octet >= 0x80)) throw derInvalid(at, 'a DNS name, URL or address is not ASCII');
  return content.toString('latin1');
}

/** Dotted IPv4, or IPv6 in the form of RFC 5952. */
function ipAddress(content: Buffer, at: string): string {
  if (content.length === 4) return content.join('.');
  if (content.length !== 16) throw derInvalid(at, `an IP address of ${content.length} octets`);
  const groups = content.toString('hex').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

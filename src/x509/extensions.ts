import { VcsPkiError } from '../errors.ts';
import {
  type NameConstraints,
  type PolicyConstraints,
  type PolicyMapping,
  readInhibitAnyPolicy,
  readNameConstraints,
  readPolicies,
  readPolicyConstraints,
  readPolicyMappings,
} from './constraints.ts';
import { contextTag, DerReader, derInvalid, encodeDer, integer, octetString, oid, sequence, Tag } from './der.ts';
import { type DistributionPoint, readDistributionPoints, urlsOf } from './distribution-points.ts';
import { type GeneralName, readGeneralName, readGeneralNames } from './general-name.ts';

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
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  freshestCrl: '2.5.29.46',
  inhibitAnyPolicy: '2.5.29.54',
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
  readonly nameConstraints: NameConstraints | undefined;
  /** OIDs. */
  readonly policies: readonly string[] | undefined;
  readonly policyMappings: readonly PolicyMapping[];
  readonly policyConstraints: PolicyConstraints | undefined;
  /** How many certificates may follow before anyPolicy is ignored. */
  readonly inhibitAnyPolicy: number | undefined;
  readonly distributionPoints: readonly DistributionPoint[];
  readonly crlUrls: readonly string[];
  readonly freshestCrlUrls: readonly string[];
  readonly caIssuerUrls: readonly string[];
  readonly ocspUrls: readonly string[];
}

/** Decodes the extensions that vcs-pki understands; the others stay what they are. Fails with DER_INVALID. */
export function decodeExtensions(extensions: readonly Extension[], at: string): KnownExtensions {
  const open = (type: string) => openExtension(extensions, type, at);
  const decode = <T>(type: string, read: (value: DerReader) => T): T | undefined => {
    const value = open(type);
    return value && read(value);
  };
  const alternativeNames = readAlternativeNames(open(extensionOids.subjectAlternativeName));
  const values = (kind: string) => alternativeNames.filter((name) => name.kind === kind).map(({ value }) => value);
  const access = readAccess(open(extensionOids.authorityInfoAccess));
  const accessUrls = (method: string) => access.filter((entry) => entry.method === method).map(({ url }) => url);
  const distributionPoints = decode(extensionOids.crlDistributionPoints, readDistributionPoints) ?? [];
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
    nameConstraints: decode(extensionOids.nameConstraints, readNameConstraints),
    policies: decode(extensionOids.certificatePolicies, readPolicies),
    policyMappings: decode(extensionOids.policyMappings, readPolicyMappings) ?? [],
    policyConstraints: decode(extensionOids.policyConstraints, readPolicyConstraints),
    inhibitAnyPolicy: decode(extensionOids.inhibitAnyPolicy, readInhibitAnyPolicy),
    distributionPoints,
    crlUrls: urlsOf(distributionPoints),
    freshestCrlUrls: urlsOf(decode(extensionOids.freshestCrl, readDistributionPoints) ?? []),
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

/** A reader over the value of one extension of the list. */
export function openExtension(extensions: readonly Extension[], type: string, at: string): DerReader | undefined {
  const value = extensions.find((extension) => extension.oid === type)?.value;
  return value && DerReader.open(value, at);
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

function readAlternativeNames(reader: DerReader | undefined): GeneralName[] {
  const names = reader?.enter(Tag.sequence, 'the subject alternative name');
  return names ? readGeneralNames(names) : [];
}

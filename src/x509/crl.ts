import {
  type Certificate,
  encodeNumber,
  keyIdentifiersAgree,
  MAX_NUMBER_OCTETS,
  nextTime,
  readSigned,
  writeNumber,
} from './certificate.ts';
import {
  contentStart,
  contextTag,
  DerReader,
  derInvalid,
  encodeDer,
  integer,
  integerOctets,
  sequence,
  Tag,
  valueEnd,
  writeHeader,
} from './der.ts';
import {
  type IssuingDistributionPoint,
  readDistributionPoints,
  readIssuingDistributionPoint,
  urlsOf,
} from './distribution-points.ts';
import {
  authorityKeyIdentifier,
  type Extension,
  encodeExtensions,
  extensionOids,
  openExtension,
  readAuthorityKeyIdentifier,
  readExtensions,
} from './extensions.ts';
import { directoryNameKey, generalNameKey, readGeneralNames } from './general-name.ts';
import { type Name, readName, sameName } from './name.ts';
import { type SignatureAlgorithm, verifySignature } from './signature.ts';
import { encodeTime, MAX_TIME_OCTETS, readTime, writeTime } from './time.ts';

/** Why a certificate was revoked (RFC 5280 5.3.1). removeFromCRL (8) belongs to delta CRLs, which vcs-pki does not make. */
export const revocationReasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
] as const;
export type RevocationReason = (typeof revocationReasons)[number];

export interface RevokedEntry {
  readonly serialNumber: bigint;
  readonly revokedAt: Date;
  readonly reason?: RevocationReason | undefined;
}

export interface CrlContent {
  /** The Name of the issuer, byte for byte as in its certificate. */
  readonly issuer: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** At most 20 octets, above that of every earlier CRL of this key (RFC 5280 5.2.3). */
  readonly crlNumber: bigint;
  readonly authorityKeyIdentifier: Buffer;
  /** One per serial number. */
  readonly entries: Iterable<RevokedEntry>;
}

/**
 * The to-be-signed part of a complete version 2 CRL (RFC 5280 5.1.2). The list is absent when nothing is revoked, and
 * entry extensions where there is no reason to tell. Time and memory grow with the number of entries alone.
 */
export function encodeTbsCrl(content: CrlContent, algorithm: SignatureAlgorithm): Buffer {
  const entries = encodeEntries(content.entries);
  const crlNumber = {
    oid: extensionOids.crlNumber,
    critical: false,
    value: encodeNumber(content.crlNumber, 'CRL number'),
  };
  const extensions = encodeExtensions([authorityKeyIdentifier(content.authorityKeyIdentifier), crlNumber]);
  return sequence(
    VERSION_2,
    algorithm.der,
    content.issuer,
    encodeTime(content.thisUpdate),
    encodeTime(content.nextUpdate),
    ...(entries.length > 0 ? [encodeDer(Tag.sequence, entries)] : []),
    encodeDer(EXTENSIONS, extensions),
  );
}

/** An entry as it is read. */
interface CrlEntry extends RevokedEntry {
  /** In a delta CRL: the certificate is no longer revoked (removeFromCRL, RFC 5280 5.3.1). */
  readonly removed?: true;
}

export interface Crl {
  readonly der: Buffer;
  /** The signed bytes. */
  readonly tbs: Buffer;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly crlNumber: bigint | undefined;
  /** Of a delta CRL: the number of the complete CRL that it was made from, or of a later one (RFC 5280 5.2.4). */
  readonly baseCrlNumber: bigint | undefined;
  readonly authorityKeyIdentifier: Buffer | undefined;
  readonly issuingDistributionPoint: IssuingDistributionPoint | undefined;
  readonly freshestCrlUrls: readonly string[];
  /** How many certificates it revokes. */
  readonly size: number;
  readonly extensions: readonly Extension[];
  /** OIDs of the critical extensions of its entries; an unknown one makes the whole CRL unusable (RFC 5280 5.3). */
  readonly criticalEntryExtensions: readonly string[];
  /**
   * The entry of a serial number; with `certificateIssuer`, of that authority's certificate alone (indirect CRLs list
   * those of several, RFC 5280 5.3.3). The first call builds an index; later ones take a microsecond.
   */
  find(serial: bigint, certificateIssuer?: Name): CrlEntry | undefined;
  /** In the order of the encoding. */
  entries(): IterableIterator<CrlEntry>;
  /** The AlgorithmIdentifier. */
  readonly signatureAlgorithm: Buffer;
  readonly signature: Buffer;
}

/**
 * Reads one CRL of at most 64 MiB of strict DER (RFC 5280 5.1). The entries stay bytes until they are asked for.
 * Proves no signature. Fails with DER_INVALID.
 */
export function readCrl(der: Uint8Array, at: string): Crl {
  const signed = readSigned(DerReader.open(der, at, MAX_BYTES), 'the CRL');
  const { fields } = signed;
  const version = fields.tag === Tag.integer ? fields.integer('the version') : 0n;
  if (version !== 0n && version !== 1n) throw derInvalid(at, `CRL version ${version + 1n}`);
  const inner = fields.next(Tag.sequence, 'the signature algorithm').der;
  if (!inner.equals(signed.signatureAlgorithm)) throw derInvalid(at, 'it names two different signature algorithms');
  const issuer = readName(fields.next(Tag.sequence, 'the issuer').der, at);
  const thisUpdate = nextTime(fields, 'this update');
  const hasNextUpdate = fields.tag === Tag.utcTime || fields.tag === Tag.generalizedTime;
  const nextUpdate = hasNextUpdate ? nextTime(fields, 'next update') : undefined;
  const list = fields.optional(Tag.sequence, 'the list of revoked certificates')?.content ?? Buffer.alloc(0);
  const optional = version === 1n ? fields.enterOptional(EXTENSIONS, 'the extensions') : undefined;
  const extensions = optional ? readExtensions(optional.enter(Tag.sequence, 'the extensions')) : [];
  fields.end('the CRL');
  const { size, criticalEntryExtensions, namesIssuers } = checkEntries(list, at);
  const open = (type: string) => openExtension(extensions, type, at);
  const distributionPoint = open(extensionOids.issuingDistributionPoint);
  const freshestCrl = open(extensionOids.freshestCrl);
  let index: Map<string, number> | undefined;
  const findSerial = (serial: bigint): CrlEntry | undefined => {
    index ??= indexEntries(list);
    const offset = index.get(serialKey(serial));
    return offset === undefined ? undefined : readEntry(list, offset);
  };
  let issuerIndex: IssuerIndex | undefined;
  return {
    der: signed.der,
    tbs: signed.tbs,
    issuer,
    thisUpdate,
    nextUpdate,
    crlNumber: open(extensionOids.crlNumber)?.integer('the CRL number'),
    baseCrlNumber: open(extensionOids.deltaCrlIndicator)?.integer('the base CRL number'),
    authorityKeyIdentifier: readAuthorityKeyIdentifier(open(extensionOids.authorityKeyIdentifier)),
    issuingDistributionPoint: distributionPoint && readIssuingDistributionPoint(distributionPoint),
    freshestCrlUrls: freshestCrl ? urlsOf(readDistributionPoints(freshestCrl)) : [],
    size,
    extensions,
    criticalEntryExtensions,
    find(serial, certificateIssuer) {
      if (!certificateIssuer) return findSerial(serial);
      if (!namesIssuers) return sameName(certificateIssuer, issuer) ? findSerial(serial) : undefined;
      issuerIndex ??= indexByIssuer(list, issuer);
      const issuerKey = directoryNameKey(certificateIssuer.key);
      const found = issuerIndex.get(serialKey(serial))?.find(({ issuers }) => issuers.has(issuerKey));
      return found && readEntry(list, found.offset);
    },
    *entries() {
      for (let offset = 0; offset < list.length; offset = valueEnd(list, offset)) yield readEntry(list, offset);
    },
    signatureAlgorithm: signed.signatureAlgorithm,
    signature: signed.signature,
  };
}

/** Issuer and key identifier are those of the certificate, and its key verifies the signature. No dates, no key usage. */
export function crlIsSignedBy(crl: Crl, issuer: Certificate): boolean {
  return (
    sameName(crl.issuer, issuer.subject) &&
    keyIdentifiersAgree(crl.authorityKeyIdentifier, issuer.subjectKeyIdentifier) &&
    verifySignature(issuer.subjectPublicKeyInfo, crl.tbs, crl.signature, crl.signatureAlgorithm)
  );
}

const MAX_BYTES = 64 * 1024 * 1024;
const VERSION_2 = integer(1);
const EXTENSIONS = contextTag(0, 'constructed');

const reasonNumbers = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const satisfies Record<RevocationReason, number>;

// ---- writing entries -----------------------------------------------------------------------------------------------

/** All entries in one buffer that doubles when it is full. */
function encodeEntries(entries: Iterable<RevokedEntry>): Buffer {
  const extensions = new Map(revocationReasons.map((reason) => [reason, encodeReason(reason)]));
  let out = Buffer.allocUnsafe(4096);
  let offset = 0;
  for (const { serialNumber, revokedAt, reason = 'unspecified' } of entries) {
    if (out.length - offset < MAX_ENTRY_OCTETS) out = Buffer.concat([out], out.length * 2);
    const start = offset + ENTRY_HEADER_OCTETS;
    let end = writeNumber(out, start, serialNumber, 'serial number');
    end = writeTime(out, end, revokedAt);
    end += extensions.get(reason)?.copy(out, end) ?? 0;
    writeHeader(out, offset, Tag.sequence, end - start);
    offset = end;
  }
  return out.subarray(0, offset);
}

/** An entry is always shorter than 128 octets. */
const ENTRY_HEADER_OCTETS = 2;
const MAX_REASON_OCTETS = 14;
const MAX_ENTRY_OCTETS = ENTRY_HEADER_OCTETS + MAX_NUMBER_OCTETS + MAX_TIME_OCTETS + MAX_REASON_OCTETS;

/** The extensions of an entry with this reason; none for `unspecified`, which RFC 5280 5.3.1 wants left out. */
function encodeReason(reason: RevocationReason): Buffer {
  if (reason === 'unspecified') return Buffer.alloc(0);
  const value = encodeDer(Tag.enumerated, Buffer.of(reasonNumbers[reason]));
  return encodeExtensions([{ oid: extensionOids.reasonCode, critical: false, value }]);
}

// ---- reading entries -----------------------------------------------------------------------------------------------

interface CheckedEntries {
  readonly size: number;
  readonly criticalEntryExtensions: string[];
  /** Some entry says whose certificate it revokes. */
  readonly namesIssuers: boolean;
}

/** Every entry is SEQUENCE { INTEGER, Time, Extensions OPTIONAL }; after this, reading one cannot fail. */
function checkEntries(list: Buffer, at: string): CheckedEntries {
  const critical = new Set<string>();
  let size = 0;
  let namesIssuers = false;
  for (let offset = 0; offset < list.length; offset = valueEnd(list, offset)) {
    const end = valueEnd(list, offset);
    const serial = contentStart(list, offset);
    const isEntry = list[offset] === Tag.sequence && serial < end && list[serial] === Tag.integer;
    const time = isEntry ? valueEnd(list, serial) : end;
    if (time >= end) throw derInvalid(at, `entry ${size + 1} is not a serial number with a date`);
    const timeEnd = valueEnd(list, time);
    if (Number.isNaN(readTime(list[time] ?? 0, list, contentStart(list, time), timeEnd)))
      throw derInvalid(at, `entry ${size + 1} has no date of RFC 5280`);
    if (timeEnd < end && !isPlainReason(list, timeEnd, end)) {
      const fields = DerReader.open(list.subarray(offset, end), at, MAX_BYTES).enter(Tag.sequence, 'an entry');
      fields.integer('the serial number of an entry');
      fields.any('the date of an entry');
      const extensions = readExtensions(fields.enter(Tag.sequence, 'the extensions of an entry'));
      for (const extension of extensions) if (extension.critical) critical.add(extension.oid);
      if (readCertificateIssuer(extensions, at)) namesIssuers = true;
      fields.end('an entry');
    }
    size += 1;
  }
  return { size, criticalEntryExtensions: [...critical], namesIssuers };
}

/** The encoding of a reason code alone, up to the code: what nearly every entry ends with. */
const REASON_HEAD = encodeReason('keyCompromise').subarray(0, -1);

function isPlainReason(list: Buffer, start: number, end: number): boolean {
  return (
    end - start === REASON_HEAD.length + 1 && list.compare(REASON_HEAD, 0, REASON_HEAD.length, start, end - 1) === 0
  );
}

function indexEntries(list: Buffer): Map<string, number> {
  const index = new Map<string, number>();
  for (let offset = 0; offset < list.length; offset = valueEnd(list, offset)) {
    const serial = contentStart(list, offset);
    const key = list.toString('latin1', contentStart(list, serial), valueEnd(list, serial));
    if (!index.has(key)) index.set(key, offset);
  }
  return index;
}

function serialKey(serial: bigint): string {
  return integerOctets(serial).toString('latin1');
}

/** By serial number: where an entry is, and the keys of the names of the issuer whose certificate it revokes. */
type IssuerIndex = Map<string, { readonly offset: number; readonly issuers: ReadonlySet<string> }[]>;

/** RFC 5280 5.3.3: an entry is for the issuer last named before it, at first for the CRL issuer itself. */
function indexByIssuer(list: Buffer, crlIssuer: Name): IssuerIndex {
  const index: IssuerIndex = new Map();
  let issuers: ReadonlySet<string> = new Set([directoryNameKey(crlIssuer.key)]);
  for (let offset = 0; offset < list.length; offset = valueEnd(list, offset)) {
    const { serialNumber, extensions } = readEntryFields(list, offset);
    issuers = readCertificateIssuer(extensions, 'entry') ?? issuers;
    const key = serialKey(serialNumber);
    const others = index.get(key);
    if (others) others.push({ offset, issuers });
    else index.set(key, [{ offset, issuers }]);
  }
  return index;
}

function readCertificateIssuer(extensions: readonly Extension[], at: string): Set<string> | undefined {
  const what = 'the certificate issuer of an entry';
  const names = openExtension(extensions, extensionOids.certificateIssuer, at)?.enter(Tag.sequence, what);
  return names && new Set(readGeneralNames(names).map(generalNameKey));
}

function readEntry(list: Buffer, offset: number): CrlEntry {
  const { serialNumber, revokedAt, extensions } = readEntryFields(list, offset);
  const code = extensions.find((extension) => extension.oid === extensionOids.reasonCode)?.value.at(-1);
  if (code === REMOVE_FROM_CRL) return { serialNumber, revokedAt, removed: true };
  const reason = revocationReasons.find((name) => reasonNumbers[name] === code);
  return { serialNumber, revokedAt, reason };
}

const REMOVE_FROM_CRL = 8;

function readEntryFields(list: Buffer, offset: number) {
  const fields = DerReader.open(list.subarray(offset, valueEnd(list, offset)), 'entry', MAX_BYTES).enter(
    Tag.sequence,
    'an entry',
  );
  const serialNumber = fields.integer('the serial number of an entry');
  const revokedAt = nextTime(fields, 'the date of an entry');
  const extensions = fields.more ? readExtensions(fields.enter(Tag.sequence, 'the extensions of an entry')) : [];
  return { serialNumber, revokedAt, extensions };
}

import { createHash } from 'node:crypto';
import type { $brand } from 'zod';
import { VcsPkiError } from '../errors.ts';
import { bitString, contextTag, DerReader, derInvalid, encodeDer, integer, sequence, Tag, writeHeader } from './der.ts';
import {
  decodeExtensions,
  type Extension,
  encodeExtensions,
  type KnownExtensions,
  readExtensions,
} from './extensions.ts';
import { type Name, readName, sameName } from './name.ts';
import { type SignatureAlgorithm, signatureAlgorithmName, verifySignature } from './signature.ts';
import { encodeTime, readTime } from './time.ts';

export { type KeyPurpose, keyPurposes } from './extensions.ts';

export interface CertificateContent {
  /** Positive, at most 20 octets (RFC 5280 4.1.2.2). */
  readonly serialNumber: bigint;
  /** The Name of the issuer, byte for byte as in its certificate. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subjectPublicKeyInfo: Buffer;
  readonly extensions: readonly Extension[];
}

/** The to-be-signed part of a version 3 certificate (RFC 5280 4.1.2). Fails with CONTENT_INVALID. */
export function encodeTbsCertificate(content: CertificateContent, algorithm: SignatureAlgorithm): Buffer {
  const { extensions, notBefore, notAfter } = content;
  if (notAfter < notBefore)
    throw new VcsPkiError('CONTENT_INVALID', {
      at: 'validity',
      message: 'the certificate would end before it begins',
      fix: 'check the lifetime, and that the issuer is still valid',
      value: `${notBefore.toISOString()} to ${notAfter.toISOString()}`,
    });
  const optional = extensions.length > 0 ? [encodeDer(EXTENSIONS, encodeExtensions(extensions))] : [];
  return sequence(
    VERSION_3,
    encodeNumber(content.serialNumber, 'serial number'),
    algorithm.der,
    content.issuer,
    sequence(encodeTime(notBefore), encodeTime(notAfter)),
    content.subject,
    content.subjectPublicKeyInfo,
    ...optional,
  );
}

/** A certificate or CRL from its to-be-signed part; `algorithm` is the one that was encoded into it. */
export function encodeSigned(tbs: Buffer, algorithm: SignatureAlgorithm, signature: Buffer): Buffer {
  return sequence(tbs, algorithm.der, bitString(signature));
}

export interface Certificate extends KnownExtensions {
  readonly der: Buffer;
  /** The signed bytes. */
  readonly tbs: Buffer;
  readonly version: 1 | 2 | 3;
  /** Negative where an authority has encoded it so. */
  readonly serialNumber: bigint;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subjectPublicKeyInfo: Buffer;
  /** All of them, known or not, in the order of the encoding. */
  readonly extensions: readonly Extension[];
  /** The AlgorithmIdentifier. */
  readonly signatureAlgorithm: Buffer;
  readonly signatureAlgorithmName: string;
  readonly signature: Buffer;
}

/** Reads one certificate of at most 64 kB of strict DER (RFC 5280 4.1). Proves no signature. Fails with DER_INVALID. */
export function readCertificate(der: Uint8Array, at: string): Certificate {
  const signed = readSigned(DerReader.open(der, at), 'the certificate');
  const { fields } = signed;
  const encoded = fields.enterOptional(VERSION, 'the version')?.integer('the version') ?? 0n;
  const version = versions[Number(encoded)];
  if (version === undefined) throw derInvalid(at, `certificate version ${encoded + 1n}`);
  const serialNumber = fields.integer('the serial number');
  const inner = fields.next(Tag.sequence, 'the signature algorithm').der;
  if (!inner.equals(signed.signatureAlgorithm)) throw derInvalid(at, 'it names two different signature algorithms');
  const issuer = readName(fields.next(Tag.sequence, 'the issuer').der, at);
  const validity = fields.enter(Tag.sequence, 'the validity');
  const notBefore = nextTime(validity, 'the begin of validity');
  const notAfter = nextTime(validity, 'the end of validity');
  validity.end('the validity');
  const subject = readName(fields.next(Tag.sequence, 'the subject').der, at);
  const subjectPublicKeyInfo = fields.next(Tag.sequence, 'the public key').der;
  fields.optional(contextTag(1, 'primitive'), 'the issuer unique identifier');
  fields.optional(contextTag(2, 'primitive'), 'the subject unique identifier');
  const optional = version === 3 ? fields.enterOptional(EXTENSIONS, 'the extensions') : undefined;
  const extensions = optional ? readExtensions(optional.enter(Tag.sequence, 'the extensions')) : [];
  fields.end('the certificate');
  return {
    der: signed.der,
    tbs: signed.tbs,
    version,
    serialNumber,
    issuer,
    subject,
    notBefore,
    notAfter,
    subjectPublicKeyInfo,
    ...decodeExtensions(extensions, at),
    extensions,
    signatureAlgorithm: signed.signatureAlgorithm,
    signatureAlgorithmName: signatureAlgorithmName(signed.signatureAlgorithm),
    signature: signed.signature,
  };
}

/** Names equal by RFC 5280 7.1, key identifiers equal where both are there, and the signature verifies. No dates, no constraints. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return (
    sameName(certificate.issuer, issuer.subject) &&
    keyIdentifiersAgree(certificate.authorityKeyIdentifier, issuer.subjectKeyIdentifier) &&
    verifySignature(issuer.subjectPublicKeyInfo, certificate.tbs, certificate.signature, certificate.signatureAlgorithm)
  );
}

export function keyIdentifiersAgree(authority: Buffer | undefined, subject: Buffer | undefined): boolean {
  return !authority || !subject || authority.equals(subject);
}

/** A serial number in upper-case hexadecimal of even length, as openssl writes it. */
export type Serial = string & $brand<'Serial'>;

export function serialHex(serial: bigint): Serial {
  const digits = (serial < 0n ? -serial : serial).toString(16).toUpperCase();
  return `${serial < 0n ? '-' : ''}${digits.length % 2 === 0 ? '' : '0'}${digits}` as Serial;
}

/** SHA-256 over a whole encoding, as "AB:CD:...". */
export type Fingerprint = string & $brand<'Fingerprint'>;

export function fingerprint(der: Uint8Array): Fingerprint {
  const hex = createHash('sha256').update(der).digest('hex').toUpperCase();
  return hex.replace(/..(?=.)/g, '$&:') as Fingerprint;
}

// ---- shared with CRLs ----------------------------------------------------------------------------------------------

/** A serial or CRL number of at most 20 octets above 0 (RFC 5280 4.1.2.2, 5.2.3). Fails with CONTENT_INVALID. */
export function encodeNumber(value: bigint, at: 'serial number' | 'CRL number'): Buffer {
  const out = Buffer.allocUnsafe(MAX_NUMBER_OCTETS);
  return out.subarray(0, writeNumber(out, 0, value, at));
}

/** Room for the longest serial or CRL number. */
export const MAX_NUMBER_OCTETS = 22;

/** Writes a serial or CRL number at `offset`; returns the offset behind it. */
export function writeNumber(out: Buffer, offset: number, value: bigint, at: 'serial number' | 'CRL number'): number {
  const digits = value.toString(16);
  const hex = digits.length % 2 === 0 ? digits : `0${digits}`;
  const padding = hex.charCodeAt(0) >= FIRST_DIGIT_WITH_TOP_BIT ? 1 : 0;
  const octets = hex.length / 2 + padding;
  if (value <= 0n || octets > 20)
    throw new VcsPkiError('CONTENT_INVALID', {
      at,
      message: `a ${at} is positive and has at most 20 octets`,
      fix: 'take another one',
      value: serialHex(value),
    });
  const content = writeHeader(out, offset, Tag.integer, octets);
  if (padding) out[content] = 0;
  return content + padding + out.write(hex, content + padding, 'hex');
}

const FIRST_DIGIT_WITH_TOP_BIT = 0x38;

export interface Signed {
  readonly der: Buffer;
  readonly tbs: Buffer;
  /** Reads the fields of the to-be-signed part. */
  readonly fields: DerReader;
  readonly signatureAlgorithm: Buffer;
  readonly signature: Buffer;
}

/** SEQUENCE { to-be-signed, algorithm, signature }: what certificates, requests and CRLs have in common. */
export function readSigned(reader: DerReader, what: string): Signed {
  const whole = reader.next(Tag.sequence, what);
  const outer = reader.into(whole);
  const tbs = outer.next(Tag.sequence, what);
  const signatureAlgorithm = outer.next(Tag.sequence, 'the signature algorithm').der;
  const signature = outer.octetBits('the signature');
  outer.end(what);
  return { der: whole.der, tbs: tbs.der, fields: outer.into(tbs), signatureAlgorithm, signature };
}

export function nextTime(reader: DerReader, what: string): Date {
  const { tag, content } = reader.any(what);
  const time = readTime(tag, content, 0, content.length);
  if (Number.isNaN(time)) throw derInvalid(reader.at, `${what} is not a date of RFC 5280`);
  return new Date(time);
}

const versions = [1, 2, 3] as const;
const VERSION = contextTag(0, 'constructed');
const VERSION_3 = encodeDer(VERSION, integer(2));
const EXTENSIONS = contextTag(3, 'constructed');

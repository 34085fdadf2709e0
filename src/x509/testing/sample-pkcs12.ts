import { createCipheriv, createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { contextTag, encodeDer, integer, octetString, oid, sequence, Tag } from '../der.ts';

/** PKCS #12 files with few iterations and fixed salts, part by part, also as no honest program writes them. */

export interface SampleAttributes {
  readonly friendlyName?: string;
  readonly localKeyId?: Buffer;
}

export function sampleBag(type: string, value: Buffer, { friendlyName, localKeyId }: SampleAttributes = {}): Buffer {
  const attributes: Buffer[] = [];
  if (friendlyName !== undefined) {
    const name = encodeDer(Tag.bmpString, Buffer.from(friendlyName, 'utf16le').swap16());
    attributes.push(sequence(oid('1.2.840.113549.1.9.20'), encodeDer(Tag.set, name)));
  }
  if (localKeyId) attributes.push(sequence(oid('1.2.840.113549.1.9.21'), encodeDer(Tag.set, octetString(localKeyId))));
  const set = attributes.length > 0 ? [encodeDer(Tag.set, ...attributes)] : [];
  return sequence(oid(type), explicit(value), ...set);
}

export function sampleCertificateBag(der: Buffer, attributes?: SampleAttributes): Buffer {
  const value = sequence(oid('1.2.840.113549.1.9.22.1'), explicit(octetString(der)));
  return sampleBag('1.2.840.113549.1.12.10.1.3', value, attributes);
}

export function sampleCrlBag(der: Buffer): Buffer {
  return sampleBag('1.2.840.113549.1.12.10.1.4', sequence(oid('1.2.840.113549.1.9.23.1'), explicit(octetString(der))));
}

export function sampleKeyBag(pkcs8: Buffer, attributes?: SampleAttributes): Buffer {
  return sampleBag('1.2.840.113549.1.12.10.1.1', pkcs8, attributes);
}

export function sampleShroudedKeyBag(pkcs8: Buffer, password: string, attributes?: SampleAttributes): Buffer {
  return sampleBag('1.2.840.113549.1.12.10.1.2', sampleEncryptedKey(pkcs8, password), attributes);
}

/** An EncryptedPrivateKeyInfo. */
export function sampleEncryptedKey(pkcs8: Buffer, password: string): Buffer {
  const { algorithm, ciphertext } = encrypt(pkcs8, password);
  return sequence(algorithm, octetString(ciphertext));
}

export function sampleSafe(...bags: Buffer[]): Buffer {
  return data(octetString(sequence(...bags)));
}

export function sampleEncryptedSafe(password: string, ...bags: Buffer[]): Buffer {
  const { algorithm, ciphertext } = encrypt(sequence(...bags), password);
  const content = sequence(oid(DATA), algorithm, encodeDer(contextTag(0, 'primitive'), ciphertext));
  return sequence(oid('1.2.840.113549.1.7.6'), explicit(sequence(integer(0), content)));
}

/**
 * `macPassword` undefined: without a message authentication code; null: with one for a password of no octets at all.
 * `iterations` is only what the file says of it.
 */
export function samplePfx(safes: readonly Buffer[], macPassword?: string | null, iterations = 1): Buffer {
  const content = sequence(...safes);
  return sequence(integer(3), data(octetString(content)), ...macOf(content, macPassword, iterations));
}

/** The same with indefinite lengths outside and the content in pieces, as Windows writes it. */
export function sampleBerPfx(safes: readonly Buffer[], macPassword: string): Buffer {
  const content = sequence(...safes);
  const half = content.length >> 1;
  const pieces = indefinite(0x24, octetString(content.subarray(0, half)), octetString(content.subarray(half)));
  const info = indefinite(Tag.sequence, oid(DATA), indefinite(contextTag(0, 'constructed'), pieces));
  return indefinite(Tag.sequence, integer(3), info, ...macOf(content, macPassword, 1));
}

export function indefinite(tag: number, ...contents: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.of(tag, 0x80), ...contents, Buffer.of(0, 0)]);
}

const DATA = '1.2.840.113549.1.7.1';
const SALT = Buffer.from('0102030405060708', 'hex');

function explicit(value: Buffer): Buffer {
  return encodeDer(contextTag(0, 'constructed'), value);
}

function data(octets: Buffer): Buffer {
  return sequence(oid(DATA), explicit(octets));
}

/** RFC 7292 appendix B for one iteration: a digest over the purpose 3, the salt and the password, each filling a block. */
function macOf(content: Buffer, password: string | null | undefined, iterations: number): Buffer[] {
  if (password === undefined) return [];
  const bmp = Buffer.from(password === null ? '' : `${password}\0`, 'utf16le').swap16();
  const input = [Buffer.alloc(64, 3), Buffer.alloc(64, SALT), Buffer.alloc(Math.ceil(bmp.length / 64) * 64, bmp)];
  const key = createHash('sha256').update(Buffer.concat(input)).digest();
  const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'), encodeDer(Tag.null));
  const digest = createHmac('sha256', key).update(content).digest();
  return [sequence(sequence(sha256, octetString(digest)), octetString(SALT), integer(iterations))];
}

/** PBES2: PBKDF2-HMAC-SHA256 with 10 iterations, AES-256-CBC. */
function encrypt(plain: Buffer, password: string): { algorithm: Buffer; ciphertext: Buffer } {
  const iv = Buffer.alloc(16, 9);
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(password, SALT, 10, 32, 'sha256'), iv);
  const hmac = sequence(oid('1.2.840.113549.2.9'), encodeDer(Tag.null));
  const derivation = sequence(oid('1.2.840.113549.1.5.12'), sequence(octetString(SALT), integer(10), hmac));
  const encryption = sequence(oid('2.16.840.1.101.3.4.1.42'), octetString(iv));
  const algorithm = sequence(oid('1.2.840.113549.1.5.13'), sequence(derivation, encryption));
  return { algorithm, ciphertext: Buffer.concat([cipher.update(plain), cipher.final()]) };
}

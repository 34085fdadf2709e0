import { createCipheriv, createDecipheriv, pbkdf2, pbkdf2Sync, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { VcsPkiError } from '../errors.ts';
import { type DerReader, derInvalid, encodeDer, integer, octetString, oid, sequence, Tag } from './der.ts';
import { spend, type WorkLimit } from './work-limit.ts';

/**
 * PBES2 (RFC 8018 6.2) with PBKDF2-HMAC-SHA256 and AES-256-CBC. node:crypto's own key export has 2,048 iterations and an
 * 8-byte salt and no way to change that. OpenSSL, GnuTLS and Node read these parameters; GnuTLS and Windows refuse longer salts.
 */
export const PBKDF2_ITERATIONS = 600_000;
export const SALT_OCTETS = 16;

export interface Encrypted {
  /** The AlgorithmIdentifier with all parameters. */
  readonly algorithm: Buffer;
  readonly ciphertext: Buffer;
}

export async function encryptPbes2(plain: Uint8Array, password: string): Promise<Encrypted> {
  const salt = randomBytes(SALT_OCTETS);
  return seal(plain, salt, await promisify(pbkdf2)(password, salt, PBKDF2_ITERATIONS, KEY_OCTETS, 'sha256'));
}

/** The same, on the calling thread: about a tenth of a second. */
export function encryptPbes2Sync(plain: Uint8Array, password: string): Encrypted {
  const salt = randomBytes(SALT_OCTETS);
  return seal(plain, salt, pbkdf2Sync(password, salt, PBKDF2_ITERATIONS, KEY_OCTETS, 'sha256'));
}

const KEY_OCTETS = 32;
const IV_OCTETS = 16;

function seal(plain: Uint8Array, salt: Buffer, key: Buffer): Encrypted {
  const iv = randomBytes(IV_OCTETS);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  key.fill(0);
  const hmacSha256 = sequence(oid(HMAC_SHA256), encodeDer(Tag.null));
  const derivation = sequence(oid(PBKDF2), sequence(octetString(salt), integer(PBKDF2_ITERATIONS), hmacSha256));
  const encryption = sequence(oid(AES_256_CBC), octetString(iv));
  return { algorithm: sequence(oid(PBES2), sequence(derivation, encryption)), ciphertext };
}

// ---- reading -------------------------------------------------------------------------------------------------------

export const PBES2 = '1.2.840.113549.1.5.13';

/**
 * The plain bytes, with the parameters that follow the identifier of PBES2: PBKDF2 on any HMAC-SHA, AES-CBC or 3DES-CBC.
 * Undefined when the padding is wrong, as with a wrong password. Fails with CONTAINER_UNSUPPORTED for other schemes,
 * KEY_DERIVATION_TOO_LONG or DER_INVALID.
 */
export async function decryptPbes2(
  parameters: DerReader,
  ciphertext: Buffer,
  password: string,
  limit: WorkLimit,
): Promise<Buffer | undefined> {
  const { at } = parameters;
  const derivation = parameters.enter(Tag.sequence, 'the key derivation');
  const kind = derivation.oid('the key derivation');
  if (kind !== PBKDF2) throw unsupportedEncryption(at, `the key derivation ${kind}`);
  const pbkdf2Parameters = derivation.enter(Tag.sequence, 'the parameters of PBKDF2');
  const salt = pbkdf2Parameters.next(Tag.octetString, 'the salt').content;
  const iterations = pbkdf2Parameters.integer('the iterations');
  if (pbkdf2Parameters.tag === Tag.integer) pbkdf2Parameters.integer('the key length');
  const hmac = pbkdf2Parameters.enterOptional(Tag.sequence, 'the HMAC')?.oid('the HMAC') ?? HMAC_SHA1;
  const digest = hmacDigests[hmac];
  if (!digest) throw unsupportedEncryption(at, `the HMAC ${hmac}`);
  const encryption = parameters.enter(Tag.sequence, 'the cipher');
  const cipherOid = encryption.oid('the cipher');
  const cipher = ciphers[cipherOid];
  if (!cipher) throw unsupportedEncryption(at, `the cipher ${cipherOid}`);
  const iv = encryption.next(Tag.octetString, 'the initialization vector').content;
  if (iv.length !== cipher.ivOctets) throw derInvalid(at, `an initialization vector of ${iv.length} octets`);
  spend(limit, iterations, Math.ceil(cipher.keyOctets / digest.octets), at);
  const key = await promisify(pbkdf2)(password, salt, Number(iterations), cipher.keyOctets, digest.name);
  try {
    return decryptCbc(cipher.name, key, iv, ciphertext);
  } finally {
    key.fill(0);
  }
}

/** Undefined when the padding is wrong. */
export function decryptCbc(cipher: string, key: Buffer, iv: Buffer, ciphertext: Buffer): Buffer | undefined {
  const decipher = createDecipheriv(cipher, key, iv);
  const start = decipher.update(ciphertext);
  try {
    return Buffer.concat([start, decipher.final()]);
  } catch {
    return undefined;
  }
}

/** What decrypting a PKCS #8 key costs, from its AlgorithmIdentifier: PBES2 with PBKDF2 or scrypt, PBES1, PKCS #12. */
export function iterationsOf(algorithm: DerReader): bigint {
  const isPbes2 = algorithm.oid('the encryption') === PBES2;
  const parameters = algorithm.enter(Tag.sequence, 'the parameters of the encryption');
  const derivation = isPbes2 ? parameters.enter(Tag.sequence, 'the key derivation') : undefined;
  const isScrypt = derivation?.oid('the key derivation') === SCRYPT;
  const costs = derivation?.enter(Tag.sequence, 'the parameters of the key derivation') ?? parameters;
  costs.next(Tag.octetString, 'the salt');
  const first = costs.integer('the iterations');
  return isScrypt ? first * costs.integer('the block size') * costs.integer('the parallelization') : first;
}

export function unsupportedEncryption(at: string, what: string): VcsPkiError {
  return new VcsPkiError('CONTAINER_UNSUPPORTED', {
    at,
    message: `it is protected with ${what}, which is not supported`,
    fix: 'export it again with AES-256 and SHA-256, or with 3DES and SHA-1',
  });
}

const PBKDF2 = '1.2.840.113549.1.5.12';
const SCRYPT = '1.3.6.1.4.1.11591.4.11';
const HMAC_SHA1 = '1.2.840.113549.2.7';
const HMAC_SHA256 = '1.2.840.113549.2.9';
const AES_256_CBC = '2.16.840.1.101.3.4.1.42';

const hmacDigests: Readonly<Record<string, { name: string; octets: number }>> = {
  [HMAC_SHA1]: { name: 'sha1', octets: 20 },
  '1.2.840.113549.2.8': { name: 'sha224', octets: 28 },
  [HMAC_SHA256]: { name: 'sha256', octets: 32 },
  '1.2.840.113549.2.10': { name: 'sha384', octets: 48 },
  '1.2.840.113549.2.11': { name: 'sha512', octets: 64 },
};

const ciphers: Readonly<Record<string, { name: string; keyOctets: number; ivOctets: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyOctets: 16, ivOctets: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyOctets: 24, ivOctets: 16 },
  [AES_256_CBC]: { name: 'aes-256-cbc', keyOctets: 32, ivOctets: 16 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyOctets: 24, ivOctets: 8 },
};

import { createHmac } from 'node:crypto';
import { VcsPkiError } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { BerReader } from './ber.ts';
import { contextTag, type DerReader, Tag } from './der.ts';
import { decryptCbc, decryptPbes2, PBES2, unsupportedEncryption } from './pbes2.ts';
import { bmpPassword, derivePkcs12Key, digestOctets, KeyPurpose, type Pkcs12Digest } from './pkcs12-kdf.ts';
import { decryptRc2Cbc } from './rc2.ts';
import { spend, type WorkLimit } from './work-limit.ts';

/** A part of the file as it stands, under the label that PEM has for it; "bag <OID>" where PEM has none. */
export interface Pkcs12Value {
  readonly label: string;
  readonly der: Buffer;
  readonly friendlyName?: string;
  /** The same for a key and its certificate. */
  readonly localKeyId?: Buffer;
}

export interface Pkcs12Options {
  readonly at: string;
  readonly password: Secret<string> | undefined;
  readonly limit: WorkLimit;
}

/**
 * The parts of a PKCS #12 file (RFC 7292) of at most 1 MiB, in its order; keys as PKCS #8. Its message authentication
 * code is checked first. Without a password, none and the empty one are tried. Fails with KEY_ENCRYPTED,
 * KEY_PASSPHRASE_WRONG, KEY_DERIVATION_TOO_LONG, CONTAINER_UNSUPPORTED or DER_INVALID.
 */
export async function readPkcs12(bytes: Buffer, options: Pkcs12Options): Promise<Pkcs12Value[]> {
  const { at, limit } = options;
  const pfx = BerReader.open(bytes, at).enter(Tag.sequence, 'the PKCS #12 file');
  const version = pfx.strict('the version').integer('the version');
  if (version !== 3n) throw unsupported(at, `it is of version ${version} of PKCS #12`);
  const info = pfx.enter(Tag.sequence, 'the content');
  const type = info.strict('the content type').oid('the content type');
  if (type !== DATA) throw unsupported(at, 'it is signed instead of having a message authentication code');
  const content = info.enter(EXPLICIT, 'the content').octets('the content');
  const mac = pfx.more ? readMac(pfx.enter(Tag.sequence, 'the message authentication code')) : undefined;
  if (!options.password && mac && mac.iterations > MAX_GUESS_ITERATIONS) throw locked(at);
  for (const password of passwordsToTry(options.password)) {
    const opening = { at, limit, password };
    if (mac && !(await macFits(mac, content, opening))) continue;
    const values = await readContent(content, opening);
    if (values) return values;
  }
  throw options.password ? wrongPassword(at) : locked(at);
}

const EXPLICIT = contextTag(0, 'constructed');
const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
/** Trying an empty password is worth the time only where it takes little. */
const MAX_GUESS_ITERATIONS = 100_000n;
/** A digest of the PKCS #12 key derivation takes twice the time of a round of PBKDF2. */
const DIGEST_WEIGHT = 2;
const MAX_VALUES = 10_000;
const MAX_DEPTH = 8;

// ---- passwords -----------------------------------------------------------------------------------------------------

interface Password {
  /** For PBES2. */
  readonly text: string;
  /** For everything older. */
  readonly bmp: Buffer;
}

interface Opening {
  readonly at: string;
  readonly limit: WorkLimit;
  readonly password: Password;
}

/** An empty password is written in two ways: as the two octets of its end, or as nothing at all. */
function passwordsToTry(password: Secret<string> | undefined): Password[] {
  const text = password?.reveal() ?? '';
  const terminated = { text, bmp: bmpPassword(text) };
  return text === '' ? [terminated, { text, bmp: Buffer.alloc(0) }] : [terminated];
}

interface Mac {
  readonly digest: Pkcs12Digest;
  readonly value: Buffer;
  readonly salt: Buffer;
  readonly iterations: bigint;
}

function readMac(mac: BerReader): Mac {
  const info = mac.enter(Tag.sequence, 'the digest');
  const algorithm = info.strict('the digest algorithm').enter(Tag.sequence, 'the digest algorithm');
  const type = algorithm.oid('the digest algorithm');
  const digest = macDigests[type];
  if (!digest) throw unsupportedEncryption(mac.at, `the message authentication code ${type}`);
  const value = info.octets('the digest');
  const salt = mac.octets('the salt');
  return { digest, value, salt, iterations: mac.more ? mac.strict('the iterations').integer('the iterations') : 1n };
}

async function macFits(mac: Mac, content: Buffer, opening: Opening): Promise<boolean> {
  const { digest, value } = mac;
  const key = await deriveKey({ ...mac, purpose: KeyPurpose.mac, length: digestOctets[digest] }, opening);
  return createHmac(digest, key).update(content).digest().equals(value);
}

interface Derivation {
  readonly purpose: (typeof KeyPurpose)[keyof typeof KeyPurpose];
  readonly digest: Pkcs12Digest;
  readonly salt: Buffer;
  readonly iterations: bigint;
  readonly length: number;
}

function deriveKey({ purpose, digest, salt, iterations, length }: Derivation, opening: Opening): Promise<Buffer> {
  const { at, limit, password } = opening;
  spend(limit, iterations, DIGEST_WEIGHT * Math.ceil(length / digestOctets[digest]), at);
  return derivePkcs12Key({ purpose, digest, password: password.bmp, salt, iterations: Number(iterations), length });
}

// ---- contents ------------------------------------------------------------------------------------------------------

/** Undefined when the password does not fit. */
async function readContent(content: Buffer, opening: Opening): Promise<Pkcs12Value[] | undefined> {
  const { at } = opening;
  const values: Pkcs12Value[] = [];
  const safes = BerReader.open(content, at).enter(Tag.sequence, 'the safes');
  while (safes.more) {
    const safe = safes.enter(Tag.sequence, 'a safe');
    const type = safe.strict('the type of a safe').oid('the type of a safe');
    if (type !== DATA && type !== ENCRYPTED_DATA)
      throw unsupported(at, `it has a part of the type ${type}, which no password opens`);
    const inner = safe.enter(EXPLICIT, 'a safe');
    const bags = type === DATA ? inner.octets('a safe') : await decryptSafe(inner, opening);
    if (!bags || !(await readBags(bags, values, opening, 1))) return undefined;
  }
  return values;
}

function decryptSafe(safe: BerReader, opening: Opening): Promise<Buffer | undefined> {
  const data = safe.enter(Tag.sequence, 'the encrypted data');
  data.strict('the version');
  const info = data.enter(Tag.sequence, 'the encrypted content');
  info.strict('the content type');
  const algorithm = info.strict('the encryption').enter(Tag.sequence, 'the encryption');
  return decrypt(algorithm, info.octets('the encrypted content', contextTag(0, 'primitive')), opening);
}

/** Adds what the bags hold to `values`; false when the password does not fit. */
async function readBags(content: Buffer, values: Pkcs12Value[], opening: Opening, depth: number): Promise<boolean> {
  const { at } = opening;
  if (depth > MAX_DEPTH) throw unsupported(at, `it has bags nested more than ${MAX_DEPTH} deep`);
  const bags = BerReader.open(content, at).enter(Tag.sequence, 'the bags');
  while (bags.more) {
    if (values.length === MAX_VALUES) throw unsupported(at, `it has more than ${MAX_VALUES} parts`);
    const bag = bags.enter(Tag.sequence, 'a bag');
    const type = bag.strict('the type of a bag').oid('the type of a bag');
    const content = bag.enter(EXPLICIT, 'the content of a bag');
    if (type === NESTED_BAGS) {
      if (!(await readBags(content.any('the bags').bytes, values, opening, depth + 1))) return false;
      continue;
    }
    const value = await readBag(type, content, opening);
    if (!value) return false;
    values.push({ ...value, ...(bag.more && readAttributes(bag.enter(Tag.set, 'the attributes of a bag'))) });
  }
  return true;
}

const NESTED_BAGS = '1.2.840.113549.1.12.10.1.6';

async function readBag(type: string, content: BerReader, opening: Opening): Promise<Pkcs12Value | undefined> {
  switch (type) {
    case '1.2.840.113549.1.12.10.1.1':
      return { label: 'PRIVATE KEY', der: Buffer.from(content.any('a key').bytes) };
    case '1.2.840.113549.1.12.10.1.2': {
      const encrypted = content.enter(Tag.sequence, 'a key');
      const algorithm = encrypted.strict('the encryption').enter(Tag.sequence, 'the encryption');
      const der = await decrypt(algorithm, encrypted.octets('a key'), opening);
      return der && { label: 'PRIVATE KEY', der };
    }
    case '1.2.840.113549.1.12.10.1.3':
      return { label: 'CERTIFICATE', der: typedValue(content, '1.2.840.113549.1.9.22.1', 'a certificate') };
    case '1.2.840.113549.1.12.10.1.4':
      return { label: 'X509 CRL', der: typedValue(content, '1.2.840.113549.1.9.23.1', 'a CRL') };
    default:
      return { label: `bag ${type}`, der: content.any('the content of a bag').bytes };
  }
}

function typedValue(content: BerReader, wanted: string, what: string): Buffer {
  const value = content.enter(Tag.sequence, what);
  const type = value.strict('the type').oid('the type');
  if (type !== wanted) throw unsupported(content.at, `${what} in it is of the type ${type}`);
  return value.enter(EXPLICIT, what).octets(what);
}

function readAttributes(attributes: BerReader): { friendlyName?: string; localKeyId?: Buffer } {
  const found: { friendlyName?: string; localKeyId?: Buffer } = {};
  while (attributes.more) {
    const attribute = attributes.enter(Tag.sequence, 'an attribute');
    const type = attribute.strict('the type of an attribute').oid('the type of an attribute');
    const values = attribute.enter(Tag.set, 'an attribute');
    if (type === FRIENDLY_NAME) found.friendlyName = utf16(values.next(Tag.bmpString, 'the friendly name').content);
    if (type === LOCAL_KEY_ID) found.localKeyId = values.octets('the local key identifier');
  }
  return found;
}

const FRIENDLY_NAME = '1.2.840.113549.1.9.20';
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21';

function utf16(bigEndian: Buffer): string {
  return Buffer.from(bigEndian.subarray(0, bigEndian.length & ~1))
    .swap16()
    .toString('utf16le');
}

// ---- encryption ----------------------------------------------------------------------------------------------------

/** Undefined when the password does not fit. */
async function decrypt(algorithm: DerReader, ciphertext: Buffer, opening: Opening): Promise<Buffer | undefined> {
  const { at, password, limit } = opening;
  const type = algorithm.oid('the encryption');
  const cipher = olderCiphers[type];
  if (type !== PBES2 && !cipher) throw unsupportedEncryption(at, `the encryption ${type}`);
  const parameters = algorithm.enter(Tag.sequence, 'the parameters of the encryption');
  const plain = cipher
    ? await decryptOlder(cipher, parameters, ciphertext, opening)
    : await decryptPbes2(parameters, ciphertext, password.text, limit);
  // With a wrong password the padding fits once in 256 times.
  return plain && isSequence(plain) ? plain : undefined;
}

interface OlderCipher {
  readonly name: 'des-ede3-cbc' | 'des-ede-cbc' | 'rc2-cbc';
  readonly keyOctets: number;
}

/** RFC 7292 appendix C. */
const olderCiphers: Readonly<Record<string, OlderCipher>> = {
  '1.2.840.113549.1.12.1.3': { name: 'des-ede3-cbc', keyOctets: 24 },
  '1.2.840.113549.1.12.1.4': { name: 'des-ede-cbc', keyOctets: 16 },
  '1.2.840.113549.1.12.1.5': { name: 'rc2-cbc', keyOctets: 16 },
  '1.2.840.113549.1.12.1.6': { name: 'rc2-cbc', keyOctets: 5 },
};

async function decryptOlder(
  { name, keyOctets }: OlderCipher,
  parameters: DerReader,
  ciphertext: Buffer,
  opening: Opening,
): Promise<Buffer | undefined> {
  const salt = parameters.next(Tag.octetString, 'the salt').content;
  const iterations = parameters.integer('the iterations');
  const common = { digest: 'sha1', salt, iterations } as const;
  const key = await deriveKey({ ...common, purpose: KeyPurpose.encryption, length: keyOctets }, opening);
  const iv = await deriveKey({ ...common, purpose: KeyPurpose.initializationVector, length: 8 }, opening);
  try {
    return name === 'rc2-cbc' ? decryptRc2Cbc(ciphertext, key, iv) : decryptCbc(name, key, iv, ciphertext);
  } finally {
    key.fill(0);
  }
}

function isSequence(bytes: Buffer): boolean {
  try {
    return BerReader.open(bytes, '').tag === Tag.sequence;
  } catch {
    return false;
  }
}

const macDigests: Readonly<Record<string, Pkcs12Digest>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

// ---- errors --------------------------------------------------------------------------------------------------------

function locked(at: string): VcsPkiError {
  return new VcsPkiError('KEY_ENCRYPTED', {
    at,
    message: 'the PKCS #12 file is protected by a password',
    fix: 'give the password of its export with --password-file',
  });
}

function wrongPassword(at: string): VcsPkiError {
  return new VcsPkiError('KEY_PASSPHRASE_WRONG', {
    at,
    message: 'the password does not open the PKCS #12 file',
    fix: 'check the password; it is the one that was typed when the file was exported',
  });
}

function unsupported(at: string, message: string): VcsPkiError {
  return new VcsPkiError('CONTAINER_UNSUPPORTED', {
    at,
    message,
    fix: 'export it again with a password, or give its certificates and keys as PEM',
  });
}

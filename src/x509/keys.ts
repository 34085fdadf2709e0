import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { VcsPkiError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { DerReader, encodeDer, octetString, oid, sequence, Tag } from './der.ts';
import { encryptPbes2Sync, iterationsOf } from './pbes2.ts';
import { decodePem, encodePem, type PemBlock } from './pem.ts';
import { spend, type WorkLimit, workLimit } from './work-limit.ts';

/** The types that vcs-pki makes keys of. */
export const keyTypes = ['rsa-2048', 'rsa-4096', 'ec-p256', 'ec-p384', 'ec-p521'] as const;
export type KeyType = (typeof keyTypes)[number];

/** RSA keys take up to seconds; the work runs on a thread of its own. */
export async function generatePrivateKey(type: KeyType): Promise<KeyObject> {
  const generate = promisify(generateKeyPair);
  const { privateKey } =
    type === 'rsa-2048' || type === 'rsa-4096'
      ? await generateRsa(type === 'rsa-2048' ? 2048 : 4096)
      : await generate('ec', { namedCurve: `P-${type.slice('ec-p'.length)}` });
  return privateKey;
}

const generateRsa = (modulusLength: number) => promisify(generateKeyPair)('rsa', { modulusLength });

/** PKCS #8 as PEM with exactly one newline at its end (requirement 40); encrypted with PBES2 when a passphrase is given. */
export function privateKeyPem(key: KeyObject, passphrase?: Secret<string>): Secret<string> {
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  try {
    if (!passphrase) return new Secret(encodePem('PRIVATE KEY', pkcs8));
    const { algorithm, ciphertext } = encryptPbes2Sync(pkcs8, passphrase.reveal());
    return new Secret(encodePem('ENCRYPTED PRIVATE KEY', sequence(algorithm, octetString(ciphertext))));
  } finally {
    pkcs8.fill(0);
  }
}

/**
 * The one private key in a PEM text; certificates and EC parameters beside it are ignored. PKCS #8 and the traditional
 * forms, encrypted or not, of RSA keys and EC keys on P-256, P-384 and P-521.
 * Fails with KEY_ENCRYPTED, KEY_PASSPHRASE_WRONG, KEY_DERIVATION_TOO_LONG or KEY_UNREADABLE.
 */
export function parsePrivateKey(
  pem: Secret<string>,
  options: { readonly at: string; readonly passphrase?: Secret<string> | undefined },
): KeyObject {
  const { at, passphrase } = options;
  const block = findKeyBlock(pem.reveal(), at);
  if (!keyEncryption(block)) return openPrivateKey(block, at);
  if (passphrase) return decryptPrivateKey(block, { at, passphrase, limit: workLimit() });
  throw new VcsPkiError('KEY_ENCRYPTED', {
    at,
    message: 'the private key is protected by a passphrase',
    fix: 'give the passphrase, or remove it: openssl pkey -in key.pem -out open.pem',
  });
}

/** Whether the one private key in a PEM text is encrypted. Fails with KEY_UNREADABLE. */
export function isEncrypted(pem: Secret<string>, at: string): boolean {
  return keyEncryption(findKeyBlock(pem.reveal(), at)) !== undefined;
}

/** A PEM block of a private key, or the same in DER under the label that PEM has for it. */
export type PrivateKeyBlock = Pick<PemBlock, 'label' | 'der' | 'headers'>;

/** How a key is encrypted: PKCS #8 by its label, the traditional form by a header line; undefined when it is not. */
export function keyEncryption({ label, headers }: PrivateKeyBlock): 'PKCS #8' | 'traditional' | undefined {
  if (label === 'ENCRYPTED PRIVATE KEY') return 'PKCS #8';
  return headers.some((header) => /^Proc-Type:\s*4\s*,\s*ENCRYPTED$/i.test(header)) ? 'traditional' : undefined;
}

/** A key that is not encrypted. Fails with KEY_UNREADABLE. */
export function openPrivateKey({ label, der }: PrivateKeyBlock, at: string): KeyObject {
  const type = plainForms[label];
  if (!type) throw unreadable(at, `a ${label} is of a type that is not supported`);
  try {
    DerReader.open(der, at);
    return ofSupportedType(createPrivateKey({ key: der, format: 'der', type }), at);
  } catch (cause) {
    if (cause instanceof VcsPkiError && cause.code === 'KEY_UNREADABLE') throw cause;
    throw unreadable(at, 'the private key is damaged or of an unknown type', cause);
  }
}

const plainForms: Readonly<Record<string, 'pkcs8' | 'pkcs1' | 'sec1'>> = {
  'PRIVATE KEY': 'pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
};

/** An encrypted key. Fails with KEY_PASSPHRASE_WRONG, KEY_DERIVATION_TOO_LONG or KEY_UNREADABLE. */
export function decryptPrivateKey(
  block: PrivateKeyBlock,
  options: { readonly at: string; readonly passphrase: Secret<string>; readonly limit: WorkLimit },
): KeyObject {
  const { at, passphrase, limit } = options;
  if (keyEncryption(block) === 'PKCS #8') spendIterations(block, at, limit);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: asOpensslWrites(block), passphrase: passphrase.reveal() });
  } catch (cause) {
    if (!isDecryptionFailure(cause))
      throw unreadable(at, 'the encrypted private key is damaged, or its cipher is too old for OpenSSL 3', cause);
    throw new VcsPkiError('KEY_PASSPHRASE_WRONG', {
      at,
      message: 'the passphrase does not open the private key',
      fix: 'check the passphrase; it is that of this key, not of its certificate store',
      cause,
    });
  }
  return ofSupportedType(key, at);
}

function findKeyBlock(text: string, at: string): PemBlock {
  const blocks = blocksOf(text, at);
  const [key, ...others] = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  if (key && others.length === 0) return key;
  const labels = blocks.map(({ label }) => label).join(', ');
  throw unreadable(at, `it holds ${key ? others.length + 1 : 0} private keys (${labels}) where one belongs`);
}

function blocksOf(text: string, at: string): PemBlock[] {
  try {
    return decodePem(text, at);
  } catch (cause) {
    if (!(cause instanceof VcsPkiError)) throw cause;
    throw unreadable(at, `it is no whole PEM text: ${cause.message.slice(`${at}: `.length)}`, cause);
  }
}

function spendIterations({ der }: PrivateKeyBlock, at: string, limit: WorkLimit): void {
  try {
    const encrypted = DerReader.open(der, at).enter(Tag.sequence, 'the encrypted key');
    spend(limit, iterationsOf(encrypted.enter(Tag.sequence, 'the encryption')), 1, at);
  } catch (cause) {
    if (cause instanceof VcsPkiError && cause.code === 'KEY_DERIVATION_TOO_LONG') throw cause;
    throw unreadable(at, 'the encrypted private key is damaged', cause);
  }
}

/** The printed examples of the guides have spaces after the commas of the header lines, which OpenSSL refuses. */
function asOpensslWrites({ label, der, headers }: PrivateKeyBlock): string {
  const pem = encodePem(label, der);
  if (headers.length === 0) return pem;
  const trimmed = headers.map((header) =>
    header
      .split(',')
      .map((part) => part.trim())
      .join(','),
  );
  return pem.replace('\n', `\n${trimmed.join('\n')}\n\n`);
}

/**
 * A wrong passphrase mostly shows as bad padding, and once in 256 as whatever error parsing nonsense can give.
 * So it is the passphrase unless OpenSSL does not know the cipher (EVP) or the header (PEM).
 */
function isDecryptionFailure(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return !/^ERR_OSSL_(EVP|PEM)_/.test(code);
}

/**
 * The key, once it is proved to be one: asking Node 20 for the details of an EC key whose number is longer than its curve
 * ends the process, and the number 0 has no public key.
 */
function ofSupportedType(key: KeyObject, at: string): KeyObject {
  try {
    key.export({ type: 'pkcs8', format: 'der' }).fill(0);
    subjectPublicKeyInfo(key);
  } catch (cause) {
    throw unreadable(at, 'the private key is damaged', cause);
  }
  const type = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType;
  if (type !== 'rsa' && !(type !== undefined && supportedCurves.includes(type)))
    throw unreadable(at, `the private key is of the type ${type ?? 'unknown'}, which is not supported`);
  return key;
}

function unreadable(at: string, message: string, cause?: unknown): VcsPkiError {
  return new VcsPkiError('KEY_UNREADABLE', {
    at,
    message,
    fix: 'give one private key as PEM: RSA, or EC on P-256, P-384 or P-521, as PKCS #8 or in the traditional form',
    cause,
  });
}

const supportedCurves = ['prime256v1', 'secp384r1', 'secp521r1'];

// ---- public keys ---------------------------------------------------------------------------------------------------

/** The SubjectPublicKeyInfo (RFC 5280 4.1.2.7) of a public key, or of the public half of a private one. */
export function subjectPublicKeyInfo(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  // OpenSSL 3 takes 150 microseconds to encode the structure, and 6 to give the point that goes into it.
  const curve = uncompressedPoints.find(({ namedCurve }) => namedCurve === publicKey.asymmetricKeyDetails?.namedCurve);
  if (!curve) return publicKey.export({ type: 'spki', format: 'der' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  return Buffer.concat([curve.prefix, Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}

/** The key of a SubjectPublicKeyInfo. Fails with DER_INVALID, or as node:crypto does for a key that is none. */
export function publicKeyOf(spki: Buffer): KeyObject {
  // OpenSSL 3 takes longer to decode the structure than to verify with the key: 140 microseconds or more, and 4 for what
  // is inside of RSA keys, 90 for the point of EC keys, which it proves to be on the curve either way.
  const curve = uncompressedPoints.find(
    ({ prefix, size }) => spki.length === prefix.length + 2 * size && spki.indexOf(prefix) === 0,
  );
  if (curve) {
    const [x, y] = [spki.subarray(-2 * curve.size, -curve.size), spki.subarray(-curve.size)];
    const jwk = { kty: 'EC', crv: curve.jwkCurve, x: x.toString('base64url'), y: y.toString('base64url') };
    return createPublicKey({ key: jwk, format: 'jwk' });
  }
  const info = DerReader.open(spki, 'public key').enter(Tag.sequence, 'the public key');
  if (!info.next(Tag.sequence, 'the key algorithm').der.equals(RSA_ALGORITHM))
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const bits = info.octetBits('the key');
  DerReader.open(bits, 'public key');
  return createPublicKey({ key: bits, format: 'der', type: 'pkcs1' });
}

/** SHA-1 over the bits of the public key (RFC 5280 4.2.1.2 method 1): a name for the key, no protection. */
export function keyIdentifier(spki: Buffer): Buffer {
  const info = DerReader.open(spki, 'public key').enter(Tag.sequence, 'the public key');
  info.next(Tag.sequence, 'the key algorithm');
  return createHash('sha1').update(info.octetBits('the key')).digest();
}

/** SHA-256 of a public key, lower-case hex: the same for every encoding of a key; one that is not supported is taken as it stands. */
export function keyId(spki: Buffer): string {
  return createHash('sha256').update(canonical(spki)).digest('hex');
}

function canonical(spki: Buffer): Buffer {
  try {
    return subjectPublicKeyInfo(publicKeyOf(spki));
  } catch {
    return spki;
  }
}

export function keyTypeOf(spki: Buffer): KeyType | undefined {
  const { kind, size } = identify(spki);
  return keyTypes.find((type) => type === (kind === 'RSA' ? `rsa-${size}` : `ec-p${size}`));
}

/** For people: "RSA 2048", "EC P-256"; the dotted OID of other algorithms. */
export function describeKey(spki: Buffer): string {
  const { kind, size, algorithm } = identify(spki);
  if (kind === 'RSA') return `RSA ${size}`;
  return kind === 'EC' ? `EC P-${size}` : (keyAlgorithms[algorithm] ?? algorithm);
}

export type SigningKey = 'rsa' | 'ec-p256' | 'ec-p384' | 'ec-p521';

/** What decides the signature algorithm of a key. Fails with KEY_UNREADABLE for keys that vcs-pki does not sign with. */
export function signingKeyOf(spki: Buffer): SigningKey {
  const { kind, size } = identify(spki);
  if (kind === 'RSA') return 'rsa';
  if (size === 256 || size === 384 || size === 521) return `ec-p${size}`;
  throw unreadable('public key', `a key of the type ${describeKey(spki)} cannot sign here`);
}

function identify(spki: Buffer): { kind: 'RSA' | 'EC' | 'other'; size: number; algorithm: string } {
  const at = 'public key';
  const info = DerReader.open(spki, at).enter(Tag.sequence, 'the public key');
  const identifier = info.enter(Tag.sequence, 'the key algorithm');
  const algorithm = identifier.oid('the key algorithm');
  if (algorithm === RSA) {
    const key = DerReader.open(info.octetBits('the key'), at).enter(Tag.sequence, 'the RSA key');
    const { content } = key.next(Tag.integer, 'the modulus');
    const modulus = content[0] === 0 ? content.subarray(1) : content;
    return { kind: 'RSA', size: modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24, algorithm };
  }
  const size = algorithm === EC && identifier.tag === Tag.oid ? curveSizes[identifier.oid('the curve')] : undefined;
  return size ? { kind: 'EC', size, algorithm } : { kind: 'other', size: 0, algorithm };
}

const RSA = '1.2.840.113549.1.1.1';
const EC = '1.2.840.10045.2.1';
const RSA_ALGORITHM = sequence(oid(RSA), encodeDer(Tag.null));

/** Each with its SubjectPublicKeyInfo up to the coordinates of an uncompressed point (RFC 5480 2.2), and the octets of a coordinate. */
const uncompressedPoints = [
  {
    namedCurve: 'prime256v1',
    jwkCurve: 'P-256',
    prefix: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex'),
    size: 32,
  },
  {
    namedCurve: 'secp384r1',
    jwkCurve: 'P-384',
    prefix: Buffer.from('3076301006072a8648ce3d020106052b8104002203620004', 'hex'),
    size: 48,
  },
  {
    namedCurve: 'secp521r1',
    jwkCurve: 'P-521',
    prefix: Buffer.from('30819b301006072a8648ce3d020106052b810400230381860004', 'hex'),
    size: 66,
  },
] as const;

const curveSizes: Readonly<Record<string, number>> = {
  '1.2.840.10045.3.1.7': 256,
  '1.3.132.0.34': 384,
  '1.3.132.0.35': 521,
};

const keyAlgorithms: Readonly<Record<string, string>> = {
  [EC]: 'EC on another curve',
  '1.2.840.113549.1.1.10': 'RSA-PSS',
  '1.2.840.10040.4.1': 'DSA',
  '1.3.101.112': 'Ed25519',
  '1.3.101.113': 'Ed448',
};

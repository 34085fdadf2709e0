import { constants, type KeyObject, sign, verify } from 'node:crypto';
import { DerReader, encodeDer, oid, sequence, Tag } from './der.ts';
import { publicKeyOf, type SigningKey, signingKeyOf, subjectPublicKeyInfo } from './keys.ts';

export interface SignatureAlgorithm {
  /** As OpenSSL writes it, for example "ecdsa-with-SHA256". */
  readonly name: string;
  /** The AlgorithmIdentifier: parameters NULL for RSA, absent for ECDSA (RFC 4055, RFC 5758). */
  readonly der: Buffer;
  /** The digest as node:crypto names it. */
  readonly digest: string;
}

/** SHA-256 for RSA and P-256, SHA-384 for P-384, SHA-512 for P-521. Other keys fail with KEY_UNREADABLE. */
export function signatureAlgorithmFor(spki: Buffer): SignatureAlgorithm {
  return algorithms[signingKeyOf(spki)];
}

/** Signs with the algorithm that `signatureAlgorithmFor` gives for the key. */
export function signBytes(key: KeyObject, bytes: Buffer): Buffer {
  return sign(digestOf(key), bytes, key);
}

/**
 * Whether `signature` over `bytes` was made by a key (its SubjectPublicKeyInfo, or read already), with the algorithm of the given AlgorithmIdentifier.
 * The key's own certificate may be signed with quite another algorithm. False for algorithms that are not known, MD5 too.
 */
export function verifySignature(
  publicKey: Buffer | KeyObject,
  bytes: Buffer,
  signature: Buffer,
  algorithmDer: Buffer,
): boolean {
  try {
    const algorithm = readAlgorithm(algorithmDer);
    const scheme = verifiable[algorithm.oid];
    const key = Buffer.isBuffer(publicKey) ? publicKeyOf(publicKey) : publicKey;
    if (!scheme || key.asymmetricKeyType !== scheme.keyType) return false;
    if (algorithm.oid !== RSA_PSS) return verify(scheme.digest, bytes, key, signature);
    const pss = readPssParameters(algorithm.parameters);
    return pss !== undefined && verify(pss.digest, bytes, { key, ...pss.options }, signature);
  } catch {
    return false;
  }
}

/** The name of an AlgorithmIdentifier, or its dotted OID. */
export function signatureAlgorithmName(algorithmDer: Buffer): string {
  const { oid } = readAlgorithm(algorithmDer);
  return verifiable[oid]?.name ?? oid;
}

const SHA256_RSA = '1.2.840.113549.1.1.11';
const RSA_PSS = '1.2.840.113549.1.1.10';
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const ECDSA_SHA384 = '1.2.840.10045.4.3.3';
const ECDSA_SHA512 = '1.2.840.10045.4.3.4';

const nullDer = encodeDer(Tag.null);
const algorithms: Readonly<Record<SigningKey, SignatureAlgorithm>> = {
  rsa: { name: 'sha256WithRSAEncryption', der: sequence(oid(SHA256_RSA), nullDer), digest: 'sha256' },
  'ec-p256': { name: 'ecdsa-with-SHA256', der: sequence(oid(ECDSA_SHA256)), digest: 'sha256' },
  'ec-p384': { name: 'ecdsa-with-SHA384', der: sequence(oid(ECDSA_SHA384)), digest: 'sha384' },
  'ec-p521': { name: 'ecdsa-with-SHA512', der: sequence(oid(ECDSA_SHA512)), digest: 'sha512' },
};

const curveDigests: Readonly<Record<string, string>> = {
  prime256v1: algorithms['ec-p256'].digest,
  secp384r1: algorithms['ec-p384'].digest,
  secp521r1: algorithms['ec-p521'].digest,
};

interface Verifiable {
  readonly name: string;
  readonly keyType: 'rsa' | 'ec' | 'dsa' | 'ed25519' | 'ed448';
  /** null where the algorithm itself fixes the digest. */
  readonly digest: string | null;
}

const verifiable: Readonly<Record<string, Verifiable>> = {
  '1.2.840.113549.1.1.5': { name: 'sha1WithRSAEncryption', keyType: 'rsa', digest: 'sha1' },
  '1.2.840.113549.1.1.14': { name: 'sha224WithRSAEncryption', keyType: 'rsa', digest: 'sha224' },
  [SHA256_RSA]: { name: 'sha256WithRSAEncryption', keyType: 'rsa', digest: 'sha256' },
  '1.2.840.113549.1.1.12': { name: 'sha384WithRSAEncryption', keyType: 'rsa', digest: 'sha384' },
  '1.2.840.113549.1.1.13': { name: 'sha512WithRSAEncryption', keyType: 'rsa', digest: 'sha512' },
  [RSA_PSS]: { name: 'rsassaPss', keyType: 'rsa', digest: null },
  '1.2.840.10045.4.1': { name: 'ecdsa-with-SHA1', keyType: 'ec', digest: 'sha1' },
  '1.2.840.10045.4.3.1': { name: 'ecdsa-with-SHA224', keyType: 'ec', digest: 'sha224' },
  [ECDSA_SHA256]: { name: 'ecdsa-with-SHA256', keyType: 'ec', digest: 'sha256' },
  [ECDSA_SHA384]: { name: 'ecdsa-with-SHA384', keyType: 'ec', digest: 'sha384' },
  [ECDSA_SHA512]: { name: 'ecdsa-with-SHA512', keyType: 'ec', digest: 'sha512' },
  '1.2.840.10040.4.3': { name: 'dsa-with-SHA1', keyType: 'dsa', digest: 'sha1' },
  '2.16.840.1.101.3.4.3.2': { name: 'dsa_with_SHA256', keyType: 'dsa', digest: 'sha256' },
  '1.3.101.112': { name: 'ED25519', keyType: 'ed25519', digest: null },
  '1.3.101.113': { name: 'ED448', keyType: 'ed448', digest: null },
};

const digests: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** The same choice as `signatureAlgorithmFor`, without exporting the public key for each signature. */
function digestOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return algorithms.rsa.digest;
  const digest = curveDigests[key.asymmetricKeyDetails?.namedCurve ?? ''];
  return digest ?? signatureAlgorithmFor(subjectPublicKeyInfo(key)).digest;
}

function readAlgorithm(der: Buffer): { oid: string; parameters: DerReader } {
  const algorithm = DerReader.open(der, 'signature algorithm').enter(Tag.sequence, 'the algorithm');
  return { oid: algorithm.oid('the algorithm'), parameters: algorithm };
}

/** RSASSA-PSS-params of RFC 4055 3.1, as Microsoft CAs use it on request; the mask digest must be the digest. */
function readPssParameters(outer: DerReader) {
  const parameters = outer.enter(Tag.sequence, 'PSS parameters');
  const hash = parameters.enterOptional(0xa0, 'the hash')?.enter(Tag.sequence, 'the hash').oid('the hash');
  const mask = parameters.enterOptional(0xa1, 'the mask')?.enter(Tag.sequence, 'the mask');
  mask?.oid('the mask');
  const maskHash = mask?.enter(Tag.sequence, 'the mask hash').oid('the mask hash');
  const saltLength = parameters.enterOptional(0xa2, 'the salt length')?.integer('the salt length');
  const digest = hash === undefined ? 'sha1' : digests[hash];
  if (digest === undefined || hash !== maskHash) return undefined;
  return {
    digest,
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(saltLength ?? 20n) },
  };
}

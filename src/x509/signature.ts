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
    const scheme = schemeOf(readAlgorithm(algorithmDer));
    const key = Buffer.isBuffer(publicKey) ? publicKeyOf(publicKey) : publicKey;
    if (!scheme?.keyTypes.includes(key.asymmetricKeyType ?? '')) return false;
    return verify(scheme.digest, bytes, { key, ...scheme.options }, signature);
  } catch {
    return false;
  }
}

/** The name of an AlgorithmIdentifier, of RSASSA-PSS with its digest ("rsassaPss with sha256"), or its dotted OID. */
export function signatureAlgorithmName(algorithmDer: Buffer): string {
  const algorithm = readAlgorithm(algorithmDer);
  return schemeOf(algorithm)?.name ?? notVerifiable[algorithm.oid] ?? algorithm.oid;
}

/** Whether `verifySignature` knows the algorithm of this name, whoever signs with it. */
export function isVerifiable(algorithmName: string): boolean {
  return verifiableNames.has(algorithmName);
}

/** The digest of an algorithm of this name, where it is one that verifiers refuse (D30). */
export function weakDigest(algorithmName: string): 'SHA-1' | 'MD5' | 'MD2' | undefined {
  if (/sha1/i.test(algorithmName)) return 'SHA-1';
  return /^md5/.test(algorithmName) ? 'MD5' : /^md2/.test(algorithmName) ? 'MD2' : undefined;
}

const SHA256_RSA = '1.2.840.113549.1.1.11';
const SHA1 = '1.3.14.3.2.26';
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

interface Scheme {
  readonly name: string;
  /** The key types of node:crypto that may sign so. */
  readonly keyTypes: readonly string[];
  /** null where the algorithm itself fixes the digest. */
  readonly digest: string | null;
  readonly options?: { readonly padding: number; readonly saltLength: number };
}

/** Undefined for what cannot be verified. */
function schemeOf({ oid, parameters }: Algorithm): Scheme | undefined {
  if (oid !== RSA_PSS) return verifiable[oid];
  try {
    return readPss(parameters);
  } catch {
    return undefined;
  }
}

const verifiable: Readonly<Record<string, Scheme>> = {
  '1.2.840.113549.1.1.5': { name: 'sha1WithRSAEncryption', keyTypes: ['rsa'], digest: 'sha1' },
  '1.2.840.113549.1.1.14': { name: 'sha224WithRSAEncryption', keyTypes: ['rsa'], digest: 'sha224' },
  [SHA256_RSA]: { name: 'sha256WithRSAEncryption', keyTypes: ['rsa'], digest: 'sha256' },
  '1.2.840.113549.1.1.12': { name: 'sha384WithRSAEncryption', keyTypes: ['rsa'], digest: 'sha384' },
  '1.2.840.113549.1.1.13': { name: 'sha512WithRSAEncryption', keyTypes: ['rsa'], digest: 'sha512' },
  '1.2.840.10045.4.1': { name: 'ecdsa-with-SHA1', keyTypes: ['ec'], digest: 'sha1' },
  '1.2.840.10045.4.3.1': { name: 'ecdsa-with-SHA224', keyTypes: ['ec'], digest: 'sha224' },
  [ECDSA_SHA256]: { name: 'ecdsa-with-SHA256', keyTypes: ['ec'], digest: 'sha256' },
  [ECDSA_SHA384]: { name: 'ecdsa-with-SHA384', keyTypes: ['ec'], digest: 'sha384' },
  [ECDSA_SHA512]: { name: 'ecdsa-with-SHA512', keyTypes: ['ec'], digest: 'sha512' },
  '2.16.840.1.101.3.4.3.9': { name: 'ecdsa_with_SHA3-224', keyTypes: ['ec'], digest: 'sha3-224' },
  '2.16.840.1.101.3.4.3.10': { name: 'ecdsa_with_SHA3-256', keyTypes: ['ec'], digest: 'sha3-256' },
  '2.16.840.1.101.3.4.3.11': { name: 'ecdsa_with_SHA3-384', keyTypes: ['ec'], digest: 'sha3-384' },
  '2.16.840.1.101.3.4.3.12': { name: 'ecdsa_with_SHA3-512', keyTypes: ['ec'], digest: 'sha3-512' },
  '2.16.840.1.101.3.4.3.13': { name: 'RSA-SHA3-224', keyTypes: ['rsa'], digest: 'sha3-224' },
  '2.16.840.1.101.3.4.3.14': { name: 'RSA-SHA3-256', keyTypes: ['rsa'], digest: 'sha3-256' },
  '2.16.840.1.101.3.4.3.15': { name: 'RSA-SHA3-384', keyTypes: ['rsa'], digest: 'sha3-384' },
  '2.16.840.1.101.3.4.3.16': { name: 'RSA-SHA3-512', keyTypes: ['rsa'], digest: 'sha3-512' },
  '1.2.840.10040.4.3': { name: 'dsa-with-SHA1', keyTypes: ['dsa'], digest: 'sha1' },
  '2.16.840.1.101.3.4.3.2': { name: 'dsa_with_SHA256', keyTypes: ['dsa'], digest: 'sha256' },
  '1.3.101.112': { name: 'ED25519', keyTypes: ['ed25519'], digest: null },
  '1.3.101.113': { name: 'ED448', keyTypes: ['ed448'], digest: null },
};

/** RFC 8017 A.2.4. RSASSA-PSS has this name alone where its parameters make it something that node:crypto does not do. */
const notVerifiable: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'md2WithRSAEncryption',
  '1.2.840.113549.1.1.4': 'md5WithRSAEncryption',
  [RSA_PSS]: 'rsassaPss',
};

function pssName(digest: string): string {
  return `rsassaPss with ${digest}`;
}

const digests: Readonly<Record<string, string>> = {
  [SHA1]: 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

const verifiableNames: ReadonlySet<string> = new Set([
  ...Object.values(verifiable).map(({ name }) => name),
  ...Object.values(digests).map(pssName),
]);

/** The same choice as `signatureAlgorithmFor`, without exporting the public key for each signature. */
function digestOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return algorithms.rsa.digest;
  const digest = curveDigests[key.asymmetricKeyDetails?.namedCurve ?? ''];
  return digest ?? signatureAlgorithmFor(subjectPublicKeyInfo(key)).digest;
}

interface Algorithm {
  readonly oid: string;
  readonly parameters: DerReader;
}

function readAlgorithm(der: Buffer): Algorithm {
  const algorithm = DerReader.open(der, 'signature algorithm').enter(Tag.sequence, 'the algorithm');
  return { oid: algorithm.oid('the algorithm'), parameters: algorithm };
}

/**
 * RSASSA-PSS-params of RFC 4055 3.1, as Microsoft CAs use it on request; the mask digest must be the digest. Keys that are
 * for PSS alone may restrict them (RFC 4055 1.2), which OpenSSL sees to.
 */
function readPss(outer: DerReader): Scheme | undefined {
  const parameters = outer.enter(Tag.sequence, 'PSS parameters');
  const hash = parameters.enterOptional(0xa0, 'the hash')?.enter(Tag.sequence, 'the hash').oid('the hash');
  const mask = parameters.enterOptional(0xa1, 'the mask')?.enter(Tag.sequence, 'the mask');
  mask?.oid('the mask');
  const maskHash = mask?.enter(Tag.sequence, 'the mask hash').oid('the mask hash');
  const saltLength = parameters.enterOptional(0xa2, 'the salt length')?.integer('the salt length') ?? 20n;
  const digest = digests[hash ?? SHA1];
  // node:crypto takes a negative length for "any".
  if (digest === undefined || digest !== digests[maskHash ?? SHA1] || saltLength < 0n) return undefined;
  return {
    name: pssName(digest),
    keyTypes: ['rsa', 'rsa-pss'],
    digest,
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(saltLength) },
  };
}

import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bitString, encodeDer, integer, oid, sequence, Tag } from './der.ts';
import { generatePrivateKey, keyTypes, subjectPublicKeyInfo } from './keys.ts';
import {
  isVerifiable,
  signatureAlgorithmFor,
  signatureAlgorithmName,
  signBytes,
  verifySignature,
  weakDigest,
} from './signature.ts';

const bytes = Buffer.from('to be signed');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaSpki = subjectPublicKeyInfo(rsa.publicKey);
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ecSpki = subjectPublicKeyInfo(ec.publicKey);

const algorithmOfRsa = signatureAlgorithmFor(rsaSpki).der;
const PSS = '1.2.840.113549.1.1.10';
const pssOf = (key: KeyObject) => ({ key, padding: constants.RSA_PKCS1_PSS_PADDING });

/** RSASSA-PSS-params (RFC 4055 3.1). */
function pss(hash: string, salt: number, maskHash = hash): Buffer {
  const mask = sequence(oid('1.2.840.113549.1.1.8'), sequence(oid(maskHash)));
  const parameters = [sequence(oid(hash)), mask, integer(salt)];
  return sequence(oid(PSS), sequence(...parameters.map((value, index) => encodeDer(0xa0 + index, value))));
}

describe.each(keyTypes)('%s', (type) => {
  it('signs with the digest that fits it, and verifies', async () => {
    const key = await generatePrivateKey(type);
    const spki = subjectPublicKeyInfo(key);
    const algorithm = signatureAlgorithmFor(spki);
    expect(algorithm.name).toBe(
      {
        'rsa-2048': 'sha256WithRSAEncryption',
        'rsa-4096': 'sha256WithRSAEncryption',
        'ec-p256': 'ecdsa-with-SHA256',
        'ec-p384': 'ecdsa-with-SHA384',
        'ec-p521': 'ecdsa-with-SHA512',
      }[type],
    );
    expect(signatureAlgorithmName(algorithm.der)).toBe(algorithm.name);
    const signature = signBytes(key, bytes);
    expect(verifySignature(spki, bytes, signature, algorithm.der)).toBe(true);
    expect(verifySignature(spki, Buffer.from('other'), signature, algorithm.der)).toBe(false);
    expect(verifySignature(rsaSpki, bytes, signature, algorithm.der)).toBe(false);
    expect(verifySignature(ecSpki, bytes, signature, algorithm.der)).toBe(false);
  });
});

describe('AlgorithmIdentifiers', () => {
  it('RSA has NULL parameters, ECDSA none (RFC 4055 2.1, RFC 5758 3.2)', () => {
    expect(signatureAlgorithmFor(rsaSpki).der.toString('hex')).toBe('300d06092a864886f70d01010b0500');
    expect(signatureAlgorithmFor(ecSpki).der.toString('hex')).toBe('300a06082a8648ce3d040302');
  });
});

describe('signatures of other authorities', () => {
  it.each([
    ['sha1', '1.2.840.113549.1.1.5'],
    ['sha384', '1.2.840.113549.1.1.12'],
    ['sha512', '1.2.840.113549.1.1.13'],
  ])('RSA with %s verifies', (digest, algorithm) => {
    const signature = sign(digest, bytes, rsa.privateKey);
    expect(verifySignature(rsaSpki, bytes, signature, sequence(oid(algorithm), encodeDer(Tag.null)))).toBe(true);
  });

  it.each([
    ['sha3-224', rsa, '2.16.840.1.101.3.4.3.13', 'RSA-SHA3-224'],
    ['sha3-256', rsa, '2.16.840.1.101.3.4.3.14', 'RSA-SHA3-256'],
    ['sha3-384', rsa, '2.16.840.1.101.3.4.3.15', 'RSA-SHA3-384'],
    ['sha3-512', rsa, '2.16.840.1.101.3.4.3.16', 'RSA-SHA3-512'],
    ['sha3-224', ec, '2.16.840.1.101.3.4.3.9', 'ecdsa_with_SHA3-224'],
    ['sha3-256', ec, '2.16.840.1.101.3.4.3.10', 'ecdsa_with_SHA3-256'],
    ['sha3-384', ec, '2.16.840.1.101.3.4.3.11', 'ecdsa_with_SHA3-384'],
    ['sha3-512', ec, '2.16.840.1.101.3.4.3.12', 'ecdsa_with_SHA3-512'],
  ])('%s verifies, under the name that openssl has for it', (digest, { publicKey, privateKey }, dotted, name) => {
    const algorithm = sequence(oid(dotted));
    expect(verifySignature(publicKey, bytes, sign(digest, bytes, privateKey), algorithm)).toBe(true);
    expect(signatureAlgorithmName(algorithm)).toBe(name);
  });

  it.each([
    ['sha224', '2.16.840.1.101.3.4.2.4'],
    ['sha256', '2.16.840.1.101.3.4.2.1'],
    ['sha384', '2.16.840.1.101.3.4.2.2'],
    ['sha512', '2.16.840.1.101.3.4.2.3'],
  ])('RSASSA-PSS with %s verifies with its digest and salt length, and with no other', (digest, dotted) => {
    const signature = sign(digest, bytes, { ...pssOf(rsa.privateKey), saltLength: 48 });
    expect(verifySignature(rsaSpki, bytes, signature, pss(dotted, 48))).toBe(true);
    expect(verifySignature(rsaSpki, bytes, signature, pss(dotted, 32))).toBe(false);
    expect(verifySignature(rsaSpki, bytes, signature, pss('2.16.840.1.101.3.4.2.9', 48))).toBe(false);
    expect(signatureAlgorithmName(pss(dotted, 48))).toBe(`rsassaPss with ${digest}`);
  });

  it('RFC 4055 3.1: RSASSA-PSS without parameters is SHA-1 with 20 octets of salt', () => {
    const algorithm = sequence(oid(PSS), sequence());
    const signature = sign('sha1', bytes, { ...pssOf(rsa.privateKey), saltLength: 20 });
    expect(verifySignature(rsaSpki, bytes, signature, algorithm)).toBe(true);
    expect(signatureAlgorithmName(algorithm)).toBe('rsassaPss with sha1');
  });

  it.each([
    ['no parameters at all', sequence(oid(PSS))],
    ['a mask of another digest', pss('2.16.840.1.101.3.4.2.1', 32, '2.16.840.1.101.3.4.2.2')],
    ['a negative salt length, which node:crypto takes for any', pss('2.16.840.1.101.3.4.2.1', -2)],
  ])('RSASSA-PSS with %s is named, and not verified', (_, algorithm) => {
    const signature = sign('sha256', bytes, { ...pssOf(rsa.privateKey), saltLength: 32 });
    expect(verifySignature(rsaSpki, bytes, signature, algorithm)).toBe(false);
    expect(signatureAlgorithmName(algorithm)).toBe('rsassaPss');
    expect(isVerifiable('rsassaPss')).toBe(false);
  });

  it('RFC 4055 1.2, 3.3: a key for RSASSA-PSS alone verifies nothing else, and no less than its parameters ask for', () => {
    const [sha256, sha384] = ['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2'] as const;
    const numbers = bitString(rsa.publicKey.export({ type: 'pkcs1', format: 'der' }));
    const free = sequence(sequence(oid(PSS)), numbers);
    const restricted = sequence(pss(sha256, 32), numbers);
    const made = (digest: string, saltLength: number) => sign(digest, bytes, { ...pssOf(rsa.privateKey), saltLength });
    expect(verifySignature(free, bytes, made('sha256', 32), pss(sha256, 32))).toBe(true);
    expect(verifySignature(free, bytes, made('sha384', 48), pss(sha384, 48))).toBe(true);
    expect(verifySignature(free, bytes, sign('sha256', bytes, rsa.privateKey), algorithmOfRsa)).toBe(false);
    expect(verifySignature(restricted, bytes, made('sha256', 32), pss(sha256, 32))).toBe(true);
    expect(verifySignature(restricted, bytes, made('sha256', 20), pss(sha256, 20))).toBe(false);
    expect(verifySignature(restricted, bytes, made('sha384', 48), pss(sha384, 48))).toBe(false);
  });

  it('Ed25519 verifies', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const algorithm = sequence(oid('1.3.101.112'));
    expect(verifySignature(subjectPublicKeyInfo(publicKey), bytes, sign(null, bytes, privateKey), algorithm)).toBe(
      true,
    );
  });

  it.each([
    ['MD5', sequence(oid('1.2.840.113549.1.1.4'), encodeDer(Tag.null)), sign('md5', bytes, rsa.privateKey)],
    ['an unknown algorithm', sequence(oid('1.2.3.4')), sign('sha256', bytes, rsa.privateKey)],
    ['no algorithm', Buffer.alloc(0), sign('sha256', bytes, rsa.privateKey)],
    [
      'an algorithm of another kind of key',
      sequence(oid('1.2.840.10045.4.3.2')),
      sign('sha256', bytes, rsa.privateKey),
    ],
    ['an empty signature', signatureAlgorithmFor(rsaSpki).der, Buffer.alloc(0)],
  ])('%s is false, never an exception', (_, algorithm, signature) => {
    expect(verifySignature(rsaSpki, bytes, signature, algorithm)).toBe(false);
  });

  it('a key that cannot be parsed is false', () => {
    expect(
      verifySignature(Buffer.from('3000', 'hex'), bytes, Buffer.alloc(9), signatureAlgorithmFor(rsaSpki).der),
    ).toBe(false);
  });
});

describe('algorithms by their names', () => {
  it.each([
    ['1.2.840.113549.1.1.4', 'md5WithRSAEncryption', 'MD5'],
    ['1.2.840.113549.1.1.2', 'md2WithRSAEncryption', 'MD2'],
    ['1.2.840.113549.1.1.5', 'sha1WithRSAEncryption', 'SHA-1'],
    ['1.2.840.10045.4.1', 'ecdsa-with-SHA1', 'SHA-1'],
    ['1.2.840.10040.4.3', 'dsa-with-SHA1', 'SHA-1'],
    ['1.2.840.113549.1.1.11', 'sha256WithRSAEncryption', undefined],
    ['1.2.840.113549.1.1.14', 'sha224WithRSAEncryption', undefined],
    ['1.3.101.112', 'ED25519', undefined],
    ['1.2.3.4', '1.2.3.4', undefined],
  ])('%s is %s, of the digest that D30 is about: %s', (dotted, name, digest) => {
    expect(signatureAlgorithmName(sequence(oid(dotted)))).toBe(name);
    expect(weakDigest(name)).toBe(digest);
  });

  it('RSASSA-PSS too', () => {
    expect(weakDigest('rsassaPss with sha1')).toBe('SHA-1');
    expect(weakDigest('rsassaPss with sha512')).toBeUndefined();
  });

  it('says what can be verified', () => {
    for (const name of ['sha1WithRSAEncryption', 'rsassaPss with sha224', 'RSA-SHA3-256', 'ED448'])
      expect(isVerifiable(name)).toBe(true);
    for (const name of ['md5WithRSAEncryption', 'md2WithRSAEncryption', '1.2.3.4'])
      expect(isVerifiable(name)).toBe(false);
  });
});

import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeDer, integer, oid, sequence, Tag } from './der.ts';
import { generatePrivateKey, keyTypes, subjectPublicKeyInfo } from './keys.ts';
import { signatureAlgorithmFor, signatureAlgorithmName, signBytes, verifySignature } from './signature.ts';

const bytes = Buffer.from('to be signed');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaSpki = subjectPublicKeyInfo(rsa.publicKey);
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ecSpki = subjectPublicKeyInfo(ec.publicKey);

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

  it('RSASSA-PSS verifies with its digest and salt length, and with no other', () => {
    const sha384 = sequence(oid('2.16.840.1.101.3.4.2.2'));
    const pss = (salt: number) =>
      sequence(
        oid('1.2.840.113549.1.1.10'),
        sequence(
          encodeDer(0xa0, sha384),
          encodeDer(0xa1, sequence(oid('1.2.840.113549.1.1.8'), sha384)),
          encodeDer(0xa2, integer(salt)),
        ),
      );
    const options = { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
    const signature = sign('sha384', bytes, options);
    expect(verifySignature(rsaSpki, bytes, signature, pss(48))).toBe(true);
    expect(verifySignature(rsaSpki, bytes, signature, pss(32))).toBe(false);
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

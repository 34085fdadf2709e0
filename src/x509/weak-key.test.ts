import { generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { subjectPublicKeyInfo } from './keys.ts';
import { keyWithExponent, keyWithFactor, rsaInfo } from './testing/weak-keys.ts';
import { smallFactor, weakKey } from './weak-key.ts';

const strong = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
const { n = '' } = strong.export({ format: 'jwk' });
const modulus = BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`);

describe('requirement 41, D29: what makes an RSA key weak', () => {
  it('nothing, of keys as they are made', () => {
    expect(weakKey(subjectPublicKeyInfo(strong))).toBeUndefined();
    expect(weakKey(rsaInfo(modulus, 65537n))).toBeUndefined();
    expect(weakKey(rsaInfo(modulus, 2n ** 32n + 1n))).toBeUndefined();
  });

  it.each([3, 17, 257, 65535])('a public exponent of %i', (exponent) => {
    const key = keyWithExponent(exponent);
    expect(weakKey(subjectPublicKeyInfo(key))).toEqual({
      value: `public exponent ${exponent}`,
      reason: `its public exponent is ${exponent}, and must be odd and at least 65537`,
    });
  });

  it('any even exponent, and any below 65537', () => {
    const exponents = fc.oneof(
      fc.bigInt({ min: -1n, max: 65536n }),
      fc.bigInt({ min: 0n, max: 2n ** 256n }).map((half) => 2n * half),
    );
    fc.assert(
      fc.property(exponents, (exponent) => {
        expect(weakKey(rsaInfo(modulus, exponent))?.value).toMatch(/^public exponent /);
      }),
      { numRuns: 30 },
    );
  });

  it('does not print an exponent of a thousand digits', () => {
    expect(weakKey(rsaInfo(modulus, 10n ** 1000n))?.value).toBe('public exponent an even number of 1001 digits');
  });

  it('a modulus with a small factor, though it signs and verifies', () => {
    const key = keyWithFactor(4093n);
    const message = Buffer.from('message');
    expect(verify('sha256', message, subjectKey(key), sign('sha256', message, key))).toBe(true);
    expect(weakKey(subjectPublicKeyInfo(key))).toEqual({
      value: 'modulus divisible by 4093',
      reason: 'its modulus is divisible by 4093, so that anybody can compute the private key',
    });
  });

  it('an even modulus', () => {
    expect(weakKey(rsaInfo(modulus + 1n, 65537n))?.value).toBe('modulus divisible by 2');
  });

  it('a factor below 4096, whichever it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4095 }), (factor) => {
        const found = smallFactor(modulus * BigInt(factor));
        expect(found !== undefined && factor % Number(found) === 0).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['1024 bits', 2n ** 1023n + 1n, 'RSA 1024'],
    ['2047 bits', 2n ** 2046n + 1n, 'RSA 2047'],
    ['a modulus of zero', 0n, 'RSA 0'],
    ['a negative modulus', -modulus, 'RSA 0'],
  ])('%s', (_, small, value) => expect(weakKey(rsaInfo(small, 65537n))?.value).toBe(value));

  it('the same of a key for RSASSA-PSS alone', () => {
    expect(weakKey(rsaInfo(modulus, 3n, '1.2.840.113549.1.1.10'))?.value).toBe('public exponent 3');
    const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey;
    expect(weakKey(subjectPublicKeyInfo(pss))).toBeUndefined();
  });

  it('keys of other types are for other rules', () => {
    for (const { publicKey } of [
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('ed25519'),
    ])
      expect(weakKey(subjectPublicKeyInfo(publicKey))).toBeUndefined();
  });

  it('fails with DER_INVALID for what is no key', () => {
    for (const bytes of [Buffer.of(), Buffer.of(0x30, 0x00), rsaInfo(modulus, 3n).subarray(0, -1)])
      expect(() => weakKey(bytes)).toThrow(expect.objectContaining({ code: 'DER_INVALID' }));
  });
});

function subjectKey(key: ReturnType<typeof keyWithFactor>) {
  return { key: subjectPublicKeyInfo(key), format: 'der', type: 'spki' } as const;
}

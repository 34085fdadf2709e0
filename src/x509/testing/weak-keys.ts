import { createPrivateKey, generateKeyPairSync, generatePrimeSync, type KeyObject } from 'node:crypto';
import { bitString, encodeDer, integer, oid, sequence, Tag } from '../der.ts';

/** Keys as nobody should make them, for tests of what refuses them. */

/** An RSA key of 2048 bits that works, with a public exponent of one's own. */
export function keyWithExponent(publicExponent: number): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent }).privateKey;
}

/** An RSA key of 2048 bits that works, whose modulus is divisible by a small odd prime. */
export function keyWithFactor(p: bigint): KeyObject {
  const e = 65537n;
  for (;;) {
    const q = generatePrimeSync(2048 - p.toString(2).length, { bigint: true });
    const n = p * q;
    const order = (p - 1n) * (q - 1n);
    if (n.toString(2).length !== 2048 || order % e === 0n) continue;
    const d = inverse(e, order);
    const numbers = { n, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
    const jwk = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, base64url(value)]));
    return createPrivateKey({ key: { ...jwk, kty: 'RSA' }, format: 'jwk' });
  }
}

/** The SubjectPublicKeyInfo of an RSA key with these numbers. */
export function rsaInfo(modulus: bigint, exponent: bigint, algorithm = '1.2.840.113549.1.1.1'): Buffer {
  const key = sequence(integer(modulus), integer(exponent));
  return sequence(sequence(oid(algorithm), encodeDer(Tag.null)), bitString(key));
}

/** Euclid's algorithm; the two have no factor in common. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r0, r1, t0, t1] = [modulus, value % modulus, 0n, 1n];
  while (r1 > 0n) [r0, r1, t0, t1] = [r1, r0 % r1, t1, t0 - (r0 / r1) * t1];
  return ((t0 % modulus) + modulus) % modulus;
}

function base64url(value: bigint): string {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex').toString('base64url');
}

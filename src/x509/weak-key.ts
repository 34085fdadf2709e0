import { DerReader, Tag } from './der.ts';

/** A key that others can compute the private half of, or soon will: what of it is wrong, and why, in words. */
export interface WeakKey {
  readonly value: string;
  readonly reason: string;
}

/** 112 bits of strength (NIST SP 800-57 part 1, table 2), and the smallest RSA key that the documents of any release name. */
export const LEAST_RSA_BITS = 2048;

/**
 * Why an RSA key is not to be trusted; undefined for one that is in order, and for keys of other types. Verifiers look at
 * the size alone, so that the proof of a link has nothing to say of the rest. Fails with DER_INVALID for a key that is none.
 * @param spki DER SubjectPublicKeyInfo
 */
export function weakKey(spki: Buffer): WeakKey | undefined {
  const key = rsaKeyOf(spki);
  return key && (tooSmall(key) ?? weakExponent(key) ?? divisible(key));
}

interface RsaKey {
  readonly modulus: bigint;
  readonly exponent: bigint;
}

function rsaKeyOf(spki: Buffer): RsaKey | undefined {
  const at = 'public key';
  const info = DerReader.open(spki, at).enter(Tag.sequence, 'the public key');
  if (!RSA.includes(info.enter(Tag.sequence, 'the key algorithm').oid('the key algorithm'))) return undefined;
  const key = DerReader.open(info.octetBits('the key'), at).enter(Tag.sequence, 'the RSA key');
  return { modulus: number(key, 'the modulus'), exponent: number(key, 'the public exponent') };
}

/** rsaEncryption, and RSASSA-PSS (RFC 4055 1.2) with the same key. */
const RSA: readonly string[] = ['1.2.840.113549.1.1.1', '1.2.840.113549.1.1.10'];

/** `DerReader.integer` is for numbers that are much shorter. */
function number(reader: DerReader, what: string): bigint {
  const { content } = reader.next(Tag.integer, what);
  return BigInt.asIntN(content.length * 8, BigInt(`0x0${content.toString('hex')}`));
}

function tooSmall({ modulus }: RsaKey): WeakKey | undefined {
  const bits = modulus > 0n ? modulus.toString(2).length : 0;
  if (bits >= LEAST_RSA_BITS) return undefined;
  return { value: `RSA ${bits}`, reason: `it has ${bits} bits, and ${LEAST_RSA_BITS} are the least` };
}

/** FIPS 186-5 A.1.1: odd and above 2^16. A small one gives short messages away, and lets signatures be forged where padding is read loosely. */
function weakExponent({ exponent }: RsaKey): WeakKey | undefined {
  if (exponent >= 65537n && exponent % 2n === 1n) return undefined;
  const digits = `${exponent}`;
  const shown = digits.length > 40 ? `an even number of ${digits.length} digits` : digits;
  return {
    value: `public exponent ${shown}`,
    reason: `its public exponent is ${shown}, and must be odd and at least 65537`,
  };
}

/** A modulus is the product of two large primes: with a small one in it, it was not made as keys are, and is factored at once. */
function divisible({ modulus }: RsaKey): WeakKey | undefined {
  const factor = smallFactor(modulus);
  if (factor === undefined) return undefined;
  return {
    value: `modulus divisible by ${factor}`,
    reason: `its modulus is divisible by ${factor}, so that anybody can compute the private key`,
  };
}

/** The least prime below 4096 that divides it. */
export function smallFactor(modulus: bigint): bigint | undefined {
  return SMALL_PRIMES.find((prime) => modulus % prime === 0n);
}

const SMALL_PRIMES: readonly bigint[] = primesBelow(4096).map(BigInt);

function primesBelow(limit: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < limit; candidate++)
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  return primes;
}

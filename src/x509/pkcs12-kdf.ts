import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** What a key is for: part of its derivation (RFC 7292 appendix B.3). */
export const KeyPurpose = { encryption: 1, initializationVector: 2, mac: 3 } as const;

export type Pkcs12Digest = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

export interface Pkcs12Derivation {
  readonly purpose: (typeof KeyPurpose)[keyof typeof KeyPurpose];
  readonly digest: Pkcs12Digest;
  /** From `bmpPassword`. */
  readonly password: Buffer;
  readonly salt: Buffer;
  readonly iterations: number;
  /** In octets. */
  readonly length: number;
}

/** The key derivation of RFC 7292 appendix B.2, which node:crypto does not offer. Lets other work run in between. */
export async function derivePkcs12Key(derivation: Pkcs12Derivation): Promise<Buffer> {
  const { purpose, digest, password, salt, iterations, length } = derivation;
  const block = blockOctets[digest];
  const fill = (bytes: Buffer) => Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes);
  const input = Buffer.concat([fill(salt), fill(password)]);
  const found: Buffer[] = [];
  for (let missing = length; missing > 0; missing -= digestOctets[digest]) {
    // Hexadecimal is the quickest way to and from node:crypto for a few octets.
    let state = hash(digest, Buffer.concat([Buffer.alloc(block, purpose), input]), 'hex');
    for (let round = 1; round < iterations; round++) {
      state = hash(digest, Buffer.from(state, 'hex'), 'hex');
      if (round % ROUNDS_AT_ONCE === 0) await setImmediate();
    }
    const octets = Buffer.from(state, 'hex');
    found.push(octets);
    const addend = Buffer.alloc(block, octets);
    for (let start = 0; start < input.length; start += block) addPlusOne(input.subarray(start, start + block), addend);
  }
  input.fill(0);
  return Buffer.concat(found, length);
}

/** The password as a BMPString with two zero octets behind it (RFC 7292 appendix B.1). */
export function bmpPassword(password: string): Buffer {
  return Buffer.from(`${password}\0`, 'utf16le').swap16();
}

const ROUNDS_AT_ONCE = 20_000;

const blockOctets: Readonly<Record<Pkcs12Digest, number>> = {
  sha1: 64,
  sha224: 64,
  sha256: 64,
  sha384: 128,
  sha512: 128,
};

/** How long a digest is: a key of more octets takes the iterations once more. */
export const digestOctets: Readonly<Record<Pkcs12Digest, number>> = {
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

/** target = (target + addend + 1) mod 2^(8 * length), big endian. */
function addPlusOne(target: Buffer, addend: Buffer): void {
  let carry = 1;
  for (let index = target.length - 1; index >= 0; index--) {
    carry += (target[index] ?? 0) + (addend[index] ?? 0);
    target[index] = carry & 0xff;
    carry >>= 8;
  }
}

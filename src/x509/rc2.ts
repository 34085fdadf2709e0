/**
 * RC2 (RFC 2268) in CBC mode with PKCS #7 padding, decryption only: old Windows and `openssl pkcs12 -legacy` protect the
 * certificates of PKCS #12 files with it, and node:crypto has it no more. All bits of the key are effective.
 * Undefined when the padding is wrong, as with a wrong key.
 */
export function decryptRc2Cbc(ciphertext: Buffer, key: Buffer, iv: Buffer): Buffer | undefined {
  if (ciphertext.length === 0 || ciphertext.length % BLOCK_OCTETS !== 0) return undefined;
  const subkeys = expandKey(key, key.length * 8);
  const plain = Buffer.alloc(ciphertext.length);
  for (let offset = 0; offset < ciphertext.length; offset += BLOCK_OCTETS) {
    decryptBlock(ciphertext, offset, subkeys, plain);
    for (let index = 0; index < BLOCK_OCTETS; index++) {
      const previous = offset === 0 ? iv[index] : ciphertext[offset - BLOCK_OCTETS + index];
      plain[offset + index] = (plain[offset + index] ?? 0) ^ (previous ?? 0);
    }
  }
  const padding = plain.at(-1) ?? 0;
  const isPadded = padding >= 1 && padding <= BLOCK_OCTETS && plain.subarray(-padding).every((o) => o === padding);
  return isPadded ? plain.subarray(0, -padding) : undefined;
}

const BLOCK_OCTETS = 8;

/** RFC 2268 section 2; the 64 words of the expanded key. */
export function expandKey(key: Buffer, effectiveBits: number): Uint16Array {
  const octets = new Uint8Array(128);
  octets.set(key);
  const substitute = (value: number) => PI_TABLE[value & 0xff] ?? 0;
  const at = (index: number) => octets[index] ?? 0;
  for (let index = key.length; index < 128; index++) octets[index] = substitute(at(index - 1) + at(index - key.length));
  const effectiveOctets = Math.ceil(effectiveBits / 8);
  const mask = 0xff >> (8 * effectiveOctets - effectiveBits);
  octets[128 - effectiveOctets] = substitute(at(128 - effectiveOctets) & mask);
  for (let index = 127 - effectiveOctets; index >= 0; index--)
    octets[index] = substitute(at(index + 1) ^ at(index + effectiveOctets));
  return Uint16Array.from({ length: 64 }, (_, index) => at(2 * index) | (at(2 * index + 1) << 8));
}

/** RFC 2268 section 4, for the block at `offset`. */
export function decryptBlock(from: Buffer, offset: number, subkeys: Uint16Array, to: Buffer): void {
  const words = new Uint16Array(4);
  for (let index = 0; index < 4; index++) words[index] = from.readUInt16LE(offset + 2 * index);
  for (let round = 15; round >= 0; round--) {
    for (let index = 3; index >= 0; index--) {
      const [word, a, b, c] = [
        words[index] ?? 0,
        before(words, index, 1),
        before(words, index, 2),
        before(words, index, 3),
      ];
      const shift = SHIFTS[index] ?? 0;
      words[index] =
        ((word >> shift) | (word << (16 - shift))) - (subkeys[4 * round + index] ?? 0) - (a & b) - (~a & c);
    }
    // Mashing lies between the mixing rounds 5 and 6, and 11 and 12.
    if (round === 11 || round === 5)
      for (let index = 3; index >= 0; index--)
        words[index] = (words[index] ?? 0) - (subkeys[before(words, index, 1) & 63] ?? 0);
  }
  for (let index = 0; index < 4; index++) to.writeUInt16LE(words[index] ?? 0, offset + 2 * index);
}

function before(words: Uint16Array, index: number, distance: number): number {
  return words[(index - distance) & 3] ?? 0;
}

const SHIFTS = [1, 2, 3, 5];

/** RFC 2268 section 2: a permutation made from the digits of pi. */
const PI_TABLE = Buffer.from(
  [
    'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2',
    '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82',
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626',
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7',
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec',
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731',
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9',
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  ].join(''),
  'hex',
);

import { describe, expect, it } from 'vitest';
import { decryptBlock, decryptRc2Cbc, expandKey } from './rc2.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('RC2', () => {
  it.each([
    ['00000000 00000000', 63, '00000000 00000000', 'ebb773f9 93278eff'],
    ['ffffffff ffffffff', 64, 'ffffffff ffffffff', '278b27e4 2e2f0d49'],
    ['30000000 00000000', 64, '10000000 00000001', '30649edf 9be7d2c2'],
    ['88', 64, '00000000 00000000', '61a8a244 adacccf0'],
    ['88bca90e 90875a', 64, '00000000 00000000', '6ccf4308 974c267f'],
    ['88bca90e 90875a7f 0f79c384 627bafb2', 64, '00000000 00000000', '1a807d27 2bbe5db1'],
    ['88bca90e 90875a7f 0f79c384 627bafb2', 128, '00000000 00000000', '2269552a b0f85ca6'],
    [
      '88bca90e 90875a7f 0f79c384 627bafb2 16f80a6f 85920584 c42fceb0 be255daf 1e',
      129,
      '00000000 00000000',
      '5b78d3a4 3dfff1f1',
    ],
  ])('RFC 2268 section 5: key %s, %i effective bits', (key, bits, plain, cipher) => {
    const found = Buffer.alloc(8);
    decryptBlock(hex(cipher), 0, expandKey(hex(key), bits), found);
    expect(found).toEqual(hex(plain));
  });

  const iv = hex('1112131415161718');
  it.each([
    ['rc2-40-cbc', '0102030405', 'c4cead5cd60a77bf49188c39b9c92c60', 'vcs-pki RC2 40'],
    ['rc2-cbc', '000102030405060708090a0b0c0d0e0f', '2ded2944eb9ebfe42e7a3feb46337d81', 'vcs-pki RC2 128'],
  ])('opens what `openssl enc -%s` wrote', (_, key, cipher, plain) => {
    expect(decryptRc2Cbc(hex(cipher), hex(key), iv)?.toString()).toBe(plain);
  });

  it('a block that is all padding leaves nothing', () => {
    // printf '' | openssl enc -rc2-40-cbc -K 0102030405 -iv 1112131415161718
    expect(decryptRc2Cbc(hex('1b014567dfcd42bf'), hex('0102030405'), iv)).toEqual(Buffer.alloc(0));
  });

  it('a wrong key, half a block and nothing at all have no padding that fits', () => {
    const cipher = hex('c4cead5cd60a77bf49188c39b9c92c60');
    expect(decryptRc2Cbc(cipher, hex('0102030406'), iv)).toBeUndefined();
    expect(decryptRc2Cbc(cipher.subarray(0, 12), hex('0102030405'), iv)).toBeUndefined();
    // The same with -nopad: sixteen octets of 16, and eight of 0.
    expect(decryptRc2Cbc(hex('842bd7defa1f94d0d069c45ca694c26e'), hex('0102030405'), iv)).toBeUndefined();
    expect(decryptRc2Cbc(hex('017b0a109fe1084e'), hex('0102030405'), iv)).toBeUndefined();
    expect(decryptRc2Cbc(Buffer.alloc(0), hex('0102030405'), iv)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { bmpPassword, derivePkcs12Key, KeyPurpose } from './pkcs12-kdf.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

describe('RFC 7292 appendix B', () => {
  // openssl kdf -keylen N -kdfopt digest:D -kdfopt hexpass:P -kdfopt hexsalt:S -kdfopt iter:I -kdfopt id:ID PKCS12KDF
  it.each([
    ['smeg', '0a58cf64530d823f', 1, 'encryption', 'sha1', '8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3'],
    ['smeg', '0a58cf64530d823f', 1, 'initializationVector', 'sha1', '79993dfe048d3b76'],
    ['queeg', '05dec959acff72f7', 1000, 'encryption', 'sha1', 'ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4'],
    ['queeg', '263216fcc2fab31c', 1000, 'mac', 'sha1', '5ec4c7a80df652294c3925b6489a7ab857c83476'],
    [
      ...(['', '05dec959acff72f7', 3, 'encryption', 'sha256'] as const),
      'd2d08e1aa6f1eaee950081cecd2282b3fc5d8919e00362ce46cff9179be970e5910af74606efc7e56820f946338e8967' +
        'ae2e1031044b8c90947417725e3beb488d425487828b8bb388773ee7ae4245cd87ad34171a8f6bbafce14e4f79c6b90bd7e21964',
    ],
    [
      ...(['', '05dec959acff72f7', 3, 'mac', 'sha384'] as const),
      '4f9c60cb49a6aa779cd0823bbb98bdf6cfc33b367043d1d175d803ca30fbb005213525e3006e6019062eaeb8992cf40a',
    ],
    [
      ...(['qæ', `${'05dec959acff72f7'.repeat(8)}01`, 2, 'encryption', 'sha512'] as const),
      'eccc7a4b510848f3cb975e344e880fd31c5bcded6c54b3b214a621556dc4c486120d467a31d39b57551606eac791b6e9' +
        '5e74ea666c52d2b340779878043ed79a47ea60e2019f9f9aea1793522f90f5aa3e48e8bc5282d9e34edfe5ab0a4ad646' +
        'e724a278dae74102924bd486cfe021fca5acddcc1ab0ccff4941fe4c54bc93bb70d2cf8fe476e3b899c37b8a921321826568cfed',
    ],
  ] as const)(
    'password %j, salt %s, %i iterations, %s, %s',
    async (password, salt, iterations, purpose, digest, key) => {
      const found = await derivePkcs12Key({
        purpose: KeyPurpose[purpose],
        digest,
        password: bmpPassword(password),
        salt: hex(salt),
        iterations,
        length: key.length / 2,
      });
      expect(found.toString('hex')).toBe(key);
    },
  );

  it('no password at all is another one than the empty password', async () => {
    const derivation = {
      purpose: KeyPurpose.mac,
      digest: 'sha1',
      salt: hex('0102'),
      iterations: 1,
      length: 20,
    } as const;
    const none = await derivePkcs12Key({ ...derivation, password: Buffer.alloc(0) });
    const empty = await derivePkcs12Key({ ...derivation, password: bmpPassword('') });
    expect(none.equals(empty)).toBe(false);
  });

  it('lets other work run in between', async () => {
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 0);
    const password = bmpPassword('x');
    await derivePkcs12Key({ purpose: 3, digest: 'sha1', password, salt: hex('01'), iterations: 100_000, length: 20 });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(0);
  });
});

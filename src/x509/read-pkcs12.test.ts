import { describe, expect, it } from 'vitest';
import { Secret } from '../secret.ts';
import { contextTag, encodeDer, integer, octetString, oid, sequence } from './der.ts';
import { encodePkcs12 } from './pkcs12.ts';
import { readPkcs12 } from './read-pkcs12.ts';
import { sampleCertificate, sampleCrl, sampleParty } from './testing/sample-certificate.ts';
import {
  sampleBag,
  sampleBerPfx,
  sampleCertificateBag,
  sampleCrlBag,
  sampleEncryptedSafe,
  sampleKeyBag,
  samplePfx,
  sampleSafe,
  sampleShroudedKeyBag,
} from './testing/sample-pkcs12.ts';
import { workLimit } from './work-limit.ts';

const at = 'x.pfx';
const authority = sampleParty('Example CA');
const server = sampleParty('vcs.example.com');
const certificate = sampleCertificate(server, authority);
const crl = sampleCrl(authority);
const pkcs8 = server.key.export({ type: 'pkcs8', format: 'der' });
const names = { friendlyName: 'vcs-certificate æ', localKeyId: Buffer.of(1, 0, 0, 0) };
const safes = [
  sampleEncryptedSafe('pässword', sampleCertificateBag(certificate, names), sampleCrlBag(crl)),
  sampleSafe(sampleShroudedKeyBag(pkcs8, 'pässword', names)),
];
const values = [
  { label: 'CERTIFICATE', der: certificate, ...names },
  { label: 'X509 CRL', der: crl },
  { label: 'PRIVATE KEY', der: pkcs8, ...names },
];

const open = (bytes: Buffer, password?: string, limit = workLimit()) =>
  readPkcs12(bytes, { at, password: password === undefined ? undefined : new Secret(password), limit });

describe('PKCS #12 (RFC 7292)', () => {
  it('holds keys, certificates and CRLs with their names, in order', async () => {
    expect(await open(samplePfx(safes, 'pässword'), 'pässword')).toEqual(values);
  });

  it('reads the BER of Windows: indefinite lengths, the content in pieces', async () => {
    expect(await open(sampleBerPfx(safes, 'pässword'), 'pässword')).toEqual(values);
  });

  it('reads what vcs-pki writes', async () => {
    const content = { key: server.key, certificate, chain: [], friendlyName: 'vcs' };
    const der = await encodePkcs12(content, new Secret('x'));
    expect(await open(der, 'x')).toMatchObject([
      { label: 'CERTIFICATE', der: certificate, friendlyName: 'vcs' },
      { label: 'PRIVATE KEY', der: pkcs8, friendlyName: 'vcs' },
    ]);
  });

  it('a password is asked for and named when it is wrong', async () => {
    for (const pfx of [samplePfx(safes, 'pässword'), samplePfx(safes)]) {
      await expect(open(pfx)).rejects.toMatchObject({
        code: 'KEY_ENCRYPTED',
        at,
        fix: expect.stringMatching(/--password-file/),
      });
      await expect(open(pfx, 'password')).rejects.toMatchObject({ code: 'KEY_PASSPHRASE_WRONG', at });
      await expect(open(pfx, '')).rejects.toMatchObject({ code: 'KEY_PASSPHRASE_WRONG', at });
    }
  });

  it('a password that opens the file but not the key in it is wrong', async () => {
    const pfx = samplePfx([sampleSafe(sampleShroudedKeyBag(pkcs8, 'another'))], 'x');
    await expect(open(pfx, 'x')).rejects.toMatchObject({ code: 'KEY_PASSPHRASE_WRONG' });
  });

  it('a wrong password is called wrong even when the padding happens to fit', async () => {
    const pfx = samplePfx(safes);
    for (let attempt = 0; attempt < 1500; attempt++)
      await expect(open(pfx, `wrong ${attempt}`)).rejects.toMatchObject({ code: 'KEY_PASSPHRASE_WRONG' });
  });

  it('an empty password is tried without being asked', async () => {
    const empty = [sampleSafe(sampleShroudedKeyBag(pkcs8, ''))];
    expect(await open(samplePfx(empty, ''))).toMatchObject([{ label: 'PRIVATE KEY', der: pkcs8 }]);
    expect(await open(samplePfx(empty, null))).toMatchObject([{ label: 'PRIVATE KEY', der: pkcs8 }]);
    expect(await open(samplePfx(empty))).toMatchObject([{ label: 'PRIVATE KEY', der: pkcs8 }]);
  });

  it('open parts need no password', async () => {
    const pfx = samplePfx([sampleSafe(sampleCertificateBag(certificate), sampleKeyBag(pkcs8))]);
    expect(await open(pfx)).toEqual([
      { label: 'CERTIFICATE', der: certificate },
      { label: 'PRIVATE KEY', der: pkcs8 },
    ]);
  });

  it('a key is a copy: whoever wipes it leaves the file as it is', async () => {
    const pfx = samplePfx([sampleSafe(sampleKeyBag(pkcs8))]);
    const [key] = await open(pfx);
    key?.der.fill(0);
    expect(await open(pfx)).toMatchObject([{ der: pkcs8 }]);
  });

  it('bags in bags, 8 deep and not deeper', async () => {
    const nested = (depth: number): Buffer =>
      depth === 1
        ? sampleCertificateBag(certificate)
        : sampleBag('1.2.840.113549.1.12.10.1.6', sequence(nested(depth - 1)));
    expect(await open(samplePfx([sampleSafe(nested(8))]))).toHaveLength(1);
    await expect(open(samplePfx([sampleSafe(nested(9))]))).rejects.toMatchObject({ code: 'CONTAINER_UNSUPPORTED' });
  });

  it('10,000 parts and not more', async () => {
    const bag = sampleBag('1.2.3', integer(1));
    expect(await open(samplePfx([sampleSafe(...Array(10_000).fill(bag))]))).toHaveLength(10_000);
    await expect(open(samplePfx([sampleSafe(...Array(10_001).fill(bag))]))).rejects.toMatchObject({
      code: 'CONTAINER_UNSUPPORTED',
    });
  });

  it('a bag of another kind does not hide the others', async () => {
    const secret = sampleBag('1.2.840.113549.1.12.10.1.5', integer(1), names);
    const found = await open(samplePfx([sampleSafe(secret, sampleCertificateBag(certificate))]));
    expect(found).toMatchObject([{ label: 'bag 1.2.840.113549.1.12.10.1.5' }, { label: 'CERTIFICATE' }]);
  });

  describe('the limit of work', () => {
    it('a MAC above the limit is refused before any work', async () => {
      for (const iterations of [1_250_001, 2 ** 31 - 1, 2 ** 40])
        await expect(open(samplePfx(safes, 'x', iterations), 'x')).rejects.toMatchObject({
          code: 'KEY_DERIVATION_TOO_LONG',
          at,
          message: expect.stringContaining('2500000 rounds'),
          value: `${iterations} iterations`,
        });
    });

    it('counts all parts of a file together', async () => {
      // 1 iteration of the MAC counts twice, then 10 for the certificates and 10 for the key.
      expect(await open(samplePfx(safes, 'pässword'), 'pässword', { roundsLeft: 22 })).toHaveLength(3);
      await expect(open(samplePfx(safes, 'pässword'), 'pässword', { roundsLeft: 21 })).rejects.toMatchObject({
        code: 'KEY_DERIVATION_TOO_LONG',
      });
    });

    it('an empty password is not tried where that takes long', async () => {
      const limit = workLimit();
      await expect(open(samplePfx(safes, 'x', 100_001), undefined, limit)).rejects.toMatchObject({
        code: 'KEY_ENCRYPTED',
      });
      expect(limit).toEqual(workLimit());
    });

    it.each([0, -1])('%i iterations are nonsense', async (iterations) => {
      await expect(open(samplePfx(safes, 'x', iterations), 'x')).rejects.toMatchObject({ code: 'DER_INVALID' });
    });
  });

  const shrouded = (algorithm: Buffer) =>
    samplePfx([sampleSafe(sampleBag('1.2.840.113549.1.12.10.1.2', sequence(algorithm, octetString(Buffer.alloc(8)))))]);
  const pbes2 = (derivation: Buffer, encryption: Buffer) =>
    shrouded(sequence(oid('1.2.840.113549.1.5.13'), sequence(derivation, encryption)));
  const pbkdf2 = sequence(oid('1.2.840.113549.1.5.12'), sequence(octetString(Buffer.of(1)), integer(1)));
  const aes = (iv: number) => sequence(oid('2.16.840.1.101.3.4.1.2'), octetString(Buffer.alloc(iv)));
  const contentInfo = (type: string) =>
    sequence(oid(type), encodeDer(contextTag(0, 'constructed'), octetString(Buffer.of(5))));

  it.each([
    ['version 2', sequence(integer(2), contentInfo('1.2.840.113549.1.7.1')), 'CONTAINER_UNSUPPORTED'],
    [
      'a signature instead of a MAC',
      sequence(integer(3), contentInfo('1.2.840.113549.1.7.2')),
      'CONTAINER_UNSUPPORTED',
    ],
    ['a part for the holder of a key', samplePfx([contentInfo('1.2.840.113549.1.7.3')]), 'CONTAINER_UNSUPPORTED'],
    ['RC4', shrouded(sequence(oid('1.2.840.113549.1.12.1.1'), sequence())), 'CONTAINER_UNSUPPORTED'],
    ['scrypt', pbes2(sequence(oid('1.3.6.1.4.1.11591.4.11'), sequence()), aes(16)), 'CONTAINER_UNSUPPORTED'],
    ['another cipher', pbes2(pbkdf2, sequence(oid('1.2.3'))), 'CONTAINER_UNSUPPORTED'],
    ['an IV of 8 octets for AES', pbes2(pbkdf2, aes(8)), 'DER_INVALID'],
    [
      'an SDSI certificate',
      samplePfx([
        sampleSafe(
          sampleBag('1.2.840.113549.1.12.10.1.3', sequence(oid('1.2.840.113549.1.9.22.2'), octetString(Buffer.of(1)))),
        ),
      ]),
      'CONTAINER_UNSUPPORTED',
    ],
    ['a file cut off', samplePfx(safes).subarray(0, 200), 'DER_INVALID'],
    ['more than 1 MiB', Buffer.alloc(1_048_577, 0x30), 'DER_INVALID'],
    ['a file without parts', samplePfx([]).subarray(0, 0), 'DER_INVALID'],
  ])('refuses %s', async (_, pfx, code) => {
    await expect(open(pfx, 'x')).rejects.toMatchObject({ code, at });
  });

  it('a friendly name with half a character', async () => {
    const name = encodeDer(0x1e, Buffer.of(0, 0x61, 0));
    const attribute = sequence(oid('1.2.840.113549.1.9.20'), encodeDer(0x31, name));
    const bag = sequence(
      oid('1.2.840.113549.1.12.10.1.1'),
      encodeDer(contextTag(0, 'constructed'), pkcs8),
      encodeDer(0x31, attribute),
    );
    expect(await open(samplePfx([sampleSafe(bag)]))).toMatchObject([{ friendlyName: 'a' }]);
  });
});

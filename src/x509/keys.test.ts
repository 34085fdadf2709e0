import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { VcsPkiError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { contextTag, encodeDer, integer, octetString, oid, sequence } from './der.ts';
import {
  describeKey,
  generatePrivateKey,
  keyIdentifier,
  keyTypeOf,
  keyTypes,
  parsePrivateKey,
  privateKeyPem,
  publicKeyOf,
  signingKeyOf,
  subjectPublicKeyInfo,
} from './keys.ts';
import { encodePem } from './pem.ts';

const at = 'server.key';
const passphrase = new Secret('correct horse');
const wrong = new Secret('battery staple');
const parse = (pem: string, options: { passphrase?: Secret<string> } = {}) =>
  parsePrivateKey(new Secret(pem), { at, ...options });
const same = (one: KeyObject, other: KeyObject) => expect(one.equals(other)).toBe(true);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

describe.each(keyTypes)('%s', (type) => {
  it('is generated, written, read and described', async () => {
    const key = await generatePrivateKey(type);
    same(parsePrivateKey(privateKeyPem(key), { at }), key);
    const spki = subjectPublicKeyInfo(key);
    expect(keyTypeOf(spki)).toBe(type);
    expect(subjectPublicKeyInfo(createPublicKey(key)).equals(spki)).toBe(true);
    expect(describeKey(spki)).toBe(
      {
        'rsa-2048': 'RSA 2048',
        'rsa-4096': 'RSA 4096',
        'ec-p256': 'EC P-256',
        'ec-p384': 'EC P-384',
        'ec-p521': 'EC P-521',
      }[type],
    );
  });
});

describe('writing a private key', () => {
  it('requirement 40: the PEM ends with exactly one newline', () => {
    for (const pem of [privateKeyPem(ec), privateKeyPem(ec, passphrase)])
      expect(pem.reveal()).toMatch(/-----END (ENCRYPTED )?PRIVATE KEY-----\n$/);
  });

  it('I1: the PEM is a secret', () => expect(`${privateKeyPem(ec)}`).toBe('[redacted]'));

  it('a passphrase encrypts it, and opens it again', () => {
    const pem = privateKeyPem(ec, passphrase);
    expect(pem.reveal()).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    same(parsePrivateKey(pem, { at, passphrase }), ec);
  });

  it('PBKDF2 has 600,000 iterations and a 16-byte salt, unlike the export of node:crypto', () => {
    const der = Buffer.from(
      privateKeyPem(ec, passphrase)
        .reveal()
        .replace(/-----.*-----|\n/g, ''),
      'base64',
    );
    const parameters = der.indexOf(Buffer.from('06092a864886f70d01050c', 'hex'));
    expect(der.subarray(parameters + 13, parameters + 15).toString('hex')).toBe('0410');
    expect(der.subarray(parameters + 31, parameters + 36).toString('hex')).toBe('02030927c0');
  });
});

describe('reading a private key', () => {
  const encryption = { cipher: 'aes-256-cbc', passphrase: passphrase.reveal() };

  it('traditional forms, and EC parameters and certificates beside the key', () => {
    same(parse(rsa.export({ type: 'pkcs1', format: 'pem' }).toString()), rsa);
    const parameters = encodePem('EC PARAMETERS', Buffer.from('06082a8648ce3d030107', 'hex'));
    same(parse(parameters + ec.export({ type: 'sec1', format: 'pem' }).toString()), ec);
    same(parse(`${encodePem('CERTIFICATE', Buffer.of(0x30, 0))}${privateKeyPem(ec).reveal()}`), ec);
  });

  it('CRLF, indentation and no newline at the end', () => {
    const pem = privateKeyPem(ec).reveal();
    same(parse(pem.replaceAll('\n', '\r\n')), ec);
    same(parse(pem.replaceAll(/^/gm, '    ')), ec);
    same(parse(pem.trimEnd()), ec);
  });

  const encrypted = {
    'PKCS #8': privateKeyPem(rsa, passphrase).reveal(),
    'PKCS #8 of node:crypto': rsa.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString(),
    traditional: rsa.export({ type: 'pkcs1', format: 'pem', ...encryption }).toString(),
    // As the guides print it: "Proc-Type: 4, ENCRYPTED", which OpenSSL itself refuses.
    'traditional with spaces after the commas': rsa
      .export({ type: 'pkcs1', format: 'pem', ...encryption })
      .toString()
      .replace('4,ENCRYPTED', '4, ENCRYPTED')
      .replace('CBC,', 'CBC, '),
  };

  it.each(Object.entries(encrypted))('encrypted, %s: needs its passphrase', (_, pem) => {
    expect(() => parse(pem)).toThrow(expect.objectContaining({ code: 'KEY_ENCRYPTED', at }));
    expect(() => parse(pem, { passphrase: wrong })).toThrow(
      expect.objectContaining({ code: 'KEY_PASSPHRASE_WRONG', at }),
    );
    same(parse(pem, { passphrase }), rsa);
  });

  it('a wrong passphrase is called wrong even when the padding happens to fit', () => {
    const pem = ec.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString();
    for (let attempt = 0; attempt < 1500; attempt++)
      expect(() => parse(pem, { passphrase: new Secret(`wrong ${attempt}`) })).toThrow(
        expect.objectContaining({ code: 'KEY_PASSPHRASE_WRONG' }),
      );
  });

  it.each([
    ['a certificate alone', encodePem('CERTIFICATE', Buffer.of(0x30, 0)), 'KEY_UNREADABLE'],
    ['two keys', privateKeyPem(ec).reveal() + privateKeyPem(rsa).reveal(), 'KEY_UNREADABLE'],
    ['nonsense in a key block', encodePem('PRIVATE KEY', Buffer.from('nonsense')), 'KEY_UNREADABLE'],
    [
      'an Ed25519 key',
      String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })),
      'KEY_UNREADABLE',
    ],
    ['no PEM', 'hello', 'KEY_UNREADABLE'],
  ])('refuses %s', (_, pem, code) => expect(() => parse(pem)).toThrow(expect.objectContaining({ code, at })));

  // RFC 5915, with the number as given, on the curve of the OID.
  const sec1 = (number: Buffer, curve: string) =>
    encodePem(
      'EC PRIVATE KEY',
      sequence(integer(1), octetString(number), encodeDer(contextTag(0, 'constructed'), oid(curve))),
    );

  it('an EC key without its public half', () => {
    const number = Buffer.from(ec.export({ format: 'jwk' }).d ?? '', 'base64url');
    same(parse(sec1(number, '1.2.840.10045.3.1.7')), ec);
  });

  it.each([
    // Asking Node 20 for the curve of these two ends the process.
    ['a number longer than P-256', sec1(Buffer.alloc(33, 0x11), '1.2.840.10045.3.1.7')],
    ['a number longer than a curve of characteristic 2', sec1(Buffer.alloc(33, 0x11), '1.2.840.10045.3.0.7')],
    ['the number 0', sec1(Buffer.alloc(32), '1.2.840.10045.3.1.7')],
    ['another curve', sec1(Buffer.alloc(32, 0x11), '1.3.132.0.10')],
    ['a key of OpenSSH', encodePem('OPENSSH PRIVATE KEY', Buffer.of(0x30, 0))],
    [
      'something behind the key',
      encodePem('PRIVATE KEY', Buffer.concat([rsa.export({ type: 'pkcs8', format: 'der' }), Buffer.of(0)])),
    ],
  ])('refuses %s', (_, pem) =>
    expect(() => parse(pem)).toThrow(expect.objectContaining({ code: 'KEY_UNREADABLE', at })),
  );

  describe('an encrypted key that asks for too much work', () => {
    const encryptedWith = (algorithm: Buffer) =>
      encodePem('ENCRYPTED PRIVATE KEY', sequence(algorithm, octetString(Buffer.alloc(16))));
    const salt = octetString(Buffer.alloc(8));
    const pbes2 = (derivation: string, ...parameters: Buffer[]) =>
      sequence(oid('1.2.840.113549.1.5.13'), sequence(sequence(oid(derivation), sequence(...parameters)), sequence()));
    const pbkdf2 = (iterations: number) => pbes2('1.2.840.113549.1.5.12', salt, integer(iterations));
    const scrypt = (n: number, r: number, p: number) =>
      pbes2('1.3.6.1.4.1.11591.4.11', salt, integer(n), integer(r), integer(p));
    const pbes1 = (iterations: number) => sequence(oid('1.2.840.113549.1.12.1.3'), sequence(salt, integer(iterations)));

    it.each([
      ['PBKDF2', pbkdf2(2_500_001)],
      ['PBKDF2, as much as there is', pbkdf2(2 ** 31 - 1)],
      ['scrypt', scrypt(16_384, 8, 32)],
      ['PKCS #12', pbes1(2_500_001)],
    ])('%s: is refused before any work', (_, algorithm) => {
      expect(() => parse(encryptedWith(algorithm), { passphrase })).toThrow(
        expect.objectContaining({ code: 'KEY_DERIVATION_TOO_LONG', at, message: expect.stringContaining('2500000') }),
      );
    });

    it.each([
      ['no iterations', pbkdf2(0)],
      ['no parameters', sequence(oid('1.2.840.113549.1.5.13'))],
    ])('%s: is damaged', (_, algorithm) => {
      expect(() => parse(encryptedWith(algorithm), { passphrase })).toThrow(
        expect.objectContaining({ code: 'KEY_UNREADABLE', at }),
      );
    });
  });

  it('a cipher that OpenSSL 3 no longer has is not blamed on the passphrase', () => {
    const pem = encrypted.traditional.replace('AES-256-CBC', 'DES-CBC').replace(/(DEK-Info: .*,.{16}).*/, '$1');
    expect(() => parse(pem, { passphrase })).toThrow(expect.objectContaining({ code: 'KEY_UNREADABLE' }));
  });

  it('a damaged encrypted key is not blamed on the passphrase', () => {
    const pem = encodePem('ENCRYPTED PRIVATE KEY', Buffer.from('nonsense'));
    expect(() => parse(pem, { passphrase })).toThrow(expect.objectContaining({ code: 'KEY_UNREADABLE' }));
  });

  it('I1: no error shows the key', () => {
    const pem = privateKeyPem(ec).reveal();
    const body = pem.split('\n')[1] ?? '';
    for (const text of [pem + pem, pem.replaceAll('\n', ' '), pem.replace('-----END', '----END')])
      try {
        parse(text);
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(VcsPkiError);
        expect(
          `${error instanceof VcsPkiError ? [error.message, error.value, error.fix, error.cause] : ''}`,
        ).not.toContain(body);
      }
  });
});

function coordinates(key: KeyObject): Buffer[] {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
}

describe('public keys', () => {
  it('RFC 5280 4.2.1.2 (1): the identifier is the SHA-1 of the key bits', () => {
    const spki = subjectPublicKeyInfo(ec);
    const point = Buffer.concat([Buffer.of(4), ...coordinates(ec)]);
    expect(keyIdentifier(spki).equals(createHash('sha1').update(point).digest())).toBe(true);
    expect(() => keyIdentifier(spki.subarray(1))).toThrow(VcsPkiError);
  });

  it('describes keys that it cannot make, and signs only with RSA and EC', () => {
    const ed25519 = subjectPublicKeyInfo(generateKeyPairSync('ed25519').privateKey);
    expect([describeKey(ed25519), keyTypeOf(ed25519)]).toEqual(['Ed25519', undefined]);
    expect(() => signingKeyOf(ed25519)).toThrow(expect.objectContaining({ code: 'KEY_UNREADABLE' }));
    const rsa1024 = subjectPublicKeyInfo(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);
    expect([describeKey(rsa1024), keyTypeOf(rsa1024)]).toEqual(['RSA 1024', undefined]);
  });
});

it.each(keyTypes)('%s: the public key is encoded as node:crypto encodes it, and read as it reads it', async (type) => {
  const key = createPublicKey(await generatePrivateKey(type));
  const spki = key.export({ type: 'spki', format: 'der' });
  expect(subjectPublicKeyInfo(key)).toEqual(spki);
  expect(publicKeyOf(spki).equals(key)).toBe(true);
});

it.each(['P-256', 'P-384', 'P-521'])('%s: a point that is not on the curve is no public key', (namedCurve) => {
  const spki = generateKeyPairSync('ec', { namedCurve }).publicKey.export({ type: 'spki', format: 'der' });
  for (const position of [spki.length - 1, spki.length - 40]) {
    const moved = Buffer.from(spki);
    moved.writeUInt8(moved.readUInt8(position) ^ 1, position);
    expect(() => publicKeyOf(moved)).toThrow();
  }
});

it('reads what openssl reads of damaged public keys, and nothing else', () => {
  const spkis = [
    generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' }),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' }),
  ];
  for (const spki of spkis)
    for (let position = 0; position < spki.length; position++) {
      const damaged = Buffer.from(spki);
      damaged.writeUInt8(damaged.readUInt8(position) ^ 0x01, position);
      const theirs = outcome(() => createPublicKey({ key: damaged, format: 'der', type: 'spki' }));
      const ours = outcome(() => publicKeyOf(damaged));
      if (ours) expect({ position, same: theirs?.equals(ours) }).toEqual({ position, same: true });
    }
});

function outcome(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

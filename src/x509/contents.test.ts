import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Secret } from '../secret.ts';
import { type Content, readContents } from './contents.ts';
import { contextTag, encodeDer, integer, octetString, oid, sequence, Tag } from './der.ts';
import { privateKeyPem, subjectPublicKeyInfo } from './keys.ts';
import { encodePem } from './pem.ts';
import { createRequest } from './request.ts';
import { sampleCertificate, sampleCrl, sampleParty } from './testing/sample-certificate.ts';
import { sampleBag, sampleCertificateBag, sampleKeyBag, samplePfx, sampleSafe } from './testing/sample-pkcs12.ts';

const at = 'upload.bin';
const authority = sampleParty('Example CA');
const server = sampleParty('vcs.example.com');
const root = sampleCertificate(authority, authority, { authority: true });
const certificate = sampleCertificate(server, authority);
const crl = sampleCrl(authority);
const request = await createRequest(server.key, {
  subject: { commonName: 'vcs.example.com' },
  dnsNames: ['vcs.example.com'],
  purposes: ['serverAuth', 'clientAuth'],
});
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const password = new Secret('correct horse');
const locked = { cipher: 'aes-256-cbc', passphrase: password.reveal() };
const certificatePem = encodePem('CERTIFICATE', certificate);
const pkcs7 = signedData(certificate, root);

const read = (bytes: Uint8Array | string, options: { password?: Secret<string> } = {}) =>
  readContents(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, at, options);

/** The kinds, and the codes of what is unreadable. */
async function kinds(bytes: Uint8Array | string, options: { password?: Secret<string> } = {}): Promise<string[]> {
  const { items } = await read(bytes, options);
  return items.map((item) => (item.kind === 'unreadable' ? `${item.label}: ${item.error.code}` : item.kind));
}

async function only(bytes: Uint8Array | string): Promise<Content | undefined> {
  const { items } = await read(bytes);
  expect(items).toHaveLength(1);
  return items[0];
}

describe('what is in a file is told by its content', () => {
  it.each([
    ['certificate', certificate],
    ['request', request],
    ['crl', crl],
    ['key', server.key.export({ type: 'pkcs8', format: 'der' })],
    ['key', server.key.export({ type: 'sec1', format: 'der' })],
    ['key', rsa.export({ type: 'pkcs1', format: 'der' })],
    ['encrypted key', rsa.export({ type: 'pkcs8', format: 'der', ...locked })],
  ])('%s in DER', async (kind, der) => {
    expect(await read(der)).toMatchObject({
      form: 'DER',
      items: [{ kind }],
      endsWithNewline: true,
      textOutside: false,
      plainText: true,
    });
  });

  it('a certificate of version 1 and a CRL of version 1, without extensions (RFC 5280 4.1.2.1, 5.1.2.1)', async () => {
    const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
    const time = encodeDer(Tag.utcTime, Buffer.from('260101000000Z'));
    const bits = encodeDer(Tag.bitString, Buffer.of(0, 1));
    const spki = subjectPublicKeyInfo(server.key);
    const tbs = sequence(integer(1), algorithm, authority.name, sequence(time, time), server.name, spki);
    expect(await kinds(sequence(tbs, algorithm, bits))).toEqual(['certificate']);
    expect(await kinds(sequence(sequence(algorithm, authority.name, time), algorithm, bits))).toEqual(['crl']);
  });

  it('PEM with any mix of blocks, in order', async () => {
    const text = [
      privateKeyPem(server.key).reveal(),
      certificatePem,
      encodePem('X509 CRL', crl),
      encodePem('CERTIFICATE REQUEST', request),
      encodePem('CERTIFICATE', root),
    ].join('');
    expect(await kinds(text)).toEqual(['key', 'certificate', 'crl', 'request', 'certificate']);
    expect(await read(text)).toMatchObject({ form: 'PEM', endsWithNewline: true, textOutside: false, plainText: true });
  });

  it.each([
    ['NEW CERTIFICATE REQUEST', request, 'request'],
    ['X509 CERTIFICATE', certificate, 'certificate'],
    ['CRL', crl, 'crl'],
    ['CMS', pkcs7, 'certificate'],
    ['PKCS #7 SIGNED DATA', pkcs7, 'certificate'],
    // certsrv and certutil -encode.
    ['CERTIFICATE', pkcs7, 'certificate'],
  ])('the label %s', async (label, der, kind) => {
    expect((await kinds(encodePem(label, der)))[0]).toBe(kind);
  });

  it('EC PARAMETERS before a key are nothing of their own', async () => {
    const parameters = encodePem('EC PARAMETERS', oid('1.2.840.10045.3.1.7'));
    expect(await kinds(parameters + server.key.export({ type: 'sec1', format: 'pem' }))).toEqual(['key']);
    expect(await kinds(parameters)).toEqual([]);
  });

  it('PKCS #7 in DER and PEM; beside other blocks it is PEM', async () => {
    for (const bytes of [pkcs7, encodePem('PKCS7', pkcs7)])
      expect(await read(bytes)).toMatchObject({
        form: 'PKCS #7',
        items: [{ kind: 'certificate' }, { kind: 'certificate' }],
      });
    expect((await read(encodePem('PKCS7', pkcs7) + certificatePem)).form).toBe('PEM');
  });

  it('PKCS #12 with the names of its parts', async () => {
    const names = { friendlyName: 'vcs-certificate', localKeyId: Buffer.of(1, 0, 0, 0) };
    const pkcs8 = server.key.export({ type: 'pkcs8', format: 'der' });
    const secret = sampleBag('1.2.840.113549.1.12.10.1.5', integer(1));
    const broken = sampleCertificateBag(certificate.subarray(0, 100));
    const pfx = samplePfx([
      sampleSafe(sampleCertificateBag(certificate, names), sampleKeyBag(pkcs8, names), secret, broken),
    ]);
    const { form, items } = await read(pfx);
    expect(form).toBe('PKCS #12');
    expect(items).toMatchObject([
      { kind: 'certificate', certificate: { der: certificate }, ...names },
      { kind: 'key', ...names },
      {
        kind: 'unreadable',
        label: 'bag 1.2.840.113549.1.12.10.1.5',
        error: { code: 'CONTENT_UNKNOWN', at: `${at}, part 3` },
      },
      { kind: 'unreadable', label: 'CERTIFICATE', error: { code: 'DER_INVALID', at: `${at}, part 4` } },
    ]);
  });

  it('a PKCS #12 file that needs a password fails', async () => {
    await expect(read(samplePfx([], 'x'))).rejects.toMatchObject({ code: 'KEY_ENCRYPTED', at });
    await expect(read(samplePfx([], 'x'), { password })).rejects.toMatchObject({ code: 'KEY_PASSPHRASE_WRONG', at });
  });
});

describe('requirements 37 and 87: encrypted keys (D04)', () => {
  const guide = rsa
    .export({ type: 'pkcs1', format: 'pem', ...locked })
    .toString()
    // As the X7.2 guide prints it, which OpenSSL refuses: blanks after the commas, no blank line behind the headers.
    .replace('4,ENCRYPTED', '4, ENCRYPTED')
    .replace('CBC,', 'CBC, ')
    .replace('\n\n', '\n');

  it.each([
    ['PKCS #8', rsa.export({ type: 'pkcs8', format: 'pem', ...locked }).toString()],
    ['traditional', rsa.export({ type: 'pkcs1', format: 'pem', ...locked }).toString()],
    ['traditional', guide],
  ])('%s: found without the password, opened with it', async (format, pem) => {
    expect((await read(pem)).items).toEqual([{ kind: 'encrypted key', format }]);
    expect(await kinds(pem, { password })).toEqual(['key']);
    await expect(read(pem, { password: new Secret('wrong') })).rejects.toMatchObject({
      code: 'KEY_PASSPHRASE_WRONG',
      at: `${at}, line 1`,
    });
  });

  it('all encrypted keys of a file share one limit of work', async () => {
    // Three times 600,000 rounds are done, four times are more than 2,500,000 with a fifth.
    const pem = privateKeyPem(server.key, password).reveal();
    expect(await kinds(pem.repeat(5), { password })).toEqual([
      ...Array(4).fill('key'),
      'ENCRYPTED PRIVATE KEY: KEY_DERIVATION_TOO_LONG',
    ]);
  });
});

describe('requirements 85 and 86: what openssl pkcs12 writes before a block', () => {
  // The X7.2 guide, with the keys and certificates of this test in place of its own.
  const guide = [
    'Bag Attributes\n    1.3.6.1.4.1.311.17.2: <No Values>\n    localKeyID: 01 00 00 00 \n',
    '    friendlyName: le-d2c14df5\n    Microsoft CSP Name: Microsoft RSA SChannel Cryptographic Provider\n',
    'Key Attributes\n    X509v3 Key Usage: 10 \n',
    rsa.export({ type: 'pkcs1', format: 'pem', ...locked }),
    'Bag Attributes\n    localKeyID: 01 00 00 00 \n    1.3.6.1.4.1.311.17.3.71: 4A 00 54 00 53 00\n75 00 73 00\n',
    '    friendlyName: vcs-certificate\nsubject=/C=NO/L=Oslo/CN=vcs.net2.int\nissuer=/DC=int/DC=net2/CN=net2-CA\n',
    certificatePem,
    'Bag Attributes: <Empty Attributes>\nsubject=/DC=int/DC=net2/CN=net2-CA\nissuer=/DC=int/DC=net2/CN=net2-CA\n',
    encodePem('CERTIFICATE', root),
  ].join('');

  it('names belong to the block behind them', async () => {
    const localKeyId = Buffer.of(1, 0, 0, 0);
    const { items } = await read(guide);
    expect(items).toMatchObject([
      { kind: 'encrypted key', format: 'traditional', localKeyId, friendlyName: 'le-d2c14df5' },
      { kind: 'certificate', localKeyId, friendlyName: 'vcs-certificate' },
      { kind: 'certificate' },
    ]);
    expect(items[2]).not.toHaveProperty('friendlyName');
  });

  it('the names of a bag that was not written do not go to the next one', async () => {
    const text = `Bag Attributes\n    friendlyName: a secret\nBag Attributes\n    localKeyID: 02\n${certificatePem}`;
    const { items } = await read(text);
    expect(items).toMatchObject([{ kind: 'certificate', localKeyId: Buffer.of(2) }]);
    expect(items[0]).not.toHaveProperty('friendlyName');
  });

  it('it is no foreign text, with blank lines and CRLF too', async () => {
    for (const text of [guide, guide.replaceAll('\n', '\n\n'), guide.replaceAll('\n', '\r\n')])
      expect(await read(text)).toMatchObject({ textOutside: false });
  });

  it.each([
    ['before', `Certificate:\n    Data:\n${certificatePem}`],
    ['behind', `${certificatePem}the end`],
    ['between', `${certificatePem}next: \n${certificatePem}`],
    ['before a broken block', `hello\n${certificatePem.slice(0, 90)}`],
  ])('text %s the blocks is foreign', async (_, text) => expect(await read(text)).toMatchObject({ textOutside: true }));
});

describe('requirement 40 and what a peer reads', () => {
  it.each([
    ['one newline', certificatePem, true],
    ['none (D03)', certificatePem.trimEnd(), false],
    ['CR alone', certificatePem.replaceAll('\n', '\r'), false],
    ['UTF-16', Buffer.from(`\uFEFF${certificatePem}`, 'utf16le'), true],
  ])('%s at the end', async (_, bytes, endsWithNewline) =>
    expect(await read(bytes)).toMatchObject({ endsWithNewline }),
  );

  it.each([
    ['LF', certificatePem, true],
    ['CRLF', certificatePem.replaceAll('\n', '\r\n'), true],
    ['text around it', `hello\n${certificatePem}`, true],
    ['a byte order mark', `\uFEFF${certificatePem}`, false],
    ['a byte order mark in the middle, of two files made one', `${certificatePem}\uFEFF${certificatePem}`, false],
    ['UTF-16', Buffer.from(`\uFEFF${certificatePem}`, 'utf16le'), false],
    ['UTF-16, big endian', Buffer.from(`\uFEFF${certificatePem}`, 'utf16le').swap16(), false],
    ['CR', certificatePem.replaceAll('\n', '\r'), false],
    ['indentation', certificatePem.replaceAll(/^/gm, '  '), false],
    ['the label CRL', encodePem('CRL', crl), false],
  ])('%s: read here, and told whether OpenSSL reads it', async (_, bytes, plainText) => {
    const contents = await read(bytes);
    expect(contents).toMatchObject({ form: 'PEM', plainText });
    expect(contents.items.every(({ kind }) => kind === 'certificate' || kind === 'crl')).toBe(true);
  });
});

describe('what cannot be read', () => {
  it('one bad block does not hide the others, and is found by its line', async () => {
    const truncated = encodePem('CERTIFICATE', certificate.subarray(0, 100));
    const text = `${certificatePem}${truncated}${certificatePem.replace('MII', 'M*I')}${encodePem('X509 CRL', crl)}`;
    expect(await kinds(text)).toEqual(['certificate', 'CERTIFICATE: DER_INVALID', 'CERTIFICATE: PEM_INVALID', 'crl']);
    const lines = certificatePem.split('\n').length - 1;
    expect((await read(text)).items[1]).toMatchObject({ error: { at: `${at}, line ${lines + 1}` } });
  });

  it.each([
    [
      'a request that its key has not signed',
      'CERTIFICATE REQUEST',
      tampered(request),
      'REQUEST_SIGNATURE_INVALID',
      /new request/,
    ],
    ['trust settings of OpenSSL', 'TRUSTED CERTIFICATE', certificate, 'CONTENT_UNKNOWN', /openssl x509/],
    ['a PGP message', 'PGP MESSAGE', subjectPublicKeyInfo(server.key), 'CONTENT_UNKNOWN', /certificates/],
    ['a CRL under the label of a certificate', 'CERTIFICATE', crl, 'PEM_INVALID', /write X509 CRL/],
    [
      'a key of PKCS #1 under the label of PKCS #8',
      'PRIVATE KEY',
      rsa.export({ type: 'pkcs1', format: 'der' }),
      'PEM_INVALID',
      /RSA PRIVATE KEY/,
    ],
    ['a PFX under the label of a certificate', 'CERTIFICATE', samplePfx([]), 'PEM_INVALID', /binary/],
    [
      'an Ed25519 key',
      'PRIVATE KEY',
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' }),
      'KEY_UNREADABLE',
      /RSA/,
    ],
    ['PKCS #7 cut off', 'PKCS7', pkcs7.subarray(0, 100), 'DER_INVALID', /again/],
  ])('%s', async (_, label, der, code, fix) => {
    expect(await only(encodePem(label, der))).toMatchObject({
      kind: 'unreadable',
      label,
      error: { code, fix: expect.stringMatching(fix) },
    });
  });

  it.each([
    ['an empty file', Buffer.alloc(0), 'CONTENT_UNKNOWN', /is empty/],
    ['blank lines', Buffer.from('\uFEFF \r\n'), 'CONTENT_UNKNOWN', /is empty/],
    ['a web page', Buffer.from('<html>Sign in</html>'), 'CONTENT_UNKNOWN', /neither PEM nor DER/],
    ['a ZIP archive', Buffer.from('PK\u0003\u0004'), 'CONTENT_UNKNOWN', /neither PEM nor DER/],
    [
      'base64 without armor',
      Buffer.from(certificate.toString('base64')),
      'PEM_INVALID',
      /base64 of a CERTIFICATE without/,
    ],
    [
      'base64 of a key without armor',
      Buffer.from(server.key.export({ type: 'pkcs8', format: 'der' }).toString('base64')),
      'PEM_INVALID',
      /base64 of a PRIVATE KEY/,
    ],
    ['DER cut off', certificate.subarray(0, 100), 'DER_INVALID', /past the end/],
    ['a newline behind DER', Buffer.concat([certificate, Buffer.from('\n')]), 'DER_INVALID', /something follows/],
    ['DER of another kind', sequence(integer(1)), 'CONTENT_UNKNOWN', /is DER, but no certificate/],
    ['a certificate that is broken inside', brokenInside(certificate), 'DER_INVALID', /broken/],
    ['a CRL above 64 MiB', Buffer.alloc(64 * 1024 * 1024 + 1, 0x30), 'CONTENT_UNKNOWN', /67108865 bytes are more/],
  ])('%s fails', async (_, bytes, code, message) => {
    await expect(read(bytes)).rejects.toMatchObject({
      code,
      at,
      message: expect.stringMatching(message),
      fix: expect.stringMatching(/./),
    });
  });

  it('I1: no error shows a key', async () => {
    const pem = privateKeyPem(server.key).reveal();
    const body = pem.split('\n')[1] ?? '';
    for (const text of [
      pem.replaceAll('\n', ' '),
      pem.replace('-----END', '----END'),
      body,
      pem.replace(/-----BEGIN.*\n/, ''),
    ]) {
      const result = await read(text).catch((error: unknown) => error);
      expect(JSON.stringify(result)).not.toContain(body);
      expect(`${result}`).not.toContain(body);
    }
  });
});

describe('size', () => {
  it('16 MiB of text, and up to 64 MiB of CRLs', async () => {
    const padding = ' '.repeat(17 * 1024 * 1024);
    await expect(read(certificatePem + padding)).rejects.toMatchObject({
      code: 'CONTENT_UNKNOWN',
      message: expect.stringMatching(/16777216/),
    });
    expect(await kinds(encodePem('X509 CRL', crl) + padding)).toEqual(['crl']);
  });

  it('16 MiB of DER that is no CRL', async () => {
    const large = sequence(octetString(Buffer.alloc(16 * 1024 * 1024)));
    await expect(read(large)).rejects.toMatchObject({
      code: 'CONTENT_UNKNOWN',
      message: expect.stringMatching(/16777216/),
    });
  });

  it('a bundle of 1,000 certificates', async () => {
    const before = process.cpuUsage();
    expect((await read(certificatePem.repeat(1000))).items).toHaveLength(1000);
    expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
  });

  it('2,000 items in all', async () => {
    const bundle = encodePem('PKCS7', signedData(...Array(1200).fill(sequence())));
    expect((await read(bundle)).items).toHaveLength(1200);
    await expect(read(bundle + bundle + bundle)).rejects.toMatchObject({ code: 'CONTENT_UNKNOWN' });
  });

  it('2,001 blocks fail', async () => {
    await expect(read(certificatePem.repeat(2001))).rejects.toMatchObject({ code: 'CONTENT_UNKNOWN' });
  });

  it('public keys and parameters, which do no harm', async () => {
    const spki = createPublicKey(rsa).export({ type: 'spki', format: 'pem' }).toString();
    expect(await kinds(spki + certificatePem)).toEqual(['other', 'certificate']);
  });

  it('16 MiB of text that is no PEM', async () => {
    await expect(read('x'.repeat(16 * 1024 * 1024 + 1))).rejects.toMatchObject({
      code: 'CONTENT_UNKNOWN',
      message: expect.stringMatching(/neither PEM nor DER/),
    });
  });
});

function signedData(...certificates: Buffer[]): Buffer {
  const start = [integer(1), encodeDer(Tag.set), sequence(oid('1.2.840.113549.1.7.1'))];
  const list = encodeDer(contextTag(0, 'constructed'), ...certificates);
  const data = sequence(...start, list, encodeDer(Tag.set));
  return sequence(oid('1.2.840.113549.1.7.2'), encodeDer(contextTag(0, 'constructed'), data));
}

/** With another last octet in its signature. */
function tampered(signed: Buffer): Buffer {
  const copy = Buffer.from(signed);
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
}

/** With a broken OBJECT IDENTIFIER in its signature algorithm; its frame stays whole. */
function brokenInside(signed: Buffer): Buffer {
  const copy = Buffer.from(signed);
  const ecdsaWithSha256 = oid('1.2.840.10045.4.3.2');
  copy[copy.indexOf(ecdsaWithSha256) + 2] = 0x80;
  return copy;
}

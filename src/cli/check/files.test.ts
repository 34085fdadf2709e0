import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../secret.ts';
import { privateKeyPem } from '../../x509/keys.ts';
import { encodePem } from '../../x509/pem.ts';
import { sampleCertificate, sampleCrl, sampleParty } from '../../x509/testing/sample-certificate.ts';
import { readEvidenceFile, readEvidenceFolder, readEvidenceStream } from './files.ts';

const authority = sampleParty('Example Root');
const root = sampleCertificate(authority, authority, { authority: true });
const PEM = encodePem('CERTIFICATE', root);
const LOG =
  'Event="Inbound TLS Negotiation Error" Service="SIP" Detail="self signed certificate in certificate chain"\n';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcs-pki-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(name: string, content: string | Uint8Array = PEM): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

const read = (password?: Secret<string>) => readEvidenceFolder(folder, 'target', password);
const readNamed = async (name: string, content: string | Uint8Array, password?: Secret<string>) =>
  readEvidenceFile(await put(name, content), name, password);
const kinds = (artefacts: readonly { path: string; kind: string }[]) =>
  artefacts.map(({ path, kind }) => `${path} ${kind}`);

describe('what a file that was named is', () => {
  it.each<[string, string | Uint8Array, string[]]>([
    ['ca.txt', PEM, ['ca.txt file']],
    ['ca.doc', root, ['ca.doc file']],
    ['ca.crl', sampleCrl(authority), ['ca.crl file']],
    ['network.log', LOG, ['network.log log']],
    ['network.pem', LOG, ['network.pem log']],
    ['pasted', `${PEM}${LOG}`, ['pasted file', 'pasted log']],
    ['eventlog.log.1', LOG, ['eventlog.log.1 log']],
    ['quiet.log', 'nothing that is known\n', ['quiet.log log']],
    ['server.pem', 'nothing that is known\n', ['server.pem unreadable']],
    ['empty.log', '', ['empty.log unreadable']],
    ['binary.log', Buffer.from([1, 0, 2, 0]), ['binary.log unreadable']],
  ])('%s', async (name, content, expected) => {
    expect(kinds(await readNamed(name, content))).toEqual(expected);
  });

  it('a large log is looked at up to 16 MiB, and says what is left', async () => {
    const [log] = await readNamed('network.log', `${LOG}${'-'.repeat(16 * 1024 * 1024)}`);
    expect(log).toMatchObject({ kind: 'log', events: [{ line: 1 }], unread: Buffer.byteLength(LOG) });
  });

  it('a log in UTF-16, as PowerShell writes it', async () => {
    const [log] = await readNamed('network.log', Buffer.from(`\uFEFF${LOG}`, 'utf16le'));
    expect(log).toMatchObject({ kind: 'log', events: [{ line: 1, message: { diagnosis: 'D10' } }] });
  });

  it('a password that does not open it is an error', async () => {
    const key = privateKeyPem(authority.key, new Secret('right')).reveal();
    await expect(readNamed('key.pem', key, new Secret('wrong'))).rejects.toMatchObject({
      code: 'KEY_PASSPHRASE_WRONG',
    });
    const [opened] = await readNamed('key.pem', key, new Secret('right'));
    expect(opened).toMatchObject({ contents: { items: [{ kind: 'key' }] } });
  });

  it('I10: more than 64 MB are not read', async () => {
    const path = await put('huge.log', '');
    await truncate(path, 64 * 1024 * 1024 + 1);
    await expect(readEvidenceFile(path, 'huge.log', undefined)).rejects.toMatchObject({
      code: 'TARGET_TOO_LARGE',
      at: 'huge.log',
    });
  });
});

describe('standard input', () => {
  async function* chunks(count: number, chunk: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < count; index += 1) yield chunk;
  }

  it('is a log or PEM', async () => {
    expect(kinds(await readEvidenceStream(chunks(2, Buffer.from(LOG)), undefined))).toEqual(['standard input log']);
    expect(kinds(await readEvidenceStream(chunks(1, Buffer.from(PEM)), undefined))).toEqual(['standard input file']);
  });

  it('I10: an endless one is left at 64 MB', async () => {
    const endless = chunks(Number.POSITIVE_INFINITY, Buffer.alloc(1024 * 1024));
    await expect(readEvidenceStream(endless, undefined)).rejects.toMatchObject({ code: 'TARGET_TOO_LARGE' });
  });
});

describe('a folder', () => {
  it('is read in order, down to five levels, without hidden files', async () => {
    for (const name of ['b.pem', 'a/network.log', '1/2/3/4/5/deep.pem', '.git/config.pem', '.hidden.pem'])
      await put(name, name.endsWith('.log') ? LOG : PEM);
    expect(kinds((await read()).artefacts)).toEqual([
      'target/1/2/3/4/5/deep.pem file',
      'target/a/network.log log',
      'target/b.pem file',
    ]);
  });

  it('has logs by their usual names, rotated too; what quotes a message in a program is none', async () => {
    for (const name of ['eventlog.log.1', 'event_log.2026-11-20', 'events.csv', 'notes.txt', 'check.py'])
      await put(name, LOG);
    expect(kinds((await read()).artefacts)).toEqual([
      'target/check.py unreadable',
      'target/event_log.2026-11-20 log',
      'target/eventlog.log.1 log',
      'target/events.csv log',
      'target/notes.txt log',
    ]);
  });

  it.each([
    ['levels', () => put('1/2/3/4/5/6/deep.pem'), /more than 5 levels/],
    [
      'files',
      () => Promise.all(Array.from({ length: 2001 }, (_, index) => put(`${index}.pem`, ''))),
      /more than 2000 files/,
    ],
    [
      'bytes',
      async () => {
        for (const name of ['a', 'b']) await truncate(await put(name, ''), 33 * 1024 * 1024);
      },
      /more than 64 MB/,
    ],
  ])('I10: more %s than are looked at are one error', async (_, fill, message) => {
    await fill();
    await expect(read()).rejects.toMatchObject({
      code: 'TARGET_TOO_LARGE',
      at: 'target',
      message: expect.stringMatching(message),
    });
  });

  it('I10: nothing in it is an error', async () => {
    await mkdir(join(folder, 'empty'));
    await expect(read()).rejects.toMatchObject({ code: 'TARGET_UNUSABLE', message: 'target: has no files in it' });
  });

  it('follows links to files and not those to folders, which may lead back', async () => {
    await put('ca.pem');
    await symlink(join(folder, 'ca.pem'), join(folder, 'linked.pem'));
    await symlink(folder, join(folder, 'loop'));
    await symlink(join(folder, 'gone'), join(folder, 'dangling.pem'));
    const { artefacts, notChecked } = await read();
    expect(kinds(artefacts)).toEqual(['target/ca.pem file', 'target/linked.pem file']);
    expect(notChecked).toEqual([
      'target/dangling.pem: is neither a file nor a folder',
      'target/loop: leads to a folder',
    ]);
  });

  it('a password is tried on every file, and need not open all', async () => {
    await put('own.pem', privateKeyPem(authority.key, new Secret('right')).reveal());
    await put('other.pem', privateKeyPem(authority.key, new Secret('other')).reveal());
    const { artefacts } = await read(new Secret('right'));
    expect(artefacts).toMatchObject([
      { path: 'target/other.pem', contents: { items: [{ kind: 'encrypted key' }] } },
      { path: 'target/own.pem', contents: { items: [{ kind: 'key' }] } },
    ]);
  });
});

describe('a directory of openssl ca in a folder (69)', () => {
  const index = 'V\t270101000000Z\t\t05\tunknown\t/CN=one.example.com\n';
  const directory = async () => (await read()).artefacts.find(({ kind }) => kind === 'openssl directory');

  it('is known by its index.txt, with what lies in it and beside it', async () => {
    await put('ca/demoCA/index.txt', index);
    await put('ca/demoCA/index.txt.old', '');
    await put('ca/demoCA/index.txt.attr', 'unique_subject = no\n');
    await put('ca/openssl.cnf', '[ca]\ndefault_ca = mine\n[mine]\ndefault_md = sha1\n');
    expect(await directory()).toMatchObject({
      path: 'target/ca/demoCA',
      directory: { index: [{ serial: '05' }], uniqueSubject: false, digest: 'sha1', forgotten: [] },
    });
  });

  it('has lost what is in newcerts and not in index.txt (D36); ca.pem is no serial number', async () => {
    await put('index.txt', index);
    // The serial number of the sample is 7; CA is one in hexadecimal too.
    for (const name of ['newcerts/07.pem', 'ca.pem', 'newcerts/AB.pem']) await put(name);
    expect(await directory()).toMatchObject({ directory: { forgotten: ['07'] } });
  });

  it('is known by serial and what was issued there where index.txt is gone (D36)', async () => {
    await put('demoCA/serial', '08\n');
    await put('demoCA/newcerts/07.pem');
    expect(await directory()).toMatchObject({ path: 'target/demoCA', directory: { index: [], forgotten: ['07'] } });
  });

  it('is not what has a file of that name alone', async () => {
    await put('demoCA/serial', '08\n');
    await put('demoCA/ca.pem');
    expect(await directory()).toBeUndefined();
  });

  it('has a key that as many may read as its file says', async () => {
    await put('index.txt', index);
    const key = await put('private/any-name.pem', privateKeyPem(authority.key).reveal());
    await chmod(key, 0o644);
    expect(await directory()).toMatchObject({ directory: { keyMode: 0o644 } });
  });

  it('I10: one that is damaged is left out, saying so', async () => {
    await put('index.txt', 'no tabs here\n');
    await put('ca.pem');
    const { artefacts, notChecked } = await read();
    expect(kinds(artefacts)).toEqual(['target/ca.pem file', 'target/index.txt unreadable']);
    expect(notChecked).toEqual([
      expect.stringMatching(/^target\/index\.txt:1: not a line of an openssl ca database: .*; restore the file/),
    ]);
  });
});

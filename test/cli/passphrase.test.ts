import { createPublicKey } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { DiskMaterial } from '../../src/store/disk-material.ts';
import { Crash, type CrashMode, MemoryFileSystem } from '../../src/store/testing/memory-file-system.ts';
import type { AuthorityId } from '../../src/topology/ids.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { generatePrivateKey, parsePrivateKey, privateKeyPem, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { decodeDerOrPem } from '../../src/x509/pem.ts';
import { runCli } from '../support/cli.ts';
import { collaborationEdge } from '../support/topologies.ts';

const file = '/project/topology.json';
const passphrase = new Secret('correct horse');
const given = ['--ca-passphrase-file', '/project/passphrase'];
const now = new Date('2026-11-21T12:00:00Z');
const ids = ['root-ca', 'issuing-ca'];
const place = (id: string) => `/project/pki/authorities/${id}`;
const keyFile = (id: string) => `${place(id)}/private/cakey.pem`;

let plain: MemoryFileSystem;
let sealed: MemoryFileSystem;
beforeAll(async () => {
  plain = new MemoryFileSystem();
  await plain.makeDirectory('/project');
  await plain.writeFile(file, Buffer.from(JSON.stringify(collaborationEdge())), 0o644);
  await plain.writeFile('/project/passphrase', Buffer.from('correct horse\n'), 0o600);
  expect((await vcsPki(plain, 'apply', file)).code).toBe(0);
  sealed = plain.copy();
  expect((await vcsPki(sealed, 'apply', file, ...given)).code).toBe(0);
});

async function vcsPki(fs: MemoryFileSystem, ...args: string[]) {
  return runCli(args, { fs, now: () => now });
}

const text = (fs: MemoryFileSystem, path: string) => fs.files().get(path)?.content.toString() ?? '';
const isPlain = (fs: MemoryFileSystem, id: string) => text(fs, keyFile(id)).startsWith('-----BEGIN PRIVATE KEY-----');
const contents = (fs: MemoryFileSystem) =>
  Object.fromEntries([...fs.files()].map(([path, { content }]) => [path, content.toString('base64')]));

/** The key of an authority opens with the passphrase, or without where it is plain, and is the one that was certified. */
function expectWhole(fs: MemoryFileSystem, id: string): void {
  const key = parsePrivateKey(new Secret(text(fs, keyFile(id))), { at: id, passphrase });
  const [der] = decodeDerOrPem(Buffer.from(text(fs, `${place(id)}/cacert.pem`)), 'CERTIFICATE', id);
  expect(subjectPublicKeyInfo(createPublicKey(key))).toEqual(readCertificate(der!, id).subjectPublicKeyInfo);
}

describe('requirement 71: a passphrase that is given protects keys that lie plain', () => {
  it.each([
    ['apply', [file]],
    ['crl', [file, '--authority', 'root-ca']],
    ['revoke', ['core/expc1/server', file]],
    ['confirm', ['core/expc1', file, '--installed']],
  ])('%s %j encrypts them, once, and says so', async (command, args) => {
    const fs = plain.copy();
    const first = await vcsPki(fs, command, ...args, ...given);
    expect(first, first.progress).toMatchObject({ code: 0 });
    for (const id of ids) {
      expect(first.progress.match(new RegExp(`^encrypted the key of authority ${id},`, 'gm'))).toHaveLength(1);
      expect(text(fs, keyFile(id))).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
      expect(fs.files().get(keyFile(id))?.mode).toBe(0o600);
      expectWhole(fs, id);
    }
    const before = text(fs, keyFile('root-ca'));
    const second = await vcsPki(fs, 'apply', file, ...given);
    expect(second.progress).not.toContain('encrypted the key');
    expect(text(fs, keyFile('root-ca'))).toBe(before);
  });

  it('keys of peers stay plain: an appliance takes no other (requirement 37)', () => {
    expect(text(sealed, '/project/pki/certificates/core/expc1/server/1/key.pem')).toMatch(/^-----BEGIN PRIVATE KEY/);
  });

  it('a command that is refused changes nothing', async () => {
    const fs = plain.copy();
    const before = contents(fs);
    expect((await vcsPki(fs, 'revoke', 'ABCD', file, ...given)).progress).toContain('error SERIAL_UNKNOWN');
    expect(contents(fs)).toEqual(before);
  });

  it('a key that is not that of the certificate stays as it is, and is seen', async () => {
    const fs = plain.copy();
    const other = privateKeyPem(await generatePrivateKey('ec-p256')).reveal();
    await fs.writeFile(keyFile('root-ca'), Buffer.from(other), 0o600);
    await vcsPki(fs, 'crl', file, '--authority', 'issuing-ca', ...given);
    expect(text(fs, keyFile('root-ca'))).toBe(other);
    expect(isPlain(fs, 'issuing-ca')).toBe(false);
    expect((await vcsPki(fs, 'plan', file)).out).toContain('error AUTHORITY_KEY_LOST authority root-ca: ');
  });

  it('I1: a crash at any moment leaves a key that is whole: plain, or encrypted', async () => {
    for (let crashAt = 1; ; crashAt++) {
      const fs = plain.copy();
      fs.crashAt = crashAt;
      const encrypted = new DiskMaterial(fs, '/project/pki', passphrase).encryptKey({
        authority: 'root-ca' as AuthorityId,
        generation: 1,
      });
      const done = await encrypted.catch((error) => error);
      if (done === true) break;
      expect(done).toBeInstanceOf(Crash);
      for (const mode of ['lose', 'keep', 'tear'] satisfies CrashMode[]) expectWhole(fs.afterCrash(mode), 'root-ca');
    }
  });

  it('what cannot be read back is put back as it was: STORAGE_FAILED says that it is not encrypted', async () => {
    class Forgetful extends MemoryFileSystem {
      override async rename(from: string, to: string): Promise<void> {
        await super.rename(from, to);
        if (text(this, to).includes('ENCRYPTED')) await super.truncateFile(to, 200);
      }
    }
    const fs = new Forgetful();
    for (const [path, { content, mode }] of plain.files()) {
      await fs.makeDirectory(path.slice(0, path.lastIndexOf('/')));
      await fs.writeFile(path, content, mode);
    }
    const encrypted = new DiskMaterial(fs, '/project/pki', passphrase).encryptKey({
      authority: 'root-ca' as AuthorityId,
      generation: 1,
    });
    await expect(encrypted).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('not encrypted'),
    });
    expect(text(fs, keyFile('root-ca'))).toBe(text(plain, keyFile('root-ca')));
  });
});

describe('who only looks needs neither the passphrase nor the key of an authority', () => {
  it.each(['plan', 'prove', 'check'])('%s says of encrypted keys what it says of plain ones', async (command) => {
    const before = contents(sealed);
    const looked = await vcsPki(sealed, command, file);
    const plainly = await vcsPki(plain, command, file);
    expect(looked.code, looked.progress).toBe(0);
    expect(looked.out).toBe(plainly.out);
    expect(contents(sealed)).toEqual(before);
  });

  it.each(['plan', 'check'])('%s does not read the file of the passphrase, and changes nothing', async (command) => {
    const before = contents(plain);
    expect((await vcsPki(plain, command, file, '--ca-passphrase-file', '/project/nowhere')).code).toBe(0);
    expect((await vcsPki(plain, command, file, ...given)).progress).toBe('');
    expect(contents(plain)).toEqual(before);
  });

  it('I1: whoever writes still does', async () => {
    const fs = sealed.copy();
    const before = contents(fs);
    for (const args of [
      ['apply', file],
      ['crl', file],
      ['revoke', 'core/expc1/server', file],
    ])
      expect((await vcsPki(fs, ...args)).progress).toContain('error KEY_ENCRYPTED');
    expect(contents(fs)).toEqual(before);
  });

  it.each([
    ['plain', () => plain],
    ['encrypted', () => sealed],
  ])('plan and check see that a key that was %s is gone', async (_, from) => {
    const fs = from().copy();
    await fs.removeFile(keyFile('issuing-ca'));
    const line = 'warning AUTHORITY_KEY_LOST authority issuing-ca: its key is not in the PKI directory';
    for (const command of ['plan', 'check']) expect((await vcsPki(fs, command, file)).out).toContain(line);
  });

  it('plan and check see that a plain key was replaced', async () => {
    const fs = plain.copy();
    const other = privateKeyPem(await generatePrivateKey('ec-p256')).reveal();
    await fs.writeFile(keyFile('issuing-ca'), Buffer.from(other), 0o600);
    const line = 'error AUTHORITY_KEY_LOST authority issuing-ca: private/cakey.pem is not the key that its certificate';
    const codes = { plan: 3, check: 1 };
    for (const [command, code] of Object.entries(codes)) {
      const looked = await vcsPki(fs, command, file);
      expect(looked.code).toBe(code);
      expect(looked.out).toContain(line);
      expect(looked.out).toContain('fix: restore private/cakey.pem and cacert.pem from the same backup');
    }
  });

  it('plan fails where an encrypted key is damaged', async () => {
    const fs = sealed.copy();
    await fs.writeFile(keyFile('issuing-ca'), Buffer.from(text(fs, keyFile('issuing-ca')).slice(0, 100)), 0o600);
    expect((await vcsPki(fs, 'plan', file)).progress).toContain('error KEY_UNREADABLE');
  });
});

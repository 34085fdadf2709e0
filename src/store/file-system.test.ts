import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { diskFileSystem as fs, makeDirectories, writeAtomically } from './file-system.ts';

const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-fs-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

describe('the disk', () => {
  it('replaces a file with the mode asked for, also over a leftover of a crash', async () => {
    await fs.writeFile(at('.key.pem.new'), Buffer.from('leftover'), 0o644);
    await writeAtomically(fs, at('key.pem'), Buffer.from('secret'), 0o600);
    expect((await fs.readFile(at('key.pem')))?.toString()).toBe('secret');
    expect(statSync(at('key.pem')).mode & 0o777).toBe(0o600);
    expect(await fs.readDirectory(folder)).toEqual(['key.pem']);
  });

  it('does not touch a file whose content stays', async () => {
    await writeAtomically(fs, at('same'), Buffer.from('x'));
    const before = statSync(at('same')).ino;
    await writeAtomically(fs, at('same'), Buffer.from('x'));
    expect(statSync(at('same')).ino).toBe(before);
  });

  it('creates a file once', async () => {
    const file = await fs.createFile(at('once'), Buffer.from('a'), 0o644);
    expect(await fs.createFile(at('once'), Buffer.from('b'), 0o644)).toBeUndefined();
    expect((await fs.readFile(at('once')))?.toString()).toBe('a');
    await file?.close();
  });

  it('writes into a file that was created, not into another that has its name by now', async () => {
    const first = await fs.createFile(at('held'), Buffer.from('first'), 0o644);
    await first?.overwrite(Buffer.from('FIR'));
    expect((await fs.readFile(at('held')))?.toString()).toBe('FIRst');
    await writeAtomically(fs, at('held'), Buffer.from('second'));
    await first?.overwrite(Buffer.from('third'));
    await first?.close();
    expect((await fs.readFile(at('held')))?.toString()).toBe('second');
    expect((await fs.readDirectory(folder)).filter((name) => name.startsWith('held'))).toEqual(['held']);
  });

  it('answers for what is not there', async () => {
    expect(await fs.readFile(at('nothing'))).toBeUndefined();
    expect(await fs.readDirectory(at('nothing'))).toEqual([]);
    await fs.removeFile(at('nothing'));
  });

  it('reads neither pipes nor devices, which may never end, nor folders', async () => {
    await expect(fs.readFile('/dev/zero')).rejects.toThrow(/is a pipe or a device/);
    execFileSync('mkfifo', [at('pipe')]);
    await expect(fs.readFile(at('pipe'))).rejects.toThrow(/is a pipe or a device/);
    await expect(fs.readFile(folder)).rejects.toThrow(/is a directory/);
  });

  it('reads nothing of a file that is larger than wanted', async () => {
    truncateSync(at('once'), 4096);
    expect(await fs.readFile(at('once'), 4096)).toHaveLength(4096);
    await expect(fs.readFile(at('once'), 4095)).rejects.toThrow(/once: is larger than any file that is wanted here/);
  });

  it('makes every level of a folder', async () => {
    await makeDirectories(fs, folder, at('a/b/c'), 0o700);
    expect(await fs.readDirectory(at('a/b'))).toEqual(['c']);
  });

  it.each([
    ['a full disk', () => fs.appendFile('/dev/full', Buffer.from('x')), /disk is full/, /free some space/],
    [
      'a folder in place of a file',
      () => fs.writeFile(folder, Buffer.from('x'), 0o644),
      /is a directory/,
      /move it away/,
    ],
    [
      'a file in place of a folder',
      () => fs.writeFile(at('once/x'), Buffer.from('x'), 0o644),
      /no directory/,
      /check the path/,
    ],
  ])('I10: %s is one error with path and fix', async (_, work, message, fix) => {
    await expect(work()).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringMatching(message),
      fix: expect.stringMatching(fix),
    });
  });
});

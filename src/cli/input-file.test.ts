import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diskFileSystem } from '../store/file-system.ts';
import { inputFile, secretFile } from './input-file.ts';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'vcs-pki-input-'));
});
afterAll(() => rm(cwd, { recursive: true }));

it('I10: more than 64 MB are not read', async () => {
  await writeFile(join(cwd, 'huge.pem'), '');
  await truncate(join(cwd, 'huge.pem'), 64 * 1024 * 1024 + 1);
  const size = inputFile('huge.pem', { fs: diskFileSystem, cwd }).then(({ length }) => length);
  await expect(size).rejects.toMatchObject({
    code: 'INPUT_UNREADABLE',
    message: 'huge.pem: is larger than any file that is wanted here',
  });
});

describe('a file that holds one secret', () => {
  const secret = async (content: string) => {
    await writeFile(join(cwd, 'secret'), content);
    return secretFile('secret', { fs: diskFileSystem, cwd });
  };

  it.each(['', '\n', '\r\n', '\n\n', '\uFEFF', '\0'])('I10: is refused when it is %j', async (content) => {
    await expect(secret(content)).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      at: 'secret',
      message: 'secret: is empty, and a passphrase or password belongs into it',
      fix: expect.stringContaining('write the secret into it'),
    });
  });

  it.each([
    ['correct horse\n', 'correct horse'],
    ['correct horse\r\n', 'correct horse'],
    [' ', ' '],
    ['two\nlines', 'two\nlines'],
  ])('%j holds %j', async (content, held) => expect((await secret(content)).reveal()).toBe(held));
});

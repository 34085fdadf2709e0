import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { diskFileSystem } from '../store/file-system.ts';
import { inputFile } from './input-file.ts';

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

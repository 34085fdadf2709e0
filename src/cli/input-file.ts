import { resolve } from 'node:path';
import { VcsPkiError } from '../errors.ts';
import { Secret } from '../secret.ts';
import type { Context } from './command.ts';

/** The largest file that is read where one was named. */
export const MOST_BYTES = 64 * 1024 * 1024;

/** The content of a file that was named on the command line. Fails with INPUT_UNREADABLE, or USAGE for a name that is empty. */
export async function inputFile(path: string, { fs, cwd }: Pick<Context, 'fs' | 'cwd'>): Promise<Buffer> {
  if (path === '') {
    const message = 'the name of a file is empty';
    throw new VcsPkiError('USAGE', { at: 'FILE', message, fix: 'name the file; was a variable of the shell not set?' });
  }
  const bytes = await fs.readFile(resolve(cwd, path), MOST_BYTES).catch((cause) => {
    if (!(cause instanceof VcsPkiError)) throw cause;
    const message = cause.message.slice(`${cause.at}: `.length);
    throw new VcsPkiError('INPUT_UNREADABLE', { at: path, message, fix: 'name a file that can be read', cause });
  });
  if (bytes) return bytes;
  throw new VcsPkiError('INPUT_UNREADABLE', { at: path, message: 'does not exist', fix: 'check the path' });
}

/**
 * The content of a file that holds one secret, without its last newline. Fails as `inputFile` does, and for a file without
 * a secret: a lost variable or a failed command would else protect a key with nothing.
 */
export async function secretFile(path: string, context: Pick<Context, 'fs' | 'cwd'>): Promise<Secret<string>> {
  const bytes = await inputFile(path, context);
  const secret = bytes.toString().replace(/\r?\n$/, '');
  if (/[^\r\n\0\uFEFF]/.test(secret)) return new Secret(secret);
  throw new VcsPkiError('INPUT_UNREADABLE', {
    at: path,
    message: 'is empty, and a passphrase or password belongs into it',
    fix: 'write the secret into it, in one line; where there is none, do not name the file',
  });
}

import { readdir, readFile, stat } from 'node:fs/promises';
import { VcsPkiError } from '../../errors.ts';

/** Files and folders that are looked at and never written. Every failure is a VcsPkiError INPUT_UNREADABLE. */

export interface Status {
  readonly kind: 'file' | 'folder' | 'other';
  /** Bytes. */
  readonly size: number;
  /** Access bits. */
  readonly mode: number;
}

/** What is at a path, or where a link leads; undefined for nothing. */
export function statusOf(path: string): Promise<Status | undefined> {
  return attempt(path, async () => {
    try {
      const found = await stat(path);
      const kind = found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
      return { kind, size: found.size, mode: found.mode & 0o777 };
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
  });
}

export interface Entry {
  readonly name: string;
  readonly isLink: boolean;
}

/** What is in a folder but for hidden files, sorted. */
export async function entriesOf(folder: string): Promise<Entry[]> {
  const entries = await attempt(folder, () => readdir(folder, { withFileTypes: true }));
  return entries
    .filter(({ name }) => !name.startsWith('.'))
    .map((entry) => ({ name: entry.name, isLink: entry.isSymbolicLink() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function contentOf(path: string): Promise<Buffer> {
  return attempt(path, () => readFile(path));
}

async function attempt<T>(at: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const value = codeOf(cause);
    if (value === undefined) throw cause;
    const isDenied = value === 'EACCES' || value === 'EPERM';
    throw new VcsPkiError('INPUT_UNREADABLE', {
      at,
      value,
      message: isDenied ? 'access is denied' : `the operating system says ${value}`,
      fix: isDenied ? 'run as a user that may read it' : 'check the path and the disk',
      cause,
    });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  appendFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { VcsPkiError } from '../errors.ts';

/**
 * The calls that the store makes, few enough to simulate a crash at every one of them. What is written is durable only
 * after `sync` of the file; a created, renamed or removed name only after `sync` of its directory.
 */
export interface FileSystem {
  /** Undefined when there is no such file. @param mostBytes a file on disk that is larger is refused unread */
  readFile(path: string, mostBytes?: number): Promise<Buffer | undefined>;
  /** Names in a directory, sorted; none when there is no such directory. */
  readDirectory(path: string): Promise<string[]>;
  /** One level; no error when it is there. */
  makeDirectory(path: string, mode: number): Promise<void>;
  /** Creates or empties the file, then writes. */
  writeFile(path: string, bytes: Uint8Array, mode: number): Promise<void>;
  /** The file appears with its whole content, durable, or not at all. Undefined, writing nothing, when it exists. */
  createFile(path: string, bytes: Uint8Array, mode: number): Promise<CreatedFile | undefined>;
  appendFile(path: string, bytes: Uint8Array): Promise<void>;
  truncateFile(path: string, length: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** No error when there is no such file. */
  removeFile(path: string): Promise<void>;
  /** Makes a file's content, or the names in a directory, durable. */
  sync(path: string): Promise<void>;
}

/** A file itself, open: what is written goes into it wherever its name has gone, and never into another of that name. */
export interface CreatedFile {
  /** Writes over its begin; what lies behind stays. */
  overwrite(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** The disk. Every failure is a VcsPkiError STORAGE_FAILED that names the path and the fix. */
export const diskFileSystem: FileSystem = {
  readFile: (path, mostBytes) => absentAs(undefined, path, () => contentOf(path, mostBytes)),
  readDirectory: async (path) => (await absentAs<string[]>([], path, () => readdir(path))).sort(),
  makeDirectory: (path, mode) => attempt(path, async () => void (await mkdir(path, { recursive: true, mode }))),
  writeFile: (path, bytes, mode) => attempt(path, () => writeFile(path, bytes, { mode })),
  createFile: (path, bytes, mode) =>
    attempt(path, async () => {
      const whole = `${path}.${randomUUID()}`;
      const handle = await open(whole, 'wx', mode);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
        await link(whole, path);
        return openFile(path, handle);
      } catch (error) {
        await handle.close();
        if (codeOf(error) === 'EEXIST') return undefined;
        throw error;
      } finally {
        await rm(whole, { force: true });
      }
    }),
  appendFile: (path, bytes) => attempt(path, () => appendFile(path, bytes)),
  truncateFile: (path, length) => attempt(path, () => truncate(path, length)),
  rename: (from, to) => attempt(to, () => rename(from, to)),
  removeFile: (path) => attempt(path, () => rm(path, { force: true })),
  sync: (path) =>
    attempt(path, async () => {
      const handle = await open(path, constants.O_RDONLY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }),
};

/** Replaces a file in one step: at any crash it has its old content or the new. Writes nothing when the content is the same. */
export async function writeAtomically(fs: FileSystem, path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  const present = await fs.readFile(path);
  if (present?.equals(bytes)) return;
  const temporary = join(dirname(path), `.${basename(path)}.new`);
  // A leftover of a crash may have another mode, which writing into it would keep.
  await fs.removeFile(temporary);
  await fs.writeFile(temporary, bytes, mode);
  await fs.sync(temporary);
  await fs.rename(temporary, path);
  await fs.sync(dirname(path));
}

/**
 * Makes `path` and what is missing above it, up to and without `root`, durable. A directory with something in it was
 * made durable before that was put there.
 */
export async function makeDirectories(fs: FileSystem, root: string, path: string, mode = 0o755): Promise<void> {
  if (path === root || path === dirname(path) || (await fs.readDirectory(path)).length > 0) return;
  await makeDirectories(fs, root, dirname(path), mode);
  await fs.makeDirectory(path, mode);
  await fs.sync(dirname(path));
}

function openFile(path: string, handle: FileHandle): CreatedFile {
  return {
    overwrite: (bytes) =>
      attempt(path, async () => {
        await handle.write(bytes, 0, bytes.length, 0);
        // Over a network, others see it only then.
        await handle.datasync();
      }),
    close: () => attempt(path, () => handle.close()),
  };
}

/** Pipes and devices are refused: reading one may never end. */
async function contentOf(path: string, mostBytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = await handle.stat();
    if (!status.isFile())
      throw Object.assign(new Error('no file'), { code: status.isDirectory() ? 'EISDIR' : 'ESPIPE' });
    if (status.size > mostBytes) throw Object.assign(new Error('too large'), { code: 'EFBIG' });
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

async function absentAs<T>(absent: T, path: string, work: () => Promise<NonNullable<T> | T>): Promise<T> {
  return attempt(path, async () => {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return absent;
      throw error;
    }
  });
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = codeOf(cause);
    if (code === undefined) throw cause;
    const { message, fix } = failures[code] ?? {
      message: `the operating system says ${code}`,
      fix: 'check the path and the disk',
    };
    throw new VcsPkiError('STORAGE_FAILED', { at: path, value: code, message, fix, cause });
  }
}

const failures: Readonly<Record<string, { message: string; fix: string }>> = {
  EACCES: { message: 'access is denied', fix: 'run as the user that owns the PKI directory, or give this user access' },
  EPERM: { message: 'access is denied', fix: 'run as the user that owns the PKI directory, or give this user access' },
  EROFS: { message: 'the file system is read-only', fix: 'mount it writable, or choose another PKI directory' },
  ENOSPC: { message: 'the disk is full', fix: 'free some space and run again; what is on record is safe' },
  EDQUOT: { message: 'the disk quota is used up', fix: 'free some space and run again; what is on record is safe' },
  EISDIR: { message: 'is a directory, not a file', fix: 'move it away, or choose another PKI directory' },
  ESPIPE: { message: 'is a pipe or a device, not a file', fix: 'name a file' },
  EFBIG: { message: 'is larger than any file that is wanted here', fix: 'check the path' },
  ENOENT: { message: 'does not exist', fix: 'check the path' },
  ENOTDIR: { message: 'a part of the path is no directory', fix: 'check the path' },
};

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

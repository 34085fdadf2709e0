import { basename, extname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { VcsPkiError } from '../../errors.ts';
import type { Secret } from '../../secret.ts';
import { isApplianceLog, parseApplianceLog } from '../../verify/diagnosis/appliance-log.ts';
import type { Artefact } from '../../verify/diagnosis/artefact.ts';
import { type Contents, readContents } from '../../x509/contents.ts';
import { decodeText } from '../../x509/pem.ts';
import { MOST_BYTES } from '../input-file.ts';
import type { Gathered, ReadFile } from './gathered.ts';
import { opensslDirectories } from './openssl-directories.ts';
import { contentOf, type Entry, entriesOf, statusOf } from './read-only.ts';

/** Folders below the one that was named. */
const MOST_LEVELS = 5;
const MOST_FILES = 2000;

type Password = Secret<string> | undefined;

/** A file that was named: certificates, requests, lists, keys, or else the excerpt of a log. @param shown its path as it is shown */
export async function readEvidenceFile(path: string, shown: string, password: Password): Promise<Artefact[]> {
  const { size = 0 } = (await statusOf(path)) ?? {};
  if (size > MOST_BYTES) throw tooLarge(shown, `${size} bytes`);
  return readNamed(await contentOf(path), shown, password);
}

/** What stands in for a file on standard input. */
export async function readEvidenceStream(input: AsyncIterable<Uint8Array>, password: Password): Promise<Artefact[]> {
  return readNamed(await buffer(limited(input)), STANDARD_INPUT, password);
}

/** The path of what has none. */
export const STANDARD_INPUT = 'standard input';

/**
 * All files of a folder and of the folders in it but for hidden ones, and what is a directory of `openssl ca`. Fails with
 * TARGET_TOO_LARGE, and with TARGET_UNUSABLE where there are none.
 */
export async function readEvidenceFolder(folder: string, shown: string, password: Password): Promise<Gathered> {
  const walk: Walk = { root: shown, files: [], notChecked: [], bytes: 0 };
  await readLevel(folder, shown, 0, walk);
  if (walk.files.length === 0) {
    throw new VcsPkiError('TARGET_UNUSABLE', {
      at: shown,
      message: 'has no files in it',
      fix: 'name the folder with certificates, requests, revocation lists or logs in it',
    });
  }
  const artefacts: Artefact[] = [];
  for (const file of walk.files) artefacts.push(...(await recognised(file, password)));
  const directories = opensslDirectories(walk.files, artefacts);
  return {
    artefacts: [...artefacts, ...directories.artefacts],
    notChecked: [...walk.notChecked, ...directories.notChecked],
  };
}

// ---- what a file is ------------------------------------------------------------------------------------------------

async function readNamed(bytes: Buffer, path: string, password: Password): Promise<Artefact[]> {
  const read = await readOrError(bytes, path, password);
  const text = textOf(bytes);
  const log = logIn(text, bytes, path);
  if (!(read instanceof VcsPkiError)) return [{ kind: 'file', path, contents: read }, ...log];
  if (read.code === 'KEY_PASSPHRASE_WRONG') throw read;
  if (log.length > 0) return log;
  const mayBeLog = read.code === 'CONTENT_UNKNOWN' && isLogName(path) && text !== undefined;
  return [mayBeLog ? { kind: 'log', path, events: [] } : { kind: 'unreadable', path, error: read }];
}

/** Standard input has no extension either. */
function isLogName(path: string): boolean {
  return /\.(?:txt|csv)$|log/i.test(basename(path)) || extname(path) === '';
}

/** In a folder a password may be that of one file, and wrong for the others. */
async function recognised({ bytes, path }: ReadFile, password: Password): Promise<Artefact[]> {
  const first = await readOrError(bytes, path, password);
  const ofAnother = first instanceof VcsPkiError && first.code === 'KEY_PASSPHRASE_WRONG';
  const read = ofAnother ? await readOrError(bytes, path, undefined) : first;
  // Programs and documents that quote a message are no log.
  const log = isLogName(path) ? logIn(textOf(bytes), bytes, path) : [];
  if (!(read instanceof VcsPkiError)) return [{ kind: 'file', path, contents: read }, ...log];
  return log.length > 0 ? log : [{ kind: 'unreadable', path, error: read }];
}

async function readOrError(bytes: Buffer, path: string, password: Password): Promise<Contents | VcsPkiError> {
  try {
    return await readContents(bytes, path, { password });
  } catch (error) {
    if (error instanceof VcsPkiError) return error;
    throw error;
  }
}

/** What was pasted from a shell can have certificates and messages in it. */
function logIn(text: string | undefined, { length }: Buffer, path: string): Artefact[] {
  if (text === undefined) return [];
  const events = parseApplianceLog(text);
  if (!isApplianceLog(text, events)) return [];
  return [{ kind: 'log', path, events, ...(length > MOST_LOG_BYTES && { unread: length - MOST_LOG_BYTES }) }];
}

/** What may be a log, as far as it is looked at; undefined for what is no text. */
function textOf(bytes: Buffer): string | undefined {
  const head = bytes.subarray(0, MOST_LOG_BYTES);
  const isWide = /^(?:\xff\xfe|\xfe\xff)/.test(head.toString('latin1', 0, 2));
  if (!isWide && head.includes(0)) return undefined;
  const text = decodeText(head);
  return text.trim() === '' || text.includes('\0') ? undefined : text;
}

const MOST_LOG_BYTES = 16 * 1024 * 1024;

// ---- folders -------------------------------------------------------------------------------------------------------

interface Walk {
  readonly root: string;
  readonly files: ReadFile[];
  readonly notChecked: string[];
  bytes: number;
}

async function readLevel(folder: string, shown: string, level: number, walk: Walk): Promise<void> {
  if (level > MOST_LEVELS) throw tooLarge(walk.root, `more than ${MOST_LEVELS} levels of folders`);
  for (const entry of await entriesOf(folder)) {
    try {
      await readEntry(entry, join(folder, entry.name), join(shown, entry.name), level, walk);
    } catch (error) {
      if (!(error instanceof VcsPkiError) || error.code !== 'INPUT_UNREADABLE') throw error;
      walk.notChecked.push(error.message);
    }
  }
}

async function readEntry({ isLink }: Entry, path: string, shown: string, level: number, walk: Walk): Promise<void> {
  const status = await statusOf(path);
  // A link to a folder may lead back here.
  if (status?.kind === 'folder' && !isLink) return readLevel(path, shown, level + 1, walk);
  if (status?.kind !== 'file') {
    walk.notChecked.push(
      `${shown}: ${status?.kind === 'folder' ? 'leads to a folder' : 'is neither a file nor a folder'}`,
    );
    return;
  }
  walk.bytes += status.size;
  if (walk.bytes > MOST_BYTES) throw tooLarge(walk.root, `more than ${MEGABYTES} MB`);
  if (walk.files.length === MOST_FILES) throw tooLarge(walk.root, `more than ${MOST_FILES} files`);
  walk.files.push({ path: shown, bytes: await contentOf(path), mode: status.mode });
}

async function* limited(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of input) {
    size += chunk.length;
    if (size > MOST_BYTES) throw tooLarge(STANDARD_INPUT, `more than ${MEGABYTES} MB`);
    yield chunk;
  }
}

const MEGABYTES = MOST_BYTES / 1024 / 1024;

function tooLarge(at: string, what: string): VcsPkiError {
  return new VcsPkiError('TARGET_TOO_LARGE', {
    at,
    message: `has ${what}, which is more than is looked at`,
    fix: `name files, or a folder with at most ${MOST_FILES} files, ${MEGABYTES} MB and ${MOST_LEVELS} levels of folders`,
  });
}

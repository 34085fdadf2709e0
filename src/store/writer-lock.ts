import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { VcsPkiError } from '../errors.ts';
import type { FileSystem } from './file-system.ts';

const holderSchema = z.object({
  id: z.string(),
  host: z.string(),
  boot: z.string(),
  process: z.int(),
  started: z.string(),
  command: z.string(),
  since: z.string(),
});
/** Who writes to a PKI directory, recorded so that others can tell whether it still lives. */
export type Holder = z.output<typeof holderSchema>;

export interface Processes {
  self(command: string): Promise<Holder>;
  /** Undefined where that can't be known from here, as on another host. */
  isAlive(holder: Holder): Promise<boolean | undefined>;
}

export interface LockOptions {
  readonly command: string;
  /** Milliseconds to wait for another writer; 0 for none. */
  readonly timeoutMs: number;
  readonly processes: Processes;
  /** Called once, when another writer is waited for. */
  readonly onWait?: (holder: Holder | undefined) => void;
  readonly wait?: (ms: number) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

const LOCK = '.writer';
const POLL_MS = 50;

/**
 * Runs `work` as the one writer of a directory. The lock is a file that names its holder; it survives a crash of the
 * holder and is then taken over, by exactly one of those that wait.
 */
export async function withWriterLock<T>(
  fs: FileSystem,
  directory: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(directory, LOCK);
  const self = await options.processes.self(options.command);
  await acquire(fs, path, self, options);
  try {
    return await work();
  } finally {
    await fs.removeFile(path);
  }
}

async function acquire(fs: FileSystem, path: string, self: Holder, options: LockOptions): Promise<void> {
  const wait = options.wait ?? ((ms: number) => delay(ms, undefined, { signal: options.signal }));
  let waited = 0;
  let announced = false;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await fs.createFile(path, encode(self), 0o644)) return;
    const holder = await readHolder(fs, path);
    if (holder && (await options.processes.isAlive(holder)) === false) {
      await removeDead(fs, path, holder, self, options.processes);
      continue;
    }
    if (waited >= options.timeoutMs) throw held(path, holder, waited);
    if (!announced) options.onWait?.(holder);
    announced = true;
    await wait(POLL_MS);
    waited += POLL_MS;
  }
}

/**
 * Removes the lock of a dead holder. Many may find it dead at once; only who creates the marker named after that very
 * lock may remove it, or nobody could tell the dead holder's file from its successor's. A marker whose own maker died
 * is passed over with the next one.
 */
async function removeDead(
  fs: FileSystem,
  path: string,
  dead: Holder,
  self: Holder,
  processes: Processes,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const marker = `${path}.${dead.id}.${attempt}`;
    if (!(await fs.createFile(marker, encode(self), 0o644))) {
      const maker = await readHolder(fs, marker);
      if (maker && (await processes.isAlive(maker)) === false) continue;
      return;
    }
    if ((await readHolder(fs, path))?.id === dead.id) await fs.removeFile(path);
    for (let done = 1; done <= attempt; done++) await fs.removeFile(`${path}.${dead.id}.${done}`);
    return;
  }
}

/** Undefined while the file is being written or when it has just gone. */
async function readHolder(fs: FileSystem, path: string): Promise<Holder | undefined> {
  const text = await fs.readFile(path);
  if (!text) return undefined;
  try {
    return holderSchema.parse(JSON.parse(text.toString()));
  } catch {
    return undefined;
  }
}

function encode(holder: Holder): Buffer {
  return Buffer.from(`${JSON.stringify(holder)}\n`);
}

function held(path: string, holder: Holder | undefined, waited: number): VcsPkiError {
  const who = holder
    ? `process ${holder.process} on ${holder.host} (${holder.command}), since ${holder.since}`
    : 'a writer that left no name';
  return new VcsPkiError('DIRECTORY_LOCKED', {
    at: path,
    message: `held by ${who}; waited ${Math.round(waited / 1000)} s`,
    fix: `wait for it to end; if it runs no more, remove ${path}`,
  });
}

/** The processes of this machine, as Linux shows them; elsewhere a live process id is taken for its holder. */
export const localProcesses: Processes = {
  self: async (command) => ({
    id: randomUUID(),
    host: hostname(),
    boot: await bootId(),
    process: process.pid,
    started: await startTime(process.pid),
    command,
    since: new Date().toISOString(),
  }),
  isAlive: async (holder) => {
    if (holder.host !== hostname()) return undefined;
    if (holder.boot !== (await bootId())) return false;
    try {
      process.kill(holder.process, 0);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    }
    // The same id may by now belong to another process.
    return (await startTime(holder.process)) === holder.started;
  },
};

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
}

async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Field 22, counted behind the command name, which may itself hold blanks and parentheses.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

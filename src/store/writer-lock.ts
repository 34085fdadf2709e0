import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import type { Random } from '../authority/ports.ts';
import { VcsPkiError } from '../errors.ts';
import { fenced } from './fenced-file-system.ts';
import type { CreatedFile, FileSystem } from './file-system.ts';
import type { Timer } from './timer.ts';

/** Who writes, in words for people: nothing is decided by it, for containers share process ids and host names. */
export interface Writer {
  readonly process: number;
  readonly host: string;
  readonly command: string;
}

export interface LockOptions {
  readonly writer: Writer;
  /** Milliseconds to wait for another writer; 0 for none. */
  readonly timeoutMs: number;
  readonly timer: Timer;
  readonly random: Random;
  /** Called once, when another writer has been waited for so long that it can be said whether it renews its lock. */
  readonly onWait?: (words: string) => void;
  readonly signal?: AbortSignal | undefined;
}

const lockSchema = z.object({ id: z.string(), process: z.int(), host: z.string(), command: z.string() });

const LOCK = '.writer';
const POLL_MS = 50;
const RENEWAL_MS = 2000;
const ANNOUNCE_MS = 3000;
/** A lock that has not changed for so long is taken over. */
const TAKEOVER_MS = 30_000;
/** A holder that has not renewed its lock for so long does so before it changes anything. */
const STALE_MS = 20_000;
/** Between a takeover and the work: what the former holder had checked before is done by then. */
const SETTLE_MS = 1000;
/** What counts, at most, as watched between two looks: who is stopped together with the holder sees no renewal either. */
const LONGEST_LOOK_MS = 1000;

/**
 * Runs `work` as the one writer of a directory, on a file system that refuses every change (LOCK_LOST) once another writer
 * has taken over. Rejects with DIRECTORY_LOCKED when the lock is held by others for longer than `timeoutMs`.
 *
 * The lock is a file with a random id of its holder, who writes another nonce into it every 2 s. One that has not changed
 * for 30 s is taken over, whoever holds it. Right before each change the holder looks for its id, within 20 s of a renewal:
 * only one that then stands still for 11 s, between look and change, makes that one change when its successor has begun
 * (for 1 s, where that one has itself stood still in the middle of taking over).
 */
export async function withWriterLock<T>(
  fs: FileSystem,
  directory: string,
  options: LockOptions,
  work: (fs: FileSystem) => Promise<T>,
): Promise<T> {
  const path = join(directory, LOCK);
  const acquired = await acquire(fs, path, options);
  const lock = new HeldLock(fs, path, options, acquired);
  // A renewal that fails is made up for by a later one, or by the check before the next change.
  const stop = options.timer.every(RENEWAL_MS, () => void lock.renew().catch(() => undefined));
  try {
    if (acquired.isTakenOver) await options.timer.wait(SETTLE_MS, options.signal);
    return await work(fenced(fs, () => lock.check()));
  } finally {
    stop();
    await lock.release();
  }
}

interface Acquired {
  readonly id: string;
  /** The lock file itself. A renewal that comes too late goes into what was removed, not into the lock of a successor. */
  readonly file: CreatedFile;
  /** When its content was made, by the timer. */
  readonly since: number;
  readonly isTakenOver: boolean;
}

/** A lock that was acquired and may since be lost. */
class HeldLock {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #options: LockOptions;
  readonly #acquired: Acquired;
  #renewedAt: number;
  #renewing: Promise<void> | undefined;

  constructor(fs: FileSystem, path: string, options: LockOptions, acquired: Acquired) {
    this.#fs = fs;
    this.#path = path;
    this.#options = options;
    this.#acquired = acquired;
    this.#renewedAt = acquired.since;
  }

  /** One renewal at a time: who asks for another meanwhile gets the same. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** Rejects with LOCK_LOST when another writer has taken over, or when nothing keeps one from doing so. */
  async check(): Promise<void> {
    for (;;) {
      if (!(await this.#isOwn())) throw lost(this.#path, 'another writer has taken over');
      if (this.#options.timer.now() - this.#renewedAt <= STALE_MS) return;
      await this.renew().catch((cause) => {
        throw lost(this.#path, `could not be renewed for ${STALE_MS / 1000} s`, cause);
      });
    }
  }

  async release(): Promise<void> {
    await this.#renewing?.catch(() => undefined);
    await this.#acquired.file.close();
    if (await this.#isOwn()) await this.#fs.removeFile(this.#path);
  }

  async #renew(): Promise<void> {
    const begun = this.#options.timer.now();
    await this.#acquired.file.overwrite(encode(this.#acquired.id, this.#options));
    this.#renewedAt = begun;
  }

  async #isOwn(): Promise<boolean> {
    return holderOf(await this.#fs.readFile(this.#path))?.id === this.#acquired.id;
  }
}

async function acquire(fs: FileSystem, path: string, options: LockOptions): Promise<Acquired> {
  const { timer, signal, timeoutMs } = options;
  const id = options.random.bytes(16).toString('hex');
  const begun = timer.now();
  let seen: Standing | undefined;
  let looked = begun;
  let unchanged = 0;
  let isAnnounced = false;
  for (;;) {
    signal?.throwIfAborted();
    const standing = await look(fs, path);
    const now = timer.now();
    // The next name follows from all that was read: the same name, the same content.
    unchanged = standing.next === seen?.next ? unchanged + Math.min(now - looked, LONGEST_LOOK_MS) : 0;
    seen = standing;
    looked = now;
    const isFree = standing.next === path;
    if (isFree || unchanged >= TAKEOVER_MS) {
      const file = await fs.createFile(standing.next, encode(id, options), 0o644);
      if (file && (isFree || (await replace(fs, path, standing, id)))) {
        return { id, file, since: now, isTakenOver: !isFree };
      }
      await file?.close();
      continue;
    }
    const words = () => `held by ${writerOf(standing.lock)}, not renewed for ${Math.round(unchanged / 1000)} s`;
    const waited = now - begun;
    if (waited >= timeoutMs) throw held(path, `${words()}; waited ${Math.round(waited / 1000)} s`);
    if (!isAnnounced && waited >= ANNOUNCE_MS) options.onWait?.(`${words()}; taken over after ${TAKEOVER_MS / 1000} s`);
    isAnnounced ||= waited >= ANNOUNCE_MS;
    await timer.wait(POLL_MS, signal);
  }
}

/** The lock and the claims to it, which stand only where one who wanted to take it over has died at that. */
interface Standing {
  readonly lock: Buffer | undefined;
  readonly claims: readonly string[];
  /** The path to create for who wants the lock: that of the lock when it is free, or of the next claim. */
  readonly next: string;
}

/**
 * The name of a claim is made of all that its maker found unchanged, so that of many who do only one can create it, and
 * nobody who comes to it late has a claim to what has followed.
 */
async function look(fs: FileSystem, path: string): Promise<Standing> {
  const hash = createHash('sha256');
  const lock = await fs.readFile(path);
  const claims: string[] = [];
  let next = path;
  for (let content = lock; content; content = await fs.readFile(next)) {
    if (next !== path) claims.push(next);
    next = `${path}.${hash.update(`${content.length}:`).update(content).copy().digest('hex').slice(0, 16)}`;
  }
  return { lock, claims, next };
}

/** Puts a claim in the place of the lock that it was made for, in one step. @returns whether the lock is that of `id` now */
async function replace(fs: FileSystem, path: string, { lock, claims, next }: Standing, id: string): Promise<boolean> {
  const isSame = lock && (await fs.readFile(path))?.equals(lock);
  await (isSame ? fs.rename(next, path) : fs.removeFile(next)).catch(async (error) => {
    // A claim whose maker stood still for as long as a dead one is removed by who went past it.
    if (await fs.readFile(next)) throw error;
  });
  if (holderOf(await fs.readFile(path))?.id !== id) return false;
  for (const claim of claims) await fs.removeFile(claim);
  return true;
}

/** Undefined when there is no lock, or none that can be read. */
function holderOf(lock: Buffer | undefined): z.output<typeof lockSchema> | undefined {
  try {
    return lock && lockSchema.parse(JSON.parse(lock.toString()));
  } catch {
    return undefined;
  }
}

function writerOf(lock: Buffer | undefined): string {
  const holder = holderOf(lock);
  return holder ? `process ${holder.process} on ${holder.host} (${holder.command})` : 'a writer that left no name';
}

/** Always of the same length, so that a renewal can be written over it. */
function encode(id: string, { writer, random }: LockOptions): Buffer {
  return Buffer.from(`${JSON.stringify({ id, nonce: random.bytes(16).toString('hex'), ...writer })}\n`);
}

function held(path: string, message: string): VcsPkiError {
  return new VcsPkiError('DIRECTORY_LOCKED', {
    at: path,
    message,
    fix: `run again when it has ended, or with --lock-timeout 60: a lock that is not renewed for ${TAKEOVER_MS / 1000} s is taken over`,
  });
}

function lost(path: string, why: string, cause?: unknown): VcsPkiError {
  return new VcsPkiError('LOCK_LOST', {
    at: path,
    message: `${why}; nothing more was written`,
    fix: 'run again',
    cause,
  });
}

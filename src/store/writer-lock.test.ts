import { randomBytes, randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { seeded } from '../../test/support/random.ts';
import { VcsPkiError } from '../errors.ts';
import type { FileSystem } from './file-system.ts';
import { MemoryFileSystem } from './testing/memory-file-system.ts';
import { type Behaviour, SimulatedProcesses } from './testing/simulated-processes.ts';
import type { Timer } from './timer.ts';
import { type LockOptions, withWriterLock } from './writer-lock.ts';

const LOCK = '/pki/.writer';
const LOG = '/pki/log';
const UNHURRIED = { below: () => 0, pauseAtOneOf: 1, longestPauseMs: 0 };

async function directory(): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  await fs.makeDirectory('/pki');
  return fs;
}

function options(timer: Timer, more: Partial<LockOptions> = {}): LockOptions {
  const writer = { process: 7, host: 'here', command: 'vcs-pki test' };
  return { writer, timeoutMs: 1e9, timer, random: { bytes: (size) => randomBytes(size) }, ...more };
}

async function put(fs: FileSystem, text: string): Promise<void> {
  await (await fs.createFile(LOCK, Buffer.from(text), 0o644))?.close();
}

/** A lock of a process that died, in the form of an earlier version, and other things that never change. */
const leftovers: readonly (readonly [string, string])[] = [
  ['of a holder that died', '{"id":"a","nonce":"b","process":4711,"host":"there","command":"vcs-pki apply"}\n'],
  [
    'of an earlier version, whose process may live or not',
    `{"id":"a","host":"here","boot":"b","process":${process.pid},"started":"1","command":"vcs-pki apply","since":"2026-11-21T12:00:00Z"}\n`,
  ],
  ['half-written', '{"id":"a","no'],
  ['empty', ''],
];

describe('the writer lock', () => {
  it('lets one writer in at a time, and every one in turn', async () => {
    const disk = await directory();
    const all = new SimulatedProcesses(disk, { ...UNHURRIED, below: seeded(1) });
    let [inside, most, done] = [0, 0, 0];
    const works = Array.from({ length: 8 }, () => {
      const writer = all.start();
      return withWriterLock(writer.fs, '/pki', options(writer), async () => {
        inside += 1;
        most = Math.max(most, inside);
        await writer.wait(5000);
        inside -= 1;
        done += 1;
      });
    });
    await all.run(works);
    expect({ most, done }).toEqual({ most: 1, done: 8 });
    expect([...disk.files().keys()]).toEqual([]);
  });

  it('has another nonce every two seconds, and says who holds it', async () => {
    const disk = await directory();
    const all = new SimulatedProcesses(disk, UNHURRIED);
    const writer = all.start();
    const seen: string[] = [];
    const work = withWriterLock(writer.fs, '/pki', options(writer), async () => {
      for (let second = 0; second < 10; second += 1) {
        seen.push(disk.files().get(LOCK)?.content.toString() ?? '');
        await writer.wait(1000);
      }
    });
    await all.run([work]);
    expect(new Set(seen).size).toBeGreaterThanOrEqual(5);
    const [first, ...others] = seen.map((text) => JSON.parse(text));
    expect(first).toMatchObject({ process: 7, host: 'here', command: 'vcs-pki test' });
    for (const other of others) expect({ ...other, nonce: '' }).toEqual({ ...first, nonce: '' });
  });

  it.each(leftovers)('is taken over after 30 s without a change, saying so in one line: %s', async (_, text) => {
    const disk = await directory();
    await put(disk, text);
    const all = new SimulatedProcesses(disk, UNHURRIED);
    const writer = all.start();
    const said: string[] = [];
    let begun = 0;
    const onWait = (words: string) => said.push(words);
    const work = withWriterLock(writer.fs, '/pki', options(writer, { onWait }), async () => {
      begun = all.now;
    });
    await all.run([work]);
    expect(begun).toBeGreaterThanOrEqual(30_000);
    expect(begun).toBeLessThan(32_000);
    expect(said).toEqual([expect.stringMatching(/^held by .*, not renewed for 3 s; taken over after 30 s$/)]);
    expect([...disk.files().keys()]).toEqual([]);
  });

  it('is taken over also where one who wanted to has died at it, and nothing of either is left', async () => {
    const disk = await directory();
    await put(disk, leftovers[0]?.[1] ?? '');
    const all = new SimulatedProcesses(disk, UNHURRIED);
    for (const _ of ['first', 'second']) {
      const dying = all.start();
      const rename = () => {
        dying.die();
        return new Promise<void>(() => {});
      };
      void withWriterLock({ ...dying.fs, rename }, '/pki', options(dying), async () => undefined);
      await all.run([new Promise(() => {})]);
    }
    expect([...disk.files().keys()]).toHaveLength(3);
    const last = all.start();
    await all.run([withWriterLock(last.fs, '/pki', options(last), async () => undefined)]);
    expect([...disk.files().keys()]).toEqual([]);
  });

  it('names its holder when one has waited long enough, and leaves it alone', async () => {
    const disk = await directory();
    const all = new SimulatedProcesses(disk, UNHURRIED);
    const [holder, other] = [all.start(), all.start()];
    const work = withWriterLock(holder.fs, '/pki', options(holder), async (fs) => {
      await holder.wait(400_000);
      await fs.writeFile(LOG, Buffer.from('done'), 0o644);
    });
    const late = other
      .wait(1000)
      .then(() => withWriterLock(other.fs, '/pki', options(other, { timeoutMs: 300_000 }), never));
    const refused = expect(late).rejects.toMatchObject({
      code: 'DIRECTORY_LOCKED',
      message: expect.stringMatching(
        /held by process 7 on here \(vcs-pki test\), not renewed for [012] s; waited 300 s/,
      ),
      fix: expect.stringContaining('--lock-timeout 60'),
    });
    await all.run([work, late]);
    await Promise.all([work, refused]);
    expect(disk.files().get(LOG)?.content.toString()).toBe('done');
  });

  it('is given back when the work fails, and left alone by who gave up waiting', async () => {
    const disk = await directory();
    const all = new SimulatedProcesses(disk, UNHURRIED);
    const writer = all.start();
    const failing = withWriterLock(writer.fs, '/pki', options(writer), async () => {
      throw new Error('no');
    });
    const refused = expect(failing).rejects.toThrow('no');
    await all.run([failing]);
    await refused;
    expect([...disk.files().keys()]).toEqual([]);
  });

  it('is not taken over by one that was stopped together with the holder, and has seen nothing meanwhile', async () => {
    const disk = await directory();
    const all = new SimulatedProcesses(disk, { ...UNHURRIED, below: seeded(2) });
    const [holder, other] = [all.start(), all.start()];
    const work = withWriterLock(holder.fs, '/pki', options(holder), async (fs) => {
      await holder.wait(10_000);
      holder.stillUntil = all.now + 600_000;
      other.stillUntil = all.now + 600_000;
      await holder.wait(10_000);
      await fs.writeFile(LOG, Buffer.from('done'), 0o644);
    });
    const next = other.wait(100).then(() =>
      withWriterLock(other.fs, '/pki', options(other), async (fs) => {
        expect((await fs.readFile(LOG))?.toString()).toBe('done');
      }),
    );
    await all.run([work, next]);
    await Promise.all([work, next]);
  });

  it('is lost by a holder that stood still too long: it writes nothing more, and leaves the lock of the next', async () => {
    const disk = await directory();
    const all = new SimulatedProcesses(disk, UNHURRIED);
    const [holder, other] = [all.start(), all.start()];
    const refused: unknown[] = [];
    const work = withWriterLock(holder.fs, '/pki', options(holder), async (fs) => {
      holder.stillUntil = all.now + 60_000;
      await holder.wait(1);
      for (const change of changes(fs)) refused.push(await change().catch((error) => error));
    });
    const next = other.wait(100).then(() =>
      withWriterLock(other.fs, '/pki', options(other), async (fs) => {
        await fs.writeFile(LOG, Buffer.from('next'), 0o644);
        await other.wait(60_000);
        await fs.appendFile(LOG, Buffer.from(' and last'));
      }),
    );
    await all.run([work, next]);
    await Promise.all([work, next]);
    expect(refused).toHaveLength(7);
    for (const error of refused)
      expect(error).toMatchObject({
        code: 'LOCK_LOST',
        message: expect.stringContaining('another writer has taken over; nothing more was written'),
        fix: 'run again',
      });
    expect([...disk.files()].map(([path, { content }]) => [path, content.toString()])).toEqual([
      [LOG, 'next and last'],
    ]);
  });

  it('is lost by a holder that could not renew it for 20 s, though nobody has taken over; a failing renewal harms nothing else', async () => {
    const disk = await directory();
    const all = new SimulatedProcesses(disk, UNHURRIED);
    const writer = all.start();
    let isBroken = false;
    const createFile: FileSystem['createFile'] = async (...args) => {
      const file = await writer.fs.createFile(...args);
      const overwrite = async (bytes: Uint8Array) => {
        if (isBroken) throw new Error('disk');
        await file?.overwrite(bytes);
      };
      return file && { ...file, overwrite };
    };
    const work = withWriterLock({ ...writer.fs, createFile }, '/pki', options(writer), async (fs) => {
      isBroken = true;
      await writer.wait(15_000);
      await fs.writeFile(LOG, Buffer.from('at 15 s'), 0o644);
      isBroken = false;
      await writer.wait(5_000);
      isBroken = true;
      await writer.wait(15_000);
      await fs.writeFile(LOG, Buffer.from('at 35 s'), 0o644);
      await writer.wait(10_000);
      await fs.writeFile(LOG, Buffer.from('at 45 s'), 0o644);
    });
    const refused = expect(work).rejects.toMatchObject({
      code: 'LOCK_LOST',
      message: expect.stringContaining('could not be renewed for 20 s'),
    });
    await all.run([work]);
    await refused;
    expect([...disk.files()].map(([path, { content }]) => [path, content.toString()])).toEqual([[LOG, 'at 35 s']]);
  });

  it('is renewed before the next change by a holder that stood still while nobody waited', async () => {
    const disk = await directory();
    const all = new SimulatedProcesses(disk, UNHURRIED);
    const writer = all.start();
    const work = withWriterLock(writer.fs, '/pki', options(writer), async (fs) => {
      writer.stillUntil = all.now + 60_000;
      await writer.wait(1);
      await fs.writeFile(LOG, Buffer.from('done'), 0o644);
    });
    await all.run([work]);
    await work;
    expect([...disk.files().keys()]).toEqual([LOG]);
  });

  it('is given back by a waiter that is interrupted between takeover and work', async () => {
    const disk = await directory();
    await put(disk, '');
    const all = new SimulatedProcesses(disk, UNHURRIED);
    const writer = all.start();
    const interrupt = new AbortController();
    const work = withWriterLock(writer.fs, '/pki', options(writer, { signal: interrupt.signal }), never);
    const interrupted = expect(work).rejects.toThrow('enough');
    void writer.wait(30_500).then(() => interrupt.abort(new Error('enough')));
    await all.run([work]);
    await interrupted;
    expect([...disk.files().keys()]).toEqual([]);
  });
});

interface Begin {
  readonly writer: number;
  /** Milliseconds between its last look at the lock that it took over, and that. */
  readonly takeoverMs: number;
}

interface Line {
  readonly writer: number;
  /** Milliseconds since the writer found the lock to be its own. */
  readonly agoMs: number;
  /** The successor that has begun. */
  readonly behind: Begin | undefined;
}

/**
 * Writers that come, wait, write lines, stand still, die and wake up, in an order drawn from `seed`.
 * @returns who found the lock to be its own at each look while it worked; the lines in the order in which they came onto
 * the disk; and how each writer has ended that has not died
 */
async function simulate(seed: number, behaviour: Omit<Behaviour, 'below'>, deathAtOneOf: number) {
  const below = seeded(seed);
  const disk = await directory();
  const all = new SimulatedProcesses(disk, { ...behaviour, below });
  if (below(2) === 0) await put(disk, leftovers[below(leftovers.length)]?.[1] ?? '');
  const begun = new Set<number>();
  let last: Begin | undefined;
  const looks: number[] = [];
  const lines: Line[] = [];
  const ends: string[] = [];
  let takeovers = 0;

  const works = Array.from({ length: 2 + below(5) }, (_, writer) => {
    const process = all.start();
    let foundOwn = 0;
    let looked = 0;
    let takeoverMs = 0;
    const mayDie = () => {
      if (below(deathAtOneOf) === 0) process.die();
    };
    const standStill = () => process.wait(below(behaviour.pauseAtOneOf) === 0 ? below(behaviour.longestPauseMs) : 0);
    const fs: FileSystem = {
      ...process.fs,
      readFile: async (path) => {
        // A waiter that stood still as often would hardly ever see 30 s.
        const isHolder = begun.has(writer);
        if (isHolder) await standStill();
        const content = await disk.readFile(path);
        if (path === LOCK) looked = all.now;
        if (path === LOCK && isHolder && content?.includes(`"process":${writer},`)) {
          looks.push(writer);
          foundOwn = all.now;
        }
        await (isHolder ? standStill() : process.wait(below(2)));
        return content;
      },
      createFile: (...args) => {
        mayDie();
        return process.fs.createFile(...args);
      },
      rename: async (...args) => {
        mayDie();
        await standStill();
        await disk.rename(...args);
        takeoverMs = all.now - looked;
        takeovers += 1;
        await standStill();
        mayDie();
      },
      appendFile: async (path, bytes) => {
        await standStill();
        await disk.appendFile(path, bytes);
        lines.push({ writer, agoMs: all.now - foundOwn, behind: last?.writer === writer ? undefined : last });
        mayDie();
        await standStill();
      },
    };
    const work = async () => {
      await process.wait(below(20_000));
      const named = { process: writer, host: 'any', command: 'any' };
      await withWriterLock(fs, '/pki', options(process, { writer: named, timeoutMs: 3_600_000 }), async (guarded) => {
        begun.add(writer);
        // Who has slept through its own time begins too, and finds out at its first change.
        const isHolder = disk.files().get(LOCK)?.content.includes(`"process":${writer},`);
        if (isHolder) last = { writer, takeoverMs };
        for (let line = 1 + below(4); line > 0; line--) {
          await process.wait(below(3000));
          await guarded.appendFile(LOG, Buffer.from(`${writer}\n`));
        }
      });
      return 'done';
    };
    const ended = work().catch((error) => (error instanceof VcsPkiError ? error.code : String(error)));
    return Promise.race([ended.then((end) => void ends.push(end)), process.death]);
  });
  await all.run(works);
  return { looks, lines, ends, takeovers };
}

const SEEDS = Array.from({ length: Number(process.env.LOCK_SEEDS ?? 12) }, () => randomInt(1, 2 ** 31));

describe('the writer lock, whatever the order in which holders and waiters take turns', () => {
  it('is taken over by exactly one of many when its holder dies, and is lost by nobody who goes on', async () => {
    let takeovers = 0;
    for (const seed of SEEDS) {
      const ran = await simulate(seed, { pauseAtOneOf: 10, longestPauseMs: 4000 }, 8);
      const label = `seed ${seed}`;
      expect(returns(ran.looks), label).toBe(0);
      expect(returns(ran.lines.map(({ writer }) => writer)), label).toBe(0);
      expect(
        ran.lines.filter(({ behind }) => behind),
        label,
      ).toEqual([]);
      expect(
        ran.ends.filter((end) => end !== 'done'),
        label,
      ).toEqual([]);
      takeovers += ran.takeovers;
    }
    expect(takeovers).toBeGreaterThan(0);
  });

  it('never has two holders that both find it their own, however long they stand still', async () => {
    let losses = 0;
    let late = 0;
    for (const seed of SEEDS) {
      const ran = await simulate(seed, { pauseAtOneOf: 6, longestPauseMs: 90_000 }, 60);
      const label = `seed ${seed}`;
      expect(returns(ran.looks), label).toBe(0);
      for (const end of ran.ends) expect(['done', 'LOCK_LOST'], label).toContain(end);
      const behind = ran.lines.flatMap(({ writer, agoMs, behind }) => (behind ? [{ writer, agoMs, behind }] : []));
      for (const { agoMs, behind: successor } of behind)
        expect(agoMs, label).toBeGreaterThan(successor.takeoverMs < 20 ? 11_000 : 1000);
      expect(new Set(behind.map(({ writer }) => writer)).size, label).toBe(behind.length);
      late += behind.length;
      losses += ran.ends.filter((end) => end === 'LOCK_LOST').length;
    }
    expect(losses).toBeGreaterThan(0);
    process.stdout.write(`writer lock: ${losses} holders stopped, ${late} changes in the window that remains\n`);
  });
});

/** How often one comes again behind another. */
function returns(writers: readonly number[]): number {
  const tenures = writers.filter((writer, index) => writer !== writers[index - 1]);
  return tenures.length - new Set(tenures).size;
}

function changes(fs: FileSystem): (() => Promise<unknown>)[] {
  const bytes = Buffer.from('x');
  return [
    () => fs.makeDirectory('/pki/folder', 0o700),
    () => fs.writeFile(LOG, bytes, 0o644),
    () => fs.createFile('/pki/other', bytes, 0o644),
    () => fs.appendFile(LOG, bytes),
    () => fs.truncateFile(LOG, 0),
    () => fs.rename(LOG, '/pki/other'),
    () => fs.removeFile(LOG),
  ];
}

async function never(): Promise<void> {
  throw new Error('works without the lock');
}

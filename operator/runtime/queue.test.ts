import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { WorkQueue } from './queue.ts';
import { FakeScheduler } from './testing/fake-scheduler.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let scheduler: FakeScheduler;
let queue: WorkQueue;

beforeEach(() => {
  scheduler = new FakeScheduler();
  queue = new WorkQueue({ scheduler });
});

const inMs = (ms: number) => new Date(scheduler.now().getTime() + ms);

/** What a worker that asks now gets now; undefined where it would have to wait. */
async function taken(): Promise<string | undefined> {
  const key = queue.take();
  const nothing = Symbol();
  const first = await Promise.race([key, Promise.resolve(nothing)]);
  return typeof first === 'string' ? first : undefined;
}

describe('keys', () => {
  it('come in the order in which they were added, once', async () => {
    for (const key of ['b', 'a', 'b', 'c']) queue.add(key);
    expect([await queue.take(), await queue.take(), await queue.take()]).toEqual(['b', 'a', 'c']);
    expect(await taken()).toBeUndefined();
  });

  it('added while they are worked on come once more, afterwards', async () => {
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('a');
    const next = queue.take();
    expect(await Promise.race([next, Promise.resolve('nothing')])).toBe('nothing');
    queue.done('a');
    expect(await next).toBe('a');
    queue.done('a');
    expect(await taken()).toBeUndefined();
  });
});

describe('waits', () => {
  it('of several times the earliest counts, whichever was said first', async () => {
    queue.addAfter('a', 5_000);
    queue.addAfter('a', 2_000);
    queue.addAt('a', inMs(9_000));
    const next = queue.take();
    scheduler.advance(1_999);
    expect(await Promise.race([next, Promise.resolve('nothing')])).toBe('nothing');
    scheduler.advance(1);
    expect(await next).toBe('a');
    expect(scheduler.nextTimer).toBeUndefined();
  });

  it('an immediate add overrides a wait, and a wait adds nothing to it', async () => {
    queue.addAfter('a', 5_000);
    queue.add('a');
    queue.addAfter('a', 3_000);
    expect(await queue.take()).toBe('a');
    expect(scheduler.nextTimer).toBeUndefined();
  });

  it('of years are cut into hours', async () => {
    queue.addAt('a', inMs(400 * DAY));
    const next = queue.take();
    expect(scheduler.nextTimer).toBe(HOUR);
    scheduler.advance(400 * DAY - 1);
    expect(await Promise.race([next, Promise.resolve('nothing')])).toBe('nothing');
    scheduler.advance(1);
    expect(await next).toBe('a');
  });

  it('notice within an hour that the wall clock was set forward, and wait on when it was set back', async () => {
    queue.addAt('a', inMs(30 * DAY));
    const next = queue.take();
    scheduler.setClock(inMs(-3 * DAY));
    scheduler.advance(2 * HOUR);
    expect(await Promise.race([next, Promise.resolve('nothing')])).toBe('nothing');
    scheduler.setClock(inMs(40 * DAY));
    scheduler.advance(HOUR);
    expect(await next).toBe('a');
  });

  it('after a failure do not depend on the wall clock', async () => {
    queue.retry('a');
    scheduler.setClock(inMs(-DAY));
    const next = queue.take();
    scheduler.advance(1_000);
    expect(await next).toBe('a');
  });

  it('in the past are over', async () => {
    queue.addAt('a', inMs(-1));
    scheduler.advance(0);
    expect(await queue.take()).toBe('a');
  });
});

describe('back-off', () => {
  it('doubles from one second to five minutes, for each key by itself, until it is forgotten', async () => {
    const pauses: (number | undefined)[] = [];
    for (let n = 0; n < 11; n++) {
      queue.retry('a');
      pauses.push(scheduler.nextTimer);
      scheduler.advance(scheduler.nextTimer ?? 0);
      await queue.take();
      queue.done('a');
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1_000));
    queue.retry('b');
    expect(scheduler.nextTimer).toBe(1_000);
    queue.add('b');
    queue.forget('a');
    queue.retry('a');
    expect(scheduler.nextTimer).toBe(1_000);
  });
});

describe('close', () => {
  it('ends every wait: of workers and of keys', async () => {
    queue.addAfter('a', 1_000);
    const waiting = queue.take();
    queue.close();
    queue.add('b');
    queue.addAfter('c', 1_000);
    expect([await waiting, await queue.take()]).toEqual([undefined, undefined]);
    expect(scheduler.nextTimer).toBeUndefined();
  });
});

describe('whatever is added, taken and finished in whatever order', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key }),
    fc.record({ do: fc.constant('addAfter' as const), key, ms: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ do: fc.constant('addAt' as const), key, ms: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ do: fc.constant('take' as const) }),
    fc.record({ do: fc.constant('done' as const), key }),
    fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 30 }) }),
  );

  it('no key is worked on twice at a time, no add is lost, nothing comes early or unasked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const time = new FakeScheduler();
        const tested = new WorkQueue({ scheduler: time });
        const processing = new Set<string>();
        /** Added, and not taken since. */
        const owed = new Set<string>();
        const due = new Map<string, number>();
        let idleWorkers = 0;

        const work = async () => {
          idleWorkers += 1;
          const next = await tested.take();
          if (next === undefined) return;
          idleWorkers -= 1;
          expect(processing).not.toContain(next);
          expect(owed).toContain(next);
          processing.add(next);
          owed.delete(next);
        };
        const owe = (which: string) => {
          owed.add(which);
          due.delete(which);
        };
        const wait = (which: string, ms: number) => {
          const at = time.now().getTime() + ms;
          if (!owed.has(which)) due.set(which, Math.min(at, due.get(which) ?? at));
        };
        const workers: Promise<void>[] = [];
        const settle = async () => {
          for (let n = 0; n < 5; n++) await Promise.resolve();
          const available = [...owed].filter((each) => !processing.has(each));
          expect(Math.min(idleWorkers, available.length)).toBe(0);
        };

        for (const each of steps) {
          if (each.do === 'add') {
            owe(each.key);
            tested.add(each.key);
          } else if (each.do === 'addAfter') {
            wait(each.key, each.ms);
            tested.addAfter(each.key, each.ms);
          } else if (each.do === 'addAt') {
            wait(each.key, each.ms);
            tested.addAt(each.key, new Date(time.now().getTime() + each.ms));
          } else if (each.do === 'take') {
            workers.push(work());
          } else if (each.do === 'done' && processing.delete(each.key)) {
            tested.done(each.key);
          } else if (each.do === 'advance') {
            const now = time.now().getTime() + each.ms;
            for (const [which, at] of [...due]) if (at <= now) owe(which);
            time.advance(each.ms);
          }
          await settle();
        }
        expect(time.nextTimer).toBe(due.size === 0 ? undefined : Math.min(...due.values()) - time.now().getTime());
        tested.close();
        await Promise.all(workers);
      }),
    );
  });
});

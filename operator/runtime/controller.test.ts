import { beforeEach, describe, expect, it } from 'vitest';
import { VcsPkiError } from '../../src/errors.ts';
import { Controller, type Outcome } from './controller.ts';
import { FakeScheduler } from './testing/fake-scheduler.ts';
import { RecordedLog } from './testing/recorded-log.ts';

const done: Outcome = { kind: 'done' };

let scheduler: FakeScheduler;
let log: RecordedLog;

beforeEach(() => {
  scheduler = new FakeScheduler();
  log = new RecordedLog();
});

interface Call {
  readonly key: string;
  readonly signal: AbortSignal;
  readonly succeed: (outcome: Outcome) => void;
  readonly fail: (error: unknown) => void;
}

/** A controller whose reconciles the test ends one by one. */
function controlled(concurrency?: number) {
  const calls: Call[] = [];
  const controller = new Controller({
    name: 'certificates',
    reconcile: (key, signal) =>
      new Promise((succeed, fail) => {
        calls.push({ key, signal, succeed, fail });
      }),
    ...(concurrency === undefined ? {} : { concurrency }),
    scheduler,
    log,
  });
  return { controller, calls };
}

/** Lets everything happen that is not waiting for the scheduler or a reconcile. */
async function settle(): Promise<void> {
  for (let n = 0; n < 20; n++) await Promise.resolve();
}

describe('a controller', () => {
  it('gathers keys until it is started, then works on as many at a time as it may', async () => {
    const { controller, calls } = controlled(2);
    for (const key of ['a', 'b', 'c']) controller.enqueue(key);
    await settle();
    expect(calls).toEqual([]);
    controller.start();
    await settle();
    expect(calls.map(({ key }) => key)).toEqual(['a', 'b']);
    calls[1]?.succeed(done);
    await settle();
    expect(calls.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });

  it('never works twice on one key at a time; many changes meanwhile are one more reconcile', async () => {
    const { controller, calls } = controlled(4);
    controller.start();
    for (let n = 0; n < 3; n++) controller.enqueue('a');
    await settle();
    for (let n = 0; n < 3; n++) controller.enqueue('a');
    await settle();
    expect(calls).toHaveLength(1);
    calls[0]?.succeed(done);
    await settle();
    expect(calls).toHaveLength(2);
    calls[1]?.succeed(done);
    await settle();
    expect(calls).toHaveLength(2);
  });

  it('comes back at the time that the reconcile asked for', async () => {
    const { controller, calls } = controlled();
    controller.start();
    controller.enqueue('a');
    await settle();
    calls[0]?.succeed({ kind: 'wait', until: new Date('2026-01-01T00:30:00Z') });
    await settle();
    scheduler.advance(30 * 60_000 - 1);
    await settle();
    expect(calls).toHaveLength(1);
    scheduler.advance(1);
    await settle();
    expect(calls).toHaveLength(2);
  });

  it('tries a failed key again after a growing pause, which a success ends', async () => {
    const { controller, calls } = controlled();
    controller.start();
    controller.enqueue('a');
    const pauses: (number | undefined)[] = [];
    const next = async (end: (call: Call | undefined) => void) => {
      await settle();
      end(calls.at(-1));
      await settle();
      pauses.push(scheduler.nextTimer);
      scheduler.advance(scheduler.nextTimer ?? 0);
    };
    for (let n = 0; n < 3; n++) await next((call) => call?.fail(new Error('no')));
    await next((call) => call?.succeed(done));
    controller.enqueue('a');
    await next((call) => call?.fail(new Error('no')));
    expect(pauses).toEqual([1_000, 2_000, 4_000, undefined, 1_000]);
  });

  it('says a failure once, until it changes or the key has succeeded', async () => {
    const { controller, calls } = controlled();
    controller.start();
    const refused = new VcsPkiError('KUBE_REFUSED', { at: 'Secret edge/a', message: 'refused', fix: 'allow it' });
    const ends: ((call: Call | undefined) => void)[] = [
      (call) => call?.fail(refused),
      (call) => call?.fail(refused),
      (call) => call?.fail('something else'),
      (call) => call?.succeed(done),
      (call) => call?.fail(refused),
    ];
    for (const end of ends) {
      controller.enqueue('edge/a');
      await settle();
      end(calls.at(-1));
      await settle();
    }
    expect(log.lines).toEqual([
      'error: certificates edge/a: Secret edge/a: refused; allow it',
      'error: certificates edge/a: something else',
      'error: certificates edge/a: Secret edge/a: refused; allow it',
    ]);
  });

  it('stops when what is running has ended, and starts nothing more', async () => {
    const { controller, calls } = controlled();
    controller.start();
    controller.enqueue('a');
    controller.enqueue('b');
    await settle();
    let stopped = false;
    const stop = controller.stop().then(() => {
      stopped = true;
    });
    await settle();
    expect([stopped, calls[0]?.signal.aborted]).toEqual([false, false]);
    calls[0]?.succeed({ kind: 'wait', until: new Date('2026-02-01T00:00:00Z') });
    await stop;
    expect(calls).toHaveLength(1);
    expect(scheduler.nextTimer).toBeUndefined();
  });

  it('aborts what has not ended after the grace time', async () => {
    const { controller, calls } = controlled();
    controller.start();
    controller.enqueue('a');
    await settle();
    const stop = controller.stop(5_000);
    scheduler.advance(5_000);
    await settle();
    expect(calls[0]?.signal.aborted).toBe(true);
    calls[0]?.fail(new Error('aborted'));
    await stop;
    expect(scheduler.nextTimer).toBeUndefined();
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeScheduler } from '../runtime/testing/fake-scheduler.ts';
import { RecordedLog } from '../runtime/testing/recorded-log.ts';
import { KubeClient } from './client.ts';
import { Reflector } from './reflector.ts';
import { type ConfigMapObject, configMaps } from './resource.ts';
import { FakeApiServer, type ReceivedRequest } from './testing/fake-api-server.ts';

let server: FakeApiServer;
/** The client's: time-outs. */
let timeouts: FakeScheduler;
/** The reflector's: its back-off alone. */
let backoff: FakeScheduler;
let log: RecordedLog;
let client: KubeClient;
let reflector: Reflector<ConfigMapObject>;
let changes: string[];
let onChange: () => void;

beforeEach(async () => {
  server = await FakeApiServer.start();
  timeouts = new FakeScheduler();
  backoff = new FakeScheduler();
  log = new RecordedLog();
  client = new KubeClient(server.access, timeouts);
  const random = () => 0.5;
  reflector = new Reflector({ client, type: configMaps, namespace: 'edge', scheduler: backoff, random, log });
  changes = [];
  onChange = () => {};
  reflector.cache.onChange(({ kind, object }) => {
    changes.push(`${kind} ${object.metadata.name}/${object.metadata.uid}@${object.metadata.resourceVersion}`);
    onChange();
  });
  reflector.start();
});

afterEach(async () => {
  await reflector.stop();
  client.close();
  await server.stop();
});

const configMap = (name: string, resourceVersion: string, uid = name) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'edge', name, uid, resourceVersion },
});

/** Resolves when the reflector has seen so many changes in all. */
function seen(count: number): Promise<void> {
  return new Promise((resolve) => {
    onChange = () => changes.length >= count && resolve();
    onChange();
  });
}

async function nextList(): Promise<ReceivedRequest> {
  const request = await server.next();
  expect(request.query.has('watch')).toBe(false);
  return request;
}

async function nextWatch(from: string): Promise<ReceivedRequest> {
  const request = await server.next();
  expect([request.query.get('watch'), request.query.get('resourceVersion')]).toEqual(['true', from]);
  return request;
}

/** Ends the pause before the next attempt; returns its length. */
async function afterBackoff(): Promise<number> {
  const ms = await backoff.armed();
  backoff.advance(ms);
  return ms;
}

async function watching(from: string, ...names: string[]): Promise<ReceivedRequest> {
  (await nextList()).answerList(
    from,
    names.map((name) => configMap(name, '1')),
  );
  const watch = await nextWatch(from);
  watch.openStream();
  expect(await reflector.cache.synced).toBe(true);
  return watch;
}

describe('the cache', () => {
  it('holds what was listed and follows what is watched', async () => {
    const watch = await watching('10', 'a', 'b');
    expect(reflector.cache.list()).toHaveLength(2);
    watch.sendEvent('ADDED', configMap('c', '11'));
    watch.sendEvent('MODIFIED', configMap('a', '12'));
    watch.sendEvent('DELETED', configMap('b', '13'));
    await seen(5);
    expect(changes).toEqual(['added a/a@1', 'added b/b@1', 'added c/c@11', 'updated a/a@12', 'deleted b/b@13']);
    expect(reflector.cache.get('edge/a')?.metadata.resourceVersion).toBe('12');
    expect(reflector.cache.get('edge/b')).toBeUndefined();
  });

  it('asks the server to end a watch after five to ten minutes', async () => {
    (await nextList()).answerList('10', []);
    expect((await nextWatch('10')).query.get('timeoutSeconds')).toBe('450');
  });
});

describe('a watch that ends', () => {
  it('is resumed where it was, from a bookmark too', async () => {
    const watch = await watching('10', 'a');
    watch.sendEvent('MODIFIED', configMap('a', '11'));
    watch.sendEvent('BOOKMARK', { metadata: { resourceVersion: '50' } });
    watch.end();
    await afterBackoff();
    (await nextWatch('50')).openStream();
    expect(log.lines).toEqual([]);
  });

  it('is resumed after a break in the middle of an event, which comes again whole', async () => {
    const watch = await watching('10', 'a');
    const line = JSON.stringify({ type: 'MODIFIED', object: configMap('a', '11') });
    watch.sendRaw(line.slice(0, 30));
    watch.breakOff();
    await afterBackoff();
    const again = await nextWatch('10');
    again.openStream();
    again.sendRaw(`${line}\n`);
    await seen(2);
    expect(changes).toEqual(['added a/a@1', 'updated a/a@11']);
  });

  it('again and again at once, is resumed ever more slowly, 0.8 to 30 seconds', async () => {
    (await nextList()).answerList('10', []);
    const pauses: number[] = [];
    for (let n = 0; n < 8; n++) {
      const watch = await nextWatch('10');
      watch.openStream();
      watch.end();
      pauses.push(await afterBackoff());
    }
    expect(pauses).toEqual([1_200, 2_400, 4_800, 9_600, 19_200, 30_000, 30_000, 30_000]);
    const steady = await nextWatch('10');
    steady.openStream();
    backoff.advance(10_000);
    steady.end();
    expect(await afterBackoff()).toBe(1_200);
  });

  it('is broken off when it is silent for longer than bookmarks take', async () => {
    const watch = await watching('10');
    timeouts.advance(80_000);
    await watch.closed();
    await afterBackoff();
    await nextWatch('10');
    expect(log.lines[0]).toContain('silent for 80 seconds');
  });
});

describe('a history that the server no longer has', () => {
  const lists = async () => {
    (await nextList()).answerList('90', [configMap('b', '80'), configMap('c', '81', 'another c')]);
    await nextWatch('90');
    expect(changes.slice(3)).toEqual(['deleted a/a@1', 'updated b/b@80', 'deleted c/c@1', 'added c/another c@81']);
    expect(log.lines).toEqual([]);
  };

  it('410 in the stream: lists again, and tells what was deleted or made anew meanwhile', async () => {
    const watch = await watching('10', 'a', 'b', 'c');
    watch.sendEvent('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    await afterBackoff();
    await lists();
  });

  it('410 as the answer: the same', async () => {
    const watch = await watching('10', 'a', 'b', 'c');
    watch.end();
    await afterBackoff();
    (await nextWatch('10')).refuse(410, 'Expired');
    await afterBackoff();
    await lists();
  });

  it('a version that the server refuses for other reasons: lists again after the third refusal', async () => {
    (await watching('10')).end();
    for (let n = 0; n < 3; n++) {
      await afterBackoff();
      const watch = await nextWatch('10');
      watch.openStream();
      watch.sendEvent('ERROR', { kind: 'Status', code: 504, reason: 'Timeout', message: 'Too large resource version' });
    }
    await afterBackoff();
    await nextList();
  });
});

const refusals: readonly [number, string][] = [
  [500, 'InternalError'],
  [503, 'ServiceUnavailable'],
  [429, 'TooManyRequests'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
];

describe('an outage is survived, and said once', () => {
  it.each(refusals)('list answered with %i', async (status, reason) => {
    for (let n = 0; n < 5; n++) {
      (await nextList()).refuse(status, reason);
      await afterBackoff();
    }
    const watch = await watching('10', 'a');
    watch.sendEvent('MODIFIED', configMap('a', '11'));
    await seen(2);
    expect(log.lines).toEqual([
      expect.stringMatching(new RegExp(`^warn: lost sight of configmaps in edge.*${reason}`)),
      'info: configmaps in edge are in sight again',
    ]);
  });

  it.each(refusals)('watch answered with %i', async (status, reason) => {
    (await nextList()).answerList('10', [configMap('a', '1')]);
    for (let n = 0; n < 2; n++) {
      (await nextWatch('10')).refuse(status, reason);
      await afterBackoff();
    }
    const watch = await nextWatch('10');
    watch.openStream();
    watch.sendEvent('MODIFIED', configMap('a', '11'));
    await seen(2);
    expect(log.lines).toHaveLength(2);
  });

  it('an API server that is gone', async () => {
    const watch = await watching('10', 'a');
    await server.stop();
    await watch.closed();
    for (let n = 0; n < 4; n++) await afterBackoff();
    await backoff.armed();
    expect(log.lines).toEqual([expect.stringMatching(/^warn: lost sight of configmaps in edge/)]);
    expect(reflector.cache.get('edge/a')).toBeDefined();
  });

  it('comes back no earlier than the server asks', async () => {
    (await nextList()).answerList('10', []);
    (await nextWatch('10')).refuse(429, 'TooManyRequests', { 'Retry-After': '17' });
    expect(await backoff.armed()).toBe(17_000);
  });
});

describe('after stop', () => {
  it('nothing runs: not the watch, not a request, not a timer', async () => {
    const watch = await watching('10');
    await reflector.stop();
    await watch.closed();
    expect([server.untaken, backoff.nextTimer, timeouts.nextTimer]).toEqual([0, undefined, undefined]);
  });

  it('no watch follows a list that was still running', async () => {
    const list = await nextList();
    const stopped = reflector.stop();
    list.answerList('10', [configMap('a', '1')]);
    await stopped;
    await list.closed();
    expect(await reflector.cache.synced).toBe(false);
    expect([server.untaken, changes]).toEqual([0, []]);
  });

  it('no watch follows a pause', async () => {
    (await watching('10')).end();
    await backoff.armed();
    await reflector.stop();
    expect([server.untaken, backoff.nextTimer]).toEqual([0, undefined]);
  });
});

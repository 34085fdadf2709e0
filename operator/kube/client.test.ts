import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeScheduler } from '../runtime/testing/fake-scheduler.ts';
import { KubeClient } from './client.ts';
import { hasReason, KubeApiError } from './errors.ts';
import { configMaps, secrets } from './resource.ts';
import { accessTo, FakeApiServer } from './testing/fake-api-server.ts';

let server: FakeApiServer;
let scheduler: FakeScheduler;
let client: KubeClient;

beforeEach(async () => {
  server = await FakeApiServer.start();
  scheduler = new FakeScheduler();
  client = new KubeClient(server.access, scheduler);
});

afterEach(async () => {
  client.close();
  await server.stop();
});

const ref = { namespace: 'edge', name: 'a' };
const stored = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...ref, uid: 'u1', resourceVersion: '7' } };

async function failureOf(promise: Promise<unknown>): Promise<KubeApiError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KubeApiError)) throw new Error(`expected a KubeApiError, not ${String(error)}`);
  return error;
}

describe('requests', () => {
  it('get: the object, without managedFields', async () => {
    const got = client.get(configMaps, ref);
    const request = await server.next();
    expect([request.method, request.path]).toEqual(['GET', '/api/v1/namespaces/edge/configmaps/a']);
    request.answer(200, { ...stored, metadata: { ...stored.metadata, managedFields: [{ manager: 'x' }] } });
    expect(await got).toEqual(stored);
  });

  it('get: undefined for a missing object, a failure for a missing kind', async () => {
    const missing = client.get(configMaps, ref);
    (await server.next()).answer(404, {
      kind: 'Status',
      reason: 'NotFound',
      details: { name: 'a', kind: 'configmaps' },
    });
    expect(await missing).toBeUndefined();
    const unknownKind = client.get(configMaps, ref);
    (await server.next()).answer(404, '404 page not found\n');
    expect(await failureOf(unknownKind)).toMatchObject({ status: 404, fix: expect.stringContaining('definitions') });
  });

  it('list follows pages, and fills in what items of built-in kinds lack', async () => {
    const list = client.list(secrets, { namespace: 'edge', labelSelector: 'a=b' });
    const first = await server.next();
    expect(Object.fromEntries(first.query)).toEqual({ labelSelector: 'a=b', limit: '500' });
    first.answerList('10', [{ metadata: { ...ref, uid: 'u1', resourceVersion: '3' } }], 'page 2');
    const second = await server.next();
    expect(second.query.get('continue')).toBe('page 2');
    second.answerList('10', [{ metadata: { namespace: 'edge', name: 'b', uid: 'u2', resourceVersion: '4' } }]);
    const { items, resourceVersion } = await list;
    expect(resourceVersion).toBe('10');
    expect(items.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata.name])).toEqual([
      ['v1', 'Secret', 'a'],
      ['v1', 'Secret', 'b'],
    ]);
  });

  it('list by fields says their values as they are, whatever is in them', async () => {
    const list = client.list(configMaps, { fields: { 'spec.owner': 'a,b=c\\d', 'spec.keyId': '' } });
    const request = await server.next();
    expect(request.query.get('fieldSelector')).toBe('spec.owner=a\\,b\\=c\\\\d,spec.keyId=');
    request.answerList('10', []);
    expect((await list).items).toEqual([]);
  });

  it('list starts over in one piece when its pages expire', async () => {
    const list = client.list(configMaps);
    (await server.next()).answerList('10', [stored], 'page 2');
    (await server.next()).refuse(410, 'Expired');
    const again = await server.next();
    expect([...again.query]).toEqual([]);
    again.answerList('12', [stored]);
    expect(await list).toMatchObject({ resourceVersion: '12', items: [stored] });
  });

  it('apply is a server-side apply by vcs-pki that takes fields over', async () => {
    const applied = client.applyStatus(configMaps, { metadata: ref });
    const request = await server.next();
    expect(request).toMatchObject({ method: 'PATCH', path: '/api/v1/namespaces/edge/configmaps/a/status' });
    expect(request.headers['content-type']).toBe('application/apply-patch+yaml');
    expect(Object.fromEntries(request.query)).toEqual({ fieldManager: 'vcs-pki', force: 'true' });
    expect(JSON.parse(request.body)).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: ref });
    request.answer(200, stored);
    await applied;
  });

  it('patch carries the version that it was decided on', async () => {
    const patched = client.patch(configMaps, stored.metadata, { metadata: { finalizers: null }, data: { a: 'b' } });
    const request = await server.next();
    expect(request.headers['content-type']).toBe('application/merge-patch+json');
    expect(JSON.parse(request.body)).toEqual({
      metadata: { finalizers: null, resourceVersion: '7' },
      data: { a: 'b' },
    });
    request.answer(200, stored);
    await patched;
  });

  it('delete carries its preconditions and says whether there was something', async () => {
    const deleted = client.delete(configMaps, ref, { uid: 'u1', propagation: 'Background' });
    const request = await server.next();
    expect(JSON.parse(request.body)).toEqual({ preconditions: { uid: 'u1' }, propagationPolicy: 'Background' });
    request.answer(200, { kind: 'Status', status: 'Success' });
    expect(await deleted).toBe(true);
    const again = client.delete(configMaps, ref);
    (await server.next()).answer(404, { kind: 'Status', reason: 'NotFound', details: { name: 'a' } });
    expect(await again).toBe(false);
  });

  it('go over connections that are used again', async () => {
    for (let n = 0; n < 20; n++) {
      const got = client.get(configMaps, ref);
      (await server.next()).answer(200, stored);
      await got;
    }
    expect(server.connections).toBe(1);
  });

  it('keep the path of a server address behind a gateway', async () => {
    const { server: address = '' } = server.access.getCurrentCluster() ?? {};
    const behind = new KubeClient(accessTo(`${address}/clusters/c1/`), scheduler);
    const got = behind.get(configMaps, ref);
    const request = await server.next();
    expect(request.path).toBe('/clusters/c1/api/v1/namespaces/edge/configmaps/a');
    request.answer(200, stored);
    await got;
    behind.close();
  });
});

describe('what is tried again', () => {
  it('a write with a precondition, after the time that the server asks for', async () => {
    const patched = client.patch(configMaps, stored.metadata, {});
    (await server.next()).refuse(429, 'TooManyRequests', { 'Retry-After': '3' });
    expect(await scheduler.armedFor(3_000)).toBe(3_000);
    scheduler.advance(3_000);
    (await server.next()).answer(200, stored);
    expect(await patched).toEqual(stored);
  });

  it('a broken connection, with growing pauses, four times', async () => {
    const got = failureOf(client.get(configMaps, ref));
    for (const ms of [250, 500, 1_000, 2_000]) {
      (await server.next()).breakOff();
      scheduler.advance(await scheduler.armedFor(ms));
    }
    (await server.next()).breakOff();
    expect(await got).toMatchObject({ code: 'KUBE_UNREACHABLE', status: undefined });
  });

  it('never a create, and never a delete without a precondition', async () => {
    const created = failureOf(client.create(configMaps, { metadata: ref }));
    (await server.next()).breakOff();
    expect(await created).toMatchObject({ code: 'KUBE_UNREACHABLE' });
    const refused = failureOf(client.create(configMaps, { metadata: ref }));
    (await server.next()).refuse(503, 'ServiceUnavailable', { 'Retry-After': '1' });
    expect(await refused).toMatchObject({ status: 503, retryAfterSeconds: 1 });
    const deleted = failureOf(client.delete(configMaps, ref));
    (await server.next()).breakOff();
    await deleted;
    expect(server.untaken).toBe(0);
  });

  it('no refusal that repeating would not change', async () => {
    const updated = failureOf(client.update(configMaps, stored));
    (await server.next()).refuse(409, 'Conflict');
    expect(hasReason(await updated, 'Conflict', 'AlreadyExists')).toBe(true);
    expect(server.untaken).toBe(0);
  });
});

describe('waiting ends', () => {
  it('after the time-out', async () => {
    const got = failureOf(client.get(configMaps, ref, { timeoutMs: 5_000 }));
    const request = await server.next();
    scheduler.advance(5_000);
    expect((await got).message).toContain('silent for 5 seconds');
    await request.closed();
  });

  it('after the time-out even where every connection of the pool is busy', async () => {
    const busy = Array.from({ length: 32 }, () => failureOf(client.get(configMaps, ref, { timeoutMs: 60_000 })));
    for (let n = 0; n < 32; n++) await server.next();
    const queued = failureOf(client.get(configMaps, ref, { timeoutMs: 1_000 }));
    await scheduler.armedFor(1_000);
    scheduler.advance(1_000);
    expect((await queued).message).toContain('silent for 1 seconds');
    expect(server.connections).toBe(32);
    scheduler.advance(60_000);
    await Promise.all(busy);
  });

  it('at an abort, with its reason, also between two attempts', async () => {
    const abort = new AbortController();
    const got = client.get(configMaps, ref, { signal: abort.signal });
    (await server.next()).refuse(503, 'ServiceUnavailable', { 'Retry-After': '20' });
    await scheduler.armedFor(20_000);
    abort.abort(new Error('the operator stops'));
    await expect(got).rejects.toThrow('the operator stops');
    expect(scheduler.nextTimer).toBeUndefined();
  });
});

describe('I1: failures do not repeat what was sent', () => {
  const secret = { metadata: ref, data: { 'tls.key': 'c2VjcmV0' } };
  const echo = {
    kind: 'Status',
    reason: 'Invalid',
    message: 'Secret "a" is invalid: data: Invalid value: "c2VjcmV0"',
    details: { name: 'a', causes: [{ field: 'data[tls.key]', reason: 'FieldValueInvalid', message: 'c2VjcmV0' }] },
  };

  it('names the fields of a Secret that the server refuses, and nothing of its message', async () => {
    const created = failureOf(client.create(secrets, secret));
    (await server.next()).answer(422, echo);
    const error = await created;
    expect(error.message).toBe(
      'Secret edge/a: the API server refused to create it: 422 Invalid: data[tls.key] (FieldValueInvalid)',
    );
    expect(JSON.stringify(error)).not.toContain('c2VjcmV0');
  });

  it('repeats the message where no Secret was sent', async () => {
    const got = failureOf(client.get(secrets, ref));
    (await server.next()).answer(403, { kind: 'Status', reason: 'Forbidden', message: 'cannot get secrets' });
    const error = await got;
    expect(error.message).toBe('Secret edge/a: the API server refused to read it: 403 Forbidden: cannot get secrets');
    expect(error.fix).toContain('Role');
  });

  it('says nothing of an answer that is not the API server’s', async () => {
    const got = failureOf(client.get(configMaps, ref));
    (await server.next()).answer(200, '<html>login</html>');
    expect((await got).message).toContain('not JSON');
  });
});

describe('watch', () => {
  async function open() {
    const watch = client.watch(configMaps, { namespace: 'edge', resourceVersion: '10', timeoutSeconds: 412.7 });
    const request = await server.next();
    request.openStream();
    return { request, events: (await watch)[Symbol.asyncIterator]() };
  }

  it('asks for bookmarks from where the list ended, on a connection of its own', async () => {
    const { request, events } = await open();
    expect(request.path).toBe('/api/v1/namespaces/edge/configmaps');
    expect(Object.fromEntries(request.query)).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '10',
      timeoutSeconds: '413',
    });
    request.end();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(scheduler.nextTimer).toBeUndefined();
  });

  it('reads events however they are cut into packets', async () => {
    const { request, events } = await open();
    const line = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: { ...stored, data: { city: 'Zürich' } } })}\n`);
    const inZuerich = line.indexOf('ü') + 1;
    request.sendRaw(line.subarray(0, inZuerich));
    request.sendRaw(Buffer.concat([line.subarray(inZuerich), line]));
    request.sendEvent('BOOKMARK', { metadata: { resourceVersion: '99' } });
    const added = { type: 'ADDED', object: { ...stored, data: { city: 'Zürich' } } };
    expect((await events.next()).value).toEqual(added);
    expect((await events.next()).value).toEqual(added);
    expect((await events.next()).value).toEqual({ type: 'BOOKMARK', resourceVersion: '99' });
    request.end();
    await events.next();
  });

  it('drops the half event of a broken connection and says that it broke', async () => {
    const { request, events } = await open();
    request.sendEvent('ADDED', stored);
    await events.next();
    const next = failureOf(events.next());
    request.sendRaw('{"type":"MODIFIED","obj');
    request.breakOff();
    expect(await next).toMatchObject({ code: 'KUBE_UNREACHABLE' });
  });

  it('gives up a connection that is silent for longer than bookmarks take', async () => {
    const { request, events } = await open();
    scheduler.advance(70_000);
    request.sendEvent('ADDED', stored);
    await events.next();
    const next = failureOf(events.next());
    expect(scheduler.nextTimer).toBe(80_000);
    scheduler.advance(80_000);
    expect((await next).message).toContain('silent for 80 seconds');
    await request.closed();
  });

  it('throws the status that the server ends it with', async () => {
    const { request, events } = await open();
    request.sendEvent('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });
    expect(await failureOf(events.next())).toMatchObject({ status: 410, reason: 'Expired' });
    await request.closed();
  });

  it('throws the status that the server refuses it with', async () => {
    const watch = failureOf(client.watch(configMaps, { resourceVersion: '1' }));
    (await server.next()).refuse(429, 'TooManyRequests', { 'Retry-After': '9' });
    expect(await watch).toMatchObject({ status: 429, retryAfterSeconds: 9 });
  });

  it('leaves the pool to the requests, however many watches there are', async () => {
    const abort = new AbortController();
    for (let n = 0; n < 40; n++) {
      const watch = client.watch(configMaps, { resourceVersion: '1', signal: abort.signal });
      (await server.next()).openStream();
      await watch;
    }
    const got = client.get(configMaps, ref);
    (await server.next()).answer(200, stored);
    expect(await got).toEqual(stored);
    abort.abort();
  });

  it('closes its connection when its reader leaves or aborts', async () => {
    const { request, events } = await open();
    request.sendEvent('ADDED', stored);
    await events.next();
    await events.return?.();
    await request.closed();

    const abort = new AbortController();
    const watch = client.watch(configMaps, { resourceVersion: '1', signal: abort.signal });
    const second = await server.next();
    second.openStream();
    await watch;
    abort.abort();
    await second.closed();
    expect(scheduler.nextTimer).toBeUndefined();
  });
});

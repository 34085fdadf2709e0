import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubeClient } from '../kube/client.ts';
import { FakeApiServer } from '../kube/testing/fake-api-server.ts';
import { EventRecorder } from './events.ts';
import { FakeScheduler } from './testing/fake-scheduler.ts';
import { RecordedLog } from './testing/recorded-log.ts';

const certificate = {
  apiVersion: 'vcs-pki.dev/v1alpha1',
  kind: 'Certificate',
  metadata: { namespace: 'edge', name: 'expc1', uid: '0f3a', resourceVersion: '7' },
};
const issued = { type: 'Normal', reason: 'Issued', note: 'serial 1 until 2026-04-01' } as const;

let server: FakeApiServer;
let scheduler: FakeScheduler;
let log: RecordedLog;
let client: KubeClient;
let recorder: EventRecorder;

beforeEach(async () => {
  server = await FakeApiServer.start();
  scheduler = new FakeScheduler();
  log = new RecordedLog();
  client = new KubeClient(server.access, new FakeScheduler());
  recorder = new EventRecorder({ client, controller: 'vcs-pki.dev/operator', instance: 'pod-1', scheduler, log });
});

afterEach(async () => {
  client.close();
  await server.stop();
});

/** Takes the next write, stores it, and returns what it said. */
async function written(): Promise<{ method: string; body: Record<string, unknown> }> {
  const request = await server.next();
  const body = JSON.parse(request.body);
  request.answer(200, { ...body, metadata: { name: 'e', namespace: 'edge', uid: 'e', resourceVersion: '1' } });
  return { method: request.method, body };
}

describe('events', () => {
  it('say what happened to which object', async () => {
    recorder.record(certificate, issued);
    const { method, body } = await written();
    expect(method).toBe('POST');
    expect(body).toEqual({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace: 'edge', name: expect.stringMatching(/^expc1\.[0-9a-f]+-1$/) },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'vcs-pki.dev/operator',
      reportingInstance: 'pod-1',
      action: 'Reconcile',
      ...issued,
      regarding: { apiVersion: 'vcs-pki.dev/v1alpha1', kind: 'Certificate', ...certificate.metadata },
    });
    await recorder.flush();
  });

  it('of an object without a namespace go to the namespace default', async () => {
    recorder.record({ ...certificate, metadata: { name: 'n', uid: 'u', resourceVersion: '1' } }, issued);
    expect((await written()).body).toMatchObject({ metadata: { namespace: 'default' } });
  });

  it('that repeat within ten minutes are counted on the first, written at every doubling', async () => {
    for (let n = 0; n < 7; n++) recorder.record(certificate, issued);
    const writes = [await written(), await written(), await written()];
    expect(writes.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'PATCH']);
    expect(writes.map(({ body }) => body.series)).toEqual([
      undefined,
      { count: 2, lastObservedTime: '2026-01-01T00:00:00.000000Z' },
      { count: 4, lastObservedTime: '2026-01-01T00:00:00.000000Z' },
    ]);
    await recorder.flush();
    scheduler.advance(600_000);
    recorder.record(certificate, issued);
    expect((await written()).method).toBe('POST');
    await recorder.flush();
    expect(server.untaken).toBe(0);
  });

  it('are at most 25 different ones for one object in ten minutes', async () => {
    const write = (n: number) => recorder.record(certificate, { ...issued, note: `attempt ${n}` });
    for (let n = 0; n < 30; n++) write(n);
    for (let n = 0; n < 25; n++) await written();
    await recorder.flush();
    expect(server.untaken).toBe(0);
    scheduler.advance(600_000);
    write(30);
    await written();
  });

  it('that are refused are dropped, said once in the log, and break nothing', async () => {
    for (const reason of ['First', 'Second']) {
      recorder.record(certificate, { ...issued, reason });
      recorder.record(certificate, { ...issued, reason });
      (await server.next()).refuse(403, 'Forbidden');
      await recorder.flush();
    }
    expect(log.lines).toEqual([expect.stringMatching(/^warn: events are not recorded: .*Forbidden/)]);
    expect(server.untaken).toBe(0);
  });

  it('have a note that the API server accepts, however long it is', async () => {
    recorder.record(certificate, { ...issued, note: 'ü'.repeat(2_000) });
    const { body } = await written();
    expect(Buffer.byteLength(`${body.note}`)).toBeLessThanOrEqual(1_024);
  });
});

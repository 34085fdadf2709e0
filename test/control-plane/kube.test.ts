import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KubeClient } from '../../operator/kube/client.ts';
import { loadKubeConfig } from '../../operator/kube/credentials.ts';
import { hasReason } from '../../operator/kube/errors.ts';
import { Reflector } from '../../operator/kube/reflector.ts';
import { type ConfigMapObject, configMaps, type KubeObject, secrets } from '../../operator/kube/resource.ts';
import type { Cache } from '../../operator/kube/store.ts';
import { EventRecorder, events } from '../../operator/runtime/events.ts';
import { systemScheduler } from '../../operator/runtime/scheduler.ts';
import { RecordedLog } from '../../operator/runtime/testing/recorded-log.ts';
import { type ControlPlane, controlPlaneAvailable, startControlPlane } from '../support/control-plane.ts';

describe.runIf(controlPlaneAvailable)('against a real API server', () => {
  let plane: ControlPlane;
  let client: KubeClient;
  let namespace: string;

  beforeAll(async () => {
    plane = await startControlPlane();
    client = plane.client;
  });

  afterAll(() => plane?.stop());

  beforeEach(async () => {
    namespace = await plane.createNamespace();
  });

  const configMap = (name: string, data: Record<string, string>) => ({ metadata: { namespace, name }, data });

  describe('verbs', () => {
    it('create, get, update, patch, delete', async () => {
      const created = await client.create(configMaps, configMap('a', { step: 'created' }));
      expect(created).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { step: 'created' } });
      expect(await client.get(configMaps, created.metadata)).toEqual(created);
      const updated = await client.update(configMaps, { ...created, data: { step: 'updated' } });
      expect(updated.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
      const patched = await client.patch(configMaps, updated.metadata, { data: { more: 'x' } });
      expect(patched.data).toEqual({ step: 'updated', more: 'x' });
      expect(await client.delete(configMaps, patched.metadata, { propagation: 'Background' })).toBe(true);
      expect(await client.delete(configMaps, patched.metadata)).toBe(false);
      expect(await client.get(configMaps, patched.metadata)).toBeUndefined();
    });

    it('a second create is AlreadyExists', async () => {
      await client.create(configMaps, configMap('a', {}));
      const again = client.create(configMaps, configMap('a', {}));
      await expect(again).rejects.toSatisfy((error) => hasReason(error, 'AlreadyExists'));
    });

    it('update, patch, apply and delete of a version that is no longer the latest are Conflicts', async () => {
      const old = await client.create(configMaps, configMap('a', { by: 'me' }));
      await client.update(configMaps, { ...old, data: { by: 'somebody else' } });
      const { uid, resourceVersion } = old.metadata;
      const attempts = [
        client.update(configMaps, old),
        client.patch(configMaps, old.metadata, { data: { by: 'me' } }),
        client.apply(configMaps, { metadata: { namespace, name: 'a', resourceVersion }, data: { by: 'me' } }),
        client.delete(configMaps, old.metadata, { resourceVersion }),
        client.delete(configMaps, old.metadata, { uid: `${uid.slice(0, -4)}0000` }),
      ];
      for (const attempt of await Promise.allSettled(attempts))
        expect(attempt.status === 'rejected' && hasReason(attempt.reason, 'Conflict')).toBe(true);
      expect((await client.get(configMaps, old.metadata))?.data).toEqual({ by: 'somebody else' });
    });

    it('a kind that the server does not know is a failure that names the definitions, not "no such object"', async () => {
      const type = { group: 'vcs-pki.test', version: 'v1', plural: 'nothings', kind: 'Nothing', namespaced: true };
      await expect(client.get(type, { namespace, name: 'a' })).rejects.toMatchObject({ status: 404 });
      await expect(client.create(configMaps, { metadata: { namespace: 'no-such', name: 'a' } })).rejects.toMatchObject({
        reason: 'NotFound',
      });
    });

    it('I1: a Secret that is refused is not in the message', async () => {
      const data = { 'tls.crt': 'bm90aGluZw==' };
      const attempt = client.create(secrets, { metadata: { namespace, name: 'a' }, type: 'kubernetes.io/tls', data });
      await expect(attempt).rejects.toMatchObject({ status: 422, message: expect.stringContaining('data[tls.key]') });
      const undecodable = client.create(secrets, { metadata: { namespace, name: 'a' }, data: { key: 'not base64!' } });
      await expect(undecodable).rejects.toMatchObject({ status: 400, message: expect.not.stringContaining('base64') });
    });
  });

  describe('server-side apply', () => {
    it('creates, changes, and drops what is no longer applied', async () => {
      await client.apply(configMaps, configMap('a', { kept: '1', dropped: '1' }));
      expect((await client.apply(configMaps, configMap('a', { kept: '2' }))).data).toEqual({ kept: '2' });
    });

    it('of nothing new keeps the resourceVersion', async () => {
      const first = await client.apply(configMaps, configMap('a', { x: '1' }));
      const second = await client.apply(configMaps, configMap('a', { x: '1' }));
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    });

    it('takes over a field of another manager, unless it is told not to', async () => {
      await client.apply(configMaps, configMap('a', { x: 'theirs' }), { fieldManager: 'kubectl' });
      const polite = client.apply(configMaps, configMap('a', { x: 'ours' }), { force: false });
      await expect(polite).rejects.toSatisfy((error) => hasReason(error, 'Conflict'));
      expect((await client.apply(configMaps, configMap('a', { x: 'ours' }))).data).toEqual({ x: 'ours' });
    });

    it('of the status leaves the spec and its generation alone', async () => {
      interface Gadget extends KubeObject {
        readonly spec?: { readonly size?: number };
        readonly status?: { readonly ready?: boolean };
      }
      const type = {
        group: 'vcs-pki.test',
        version: 'v1',
        plural: 'gadgets',
        kind: 'Gadget',
        namespaced: true,
      } as const;
      const [, gadget] = await plane.applyManifest([gadgets, gadgetIn(namespace)]);
      const updated = await client.applyStatus<Gadget>(type, {
        metadata: { namespace, name: 'g' },
        status: { ready: true },
      });
      expect(updated).toMatchObject({ spec: { size: 1 }, status: { ready: true } });
      expect(updated.metadata.generation).toBe(gadget?.metadata.generation);
    });
  });

  it('list reads more than a page, in one state', async () => {
    const names = Array.from({ length: 520 }, (_, n) => `cm-${n}`);
    await Promise.all(names.map((name) => client.create(configMaps, configMap(name, {}))));
    const { items, resourceVersion } = await client.list(configMaps, { namespace });
    expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(names.sort());
    expect(items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    expect(resourceVersion).toMatch(/^\d+$/);
  });

  it('events are accepted and counted', async () => {
    const object = await client.create(configMaps, configMap('a', {}));
    const log = new RecordedLog();
    const recorder = new EventRecorder({
      client,
      controller: 'vcs-pki.dev/operator',
      instance: 'test',
      scheduler: systemScheduler,
      log,
    });
    for (let n = 0; n < 3; n++)
      recorder.record(object, { type: 'Warning', reason: 'Refused', note: 'ü'.repeat(2_000) });
    await recorder.flush();
    expect(log.lines).toEqual([]);
    const { items } = await client.list(events, { namespace });
    expect(items).toMatchObject([{ reason: 'Refused', type: 'Warning', series: { count: 2 } }]);
  });

  describe('over a line that counts connections and can be cut', () => {
    let line: Line;
    let lineClient: KubeClient;

    beforeEach(async () => {
      line = await Line.to(plane.port);
      const config = await loadKubeConfig({ file: plane.kubeconfig.path });
      for (const cluster of config.clusters) Object.assign(cluster, { server: `https://127.0.0.1:${line.port}` });
      lineClient = new KubeClient(config, systemScheduler);
      return async () => {
        lineClient.close();
        await line.stop();
      };
    });

    it('many requests share few connections', async () => {
      for (let n = 0; n < 5; n++) {
        const some = Array.from({ length: 100 }, () => lineClient.get(configMaps, { namespace, name: 'none' }));
        expect(new Set(await Promise.all(some))).toEqual(new Set([undefined]));
      }
      expect(line.connections).toBeLessThanOrEqual(32);
    });

    it('a watch that is cut resumes and misses nothing', async () => {
      const { cache, log } = await reflecting(lineClient);
      await client.create(configMaps, configMap('before', {}));
      await known(cache, 'before');
      line.cut();
      await client.create(configMaps, configMap('meanwhile', {}));
      await known(cache, 'before', 'meanwhile');
      expect(log.lines[0]).toMatch(/^warn: lost sight of configmaps/);
    });
  });

  it('an API server that is killed and started again in the middle of a watch: nothing is missed', async () => {
    const { cache, log } = await reflecting(client);
    await client.create(configMaps, configMap('kept', {}));
    const deleted = await client.create(configMaps, configMap('deleted', {}));
    await known(cache, 'kept', 'deleted');
    await plane.restartApiServer();
    await client.delete(configMaps, deleted.metadata);
    await client.create(configMaps, configMap('new', {}));
    await known(cache, 'kept', 'new');
    expect(log.lines.map((each) => each.slice(0, 24))).toEqual([
      'warn: lost sight of conf',
      'info: configmaps in test',
    ]);
  });

  /** A reflector of this test's ConfigMaps, stopped at its end. */
  const stops: (() => Promise<void>)[] = [];
  beforeEach(() => async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  async function reflecting(by: KubeClient): Promise<{ cache: Cache<ConfigMapObject>; log: RecordedLog }> {
    const log = new RecordedLog();
    const reflector = new Reflector({
      client: by,
      type: configMaps,
      namespace,
      scheduler: systemScheduler,
      random: Math.random,
      log,
    });
    stops.push(() => reflector.stop());
    reflector.start();
    expect(await reflector.cache.synced).toBe(true);
    return { cache: reflector.cache, log };
  }
});

/** Resolves when the cache holds exactly these objects. */
function known(cache: Cache<KubeObject>, ...names: string[]): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      const held = cache.list().map(({ metadata }) => metadata.name);
      if (held.sort().join() !== names.sort().join()) return;
      stop();
      resolve();
    };
    const stop = cache.onChange(look);
    look();
  });
}

const gadgets = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.vcs-pki.test' },
  spec: {
    group: 'vcs-pki.test',
    scope: 'Namespaced',
    names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

const gadgetIn = (namespace: string) => ({
  apiVersion: 'vcs-pki.test/v1',
  kind: 'Gadget',
  metadata: { namespace, name: 'g' },
  spec: { size: 1 },
});

/** A TCP relay to a port on the loopback interface. */
class Line {
  connections = 0;
  readonly #server: Server;
  readonly #open = new Set<() => void>();

  private constructor(target: number) {
    this.#server = createServer((near) => {
      this.connections += 1;
      const far = connect(target, '127.0.0.1');
      const cut = () => {
        near.destroy();
        far.destroy();
        this.#open.delete(cut);
      };
      this.#open.add(cut);
      for (const end of [near, far]) end.on('error', cut).on('close', cut);
      near.pipe(far).pipe(near);
    });
  }

  static async to(target: number): Promise<Line> {
    const line = new Line(target);
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    return line;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the line is closed');
    return address.port;
  }

  cut(): void {
    for (const cut of [...this.#open]) cut();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }
}

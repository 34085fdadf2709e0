import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../src/authority/ports.ts';
import {
  type AuthorityObject,
  type CertificateObject,
  certificateAuthorities,
  certificates,
  issuedCertificates,
} from './api/resources.ts';
import { ABANDONED } from './controllers/abandoned.ts';
import { reconcileAuthority } from './controllers/authority.ts';
import { reconcileCertificate } from './controllers/certificate.ts';
import { reconcileKeys } from './controllers/keys.ts';
import { conditionsOf, serialOf } from './controllers/status.ts';
import type { World } from './controllers/world.ts';
import { type KubeApi, KubeClient } from './kube/client.ts';
import { type KubeConfigSource, loadKubeConfig } from './kube/credentials.ts';
import { isPartOf } from './kube/kube-material.ts';
import { claimedOwner } from './kube/labels.ts';
import { Reflector } from './kube/reflector.ts';
import { configMaps, type KubeObject, keyOf, type ResourceType, type Stored, secrets } from './kube/resource.ts';
import type { Cache } from './kube/store.ts';
import { findCondition } from './runtime/conditions.ts';
import { Controller } from './runtime/controller.ts';
import { EventRecorder } from './runtime/events.ts';
import { inWords, type Log } from './runtime/log.ts';
import { pause, type Scheduler, systemScheduler } from './runtime/scheduler.ts';

/** How many Certificates are worked on at a time; each waits mostly for the API server. */
const CONCURRENCY = 8;
const CONNECT_AGAIN_MS = 5_000;

export interface OperatorOptions {
  readonly client: KubeApi;
  /** The namespace whose resources it looks after. Default: all namespaces. */
  readonly namespace?: string;
  /** The clock and timers. Default: those of the system. */
  readonly scheduler?: Scheduler;
  /** Where serial numbers come from. */
  readonly random: Random;
  readonly log: Log;
  /** The name of this process in events, such as that of its pod. Default `vcs-pki`. */
  readonly instance?: string;
  /** Gives up while the API server can't be reached yet. */
  readonly signal?: AbortSignal;
}

export interface Operator {
  /** Resolves when nothing is left running; what can't end within the grace time (default 30 s) is aborted. */
  stop(graceMs?: number): Promise<void>;
}

/** A client for the API server that a kubeconfig names, or for the one of the pod. */
export async function connect(source: KubeConfigSource = {}): Promise<KubeClient> {
  return new KubeClient(await loadKubeConfig(source), systemScheduler);
}

/**
 * Starts looking after CertificateAuthorities and Certificates. Resolves once everything there is has been seen and work on it
 * has begun; an API server that can't be reached yet is waited for. Run one per namespace: a second one does no harm, but work twice.
 */
export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const { client, random, log, scheduler = systemScheduler, instance = 'vcs-pki', signal } = options;
  const scope = options.namespace === undefined ? {} : { namespace: options.namespace };
  await reach(client, scope, scheduler, log, signal);

  const recorder = new EventRecorder({ client, controller: 'vcs-pki.dev/operator', instance, scheduler, log });
  const world: World = {
    client,
    clock: scheduler,
    random,
    pending: new Map(),
    announce(object, details) {
      const line = `${object.kind} ${keyOf(object.metadata)}: ${details.note}`;
      if (details.type === 'Warning') log.warn(line);
      else log.info(line);
      recorder.record(object, details);
    },
  };

  const reflectors: { stop(): Promise<void> }[] = [];
  const watch = <T extends KubeObject>(type: ResourceType<T>): Cache<T> => {
    const reflector = new Reflector({ client, type, ...scope, scheduler, random: Math.random, log });
    reflectors.push(reflector);
    reflector.start();
    return reflector.cache;
  };
  const sources: Sources = {
    authorities: watch(certificateAuthorities),
    certificates: watch(certificates),
    // Only that something happened to these is of interest, and no key stays in memory.
    records: watch<KubeObject>({ ...issuedCertificates, metadataOnly: true }),
    secrets: watch<KubeObject>({ ...secrets, metadataOnly: true }),
    configMaps: watch<KubeObject>({ ...configMaps, metadataOnly: true }),
  };

  const surroundings = {
    certificates: () => sources.certificates.list(),
    secrets: () => sources.secrets.list(),
  };
  const authorities = new Controller({
    name: 'CertificateAuthority',
    reconcile: (key) => reconcileAuthority(key, world),
    scheduler,
    log,
  });
  const leaves = new Controller({
    name: 'Certificate',
    reconcile: (key, aborted) => reconcileCertificate(key, world, surroundings, aborted),
    concurrency: CONCURRENCY,
    scheduler,
    log,
  });
  const keys = new Controller({
    name: 'Keys of namespace',
    reconcile: (namespace) => reconcileKeys(namespace, world),
    scheduler,
    log,
  });

  const giveUp = () => void Promise.all(reflectors.map((reflector) => reflector.stop()));
  signal?.addEventListener('abort', giveUp);
  await Promise.all(Object.values(sources).map(({ synced }) => synced));
  signal?.removeEventListener('abort', giveUp);
  signal?.throwIfAborted();
  trigger(sources, { authorities, leaves, keys });
  for (const object of sources.authorities.list()) authorities.enqueue(keyOf(object.metadata));
  for (const object of sources.certificates.list()) leaves.enqueue(keyOf(object.metadata));
  for (const { metadata } of sources.records.list()) keys.enqueue(metadata.namespace ?? '');
  for (const controller of [authorities, leaves, keys]) controller.start();
  return {
    async stop(graceMs) {
      await Promise.all([authorities, leaves, keys].map((controller) => controller.stop(graceMs)));
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
      await recorder.flush();
    },
  };
}

interface Sources {
  readonly authorities: Cache<AuthorityObject>;
  readonly certificates: Cache<CertificateObject>;
  readonly records: Cache<KubeObject>;
  readonly secrets: Cache<KubeObject>;
  readonly configMaps: Cache<KubeObject>;
}

interface Controllers {
  readonly authorities: Controller;
  readonly leaves: Controller;
  readonly keys: Controller;
}

/** Which change makes which object worth another look, by names alone. Our own writes do too: the second look finds nothing to do. */
function trigger(sources: Sources, { authorities, leaves, keys }: Controllers): void {
  const enqueueLeaves = (namespace: string | undefined, wanted: (object: Stored<CertificateObject>) => boolean) => {
    for (const object of sources.certificates.list())
      if (object.metadata.namespace === namespace && wanted(object)) leaves.enqueue(keyOf(object.metadata));
  };
  const enqueueAuthority = (namespace: string | undefined, name: string | undefined) => {
    if (name === undefined) return;
    const key = keyOf({ ...(namespace !== undefined && { namespace }), name });
    if (sources.authorities.get(key)) authorities.enqueue(key);
  };

  sources.authorities.onChange(({ kind, object, previous }) => {
    if (!previous || isChangedByUser(object, previous)) authorities.enqueue(keyOf(object.metadata));
    const { name, namespace } = object.metadata;
    const isMine = (other: Stored<AuthorityObject | CertificateObject>) => other.spec.issuerRef?.name === name;
    const news = kind !== 'updated' || !previous || readiness(object) !== readiness(previous);
    enqueueLeaves(namespace, (leaf) => isRemoved(leaf) || (news && isMine(leaf)));
    if (!news) return;
    keys.enqueue(namespace ?? '');
    for (const child of sources.authorities.list())
      if (child.metadata.namespace === namespace && isMine(child)) authorities.enqueue(keyOf(child.metadata));
  });
  sources.certificates.onChange(({ kind, object, previous }) => {
    const { spec, metadata } = object;
    if (kind === 'deleted' || (isRemoved(object) && previous && !isRemoved(previous)))
      enqueueLeaves(metadata.namespace, (leaf) => leaf.spec.demandId === spec.demandId);
    if (kind !== 'deleted' && (!previous || isChangedByUser(object, previous))) leaves.enqueue(keyOf(metadata));
  });
  // A record changes when it is revoked, and once when a version after the one that wrote it adds the id of its key.
  sources.records.onChange(({ kind, object: { metadata } }) => {
    if (kind !== 'updated') return;
    const { authority, serial } = /^(?<authority>.+)-\d+-(?<serial>[0-9a-f]+)$/.exec(metadata.name)?.groups ?? {};
    keys.enqueue(metadata.namespace ?? '');
    enqueueAuthority(metadata.namespace, authority);
    enqueueLeaves(
      metadata.namespace,
      (leaf) => isRemoved(leaf) || serialOf(leaf)?.toLowerCase() === serial || isCondition(leaf, ABANDONED),
    );
  });
  sources.secrets.onChange(({ object }) => {
    const { namespace, name } = object.metadata;
    enqueueAuthority(namespace, /^(?<authority>.+)-ca$/.exec(name)?.groups?.authority);
    const owner = claimedOwner(object);
    enqueueLeaves(namespace, ({ spec }) => spec.secretName === name || spec.demandId === owner);
  });
  sources.configMaps.onChange(({ object: { metadata } }) => {
    const { list = '', authority } = /^(?<list>(?<authority>.+)-crl)(-|$)/.exec(metadata.name)?.groups ?? {};
    if (metadata.name === list || isPartOf(list, metadata.name)) enqueueAuthority(metadata.namespace, authority);
  });
}

function isRemoved({ metadata }: Stored): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function isCondition(object: Stored<CertificateObject>, type: string): boolean {
  return findCondition(conditionsOf(object), type)?.status === 'True';
}

/** Not by a status of ours. */
function isChangedByUser({ metadata: now }: Stored, { metadata: before }: Stored): boolean {
  return (
    now.generation !== before.generation ||
    now.deletionTimestamp !== before.deletionTimestamp ||
    !isDeepStrictEqual(now.annotations, before.annotations)
  );
}

/** With the time of the last change: while nothing could be watched it may have been lost and regained. */
function readiness(object: Stored<AuthorityObject>): string | undefined {
  const ready = findCondition(conditionsOf(object), 'Ready');
  return ready && `${ready.status} ${ready.lastTransitionTime}`;
}

/** Waits for the API server, saying once that it does. */
async function reach(
  client: KubeApi,
  scope: { readonly namespace?: string },
  scheduler: Scheduler,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let said = false; ; said = true) {
    try {
      await client.list(certificateAuthorities, { ...scope, ...(signal && { signal }) });
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!said) log.warn(`waiting for the API server: ${inWords(error)}`);
      await pause(scheduler, CONNECT_AGAIN_MS, signal);
      signal?.throwIfAborted();
    }
  }
}

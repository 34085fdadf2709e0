import type { KubeClient } from '../kube/client.ts';
import type { KubeObject, ResourceType, Stored } from '../kube/resource.ts';
import { inWords, type Log } from './log.ts';
import type { Scheduler } from './scheduler.ts';

const WINDOW_MS = 600_000;
const EVENTS_PER_WINDOW = 25;
const NOTE_LIMIT_BYTES = 1_000;

export interface EventDetails {
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase, for programs. */
  readonly reason: string;
  /** A sentence for people; no key material (I1). Cut after 1000 bytes. */
  readonly note: string;
}

export interface EventRecorderOptions {
  readonly client: Pick<KubeClient, 'create' | 'patch'>;
  /** The name that events are reported under, such as `vcs-pki.dev/operator`. */
  readonly controller: string;
  /** This process, such as the name of its pod. */
  readonly instance: string;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** events.k8s.io/v1 Event, as far as it is written here. */
export interface EventObject extends KubeObject {
  readonly eventTime: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly action: string;
  readonly reason: string;
  readonly note: string;
  readonly type: string;
  readonly regarding: Readonly<Record<string, string | undefined>>;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

export const events: ResourceType<EventObject> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** What was told about one object lately. */
interface Window {
  readonly begun: number;
  readonly told: Map<string, Told>;
}

interface Told {
  count: number;
  /** Its last write: the event as stored, or undefined where that failed. */
  event: Promise<Stored<EventObject> | undefined>;
}

/**
 * Writes events about objects for `kubectl describe`. A repeat within ten minutes becomes a count on the first event, written at
 * every doubling; one object gets at most 25 different ones in that time. An event that can't be written is dropped and logged.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #windows = new Map<string, Window>();
  #sequence = 0;
  #failing = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Returns at once and never throws. */
  record(object: Stored, details: EventDetails): void {
    const told = this.#toldLately(object.metadata.uid);
    const what = JSON.stringify(details);
    const before = told.get(what);
    if (before) this.#repeat(before);
    else if (told.size < EVENTS_PER_WINDOW) told.set(what, { count: 1, event: this.#create(object, details) });
  }

  /** Resolves when everything recorded so far is written or dropped. */
  async flush(): Promise<void> {
    const told = [...this.#windows.values()].flatMap((window) => [...window.told.values()]);
    await Promise.all(told.map(({ event }) => event));
  }

  #toldLately(uid: string): Map<string, Told> {
    const now = this.#options.scheduler.now().getTime();
    for (const [old, { begun }] of this.#windows) {
      if (now - begun < WINDOW_MS) break;
      this.#windows.delete(old);
    }
    const window = this.#windows.get(uid) ?? { begun: now, told: new Map() };
    this.#windows.set(uid, window);
    return window.told;
  }

  #create(object: Stored, { type, reason, note }: EventDetails): Promise<Stored<EventObject> | undefined> {
    const { controller, instance, client } = this.#options;
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const { apiVersion, kind } = object;
    this.#sequence += 1;
    const suffix = `${this.#options.scheduler.now().getTime().toString(16)}-${this.#sequence.toString(16)}`;
    return this.#unlessItFails(
      client.create(events, {
        metadata: { name: `${name.slice(0, 200)}.${suffix}`, namespace: namespace ?? 'default' },
        eventTime: this.#microTime(),
        reportingController: controller,
        reportingInstance: instance,
        action: 'Reconcile',
        type,
        reason,
        note: Buffer.from(note).subarray(0, NOTE_LIMIT_BYTES).toString(),
        regarding: { apiVersion, kind, namespace, name, uid, resourceVersion },
      }),
    );
  }

  #repeat(told: Told): void {
    told.count += 1;
    if (!Number.isInteger(Math.log2(told.count))) return;
    const series = { count: told.count, lastObservedTime: this.#microTime() };
    told.event = told.event.then(
      (event) => event && this.#unlessItFails(this.#options.client.patch(events, event.metadata, { series })),
    );
  }

  async #unlessItFails(written: Promise<Stored<EventObject>>): Promise<Stored<EventObject> | undefined> {
    try {
      const event = await written;
      this.#failing = false;
      return event;
    } catch (error) {
      if (!this.#failing) this.#options.log.warn(`events are not recorded: ${inWords(error)}`);
      this.#failing = true;
      return undefined;
    }
  }

  /** metav1.MicroTime: RFC 3339 with six decimals. */
  #microTime(): string {
    return this.#options.scheduler.now().toISOString().replace('Z', '000Z');
  }
}

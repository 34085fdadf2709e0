import { inWords, type Log } from '../runtime/log.ts';
import { pause, type Scheduler } from '../runtime/scheduler.ts';
import type { KubeClient } from './client.ts';
import { KubeApiError } from './errors.ts';
import type { KubeObject, ResourceType } from './resource.ts';
import { type Cache, Store } from './store.ts';

const BACKOFF_BASE_MS = 800;
const BACKOFF_LIMIT_MS = 30_000;
/** A watch that lasted this long was no failure, however it ended. */
const STEADY_MS = 10_000;
/** After so many refused watches in a row the resourceVersion itself may be what the server can't serve, as after a restored backup. */
const REFUSALS_BEFORE_LIST = 3;

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly type: ResourceType<T>;
  /** Default: all namespaces. */
  readonly namespace?: string;
  readonly scheduler: Scheduler;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/**
 * Keeps a cache equal to what the API server has, by a list and then a watch, for ever: whatever goes wrong, it tries again
 * after 0.8 to 30 seconds, and says once that it lost the server and once that it is back.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #store: Store<T>;
  readonly #stop = new AbortController();
  readonly #subject: string;
  /** Where to watch from; undefined: list first. Opaque. */
  #resourceVersion: string | undefined;
  #attempts = 0;
  #refusals = 0;
  #lost = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#store = new Store(options.log);
    const { type, namespace } = options;
    this.#subject = namespace === undefined ? type.plural : `${type.plural} in ${namespace}`;
  }

  get cache(): Cache<T> {
    return this.#store;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves when nothing is left running. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#store.end();
  }

  async #run(): Promise<void> {
    const { scheduler } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const begun = scheduler.now().getTime();
      const failure = await this.#listAndWatch(signal);
      if (signal.aborted) return;
      if (scheduler.now().getTime() - begun >= STEADY_MS) this.#attempts = 0;
      const wait = Math.max(this.#backoff(), failure === undefined ? 0 : retryAfterMs(failure));
      if (failure !== undefined) this.#sayLost(failure);
      await pause(scheduler, wait, signal);
    }
  }

  /** Until the watch ends; resolves with why, if that was a failure. */
  async #listAndWatch(signal: AbortSignal): Promise<unknown> {
    try {
      this.#resourceVersion ??= await this.#list(signal);
      await this.#watch(this.#resourceVersion, signal);
      return undefined;
    } catch (error) {
      if (error instanceof KubeApiError && error.status !== undefined) this.#refusals += 1;
      const gone = error instanceof KubeApiError && error.status === 410;
      if (gone || this.#refusals >= REFUSALS_BEFORE_LIST) this.#resourceVersion = undefined;
      return gone ? undefined : error;
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { client, type } = this.#options;
    const { items, resourceVersion } = await client.list(type, { ...this.#scope(), signal });
    this.#store.replace(items);
    this.#refusals = 0;
    return resourceVersion;
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, type, random } = this.#options;
    const timeoutSeconds = 300 + random() * 300;
    const events = await client.watch(type, { ...this.#scope(), resourceVersion, timeoutSeconds, signal });
    this.#sayBack();
    for await (const event of events) {
      if (signal.aborted) return;
      this.#refusals = 0;
      if (event.type === 'BOOKMARK') {
        this.#resourceVersion = event.resourceVersion;
        continue;
      }
      if (event.type === 'DELETED') this.#store.remove(event.object);
      else this.#store.put(event.object);
      this.#resourceVersion = event.object.metadata.resourceVersion;
    }
  }

  #scope(): { namespace?: string } {
    const { namespace } = this.#options;
    return namespace === undefined ? {} : { namespace };
  }

  /** Exponential, with up to the same again by chance, so that a server that comes back is not met by everybody at once. */
  #backoff(): number {
    const ms = BACKOFF_BASE_MS * 2 ** this.#attempts * (1 + this.#options.random());
    this.#attempts += 1;
    return Math.min(ms, BACKOFF_LIMIT_MS);
  }

  #sayLost(failure: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#options.log.warn(`lost sight of ${this.#subject}, trying again: ${inWords(failure)}`);
  }

  #sayBack(): void {
    if (!this.#lost) return;
    this.#lost = false;
    this.#options.log.info(`${this.#subject} are in sight again`);
  }
}

function retryAfterMs(failure: unknown): number {
  return failure instanceof KubeApiError ? (failure.retryAfterSeconds ?? 0) * 1_000 : 0;
}

import { inWords, type Log } from './log.ts';
import { WorkQueue } from './queue.ts';
import { pause, type Scheduler } from './scheduler.ts';

/** `wait`: nothing to do before that time, unless something changes. A failure is thrown. */
export type Outcome = { readonly kind: 'done' } | { readonly kind: 'wait'; readonly until: Date };

export interface ControllerOptions {
  readonly name: string;
  /** Brings the object of that key (`namespace/name`) to what it should be; it may be gone. `signal` is aborted when the operator can't wait any longer. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>;
  /** Keys worked on at a time. Default 1. One key is never worked on twice at a time. */
  readonly concurrency?: number;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** Calls `reconcile` for every key that was enqueued: again at the time it asks for, and after a growing back-off when it fails. */
export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  readonly #abort = new AbortController();
  readonly #reported = new Map<string, string>();
  #workers: Promise<void>[] = [];

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#queue = new WorkQueue({ scheduler: options.scheduler });
  }

  /** Asks for a reconcile of `key` as soon as possible. Before `start` keys only gather. */
  enqueue(key: string): void {
    this.#queue.add(key);
  }

  /** Starts the workers. Call it once the caches that `reconcile` reads are synced. */
  start(): void {
    this.#workers = Array.from({ length: this.#options.concurrency ?? 1 }, () => this.#work());
  }

  /** Takes no further keys and resolves when the running reconciles have ended; aborts them after the grace time. */
  async stop(graceMs = 30_000): Promise<void> {
    this.#queue.close();
    const drained = Promise.all(this.#workers);
    const noLongerWaiting = new AbortController();
    const patience = pause(this.#options.scheduler, graceMs, noLongerWaiting.signal).then(() => this.#abort.abort());
    await drained;
    noLongerWaiting.abort();
    await patience;
  }

  async #work(): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      await this.#reconcile(key);
      this.#queue.done(key);
    }
  }

  async #reconcile(key: string): Promise<void> {
    try {
      const outcome = await this.#options.reconcile(key, this.#abort.signal);
      this.#reported.delete(key);
      this.#queue.forget(key);
      if (outcome.kind === 'wait') this.#queue.addAt(key, outcome.until);
    } catch (error) {
      this.#report(key, inWords(error));
      this.#queue.retry(key);
    }
  }

  /** The same failure of the same key is said once, until it succeeds or fails differently. */
  #report(key: string, failure: string): void {
    if (this.#reported.get(key) === failure) return;
    this.#reported.set(key, failure);
    this.#options.log.error(`${this.name} ${key}: ${failure}`);
  }
}

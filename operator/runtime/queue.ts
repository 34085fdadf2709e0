import type { Cancel, Scheduler } from './scheduler.ts';

const HOUR_MS = 3_600_000;

export interface WorkQueueOptions {
  readonly scheduler: Scheduler;
  /** Wait after the first failure of a key; doubles with each further one. Default 1 s. */
  readonly backoffBaseMs?: number;
  /** The longest wait after failures. Default 5 minutes. */
  readonly backoffLimitMs?: number;
}

/**
 * Keys that need work, first come, first served. A key is with one worker at a time; however often it is added meanwhile,
 * it comes once more afterwards.
 */
export class WorkQueue {
  readonly #scheduler: Scheduler;
  readonly #backoffBaseMs: number;
  readonly #backoffLimitMs: number;
  readonly #ready = new Set<string>();
  readonly #processing = new Set<string>();
  readonly #again = new Set<string>();
  readonly #waiting = new Map<string, { readonly due: number; readonly cancel: Cancel }>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #closed = false;

  constructor({ scheduler, backoffBaseMs = 1_000, backoffLimitMs = 300_000 }: WorkQueueOptions) {
    this.#scheduler = scheduler;
    this.#backoffBaseMs = backoffBaseMs;
    this.#backoffLimitMs = backoffLimitMs;
  }

  /** Work is due now. Overrides a wait for the same key. */
  add(key: string): void {
    if (this.#closed) return;
    this.#stopWaiting(key);
    if (this.#processing.has(key)) this.#again.add(key);
    else this.#ready.add(key);
    this.#handOut();
  }

  /** Work is due at a time of the wall clock, looked at again every hour. Of several times for a key the earliest counts. */
  addAt(key: string, at: Date): void {
    const remaining = at.getTime() - this.#scheduler.now().getTime();
    this.#wait(key, remaining, () => (this.#scheduler.now() >= at ? this.add(key) : this.addAt(key, at)));
  }

  /** Work is due after `ms` milliseconds (at most an hour), whatever the wall clock does. Of several times for a key the earliest counts. */
  addAfter(key: string, ms: number): void {
    this.#wait(key, ms, () => this.add(key));
  }

  /** Adds a key that failed, after its back-off. */
  retry(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(this.#backoffBaseMs * 2 ** failures, this.#backoffLimitMs));
  }

  /** The key succeeded: its next failure waits the shortest time again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, as soon as there is one; undefined when the queue is closed. Ends with `done`. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#handOut();
    });
  }

  done(key: string): void {
    this.#processing.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  /** Hands out nothing more and drops every wait. */
  close(): void {
    this.#closed = true;
    for (const key of [...this.#waiting.keys()]) this.#stopWaiting(key);
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #handOut(): void {
    for (const key of this.#ready) {
      const taker = this.#takers.shift();
      if (!taker) return;
      this.#ready.delete(key);
      this.#processing.add(key);
      taker(key);
    }
  }

  #wait(key: string, ms: number, run: () => void): void {
    if (this.#closed || this.#ready.has(key) || this.#again.has(key)) return;
    const due = this.#scheduler.now().getTime() + ms;
    if ((this.#waiting.get(key)?.due ?? Number.POSITIVE_INFINITY) <= due) return;
    this.#stopWaiting(key);
    const cancel = this.#scheduler.after(Math.min(Math.max(ms, 0), HOUR_MS), () => {
      this.#waiting.delete(key);
      run();
    });
    this.#waiting.set(key, { due, cancel });
  }

  #stopWaiting(key: string): void {
    this.#waiting.get(key)?.cancel();
    this.#waiting.delete(key);
  }
}

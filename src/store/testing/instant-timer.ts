import type { Timer } from '../timer.ts';

/** Time that passes by waiting alone, and every wait is over at once: nothing is renewed, and what is dead is soon known to be. */
export class InstantTimer implements Timer {
  #now = 0;

  now(): number {
    return this.#now;
  }

  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#now += ms;
    await new Promise((done) => setImmediate(done));
  }

  every(): () => void {
    return () => {};
  }
}

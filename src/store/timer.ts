import { setTimeout as delay } from 'node:timers/promises';

/** Time that only goes on, whatever the clock of the machine is set to. Injected, so that tests decide how it passes. */
export interface Timer {
  /** Milliseconds since some moment. */
  now(): number;
  /** Resolves after so many milliseconds; rejects as soon as `signal` is aborted. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `work` every so many milliseconds, as long as the process has something else to do. @returns what ends it */
  every(ms: number, work: () => void): () => void;
}

export const systemTimer: Timer = {
  now: () => performance.now(),
  wait: (ms, signal) => delay(ms, undefined, { signal }),
  every: (ms, work) => {
    const interval = setInterval(work, ms).unref();
    return () => clearInterval(interval);
  },
};

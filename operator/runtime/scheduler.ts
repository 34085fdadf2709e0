export type Cancel = () => void;

/** Port: the wall clock and timers. Everything that waits takes one, so that tests decide what time it is. */
export interface Scheduler {
  now(): Date;
  /** Runs `run` once after `ms` milliseconds (at most 2^31-1, Node's limit), unless cancelled before. */
  after(ms: number, run: () => void): Cancel;
}

export const systemScheduler: Scheduler = {
  now: () => new Date(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms` milliseconds, or at once when `signal` is aborted: look at the signal afterwards. */
export function pause(scheduler: Scheduler, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = scheduler.after(ms, finish);
    signal?.addEventListener('abort', finish);
  });
}

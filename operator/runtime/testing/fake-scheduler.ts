import type { Cancel, Scheduler } from '../scheduler.ts';

interface Timer {
  readonly due: number;
  readonly run: () => void;
}

/** A scheduler that stands still until a test moves it. */
export class FakeScheduler implements Scheduler {
  #elapsed = 0;
  #epoch: number;
  readonly #timers = new Set<Timer>();
  readonly #onArmed: (() => void)[] = [];

  constructor(start = new Date('2026-01-01T00:00:00Z')) {
    this.#epoch = start.getTime();
  }

  now(): Date {
    return new Date(this.#epoch + this.#elapsed);
  }

  after(ms: number, run: () => void): Cancel {
    if (ms > 2 ** 31 - 1) throw new RangeError(`a timer of ${ms} ms would fire at once`);
    const timer = { due: this.#elapsed + Math.max(0, ms), run };
    this.#timers.add(timer);
    for (const armed of this.#onArmed.splice(0)) armed();
    return () => this.#timers.delete(timer);
  }

  /** Moves the time on, running every timer that falls due, in order and at its own time. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (let next = this.#next(); next && next.due <= end; next = this.#next()) {
      this.#timers.delete(next);
      this.#elapsed = next.due;
      next.run();
    }
    this.#elapsed = end;
  }

  /** Sets the wall clock, as an administrator or NTP would: timers do not notice. */
  setClock(now: Date): void {
    this.#epoch = now.getTime() - this.#elapsed;
  }

  /** Milliseconds until the next timer. */
  get nextTimer(): number | undefined {
    const next = this.#next();
    return next && next.due - this.#elapsed;
  }

  /** Resolves as soon as somebody waits, with how long. */
  async armed(): Promise<number> {
    for (;;) {
      if (this.nextTimer !== undefined) return this.nextTimer;
      await this.#anotherTimer();
    }
  }

  /** Resolves with `ms` as soon as somebody waits for exactly that long. */
  async armedFor(ms: number): Promise<number> {
    while (![...this.#timers].some(({ due }) => due - this.#elapsed === ms)) await this.#anotherTimer();
    return ms;
  }

  #anotherTimer(): Promise<void> {
    return new Promise((resolve) => this.#onArmed.push(resolve));
  }

  #next(): Timer | undefined {
    return [...this.#timers].sort((a, b) => a.due - b.due)[0];
  }
}

import type { FileSystem } from '../file-system.ts';
import type { Timer } from '../timer.ts';

interface Turn {
  at: number;
  readonly process: SimulatedProcess;
  readonly resume: () => void;
}

/** How the processes of a simulation behave. Every number is drawn by `below`: from 0 up to and without its argument. */
export interface Behaviour {
  readonly below: (limit: number) => number;
  /** At one of so many changes, and of 50 times as many reads, a process stands still for up to `longestPauseMs`. */
  readonly pauseAtOneOf: number;
  readonly longestPauseMs: number;
}

/** Processes on one file system that take turns at random, in a time of their own. */
export class SimulatedProcesses {
  now = 0;
  readonly behaviour: Behaviour;
  readonly #disk: FileSystem;
  #turns: Turn[] = [];

  constructor(disk: FileSystem, behaviour: Behaviour) {
    this.#disk = disk;
    this.behaviour = behaviour;
  }

  start(): SimulatedProcess {
    return new SimulatedProcess(this, this.#disk);
  }

  /** Resolves when it is the turn of a process, at the earliest in so many milliseconds; never when it is dead by then. */
  turn(process: SimulatedProcess, ms: number): Promise<void> {
    return new Promise((resume) => this.#turns.push({ at: this.now + ms, process, resume }));
  }

  /** Gives turns until these works have ended, or nobody is left who could take one. */
  async run(works: readonly Promise<unknown>[]): Promise<void> {
    let isDone = false;
    void Promise.allSettled(works).then(() => {
      isDone = true;
    });
    for (;;) {
      await new Promise((done) => setImmediate(done));
      const turn = this.#takeNext();
      if (isDone || !turn) return;
      this.now = Math.max(this.now, turn.at);
      turn.resume();
    }
  }

  #takeNext(): Turn | undefined {
    this.#turns = this.#turns.filter(({ process }) => !process.isDead);
    for (const turn of this.#turns) turn.at = Math.max(turn.at, turn.process.stillUntil);
    const first = Math.min(...this.#turns.map(({ at }) => at));
    const due = this.#turns.filter(({ at }) => at === first);
    const next = due[this.behaviour.below(due.length || 1)];
    this.#turns = this.#turns.filter((turn) => turn !== next);
    return next;
  }
}

/** One process: its time, and the file system as it sees it, where every call takes some time before and behind it. */
export class SimulatedProcess implements Timer {
  isDead = false;
  stillUntil = 0;
  readonly fs: FileSystem;
  /** Resolves when the process dies. */
  readonly death: Promise<void>;
  #die = () => {};
  readonly #all: SimulatedProcesses;

  constructor(all: SimulatedProcesses, disk: FileSystem) {
    this.#all = all;
    this.death = new Promise((die) => {
      this.#die = die;
    });
    const slowed =
      (pauseAtOneOf: number) =>
      <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
      async (...args: Args): Promise<Result> => {
        await this.#step(pauseAtOneOf);
        const result = await call(...args);
        await this.#step(pauseAtOneOf);
        return result;
      };
    const { pauseAtOneOf } = all.behaviour;
    const slow = slowed(pauseAtOneOf);
    const read = slowed(50 * pauseAtOneOf);
    this.fs = {
      readFile: read((...args) => disk.readFile(...args)),
      readDirectory: read((...args) => disk.readDirectory(...args)),
      makeDirectory: slow((...args) => disk.makeDirectory(...args)),
      writeFile: slow((...args) => disk.writeFile(...args)),
      createFile: slow(async (...args) => {
        const file = await disk.createFile(...args);
        return file && { overwrite: slow((bytes) => file.overwrite(bytes)), close: slow(() => file.close()) };
      }),
      appendFile: slow((...args) => disk.appendFile(...args)),
      truncateFile: slow((...args) => disk.truncateFile(...args)),
      rename: slow((...args) => disk.rename(...args)),
      removeFile: slow((...args) => disk.removeFile(...args)),
      sync: slow((...args) => disk.sync(...args)),
    };
  }

  /** What it has begun is never ended. */
  die(): void {
    this.isDead = true;
    this.#die();
  }

  now(): number {
    return this.#all.now;
  }

  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#all.turn(this, ms);
    signal?.throwIfAborted();
  }

  every(ms: number, work: () => void): () => void {
    let isEnded = false;
    const repeat = async () => {
      for (;;) {
        await this.#all.turn(this, ms);
        if (isEnded) return;
        work();
      }
    };
    void repeat();
    return () => {
      isEnded = true;
    };
  }

  /** A moment in which the process may come to stand still. */
  async #step(pauseAtOneOf: number): Promise<void> {
    const { below, longestPauseMs } = this.#all.behaviour;
    if (longestPauseMs > 0 && below(pauseAtOneOf) === 0) this.stillUntil = this.now() + below(longestPauseMs);
    await this.#all.turn(this, below(4));
  }
}

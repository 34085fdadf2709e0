import { randomBytes } from 'node:crypto';
import type { Context } from '../../src/cli/command.ts';
import { main } from '../../src/cli/main.ts';
import type { FileSystem } from '../../src/store/file-system.ts';
import type { Holder, Processes } from '../../src/store/writer-lock.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly progress: string;
}

/** Processes of a simulation: each run is one, and is dead once the next begins. */
export class SimulatedProcesses implements Processes {
  #current = 0;

  start(): void {
    this.#current += 1;
  }

  async self(command: string): Promise<Holder> {
    return {
      id: `run-${this.#current}`,
      host: 'test',
      boot: 'boot',
      process: this.#current,
      started: '',
      command,
      since: '2026-11-21T12:00:00Z',
    };
  }

  async isAlive(holder: Holder): Promise<boolean> {
    return holder.process === this.#current;
  }
}

/** Runs vcs-pki in this process, in a world made for the test. Errors inside come out as the exit code that the shell would see. */
export async function runCli(
  args: readonly string[],
  world: { fs: FileSystem; now: () => Date; processes: Processes; cwd?: string },
): Promise<Ran> {
  let out = '';
  let progress = '';
  const context: Partial<Context> = {
    cwd: world.cwd ?? '/project',
    env: {},
    clock: { now: world.now },
    random: { bytes: (size) => randomBytes(size) },
    fs: world.fs,
    processes: world.processes,
    out: (text) => {
      out += text;
    },
    progress: (text) => {
      progress += `${text}\n`;
    },
  };
  const code = await main(args, context);
  return { code, out, progress };
}

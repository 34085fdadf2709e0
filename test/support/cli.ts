import { randomBytes } from 'node:crypto';
import type { Context } from '../../src/cli/command.ts';
import { main } from '../../src/cli/main.ts';
import type { FileSystem } from '../../src/store/file-system.ts';
import { InstantTimer } from '../../src/store/testing/instant-timer.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly progress: string;
}

/** Runs vcs-pki in this process, in a world made for the test; a lock that an earlier run left is taken over at once. Errors inside come out as the exit code that the shell would see. */
export async function runCli(
  args: readonly string[],
  world: { fs: FileSystem; now: () => Date; cwd?: string },
): Promise<Ran> {
  let out = '';
  let progress = '';
  const context: Partial<Context> = {
    cwd: world.cwd ?? '/project',
    env: {},
    clock: { now: world.now },
    random: { bytes: (size) => randomBytes(size) },
    fs: world.fs,
    timer: new InstantTimer(),
    process: { process: 1, host: 'test' },
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

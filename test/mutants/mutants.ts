import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { seeded } from '../support/random.ts';
import { drawMutants } from './drawn-mutants.ts';
import { fixedMutants, type Mutant } from './fixed-mutants.ts';

/**
 * Puts one fault after the other into a copy of the code and runs the unit tests of its folder; where these pass, all unit tests
 * that have to do with the file. Every fixed mutant must die; drawn ones that live are printed, for somebody to explain or to
 * write a test for.
 *
 * MUTANTS_SEED draws others, MUTANTS_ONLY=TEXT takes those alone whose file or behaviour has the text.
 */
const ROOMS = ['src/authority', 'src/store', 'src/verify/path', 'operator/controllers'];
const DRAWN = 100;
const WORKERS = 2;

const seed = Number(process.env.MUTANTS_SEED ?? 1);
const only = process.env.MUTANTS_ONLY ?? '';
const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n');
const drawable = tracked.filter(
  (file) => ROOMS.some((room) => dirname(file) === room) && file.endsWith('.ts') && !file.endsWith('.test.ts'),
);
const wanted = ({ file, behaviour }: Mutant) => `${file} ${behaviour}`.includes(only);

class Workshop {
  readonly #folder = mkdtempSync(join(tmpdir(), 'vcs-pki-mutants-'));

  constructor() {
    for (const file of tracked) cpSync(file, join(this.#folder, file));
    symlinkSync(resolve('node_modules'), join(this.#folder, 'node_modules'));
  }

  /** Whether some test fails on the mutant. */
  async kills({ file, find, replace }: Mutant): Promise<boolean> {
    const path = join(this.#folder, file);
    const whole = readFileSync(path, 'utf8');
    if (whole.split(find).length !== 2)
      throw new Error(`${file}: what a mutant is to find does not stand there once: ${find}`);
    writeFileSync(
      path,
      whole.replace(find, () => replace),
    );
    try {
      const vitest = (...how: string[]) =>
        exitCode(
          process.execPath,
          ['node_modules/vitest/vitest.mjs', ...how, '--project', 'unit', '--bail', '1', '--passWithNoTests'],
          this.#folder,
        );
      return (await vitest('run', dirname(file))) !== 0 || (await vitest('related', file, '--run')) !== 0;
    } finally {
      writeFileSync(path, whole);
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function exitCode(command: string, arguments_: readonly string[], cwd: string): Promise<number | null> {
  return new Promise((done, fail) => {
    const child = spawn(command, arguments_, { cwd, stdio: 'ignore' });
    child.on('error', fail);
    child.on('exit', done);
  });
}

async function survivorsOf(mutants: readonly Mutant[]): Promise<Mutant[]> {
  const waiting = [...mutants];
  const survivors: Mutant[] = [];
  const work = async () => {
    const workshop = new Workshop();
    try {
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
        const died = await workshop.kills(mutant);
        if (!died) survivors.push(mutant);
        say(`${died ? 'died ' : 'LIVES'} ${mutant.file}: ${mutant.behaviour}`);
      }
    } finally {
      workshop.remove();
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  return survivors;
}

const fixed = fixedMutants.filter(wanted);
const drawn = drawMutants(drawable, DRAWN, seeded(seed)).filter(wanted);
const alive = await survivorsOf(fixed);
const drawnAlive = await survivorsOf(drawn);
say(`${fixed.length - alive.length} of ${fixed.length} fixed mutants died`);
say(`${drawn.length - drawnAlive.length} of ${drawn.length} drawn mutants died (seed ${seed})`);
process.exitCode = alive.length === 0 ? 0 : 1;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command, Context } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import type { OptionSpec } from './options.ts';
import { UsageError } from './usage-error.ts';

/** Loaded when they are run: Terraform starts this program once per certificate. */
export const commands: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  plan: { summary: 'what apply would do, and why', load: async () => (await import('./commands/plan.ts')).planCommand },
  apply: {
    summary: 'issue, revoke, sign lists, write bundles',
    load: async () => (await import('./commands/apply.ts')).applyCommand,
  },
  issue: {
    summary: 'one certificate, if it is due',
    load: async () => (await import('./commands/issue.ts')).issueCommand,
  },
  revoke: {
    summary: 'one certificate, for good',
    load: async () => (await import('./commands/revoke.ts')).revokeCommand,
  },
  crl: {
    summary: 'sign revocation lists, all or those due',
    load: async () => (await import('./commands/crl.ts')).crlCommand,
  },
  prove: {
    summary: 'whether every TLS link verifies',
    load: async () => (await import('./commands/prove.ts')).proveCommand,
  },
  check: {
    summary: 'what is wrong, in a topology, in files or on a server',
    load: async () => (await import('./commands/check.ts')).checkCommand,
  },
  adopt: {
    summary: 'take in an authority that openssl has run',
    load: async () => (await import('./commands/adopt.ts')).adoptCommand,
  },
  confirm: {
    summary: 'that a peer has, or presents, its new certificate',
    load: async () => (await import('./commands/confirm.ts')).confirmCommand,
  },
  request: {
    summary: 'signing requests in progress elsewhere',
    load: async () => (await import('./commands/request.ts')).requestCommand,
  },
  import: {
    summary: 'take in what an authority elsewhere signed',
    load: async () => (await import('./commands/import.ts')).importCommand,
  },
  recipe: {
    summary: 'a script that makes a certificate with openssl',
    load: async () => (await import('./commands/recipe.ts')).recipeCommand,
  },
  operator: {
    summary: 'look after a namespace of a Kubernetes cluster',
    load: async () => (await import('./commands/operator.ts')).operatorCommand,
  },
  show: {
    summary: 'what a certificate, request or list says',
    load: async () => (await import('./commands/show.ts')).showCommand,
  },
};

/**
 * Runs the command line `args` and resolves with the exit code. Errors are printed, never thrown.
 * @param overrides replaces parts of the world, for tests
 */
export async function main(args: readonly string[], overrides: Partial<Context> = {}): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const { help } = await import('./help.ts');
    const topic = name === 'help' ? rest[0] : undefined;
    const entry = topic === undefined ? undefined : commandOf(topic);
    if (topic !== undefined && !entry) return noCommand(topic);
    process.stdout.write(entry && topic !== undefined ? help(topic, await entry.load()) : overview());
    return name === undefined ? exitCodes.usage.code : exitCodes.ok.code;
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${version()}\n`);
    return exitCodes.ok.code;
  }
  const entry = commandOf(name);
  if (!entry) return noCommand(name);
  return runCommand(name, await entry.load(), rest, overrides);
}

/** What others type is looked up among our own names alone: `toString` is no command. */
function commandOf(name: string) {
  return Object.hasOwn(commands, name) ? commands[name] : undefined;
}

function noCommand(name: string): number {
  process.stderr.write(
    `vcs-pki: there is no command ${name}\n  fix: use one of ${Object.keys(commands).join(', ')}; see vcs-pki --help\n`,
  );
  return exitCodes.usage.code;
}

async function runCommand(
  name: string,
  command: Command,
  args: readonly string[],
  overrides: Partial<Context>,
): Promise<number> {
  const interrupt = new AbortController();
  const stop = () => interrupt.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const options: Record<string, OptionSpec> = {
      ...command.options,
      help: { type: 'boolean', short: 'h', description: 'This text' },
    };
    const { parseOptions } = await import('./options.ts');
    const { options: given, positionals } = parseOptions(name, args, options);
    if (given.has('help')) {
      const { help } = await import('./help.ts');
      process.stdout.write(help(name, command));
      return exitCodes.ok.code;
    }
    if (positionals.length < command.minArguments || positionals.length > command.maxArguments) {
      throw new UsageError(name, `expects ${command.arguments}`);
    }
    return await command.run(positionals, given, { ...(await realWorld(interrupt.signal)), ...overrides });
  } catch (error) {
    const { reportError } = await import('./report-error.ts');
    const write = overrides.progress ?? writeError;
    if (!interrupt.signal.aborted) return reportError(error, write);
    write('interrupted: what was done is on record; run again to go on');
    return exitCodes.interrupted.code;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

async function realWorld(signal: AbortSignal): Promise<Context> {
  const { diskFileSystem } = await import('../store/file-system.ts');
  const { systemTimer } = await import('../store/timer.ts');
  const fixed = process.env.VCS_PKI_NOW;
  const now =
    fixed === undefined || fixed === '' ? undefined : (await import('./moment.ts')).parseMoment(fixed, 'VCS_PKI_NOW');
  return {
    cwd: process.cwd(),
    env: process.env,
    clock: { now: () => now ?? new Date() },
    random: { bytes: (size) => randomBytes(size) },
    fs: diskFileSystem,
    timer: systemTimer,
    process: { process: process.pid, host: hostname() },
    signal,
    out: (words) => void process.stdout.write(words),
    progress: writeError,
  };
}

function writeError(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  const codes = Object.values(exitCodes).map(({ code, meaning }) => `  ${String(code).padStart(width)}  ${meaning}`);
  return `vcs-pki: certificates as code for Cisco VCS and Expressway clusters

Usage: vcs-pki COMMAND [OPTION ...] [ARGUMENT ...]

Commands
${lines.join('\n')}

  vcs-pki COMMAND --help tells more; vcs-pki --version prints the version.

Exit codes
${codes.join('\n')}
`;
}

function version(): string {
  const file = new URL('../../../package.json', import.meta.url);
  const parsed: { version?: string } = JSON.parse(readFileSync(file, 'utf8'));
  return parsed.version ?? 'unknown';
}

function isMain(): boolean {
  const started = process.argv[1];
  return started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url);
}

if (isMain()) process.exitCode = await main(process.argv.slice(2));

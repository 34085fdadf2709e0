import type { Clock, Random } from '../authority/ports.ts';
import type { FileSystem } from '../store/file-system.ts';
import type { Timer } from '../store/timer.ts';
import type { Writer } from '../store/writer-lock.ts';
import type { OptionSpec, Options } from './options.ts';

/** What a command has to do with the world. */
export interface Context {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly fs: FileSystem;
  readonly timer: Timer;
  /** This one, as others are told of it. */
  readonly process: Omit<Writer, 'command'>;
  readonly signal: AbortSignal;
  /** For results. */
  out(text: string): void;
  /** For progress; not part of the result. */
  progress(text: string): void;
}

/** One command of vcs-pki: what its help says, and what it does. */
export interface Command {
  /** Behind the name: `[TARGET]`, `FILE...`. */
  readonly arguments: string;
  readonly minArguments: number;
  readonly maxArguments: number;
  readonly description: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly examples: readonly string[];
  /** @returns the exit code */
  run(args: readonly string[], options: Options, context: Context): Promise<number>;
}

export const outputFormats = ['table', 'json', 'yaml'] as const;

export const outputOption: Readonly<Record<string, OptionSpec>> = {
  output: {
    type: 'choice',
    choices: outputFormats,
    short: 'o',
    value: 'FORMAT',
    description: 'table (default), json or yaml',
  },
};

export const passwordOption: Readonly<Record<string, OptionSpec>> = {
  'password-file': { type: 'text', value: 'FILE', description: 'Password of PFX files and encrypted keys, in FILE' },
};

export const targetOptions: Readonly<Record<string, OptionSpec>> = {
  stack: { type: 'text', value: 'NAME', description: 'Only this stack of the target' },
};

export const writerOptions: Readonly<Record<string, OptionSpec>> = {
  'lock-timeout': {
    type: 'number',
    unit: 'seconds',
    least: 0,
    most: 86_400,
    fractions: true,
    value: 'SECONDS',
    description: 'How long to wait for another writer of the PKI directory (default 300; 30 for one that has died)',
  },
  'ca-passphrase-file': {
    type: 'text',
    value: 'FILE',
    description:
      'Passphrase of the keys of authorities; encrypts those that lie plain; also VCS_PKI_CA_PASSPHRASE_FILE',
  },
};

/** For who gives the same options to commands that write and that look. */
export const readerOptions: Readonly<Record<string, OptionSpec>> = {
  'ca-passphrase-file': {
    type: 'text',
    value: 'FILE',
    description: 'Not read: no key of an authority is opened here, and nothing is changed',
  },
};

export const bundleOptions: Readonly<Record<string, OptionSpec>> = {
  'no-bundles': { type: 'boolean', description: 'Leave the upload bundles to a later apply (as Terraform does)' },
};

/** What the resources of constructs/ add to a command. */
export const terraformOptions: Readonly<Record<string, OptionSpec>> = {
  declaration: {
    type: 'text',
    value: 'DIGEST',
    description: 'Refuse another declaration than the one that was planned (as Terraform asks)',
  },
  workspace: {
    type: 'text',
    value: 'NAME',
    description: 'Refuse a PKI directory that belongs to another Terraform workspace (as Terraform asks)',
  },
};

/** Where TARGET may point, for every help text that has one. */
export const TARGET_HELP = `TARGET is a topology.json (or .yaml), a folder that holds one, or a program (.ts, .js) that
synthesizes one. Without it, the app of cdktf.json in this folder is run; that of another folder is
run only where its cdktf.json is named.`;

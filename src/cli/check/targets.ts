import { basename, extname, join, relative, resolve } from 'node:path';
import { VcsPkiError } from '../../errors.ts';
import type { Secret } from '../../secret.ts';
import type { Artefact } from '../../verify/diagnosis/artefact.ts';
import { formatAddress, type Probed } from '../../verify/probe.ts';
import type { Context } from '../command.ts';
import { secretFile } from '../input-file.ts';
import { type Options, text } from '../options.ts';
import { type Workspace, workspaces } from '../target.ts';
import { DEFAULT_PORTS, parseServer, probeServer, type Server } from './address.ts';
import { readEvidenceFile, readEvidenceFolder, readEvidenceStream } from './files.ts';
import type { Gathered } from './gathered.ts';
import { statusOf } from './read-only.ts';

/** All that was named: topologies, and what is examined together. */
export interface Targets extends Gathered {
  readonly workspaces: readonly Workspace[];
}

/**
 * A topology as every command takes it, a file, a folder, `-` for standard input, or a server. Fails with TARGET_UNUSABLE
 * for what is none of these, and as reading and probing do.
 */
export async function readTargets(
  targets: readonly string[],
  options: Options,
  context: Context,
  input: AsyncIterable<Uint8Array>,
): Promise<Targets> {
  const passwordFile = text(options, 'password-file');
  const password = passwordFile === undefined ? undefined : await secretFile(passwordFile, context);
  const found: Workspace[] = [];
  const artefacts: Artefact[] = [];
  const notChecked: string[] = [];
  for (const target of targets.length > 0 ? targets : [undefined]) {
    if (target !== undefined && basename(target) === CDKTF) {
      throw new VcsPkiError('TARGET_UNUSABLE', {
        at: target,
        message: 'names a program, and what is looked at is not run (I14)',
        fix: 'if it is yours, run vcs-pki check in its folder, without a target',
      });
    }
    if (target === undefined || (await isTopology(target, context))) {
      found.push(...(await workspaces(target, options, context)));
      continue;
    }
    const more =
      target === '-'
        ? { artefacts: await readEvidenceStream(input, password), notChecked: [] }
        : await readEvidence(target, password, options, context);
    artefacts.push(...more.artefacts);
    notChecked.push(...more.notChecked);
  }
  return { workspaces: found, artefacts, notChecked };
}

async function readEvidence(
  target: string,
  password: Secret<string> | undefined,
  options: Options,
  context: Context,
): Promise<Gathered> {
  const path = resolve(context.cwd, target);
  const shown = shownPath(path, context);
  const status = await statusOf(path);
  switch (status?.kind) {
    case 'file':
      return { artefacts: await readEvidenceFile(path, shown, password), notChecked: [] };
    case 'folder': {
      const read = await readEvidenceFolder(path, shown, password);
      const namesProgram = (await context.fs.readFile(join(path, CDKTF))) !== undefined;
      const notRun = `${join(shown, CDKTF)}: names a program, which is not run; if it is yours, run vcs-pki check in that folder, without a target`;
      return namesProgram ? { ...read, notChecked: [...read.notChecked, notRun] } : read;
    }
    case 'other':
      throw unusable(target, 'is neither a file nor a folder');
    case undefined:
      return readServer(target, options, context);
  }
}

/** A path as people and SARIF viewers look for it: from the current folder, where it is below. */
export function shownPath(path: string, { cwd }: Pick<Context, 'cwd'>): string {
  const way = relative(cwd, path);
  return way === '' || way.startsWith('..') ? path : way;
}

const CDKTF = 'cdktf.json';

// ---- topologies ----------------------------------------------------------------------------------------------------

async function isTopology(target: string, { fs, cwd }: Context): Promise<boolean> {
  if (DECLARATIONS.has(extname(target))) return true;
  const folder = resolve(cwd, target);
  // A folder is looked at: the program that a cdktf.json in it names is not run (I14).
  if ((await statusOf(folder))?.kind === 'file') return false;
  return (await fs.readFile(join(folder, 'topology.json'))) !== undefined;
}

/** Declarations, and programs that make them. */
const DECLARATIONS: ReadonlySet<string> = new Set(['.json', '.yaml', '.yml', '.ts', '.mts', '.js', '.mjs']);

// ---- servers -------------------------------------------------------------------------------------------------------

async function readServer(target: string, options: Options, context: Context): Promise<Gathered> {
  const server = isFileName(target) ? undefined : parseServer(target);
  if (!server) throw unusable(target, 'does not exist');
  const { host, port } = server;
  if (port !== undefined)
    return gathered(formatAddress({ host, port }), await probeServer({ host, port }, options, context));
  return readDefaultPorts(server, options, context);
}

/** Behind a name without a port, one of the usual ones is enough. */
async function readDefaultPorts({ host }: Server, options: Options, context: Context): Promise<Gathered> {
  const failures: VcsPkiError[] = [];
  const answers: Gathered[] = [];
  for (const port of DEFAULT_PORTS) {
    try {
      answers.push(gathered(formatAddress({ host, port }), await probeServer({ host, port }, options, context)));
    } catch (error) {
      if (!(error instanceof VcsPkiError) || error.code !== 'PROBE_FAILED') throw error;
      failures.push(error);
    }
  }
  const [first] = failures;
  if (first && answers.length === 0) throw first;
  return {
    artefacts: answers.flatMap(({ artefacts }) => artefacts),
    notChecked: [...answers.flatMap(({ notChecked }) => notChecked), ...failures.map(({ message }) => message)],
  };
}

function gathered(path: string, probed: Probed): Gathered {
  return probed.kind === 'served'
    ? { artefacts: [{ kind: 'served', path, served: probed.served }], notChecked: [] }
    : {
        artefacts: [],
        notChecked: [`${path}: it says "${probed.says}" before anything else, and so presents no TLS certificate`],
      };
}

/** "old.pem" could be a host too, and is not. */
function isFileName(target: string): boolean {
  return /[\\/]/.test(target) || FILE_EXTENSIONS.has(extname(target).toLowerCase());
}

const FILE_EXTENSIONS: ReadonlySet<string> = new Set(
  'pem crt cer cert der key csr req crl p7b p7c p7s pfx p12 txt log cnf conf tar gz zip'
    .split(' ')
    .map((name) => `.${name}`),
);

function unusable(at: string, message: string): VcsPkiError {
  return new VcsPkiError('TARGET_UNUSABLE', {
    at,
    message,
    fix: 'name a topology, a folder, a file, - for standard input, or a server like expe1.example.com:5061',
  });
}

import { spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { VcsPkiError } from '../errors.ts';
import type { Topology } from '../topology/schema.ts';
import { parseTopology } from '../topology/topology.ts';
import type { Context } from './command.ts';
import { type Options, text } from './options.ts';

/** A topology and where its PKI directory and lock file are. */
export interface Workspace {
  readonly topology: Topology;
  readonly file: string;
  readonly directory: string;
  readonly lockFile: string;
}

const PROGRAMS = ['.ts', '.mts', '.js', '.mjs'];

/** The topologies of a target, one per stack. See TARGET_HELP. */
export async function workspaces(target: string | undefined, options: Options, context: Context): Promise<Workspace[]> {
  const files = await topologyFiles(target, context);
  const wanted = text(options, 'stack');
  const all = await Promise.all(files.map((file) => readWorkspace(file, context)));
  const chosen = all.filter(({ topology }) => wanted === undefined || topology.name === wanted);
  if (chosen.length > 0) return chosen;
  throw new VcsPkiError('TARGET_UNUSABLE', {
    at: '--stack',
    value: wanted ?? '',
    message: `there is no stack ${wanted}`,
    fix: `use one of ${all.map(({ topology }) => topology.name).join(', ')}`,
  });
}

/** The one topology that a command on a single certificate works on. */
export async function workspace(target: string | undefined, options: Options, context: Context): Promise<Workspace> {
  const [only, ...others] = await workspaces(target, options, context);
  if (only && others.length === 0) return only;
  throw new VcsPkiError('TARGET_UNUSABLE', {
    at: target ?? 'cdktf.json',
    message: 'holds more than one stack',
    fix: 'say which one with --stack',
  });
}

async function readWorkspace(file: string, context: Context): Promise<Workspace> {
  const bytes = await context.fs.readFile(file);
  if (!bytes) throw unusable(file, 'does not exist', 'check the path, or run synth first');
  const topology = parseTopology(await parseData(bytes.toString().replace(/^\uFEFF/, ''), file), file);
  return {
    topology,
    file,
    directory: resolve(dirname(file), topology.storage.directory),
    lockFile: resolve(dirname(file), topology.storage.lockFile),
  };
}

/** JSON, or YAML where it is not JSON. */
async function parseData(content: string, at: string): Promise<unknown> {
  try {
    return JSON.parse(content);
  } catch (jsonError) {
    if (extname(at) === '.json') {
      throw new VcsPkiError('INPUT_UNREADABLE', {
        at,
        message: `is not JSON${lineOf(jsonError, content)}`,
        fix: 'correct it, or run synth again',
        cause: jsonError,
      });
    }
  }
  const { parse } = await import('yaml');
  try {
    return parse(content);
  } catch (cause) {
    throw new VcsPkiError('INPUT_UNREADABLE', { at, message: 'is neither JSON nor YAML', fix: 'correct it', cause });
  }
}

/** As far as the message of JSON.parse tells: it does not, where the text only ends too early. */
function lineOf(error: unknown, content: string): string {
  const [, position] = /position (\d+)/.exec(String(error)) ?? [];
  return position === undefined ? '' : ` in line ${content.slice(0, Number(position)).split('\n').length}`;
}

async function topologyFiles(target: string | undefined, context: Context): Promise<string[]> {
  const path = resolve(context.cwd, target ?? '.');
  if (PROGRAMS.includes(extname(path))) return synthesize(programCommand(path), dirname(path), context);
  if (target !== undefined && ['.json', '.yaml', '.yml'].includes(extname(path)) && !path.endsWith('cdktf.json'))
    return [path];
  const isNamed = basename(path) === 'cdktf.json';
  const folder = isNamed ? dirname(path) : path;
  const topology = join(folder, 'topology.json');
  if (!isNamed && (await context.fs.readFile(topology))) return [topology];
  const config = join(folder, 'cdktf.json');
  const bytes = await context.fs.readFile(config);
  if (bytes && !isNamed && target !== undefined) {
    throw unusable(
      target,
      'has no topology.json, and a program that a file in it names is not run (I14)',
      `if it is yours, say so: vcs-pki COMMAND ${join(target, 'cdktf.json')}`,
    );
  }
  if (!bytes) {
    throw unusable(
      target ?? context.cwd,
      'has neither topology.json nor cdktf.json',
      'name a topology, or a folder with one; see --help',
    );
  }
  const settings = await parseData(bytes.toString(), config);
  const app = settings && typeof settings === 'object' && 'app' in settings ? settings.app : undefined;
  if (typeof app !== 'string') throw unusable(config, 'has no app', 'set "app" to the command that runs your program');
  return synthesize({ command: app, args: [], shell: true }, folder, context);
}

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly shell: boolean;
}

function programCommand(path: string): Program {
  const typescript = path.endsWith('ts') ? ['--import', 'tsx'] : [];
  return { command: process.execPath, args: [...typescript, path], shell: false };
}

/** Runs a cdktf program and finds the topologies that it wrote: what was there before is another program's, or of another day. */
async function synthesize(program: Program, folder: string, context: Context): Promise<string[]> {
  context.progress('synthesizing ...');
  const output = context.env.CDKTF_OUTDIR ?? join(folder, 'cdktf.out');
  const before = await topologyVersions(output);
  await runProgram(program, folder, { ...context.env, CDKTF_OUTDIR: output }, context);
  const after = await topologyVersions(output);
  const manifestPath = join(output, 'manifest.json');
  const manifest = await context.fs.readFile(manifestPath);
  const parsed = manifest && (await parseData(manifest.toString(), manifestPath));
  const stacks = parsed && typeof parsed === 'object' && 'stacks' in parsed && parsed.stacks;
  const files: string[] = [];
  for (const name of stacks && typeof stacks === 'object' ? Object.keys(stacks) : []) {
    const file = join(output, 'stacks', name, 'topology.json');
    if (after.get(file) !== before.get(file)) files.push(file);
  }
  if (files.length > 0) return files;
  throw unusable(
    output,
    'the program wrote no topology',
    'declare a CertificateAuthority and a VcsCluster in a stack, and call app.synth()',
  );
}

/** When each topology.json below an output folder was written last; the manifest may name stacks that wrote none. */
async function topologyVersions(output: string): Promise<ReadonlyMap<string, string>> {
  const versions = new Map<string, string>();
  const stacks = join(output, 'stacks');
  for (const name of await readdir(stacks).catch(() => [])) {
    const file = join(stacks, name, 'topology.json');
    const found = await stat(file, { bigint: true }).catch(() => undefined);
    if (found) versions.set(file, `${found.mtimeNs} ${found.ctimeNs} ${found.ino}`);
  }
  return versions;
}

async function runProgram(
  program: Program,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  context: Context,
): Promise<void> {
  const child = spawn(program.command, [...program.args], {
    cwd,
    env: { ...env },
    shell: program.shell,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: context.signal,
  });
  let printed = '';
  child.stdout.on('data', (data: Buffer) => {
    printed += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    printed += data.toString();
  });
  const code = await new Promise<number | null>((done, failed) => {
    child.on('error', failed);
    child.on('close', done);
  });
  if (code === 0) return;
  throw new VcsPkiError('SYNTH_FAILED', {
    at: [program.command, ...program.args].join(' '),
    message: `ended with code ${code}:\n${programError(printed)}`,
    fix: 'correct the declaration that the message names',
  });
}

/** What a declaration error says, without the stack trace around it. */
function programError(printed: string): string {
  const lines = printed.split('\n').filter((line) => line.trim() !== '');
  const start = lines.findIndex((line) => /(^|\s)(\w*Error|Validation failed)\b/.test(line));
  const relevant = start < 0 ? lines : lines.slice(start);
  return relevant
    .filter((line) => !/^\s+at /.test(line) && !/^Node\.js v/.test(line))
    .slice(0, 30)
    .map((line) => `  ${line}`)
    .join('\n');
}

function unusable(at: string, message: string, fix: string): VcsPkiError {
  return new VcsPkiError('TARGET_UNUSABLE', { at, message, fix });
}

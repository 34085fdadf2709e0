import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkAtRest, type Files, ledgers } from '../support/invariants.ts';
import { describeWithTool } from '../support/tools.ts';
import { collaborationEdge } from '../support/topologies.ts';

const bin = join(import.meta.dirname, '../../dist/bin/cli/main.js');

/** A root, and the authority that issues. */
const AUTHORITIES = 2;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vcs-pki-writers-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const lock = () => join(folder, 'pki/.writer');

/** Keys take long enough to be made that two runs meet. */
function declare(peers: number): void {
  const names = (prefix: string) => Array.from({ length: peers }, (_, index) => `${prefix}${index + 1}`);
  const topology = collaborationEdge({ corePeers: names('expc'), edgePeers: names('expe') });
  const clusters = topology.clusters?.map((cluster) => ({ ...cluster, key: 'rsa-2048' as const }));
  writeFileSync(join(folder, 'topology.json'), JSON.stringify({ ...topology, clusters }));
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly progress: string }>;
}

function apply(prefix: readonly string[] = []): Started {
  const [command = '', ...args] = [...prefix, process.execPath, bin, 'apply', 'topology.json'];
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, progress] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    progress += data.toString();
  });
  const ended = new Promise<number | null>((done) => child.on('close', done));
  return { child, ended: ended.then((code) => ({ code, out, progress })) };
}

/** Starts an apply and sends it a signal in the middle of its work. */
async function applySignalled(signal: NodeJS.Signals): Promise<Started> {
  const started = apply();
  while (!existsSync(join(folder, 'pki/certificates')) && started.child.exitCode === null) await delay(2);
  started.child.kill(signal);
  return started;
}

function files(): Files {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, { content: readFileSync(path), mode: statSync(path).mode & 0o777 }];
    }),
  );
}

/** Everything in service once, nothing issued that is not, no serial twice, and no lock left (I2). */
function expectIssuedOnce(peers: number): void {
  const found = files();
  checkAtRest(found);
  const owners = [...found].flatMap(([path, { content }]) =>
    basename(path) === 'records.jsonl'
      ? linesOf(content).map((line) => JSON.stringify(JSON.parse(line).issuance.owner))
      : [],
  );
  expect(new Set(owners).size).toBe(owners.length);
  expect(owners).toHaveLength(AUTHORITIES + 2 * peers);
  for (const [path, { content }] of found) {
    if (basename(path) !== 'index.txt') continue;
    expect(linesOf(content)).toHaveLength(
      [...ledgers(new Map([[path, { content, mode: 0 }]])).values()][0]?.serials.size ?? 0,
    );
  }
  expect(readdirSync(join(folder, 'pki')).filter((name) => name.startsWith('.writer'))).toEqual([]);
}

describeWithTool('unshare', 'two PID namespaces on one PKI directory', (unshare) => {
  const isolated = [[], ['--user', '--map-root-user']]
    .map((more) => [unshare, ...more, '--pid', '--fork', '--mount-proc', '--kill-child'])
    .find(([command = '', ...args]) => spawnSync(command, [...args, 'true']).status === 0);
  if (!isolated) {
    it('needs namespaces', (context) => {
      if (process.env.CI === 'true') throw new Error('unshare is not permitted here');
      process.stderr.write('skipped: two PID namespaces on one PKI directory: unshare is not permitted here\n');
      context.skip('unshare is not permitted here');
    });
    return;
  }

  it('I2: of two writers at once one issues everything, and the other has nothing to do', async () => {
    for (const peers of [1, 2, 4]) {
      declare(peers);
      const both = await Promise.all([apply(isolated).ended, apply(isolated).ended]);
      for (const { code, progress } of both) expect(code, progress).toBe(0);
      expect(both.filter(({ out }) => out.includes('edge-test: nothing to do'))).toHaveLength(1);
      expectIssuedOnce(peers);
    }
  });
});

describe('a writer that stands still, or is asked to end', () => {
  it('is passed by after 30 s, and writes nothing more when it wakes up (LOCK_LOST)', async () => {
    declare(4);
    const first = await applySignalled('SIGSTOP');
    expect(existsSync(lock())).toBe(true);
    const second = await apply().ended;
    expect(second.code, second.progress).toBe(0);
    expect(second.progress).toMatch(
      new RegExp(
        `^waiting: .*/pki is held by process ${first.child.pid} on .* \\(vcs-pki apply\\), not renewed for 3 s; taken over after 30 s$`,
        'm',
      ),
    );
    expectIssuedOnce(4);
    const before = files();
    first.child.kill('SIGCONT');
    const woken = await first.ended;
    expect(woken.code).toBe(1);
    expect(woken.progress).toContain('error LOCK_LOST: ');
    expect(woken.progress).toContain('another writer has taken over; nothing more was written\n  fix: run again');
    expect(contents(files())).toEqual(contents(before));
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('gives its lock back on %s: nobody has to wait for it', async (signal) => {
    declare(6);
    const { code } = await (await applySignalled(signal)).ended;
    expect(code).toBe(130);
    expect(existsSync(lock())).toBe(false);
    const { code: next, progress } = await apply().ended;
    expect(next, progress).toBe(0);
    expectIssuedOnce(6);
  });
});

function linesOf(content: Buffer): string[] {
  return content.toString().trimEnd().split('\n');
}

/** But for what was being made beside a file, which is no part of the directory yet. */
function contents(found: Files): Map<string, string> {
  return new Map(
    [...found].flatMap(([path, { content }]) => (path.endsWith('.new') ? [] : [[path, content.toString('latin1')]])),
  );
}

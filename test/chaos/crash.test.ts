import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CrashMode, MemoryFileSystem } from '../../src/store/testing/memory-file-system.ts';
import type { TopologyInput } from '../../src/topology/schema.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { runCli } from '../support/cli.ts';
import { CrlHistory, checkAlways, checkAtRest, type Files, ledgers } from '../support/invariants.ts';
import { run, tool } from '../support/tools.ts';
import { collaborationEdge } from '../support/topologies.ts';

interface Step {
  readonly name: string;
  readonly topology: TopologyInput;
  readonly args: readonly string[];
  readonly now: string;
}

const two = collaborationEdge({ corePeers: ['expc1', 'expc2'], edgePeers: ['expe1'] });
const one = collaborationEdge({ corePeers: ['expc1'], edgePeers: ['expe1'], domains: ['example.com', 'example.org'] });
const file = '/project/topology.json';

const steps: readonly Step[] = [
  { name: 'apply', topology: two, args: ['apply', file], now: '2026-11-21T12:00:00Z' },
  { name: 'apply: a peer removed, a domain added', topology: one, args: ['apply', file], now: '2026-11-21T13:00:00Z' },
  {
    name: 'revoke',
    topology: one,
    args: ['revoke', 'core/expc1/server', file, '--reason', 'keyCompromise'],
    now: '2026-11-21T14:00:00Z',
  },
  { name: 'crl', topology: one, args: ['crl', file, '--due'], now: '2026-11-22T03:00:00Z' },
];

const modes: readonly CrashMode[] = ['lose', 'keep', 'tear'];

/** Each test takes every so manieth call of a step, so that none takes long. */
const SLICES = 8;

describe('a PKI directory survives a crash at every single call (I1-I6)', () => {
  const openssl = tool('openssl');
  let points = 0;
  let secondOpinions = 0;
  afterAll(() => {
    process.stdout.write(`crashes resumed: ${points}, openssl asked at ${secondOpinions} of them\n`);
  });

  describe.each(steps)('$name resumes from wherever it stopped, whatever was not synced', (step) => {
    let before: MemoryFileSystem;
    let clean: MemoryFileSystem;
    beforeAll(async () => {
      before = await directoryBefore(step);
      clean = await prepared(before, step);
      const undisturbed = await execute(clean, step);
      expect(undisturbed.code, undisturbed.progress).toBe(0);
    });

    it.each(Array.from({ length: SLICES }, (_, slice) => slice))(
      `slice %i of ${SLICES} of its calls`,
      async (slice) => {
        const revokedBefore = revokedSerials(before.files());
        const calls = [...clean.changes, clean.calls + 1].filter((_, index) => index % SLICES === slice);
        expect(calls).not.toEqual([]);
        for (const call of calls) {
          const disturbed = await prepared(before, step);
          disturbed.crashAt = call;
          await execute(disturbed, step);
          for (const [mode, found] of distinct(disturbed)) {
            const label = `${step.name}, call ${call} of ${clean.calls}, ${mode}`;
            const history = new CrlHistory();
            history.look(before.files());
            history.look(found.files());
            checkAlways(found.files());
            expect(revokedSerials(found.files()), label).toEqual(expect.arrayContaining(revokedBefore));

            const resumed = await execute(found, step);
            expect(resumed.code, `${label}: ${resumed.progress}`).toBe(0);
            history.look(found.files());
            checkAtRest(found.files());
            expect(revokedSerials(found.files()), label).toHaveLength(revokedSerials(clean.files()).length);
            points += 1;
            if (openssl && points % 10 === 0) {
              await expectOpensslAgrees(openssl, found.files());
              secondOpinions += 1;
            }
            if (step.name.startsWith('apply') && mode === 'lose')
              expect((await execute(found, step)).out, label).toContain('nothing to do');
          }
        }
      },
    );
  });
});

/** What the steps before this one leave when nothing disturbs them. */
async function directoryBefore(step: Step): Promise<MemoryFileSystem> {
  let fs = new MemoryFileSystem();
  await fs.makeDirectory('/project');
  for (const earlier of steps.slice(0, steps.indexOf(step))) {
    fs = await prepared(fs, earlier);
    await execute(fs, earlier);
  }
  return fs;
}

async function prepared(from: MemoryFileSystem, step: Step): Promise<MemoryFileSystem> {
  const fs = from.copy();
  await fs.writeFile(file, Buffer.from(JSON.stringify(step.topology)), 0o644);
  await fs.sync(file);
  await fs.sync('/project');
  fs.calls = 0;
  fs.changes.length = 0;
  return fs;
}

/** What a crash may leave, without repeating what comes to the same. */
function distinct(crashed: MemoryFileSystem): [CrashMode, MemoryFileSystem][] {
  const left: [CrashMode, MemoryFileSystem][] = [];
  for (const mode of modes) {
    const found = crashed.afterCrash(mode);
    if (!left.some(([, known]) => known.equals(found))) left.push([mode, found]);
  }
  return left;
}

async function execute(fs: MemoryFileSystem, step: Step) {
  return runCli(step.args, { fs, now: () => new Date(step.now) });
}

function revokedSerials(files: Files): string[] {
  return [...ledgers(files).values()].flatMap(({ revoked }) => [...revoked]);
}

/** openssl works in the directory as the crash and the resumed run left it, and lists the same serials. */
async function expectOpensslAgrees(openssl: string, files: Files): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-crash-'));
  try {
    for (const [path, { content }] of files) {
      if (!path.includes('/authorities/')) continue;
      const target = join(folder, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, content);
    }
    for (const [authority, { revoked }] of ledgers(files)) {
      const cwd = join(folder, '/project/pki/authorities', authority);
      const result = await run(openssl, ['ca', '-config', 'openssl.cnf', '-gencrl', '-out', 'crl.pem'], { cwd });
      expect(result.code, result.stderr).toBe(0);
      const pem = await run(openssl, ['crl', '-in', 'crl.pem'], { cwd });
      const crl = readCrl(decodePem(pem.stdout, authority)[0]!.der, authority);
      expect([...crl.entries()].map((entry) => entry.serialNumber.toString(16).toUpperCase()).sort()).toEqual(
        [...revoked].sort(),
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { diskFileSystem } from '../../src/store/file-system.ts';
import { runCli } from '../support/cli.ts';
import { CrlHistory, checkAlways, checkAtRest, type Files, ledgers } from '../support/invariants.ts';
import { collaborationEdge } from '../support/topologies.ts';

const bin = join(import.meta.dirname, '../../dist/bin/cli/main.js');
const KILLS = 50;

/** The files of a PKI directory, as the invariants look at them. */
function filesOf(folder: string): Files {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, { content: readFileSync(path), mode: statSync(path).mode & 0o777 }];
    }),
  );
}

it(`${KILLS} times kill -9 in the middle of apply, revoke and crl: the next run goes on (I1-I6)`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-kill-'));
  const history = new CrlHistory();
  let revoked = 0;
  let killed = 0;
  try {
    for (let round = 0; killed < KILLS; round++) {
      const peers = Array.from({ length: 1 + (round % 4) }, (_, index) => `expc${index + 1}`);
      writeFileSync(
        join(folder, 'topology.json'),
        JSON.stringify(collaborationEdge({ corePeers: peers, edgePeers: ['expe1'] })),
      );
      const commands = [['apply'], ['revoke', 'core/expc1/server'], ['crl']];
      const args = round === 0 ? ['apply'] : (commands[round % 3] ?? ['apply']);
      // Between the start of node and the end of the work; where exactly does not matter, it is another place each time.
      if (await killedAfter(folder, [...args, 'topology.json'], randomInt(80, 450))) killed += 1;

      const found = filesOf(folder);
      checkAlways(found);
      history.look(found);
      const now = [...ledgers(found).values()].reduce((sum, ledger) => sum + ledger.revoked.size, 0);
      expect(now).toBeGreaterThanOrEqual(revoked);
      revoked = now;

      // In a world in which the lock of who was killed is taken over at once; two-writers.test.ts waits for one.
      const resumed = await runCli(['apply', 'topology.json'], {
        fs: diskFileSystem,
        now: () => new Date(),
        cwd: folder,
      });
      expect(resumed.code, resumed.progress).toBe(0);
      checkAtRest(filesOf(folder));
      history.look(filesOf(folder));
      expect(round).toBeLessThan(KILLS * 4);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** False when the command was done before. */
async function killedAfter(cwd: string, args: readonly string[], milliseconds: number): Promise<boolean> {
  const child = spawn(process.execPath, [bin, ...args], { cwd, stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
  const signal = await new Promise((done) => child.on('exit', (_, by) => done(by)));
  clearTimeout(timer);
  return signal === 'SIGKILL';
}

import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { collaborationEdge } from '../support/topologies.ts';

const bin = join(import.meta.dirname, '../../dist/bin/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-read-only-'));
afterAll(() => {
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true });
});

it('I10: a folder that may not be written is one error with its path and the fix', async () => {
  writeFileSync(join(folder, 'topology.json'), JSON.stringify(collaborationEdge()));
  chmodSync(folder, 0o555);
  // root may write everywhere: be nobody then.
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const child = spawn(process.execPath, [bin, 'apply', join(folder, 'topology.json')], { ...nobody, cwd: '/' });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  const code = await new Promise((done) => child.on('close', done));
  expect(code).toBe(1);
  expect(errors).toMatch(
    /^error STORAGE_FAILED: .*\/pki: access is denied\n {2}seen: EACCES\n {2}fix: run as the user that owns the PKI directory/,
  );
});

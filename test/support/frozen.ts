import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What version 1ffa36d wrote: test/fixtures/1ffa36d/README.md says how. */
export const frozenFolder = join(import.meta.dirname, '../fixtures/1ffa36d');

/** A copy of a part of it, for whoever works on. Git keeps no modes: keys are for their owner alone again (I1). */
export function frozenCopy(part: 'directory' | 'terraform', target = mkdtempSync(join(tmpdir(), 'vcs-pki-frozen-'))) {
  cpSync(join(frozenFolder, part), target, { recursive: true });
  for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && readFileSync(path).includes('PRIVATE KEY-----')) chmodSync(path, 0o600);
  }
  return target;
}

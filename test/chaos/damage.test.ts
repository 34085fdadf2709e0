import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryFileSystem } from '../../src/store/testing/memory-file-system.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { runCli } from '../support/cli.ts';
import { collaborationEdge } from '../support/topologies.ts';

const file = '/project/topology.json';
const PUBLISHED = '/project/pki/published/issuing-ca.crl';
const whole = new MemoryFileSystem();

const vcsPki = (fs: MemoryFileSystem, ...args: string[]) =>
  runCli(args, { fs, now: () => new Date('2026-11-21T12:00:00Z') });

/** A directory with history: a renewal, two revocations, a removed peer. */
beforeAll(async () => {
  await whole.makeDirectory('/project');
  const declare = (corePeers: string[]) =>
    whole.writeFile(file, Buffer.from(JSON.stringify(collaborationEdge({ corePeers, edgePeers: ['expe1'] }))), 0o644);
  await declare(['expc1', 'expc2']);
  for (const args of [
    ['apply', file],
    ['issue', 'core/expc1/server', file, '--renew'],
    ['revoke', 'edge/expe1/server', file],
  ])
    expect((await vcsPki(whole, ...args)).code).toBe(0);
  await declare(['expc1']);
  expect((await vcsPki(whole, 'apply', file)).code).toBe(0);
  expect(await revoked(whole)).toHaveLength(2);
});

async function revoked(fs: MemoryFileSystem): Promise<bigint[]> {
  const der = await fs.readFile(PUBLISHED);
  return [...readCrl(der ?? Buffer.alloc(0), 'issuing-ca').entries()].map(({ serialNumber }) => serialNumber);
}

const damages: Readonly<Record<string, (content: Buffer) => Buffer | undefined>> = {
  gone: () => undefined,
  empty: () => Buffer.alloc(0),
  'cut in half': (content) => content.subarray(0, content.length >> 1),
  'cut before its last byte': (content) => content.subarray(0, -1),
  junk: () => Buffer.from([0xff, 0xfe, 0x00, 0x7b, 0x22]),
  'other JSON': () => Buffer.from('{"version":1}\n'),
};

describe('whatever file of a PKI directory is damaged', () => {
  it.each(Object.keys(damages))(
    '%s: one clear error or mended; nothing revoked comes back, nothing in service is revoked',
    async (damage) => {
      const before = await revoked(whole);
      for (const [path, { content, mode }] of whole.files()) {
        if (!path.startsWith('/project/pki/') && !path.endsWith('lock.json')) continue;
        const damaged = damages[damage]?.(content);
        if (damaged?.equals(content)) continue;
        const fs = whole.copy();
        if (damaged) await fs.writeFile(path, damaged, mode);
        else await fs.removeFile(path);
        for (const args of [['plan'], ['prove'], ['confirm'], ['request'], ['crl', '--due'], ['apply']]) {
          const [command = '', ...rest] = args;
          const { progress, out } = await vcsPki(fs, command, file, ...rest);
          const said = `${path} ${damage}, ${command}: ${progress}`;
          expect(progress + out, said).not.toMatch(/UNEXPECTED|ZodError|SyntaxError|TypeError|RangeError/);
        }
        // A list that was never signed again may be damaged still; one that can be read has all that was revoked, and no more.
        const after = await revoked(fs).catch(() => before);
        expect(after, `${path} ${damage}`).toEqual(before);
      }
    },
  );
});

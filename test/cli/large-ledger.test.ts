import { beforeAll, expect, it } from 'vitest';
import { MemoryFileSystem } from '../../src/store/testing/memory-file-system.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { runCli } from '../support/cli.ts';
import { collaborationEdge } from '../support/topologies.ts';

/** More than fit on a stack as the arguments of a call. */
const ROWS = 130_000;
const file = '/project/topology.json';
const index = '/project/pki/authorities/issuing-ca/index.txt';
const fs = new MemoryFileSystem();
const vcsPki = (...args: string[]) => runCli(args, { fs, now: () => new Date('2026-11-21T12:00:00Z') });

beforeAll(async () => {
  await fs.makeDirectory('/project');
  await fs.writeFile(
    file,
    Buffer.from(JSON.stringify(collaborationEdge({ corePeers: ['expc1'], edgePeers: ['expe1'] }))),
    0o644,
  );
  expect((await vcsPki('apply', file)).code).toBe(0);
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const serial = (0x10000000 + row).toString(16).toUpperCase();
    return `V\t280330020000Z\t\t${serial}\tunknown\t/CN=peer${row}.example.com\n`;
  });
  await fs.writeFile(index, Buffer.from(`${await fs.readFile(index)}${rows.join('')}`), 0o644);
});

it.each([['plan'], ['prove'], ['check'], ['apply'], ['crl'], ['issue', 'core/expc1/server'], ['confirm']])(
  `%s works on a ledger of ${ROWS} rows`,
  async (command, ...rest) => {
    const { progress, out } = await vcsPki(command, ...rest, file);
    expect(`${progress}${out}`.match(/(^|\n)error .*/)?.[0]).toBeUndefined();
    expect(progress).not.toContain('UNEXPECTED');
  },
);

it('and so does revoke', async () => {
  expect((await vcsPki('revoke', '10000005', file)).code).toBe(0);
  const list = await fs.readFile('/project/pki/published/issuing-ca.crl');
  expect(readCrl(list ?? Buffer.alloc(0), 'issuing-ca').find(0x10000005n)).toBeDefined();
});

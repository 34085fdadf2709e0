import { beforeEach, describe, expect, it } from 'vitest';
import { runCli, SimulatedProcesses } from '../../../test/support/cli.ts';
import { collaborationEdge } from '../../../test/support/topologies.ts';
import { MemoryFileSystem } from '../../store/testing/memory-file-system.ts';
import type { TopologyInput } from '../../topology/schema.ts';
import { readCrl } from '../../x509/crl.ts';

const file = '/project/topology.json';
const declared = collaborationEdge({ corePeers: ['expc1', 'expc2'], edgePeers: ['expe1'] });
let fs: MemoryFileSystem;
const processes = new SimulatedProcesses();

beforeEach(async () => {
  fs = new MemoryFileSystem();
  await fs.makeDirectory('/project');
  await declare(declared);
  expect((await vcsPki('apply', file)).code).toBe(0);
});

const declare = (topology: TopologyInput) => fs.writeFile(file, Buffer.from(JSON.stringify(topology)), 0o644);
const vcsPki = (...args: string[]) => {
  processes.start();
  return runCli(args, { fs, now: () => new Date('2026-11-21T12:00:00Z'), processes });
};
/** The destroy command of a certificate's null_resource, see constructs/certificate-authority.ts. */
const destroy = (generation: string, onRemoval: string) =>
  vcsPki('revoke', 'core/expc1/server', file, '--generation', generation, '--on-removal', onRemoval);
const revoked = async () =>
  readCrl((await fs.readFile('/project/pki/published/issuing-ca.crl')) ?? Buffer.alloc(0), 'issuing-ca').size;

describe('revoke, as Terraform asks when it destroys', () => {
  it('revokes the newest generation, and does nothing the second time', async () => {
    expect((await destroy('1', 'revoke')).code).toBe(0);
    expect(await revoked()).toBe(1);
    const before = fs.files();
    expect((await destroy('1', 'revoke')).out).toContain('not revoked, it was revoked before');
    expect(fs.files()).toEqual(before);
  });

  it('leaves what a later generation has replaced', async () => {
    expect((await vcsPki('issue', 'core/expc1/server', file, '--renew')).code).toBe(0);
    expect((await destroy('1', 'revoke')).out).toContain('not revoked, generation 2 has replaced it');
    expect(await revoked()).toBe(0);
    expect((await destroy('2', 'revoke')).code).toBe(0);
    expect(await revoked()).toBe(1);
  });

  it('leaves what is declared to be kept', async () => {
    expect((await destroy('1', 'keep')).out).toContain('not revoked, its declaration says to keep it');
    expect(await revoked()).toBe(0);
  });

  it('says what to do about a certificate whose authority is no longer declared', async () => {
    const { authorities = [], clusters = [], trustLists = [] } = declared;
    await declare({
      ...declared,
      authorities: authorities.filter(({ id }) => id !== 'issuing-ca'),
      clusters: clusters.map((cluster) => ({ ...cluster, issuer: 'root-ca' })),
      trustLists: trustLists.map((list) => ({ ...list, authorities: ['root-ca'] })),
    });
    const { code, progress } = await destroy('1', 'revoke');
    expect(code).not.toBe(0);
    expect(progress).toContain('AUTHORITY_IN_USE: core/expc1/server: its authority issuing-ca is no longer declared');
    expect(progress).toContain('fix: declare issuing-ca again');
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../test/support/cli.ts';
import { collaborationEdge } from '../../../test/support/topologies.ts';
import { MemoryFileSystem } from '../../store/testing/memory-file-system.ts';
import type { TopologyInput } from '../../topology/schema.ts';
import { type Crl, readCrl } from '../../x509/crl.ts';

const file = '/project/topology.json';
const declared = collaborationEdge({ corePeers: ['expc1', 'expc2'], edgePeers: ['expe1'] });
let fs: MemoryFileSystem;

beforeEach(async () => {
  fs = new MemoryFileSystem();
  await fs.makeDirectory('/project');
  await declare(declared);
  expect((await vcsPki('apply', file)).code).toBe(0);
});

const declare = (topology: TopologyInput) => fs.writeFile(file, Buffer.from(JSON.stringify(topology)), 0o644);
const vcsPki = (...args: string[]) => runCli(args, { fs, now: () => new Date('2026-11-21T12:00:00Z') });
const list = async (authority = 'issuing-ca'): Promise<Crl> =>
  readCrl((await fs.readFile(`/project/pki/published/${authority}.crl`)) ?? Buffer.alloc(0), authority);
const serials = async (authority = 'issuing-ca') =>
  [...(await list(authority)).entries()].map(({ serialNumber }) => serialNumber.toString(16).toUpperCase());
/** Serial numbers of an owner in records.jsonl, in order of issue. */
const issuedTo = async (owner: string, authority = 'issuing-ca') =>
  ((await fs.readFile(`/project/pki/authorities/${authority}/records.jsonl`)) ?? Buffer.alloc(0))
    .toString()
    .split('\n')
    .flatMap((line) => (line.includes(`"owner":{"demand":"${owner}"}`) ? String(JSON.parse(line).serial) : []));

/** The same with the cluster core issued by another authority. */
function movedToSecond(): TopologyInput {
  const { authorities = [], clusters = [], trustLists = [] } = declared;
  const [root, issuing] = authorities;
  if (!root || !issuing) throw new Error('the topology has two authorities');
  const second = { ...issuing, id: 'second-ca', subject: { commonName: 'Second CA' } };
  return {
    ...declared,
    authorities: [...authorities, second],
    clusters: clusters.map((cluster) => (cluster.id === 'core' ? { ...cluster, issuer: 'second-ca' } : cluster)),
    trustLists: trustLists.map((one) => ({ ...one, authorities: [...(one.authorities ?? []), 'second-ca'] })),
  };
}

describe('revoke CERTIFICATE', () => {
  it('revokes every certificate of it that is valid, and does nothing the second time', async () => {
    expect((await vcsPki('issue', 'core/expc1/server', file, '--renew')).code).toBe(0);
    const all = await issuedTo('core/expc1/server');
    expect(all).toHaveLength(2);
    const { code, out } = await vcsPki('revoke', 'core/expc1/server', file);
    expect(code).toBe(0);
    for (const serial of all) expect(out).toContain(`revoked serial ${serial} of issuing-ca, core/expc1/server`);
    expect((await serials()).sort()).toEqual([...all].sort());
    const before = fs.files();
    expect((await vcsPki('revoke', 'core/expc1/server', file)).out).toContain('not revoked, it was revoked before');
    expect(fs.files()).toEqual(before);
  });

  it('under every authority that signed one', async () => {
    await declare(movedToSecond());
    expect((await vcsPki('apply', file)).code).toBe(0);
    expect((await vcsPki('revoke', 'core/expc1/server', file)).code).toBe(0);
    expect(await serials('issuing-ca')).toEqual(await issuedTo('core/expc1/server', 'issuing-ca'));
    expect(await serials('second-ca')).toEqual(await issuedTo('core/expc1/server', 'second-ca'));
  });

  it('SERIAL revokes that one alone', async () => {
    expect((await vcsPki('issue', 'core/expc1/server', file, '--renew')).code).toBe(0);
    const [first = ''] = await issuedTo('core/expc1/server');
    expect((await vcsPki('revoke', first, file)).code).toBe(0);
    expect(await serials()).toEqual([first]);
  });

  it('says what to do about a certificate whose authority is no longer declared', async () => {
    const { authorities = [], clusters = [], trustLists = [] } = declared;
    await declare({
      ...declared,
      authorities: authorities.filter(({ id }) => id !== 'issuing-ca'),
      clusters: clusters.map((cluster) => ({ ...cluster, issuer: 'root-ca' })),
      trustLists: trustLists.map((one) => ({ ...one, authorities: ['root-ca'] })),
    });
    const { code, progress } = await vcsPki('revoke', 'core/expc1/server', file);
    expect(code).not.toBe(0);
    expect(progress).toContain('AUTHORITY_IN_USE: core/expc1/server: its authority issuing-ca is no longer declared');
    expect(progress).toContain('fix: declare issuing-ca again');
  });

  it.each([
    ['--on-removal', 'kep'],
    ['--generation', 'abc'],
    ['--reason', 'keyCompromised'],
    ['--reason'],
    ['--no-bundles=maybe'],
    ['--constructor=1'],
    ['--__proto__=1'],
  ])('an option that is not declared so revokes nothing: %s %s', async (...args) => {
    const before = fs.files();
    const { code, progress } = await vcsPki('revoke', 'core/expc1/server', file, ...args);
    expect(code, progress).toBe(2);
    expect(fs.files()).toEqual(before);
  });
});

describe('removal', () => {
  const withoutExpc2 = () => declare(collaborationEdge({ corePeers: ['expc1'], edgePeers: ['expe1'] }));

  it('revokes every certificate of the peer that is valid: the one before may be the one that it serves', async () => {
    expect((await vcsPki('issue', 'core/expc2/server', file, '--renew')).code).toBe(0);
    const all = await issuedTo('core/expc2/server');
    await withoutExpc2();
    const { out, code } = await vcsPki('apply', file);
    expect(code).toBe(0);
    for (const serial of all) expect(out).toMatch(new RegExp(`revoke +core/expc2/server +serial ${serial}`));
    expect((await serials()).sort()).toEqual([...all].sort());
    expect((await vcsPki('apply', file)).out).toContain('nothing to do');
  });

  it('also where the newest was revoked before', async () => {
    const [first = ''] = await issuedTo('core/expc2/server');
    expect((await vcsPki('issue', 'core/expc2/server', file, '--renew')).code).toBe(0);
    const [, second = ''] = await issuedTo('core/expc2/server');
    expect((await vcsPki('revoke', second, file)).code).toBe(0);
    await withoutExpc2();
    expect((await vcsPki('apply', file)).code).toBe(0);
    expect((await serials()).sort()).toEqual([first, second].sort());
  });
});

describe('revoke --all', () => {
  it('revokes what is declared, but for what is to be kept', async () => {
    const kept = (declared.clusters ?? []).map((cluster) =>
      cluster.id === 'core' ? { ...cluster, onRemoval: 'keep' as const } : cluster,
    );
    await declare({ ...declared, clusters: kept });
    expect((await vcsPki('apply', file)).code).toBe(0);
    expect((await vcsPki('revoke', '--all', file)).code).toBe(0);
    expect(await serials()).toEqual(await issuedTo('edge/expe1/server'));
  });

  it('takes no certificate beside it, and without it one is needed', async () => {
    expect((await vcsPki('revoke', '--all', 'core/expc1/server', file)).code).toBe(2);
    expect((await vcsPki('revoke')).code).toBe(2);
  });
});

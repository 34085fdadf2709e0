import { beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../test/support/cli.ts';
import { collaborationEdge } from '../../../test/support/topologies.ts';
import { MemoryFileSystem } from '../../store/testing/memory-file-system.ts';
import type { TopologyInput } from '../../topology/schema.ts';

const file = '/project/topology.json';
let fs: MemoryFileSystem;
let now: Date;

beforeEach(async () => {
  fs = new MemoryFileSystem();
  now = new Date('2026-11-21T12:00:00Z');
  await fs.makeDirectory('/project');
  await declare({});
  expect((await vcsPki('apply')).code).toBe(0);
});

const declare = (change: Partial<TopologyInput>) =>
  fs.writeFile(file, Buffer.from(JSON.stringify({ ...collaborationEdge(), ...change })), 0o644);
const vcsPki = (command: string, ...args: string[]) => runCli([command, file, ...args], { fs, now: () => now });
const prove = (...args: string[]) => vcsPki('prove', ...args);

describe('the matrix', () => {
  it('has a row for each end that dials and a column for each that is dialled', async () => {
    await declare({
      zones: [
        ...(collaborationEdge().zones ?? []),
        { kind: 'neighbor', id: 'plain', cluster: 'edge', neighbor: 'core', tlsVerify: false },
      ],
      clients: [{ id: 'jabber', kind: 'mobile-and-remote-access', clusters: ['edge'] }],
    });
    const { code, out } = await prove();
    expect(code).toBe(0);
    expect(out).toBe(`CLIENT \\ SERVER  edge  core
core             4/4   -
edge             -     off
jabber           ?     -
links that verify, of all that are verified; -: no link, off: neither end verifies, ?: not enough is declared to say

4 of 6 TLS links verify, of 2 it can't be said; 8 more are not verified (TLS verify mode off, or peers in Permissive mode); the first change is on 2026-11-28, when the revocation list of Example UC Issuing CA expires
`);
  });

  it.each([
    [19, /^CLIENT \\ SERVER {2}far1 {2}hub {2}far2 {2}.*\nhub {14}off {3}- {4}off .*\nfar1 {13}- {5}off {2}- .*\n/],
    [20, /^CLIENT {2}SERVER {2}LINKS\nhub {5}far1 {4}off\nfar1 {4}hub {5}off\n(?:\w+ +\w+ +off\n){38}$/],
  ])('is a list of pairs where there are more than 20 columns: a hub and %i ends', async (count, shape) => {
    const cluster = (id: string) => ({
      id,
      product: 'vcs-control' as const,
      release: 'X8.1',
      issuer: 'issuing-ca',
      peers: [{ id, hostName: id, domain: 'example.com' }],
    });
    const far = Array.from({ length: count }, (_, index) => `far${index + 1}`);
    await declare({
      clusters: ['hub', ...far].map(cluster),
      zones: far.map((id) => ({ kind: 'neighbor', id, cluster: 'hub', neighbor: id, tlsVerify: false }) as const),
      trustLists: [],
    });
    const { out, progress } = await prove();
    expect(out.split('links that verify')[0], progress).toMatch(shape);
  });

  it('counts what is refused, and explains each below (61, D11)', async () => {
    await declare({
      zones: [
        {
          kind: 'traversal',
          id: 'uc',
          client: 'core',
          server: 'edge',
          unifiedCommunications: true,
          tlsVerifySubjectName: 'expd.example.com',
        },
      ],
    });
    const { code, out } = await prove();
    expect(code).toBe(3);
    expect(out).toMatch(/^CLIENT \\ SERVER {2}edge\ncore {13}4\/4 refused\n/);
    expect(out).toContain('\n0 of 4 TLS links verify, 4 are refused\n');
    expect(out).toMatch(
      /\nrefused: uc: core\/expc1 -> edge\/expe1\n {2}edge\/expe1 at step name \(D13\): .*\n {2}and uc: core\/expc2 -> edge\/expe1, .*\n {2}fix: .*expc\.example\.com\n/,
    );
  });

  it('--links has each link in a line; JSON has them all', async () => {
    expect((await prove('--links')).out).toMatch(/^LINK +VERDICT .*\nuc: core\/expc1 -> edge\/expe1 +accepted /);
    const { links } = JSON.parse((await prove('--output', 'json')).out);
    expect(links).toHaveLength(4);
    expect(links[0]).toMatchObject({
      link: 'uc: core/expc1 -> edge/expe1',
      verdict: 'accepted',
      unchecked: [],
      examinations: [
        {
          by: 'core/expc1',
          of: 'edge/expe1',
          path: ['expe1.example.com', 'Example UC Issuing CA', 'Example UC Root CA'],
          matchedName: 'expe1.example.com',
        },
        { by: 'edge/expe1', of: 'core/expc1', matchedName: 'expc.example.com' },
      ],
    });
  });
});

describe('--explain', () => {
  it('shows the chain as a tree, both ways, step by step, and what ends first', async () => {
    const { code, out } = await prove('--explain', 'uc: core/expc1 -> edge/expe1');
    expect(code).toBe(0);
    const plain = out.replace(/[0-9A-F]{40}/g, 'KEYID');
    expect(
      plain,
    ).toBe(`uc: core/expc1 -> edge/expe1: accepted until 2026-11-28T12:00Z, when the revocation list of Example UC Issuing CA expires

core/expc1 verifies edge/expe1, the TLS server
  Example UC Root CA        on the trust list of core
  2026-11-21 to 2036-11-18, key KEYID
  └─ Example UC Issuing CA  on the trust list of core
     2026-11-21 to 2031-11-20, key KEYID
     └─ expe1.example.com   presented by edge/expe1
        2026-11-21 to 2027-11-21, key KEYID
  chain       ok: up to Example UC Root CA
  dates       ok: until 2027-11-21, when expe1.example.com expires
  revocation  ok: lists of Example UC Issuing CA until 2026-11-28T12:00Z, Example UC Root CA until 2027-02-19T12:00Z (automatic, manual)
  usage       ok: serverAuth, clientAuth, for the TLS server
  name        ok: expe1.example.com (Peer address of zone uc on core), compared with common name and alternative names

edge/expe1 verifies core/expc1, the TLS client
  Example UC Root CA        on the trust list of edge
  2026-11-21 to 2036-11-18, key KEYID
  └─ Example UC Issuing CA  on the trust list of edge
     2026-11-21 to 2031-11-20, key KEYID
     └─ expc1.example.com   presented by core/expc1
        2026-11-21 to 2027-11-21, key KEYID
  chain       ok: up to Example UC Root CA
  dates       ok: until 2027-11-21, when expc1.example.com expires
  revocation  ok: lists of Example UC Issuing CA until 2026-11-28T12:00Z, Example UC Root CA until 2027-02-19T12:00Z (automatic, manual)
  usage       ok: serverAuth, clientAuth, for the TLS client
  name        ok: expc.example.com (TLS verify subject name of zone uc on edge), compared with common name and alternative names
`);
  });

  it('marks the step that fails, with its fix, and says what was not reached (59, D15)', async () => {
    const { code, out } = await prove('--explain', 'expc1 -> edge/expe1', '--at', '2026-12-20T00:00:00Z');
    expect(code).toBe(3);
    expect(out).toMatch(
      /^uc: core\/expc1 -> edge\/expe1: refused\n[\s\S]*\n {2}dates +ok: .*\n {2}revocation {2}FAILS: the revocation list of .* expired on .*\n {14}fix: run vcs-pki crl, .*\n {2}usage +not reached\n {2}name +not reached\n/,
    );
  });

  it('shows the nearest name where the wanted one is missing (D11)', async () => {
    await declare({
      zones: [
        {
          kind: 'traversal',
          id: 'uc',
          client: 'core',
          server: 'edge',
          unifiedCommunications: true,
          tlsVerifySubjectName: 'xpc.example.com',
        },
      ],
    });
    const { out } = await prove('--explain', 'expc1 -> edge/expe1', '--output', 'json');
    const [{ directions }] = JSON.parse(out).links;
    expect(directions[1].steps.at(-1)).toEqual({
      step: 'name',
      outcome: 'FAILS',
      detail: expect.stringMatching(/is xpc\.example\.com, but .* has only expc1\.example\.com, expc\.example\.com/),
      fix: expect.stringMatching(/the nearest is expc\.example\.com$/),
    });
    expect(directions[1].steps.slice(0, -1).map(({ outcome }: { outcome: string }) => outcome)).toEqual(
      Array.from({ length: 4 }, () => 'ok'),
    );
  });

  it('says what a connection does not check', async () => {
    await declare({
      zones: [
        { kind: 'traversal', id: 'uc', client: 'core', server: 'edge', unifiedCommunications: true, tlsVerify: false },
      ],
    });
    const off = await prove('--explain', 'expc1 -> edge/expe1');
    expect(off.out).toBe(`uc: core/expc1 -> edge/expe1: not verified

core/expc1 does not verify edge/expe1, the TLS server

edge/expe1 does not verify core/expc1, the TLS client
`);
    await declare({
      clusters: (collaborationEdge().clusters ?? []).map((cluster) => ({ ...cluster, revocationChecking: false })),
    });
    expect((await prove('--explain', 'expc1 -> edge/expe1')).out).toContain(
      '\n  revocation  not checked: this connection reads no revocation lists\n',
    );
  });

  it('shows what is still to be issued as predicted', async () => {
    fs = new MemoryFileSystem();
    await fs.makeDirectory('/project');
    await declare({});
    const { out } = await prove('--explain', 'expc1 -> edge/expe1', '--predicted');
    expect(out).toContain(
      '     └─ expe1.example.com   presented by edge/expe1\n        2026-11-21 to 2027-11-21, to be issued\n',
    );
    const { out: real } = await prove('--explain', 'expc1 -> edge/expe1');
    expect(real).toContain('\n  chain       FAILS: expe1.example.com has no certificate\n');
  });

  it.each([
    ['uc', '4 links have uc in their id', '"uc: core/expc1 -> edge/expe1", '],
    [
      'uc: core/expc9 -> edge/expe2',
      'there is no link uc: core/expc9 -> edge/expe2',
      '"uc: core/expc1 -> edge/expe2", ',
    ],
    ['', '4 links have  in their id', '"uc: core/expc1 -> edge/expe1", '],
  ])('I10: %j is no link, with those that are near', async (wanted, message, first) => {
    const { code, out, progress } = await prove('--explain', wanted);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(progress).toContain(`error LINK_UNKNOWN: --explain: ${message}\n  fix: use one of ${first}`);
  });
});

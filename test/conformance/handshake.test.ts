import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { perform } from '../../src/authority/perform.ts';
import { plan } from '../../src/authority/plan.ts';
import { revokeCertificates, signCrl } from '../../src/authority/revocation-list.ts';
import { randomSerial } from '../../src/authority/serial.ts';
import { deliver } from '../../src/cli/deliver.ts';
import { gatherEvidence } from '../../src/cli/evidence.ts';
import { diskFileSystem } from '../../src/store/file-system.ts';
import { PkiDirectory } from '../../src/store/pki-directory.ts';
import { type Demand, demands } from '../../src/topology/demands.ts';
import type { DemandId } from '../../src/topology/ids.ts';
import type { LinkEnd } from '../../src/topology/links/link.ts';
import { links } from '../../src/topology/links/links.ts';
import type { TopologyInput } from '../../src/topology/schema.ts';
import { parseTopology } from '../../src/topology/topology.ts';
import { type LinkVerdict, prove } from '../../src/verify/prove.ts';
import type { Step } from '../../src/verify/refusal.ts';
import { nodeToOpenssl, type Outcome, opensslToNode, type TlsEnd } from '../support/tls.ts';
import { describeWithTool } from '../support/tools.ts';
import { exampleTopology } from '../support/topologies.ts';

const DAY = 24 * 3600 * 1000;
const HANDSHAKE_LIMIT_MS = 600_000;

/** OpenSSL's verification errors, by number and as Node names them, and the step of a proof that each belongs to. */
const stepOfError: Readonly<Record<string, Step>> = {
  '2': 'chain',
  UNABLE_TO_GET_ISSUER_CERT: 'chain',
  '19': 'chain',
  SELF_SIGNED_CERT_IN_CHAIN: 'chain',
  '20': 'chain',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'chain',
  '21': 'chain',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'chain',
  '10': 'dates',
  CERT_HAS_EXPIRED: 'dates',
  '3': 'revocation',
  UNABLE_TO_GET_CRL: 'revocation',
  '11': 'revocation',
  CRL_NOT_YET_VALID: 'revocation',
  '12': 'revocation',
  CRL_HAS_EXPIRED: 'revocation',
  '23': 'revocation',
  CERT_REVOKED: 'revocation',
  '26': 'usage',
  INVALID_PURPOSE: 'usage',
  '62': 'name',
  HOSTNAME_MISMATCH: 'name',
};

interface Variant {
  /** What is declared differently from the example. */
  readonly topology?: Partial<TopologyInput>;
  readonly demand?: (demand: Demand) => Demand;
  readonly issuedDaysAgo?: number;
  readonly listsSignedDaysAgo?: number;
  /** Demand ids. */
  readonly revoked?: readonly string[];
}

interface Delivered {
  readonly verdicts: readonly LinkVerdict[];
  end(end: LinkEnd): TlsEnd;
}

describeWithTool('openssl', 'TLS links: the proof and real handshakes agree', (openssl) => {
  const folders: string[] = [];
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  /** Issues, signs lists and delivers as `vcs-pki apply` does, but without its refusals; proves on what is there then. */
  async function issueAndProve(variant: Variant): Promise<Delivered> {
    const path = await mkdtemp(join(tmpdir(), 'vcs-pki-handshake-'));
    folders.push(path);
    const now = Date.now();
    const daysAgo = (days = 0) => ({ now: () => new Date(now - days * DAY) });
    const random = { bytes: (size: number) => randomBytes(size) };
    const topology = parseTopology({ ...exampleTopology, ...variant.topology }, 'the example');
    const wanted = demands(topology).map(variant.demand ?? ((demand) => demand));
    const directory = new PkiDirectory(diskFileSystem, path, { writable: true });
    const { material } = directory;

    const clock = daysAgo(variant.issuedDaysAgo);
    const { actions } = plan(topology, wanted, await directory.state(topology, wanted), clock.now());
    const issuing = actions.filter(({ kind }) => kind !== 'sign CRL');
    const place = directory.place(topology, { clock, random }, () => randomSerial(random));
    await perform(issuing, topology, place, () => {});

    const state = await directory.state(topology, wanted);
    const listClock = daysAgo(variant.listsSignedDaysAgo);
    for (const id of variant.revoked ?? []) {
      const record = state.certificates.get(id as DemandId);
      if (!record) throw new Error(`${id} was not issued`);
      const issuer = await directory.openIssuer(topology, record.issuance.specification.issuer);
      await revokeCertificates(issuer, [record.serial], 'keyCompromise', listClock);
    }
    for (const { id, crl } of topology.authorities)
      await signCrl(await directory.openIssuer(topology, id), crl, { clock: listClock, material });

    const { folder } = await deliver(topology, directory, state, { now: new Date(now) });
    const none = { actions: [], waiting: [], until: undefined };
    const evidence = await gatherEvidence(topology, directory, state, none, new Date(now));
    return {
      verdicts: prove(links(topology), evidence, new Date(now)),
      end({ name, check }) {
        const [referenceName] = check?.referenceNames ?? [];
        if (!check || referenceName === undefined) throw new Error(`${name} verifies nothing`);
        return { bundle: join(folder, name), referenceName, revocationChecking: check.revocation.mode === 'all' };
      },
    };
  }

  /** Every link, between Node and openssl and the other way round: who refuses, and at which step of a verification. */
  async function handshakes({ verdicts, end }: Delivered): Promise<Record<string, string>> {
    const outcomes: Record<string, string> = {};
    for (const { link } of verdicts) {
      const [client, server] = [end(link.client), end(link.server)];
      const signal = AbortSignal.timeout(HANDSHAKE_LIMIT_MS);
      outcomes[`${link.id}, Node to openssl`] = words(await nodeToOpenssl(openssl, client, server, signal));
      outcomes[`${link.id}, openssl to Node`] = words(await opensslToNode(openssl, client, server, signal));
    }
    return outcomes;
  }

  function words(outcome: Outcome): string {
    if (outcome === 'accepted') return outcome;
    return `the ${outcome.refusedBy} refuses at step ${stepOfError[outcome.error] ?? `unknown (${outcome.error})`}`;
  }

  /** The same as `handshakes` gives, as proven. A client that refuses comes before its server can. */
  function proven({ verdicts }: Delivered): Record<string, string> {
    return Object.fromEntries(
      verdicts.flatMap(({ link, verdict, refusals }) => {
        const byClient = refusals.find(({ by }) => by === link.client.name);
        const [refusal] = byClient ? [byClient] : refusals;
        const expected = refusal ? `the ${byClient ? 'client' : 'server'} refuses at step ${refusal.step}` : verdict;
        return ['Node to openssl', 'openssl to Node'].map((stacks) => [`${link.id}, ${stacks}`, expected]);
      }),
    );
  }

  it('every link of the example is accepted, in both directions', async () => {
    const delivered = await issueAndProve({});
    const outcomes = await handshakes(delivered);
    expect(outcomes).toEqual(proven(delivered));
    expect(Object.values(outcomes)).toEqual(Array(8).fill('accepted'));
  });

  const [exampleRoot, exampleIssuing] = exampleTopology.authorities;
  // With keys that are quicker to make than those of the example.
  const root = { ...exampleRoot, key: 'ec-p256' as const };
  const issuing = { ...exampleIssuing, key: 'ec-p256' as const };
  const [core, edge] = exampleTopology.clusters;
  const [zone] = exampleTopology.zones;
  const usages = (cluster: string, usage: Demand['usages'][number]) => (demand: Demand) =>
    demand.cluster === cluster ? { ...demand, usages: [usage] } : demand;
  const shortLived = (cluster: string) => (demand: Demand) =>
    demand.cluster === cluster ? { ...demand, lifetimeDays: 10 } : demand;
  /** Without CRL checking: Node tells the last error it meets, and where an issuer is missing it misses its list too. */
  const rootMissing = (cluster: string) => ({
    clusters: [core, edge].map((each) => ({ ...each, revocationChecking: false })),
    trustLists: [
      { id: 'all', authorities: ['root-ca', 'issuing-ca'], appliesTo: [cluster === 'core' ? 'edge' : 'core'] },
      { id: 'some', authorities: ['issuing-ca'], appliesTo: [cluster] },
    ],
  });
  const otherIssuing = { ...issuing, id: 'edge-ca', subject: { commonName: 'Example Edge CA' } };

  it.each<[string, Variant, { readonly [outcome: string]: number }]>([
    [
      'the root is missing from the trust list of the clients',
      { topology: rootMissing('core') },
      { 'the client refuses at step chain': 8 },
    ],
    [
      'the root is missing from the trust list of the servers',
      { topology: rootMissing('edge') },
      { 'the server refuses at step chain': 8 },
    ],
    [
      'the intermediate is on no trust list: nobody sends it',
      { topology: { trustLists: [{ id: 'root', authorities: ['root-ca'], appliesTo: ['core', 'edge'] }] } },
      { 'the client refuses at step chain': 8 },
    ],
    [
      'each cluster has an intermediate of its own, which the other end trusts through the root alone',
      {
        topology: {
          authorities: [root, issuing, otherIssuing],
          clusters: [core, { ...edge, issuer: 'edge-ca' }],
          trustLists: [
            { id: 'inside', authorities: ['root-ca', 'issuing-ca'], appliesTo: ['core'] },
            { id: 'outside', authorities: ['root-ca', 'edge-ca'], appliesTo: ['edge'] },
          ],
        },
      },
      { accepted: 8 },
    ],
    [
      'the servers expect another cluster name',
      { topology: { zones: [{ ...zone, tlsVerifySubjectName: 'cluster.expc.example.com' }] } },
      { 'the server refuses at step name': 8 },
    ],
    [
      'the clients dial a name that no server has',
      { topology: { zones: [{ ...zone, peerAddresses: ['expe3.example.com', 'expe1.example.com'] }] } },
      { 'the client refuses at step name': 8, accepted: 4 },
    ],
    [
      'the certificate of one server is revoked',
      { revoked: ['edge/expe1/server'] },
      { 'the client refuses at step revocation': 4, accepted: 4 },
    ],
    [
      'the certificate of one client is revoked',
      { revoked: ['core/expc2/server'] },
      { 'the server refuses at step revocation': 4, accepted: 4 },
    ],
    [
      'a revoked certificate, but the clients do not check revocation',
      { revoked: ['edge/expe1/server'], topology: { clusters: [{ ...core, revocationChecking: false }, edge] } },
      { accepted: 8 },
    ],
    [
      'the revocation lists are out of date (requirement 59)',
      { issuedDaysAgo: 120, listsSignedDaysAgo: 100 },
      { 'the client refuses at step revocation': 8 },
    ],
    [
      'the revocation lists are of tomorrow: the clock was wrong when they were signed',
      { listsSignedDaysAgo: -1 },
      { 'the client refuses at step revocation': 8 },
    ],
    [
      'the certificates of the clients are for servers only',
      { demand: usages('core', 'serverAuth') },
      { 'the server refuses at step usage': 8 },
    ],
    [
      'the certificates of the servers are for clients only',
      { demand: usages('edge', 'clientAuth') },
      { 'the client refuses at step usage': 8 },
    ],
    [
      'the certificates of the servers have expired',
      { demand: shortLived('edge'), issuedDaysAgo: 30 },
      { 'the client refuses at step dates': 8 },
    ],
    [
      'the certificates of the clients have expired',
      { demand: shortLived('core'), issuedDaysAgo: 30 },
      { 'the server refuses at step dates': 8 },
    ],
  ])('%s', async (_, variant, expected) => {
    const delivered = await issueAndProve({
      ...variant,
      topology: { authorities: [root, issuing], ...variant.topology },
    });
    const outcomes = await handshakes(delivered);
    expect(outcomes).toEqual(proven(delivered));
    expect(count(Object.values(outcomes))).toEqual(expected);
  });

  function count(values: readonly string[]): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
    return counts;
  }
});

import { beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../test/support/cli.ts';
import { collaborationEdge } from '../../../test/support/topologies.ts';
import { MemoryFileSystem } from '../../store/testing/memory-file-system.ts';
import type { TopologyInput } from '../../topology/schema.ts';
import { authorityCertificate, holder } from '../../verify/diagnosis/testing/evidence.ts';
import { encodePem } from '../../x509/pem.ts';
import { sampleCertificate, sampleParty } from '../../x509/testing/sample-certificate.ts';
import { rsaInfo } from '../../x509/testing/weak-keys.ts';

const file = '/project/topology.json';
let fs: MemoryFileSystem;
let now: Date;

beforeEach(async () => {
  fs = new MemoryFileSystem();
  now = new Date('2026-11-21T12:00:00Z');
  await fs.makeDirectory('/project');
  await declare(collaborationEdge());
});

const declare = (topology: TopologyInput) => fs.writeFile(file, Buffer.from(JSON.stringify(topology)), 0o644);
const vcsPki = (...args: string[]) => runCli(args, { fs, now: () => now });
const check = (...args: string[]) => vcsPki('check', file, ...args);
const json = async (...args: string[]) => JSON.parse((await check(...args, '--output', 'json')).out);
const apply = async () => expect((await vcsPki('apply', file)).code).toBe(0);

const topology = (change: Partial<TopologyInput>): TopologyInput => ({ ...collaborationEdge(), ...change });
const clusters = (change: object, ids: readonly string[] = ['core', 'edge']) =>
  collaborationEdge().clusters?.map((cluster) => (ids.includes(cluster.id) ? { ...cluster, ...change } : cluster)) ??
  [];
/** On a release whose documents have ECDSA keys; among its peers there is TLS, in Permissive mode. */
const recent = (change: Partial<TopologyInput> = {}) =>
  topology({ clusters: clusters({ release: 'X14.3' }), ...change });
/** Expressway-C dials an address that is in no certificate. */
const misaddressed = (change: Partial<TopologyInput> = {}) =>
  topology({
    zones: [
      {
        kind: 'traversal',
        id: 'uc',
        client: 'core',
        server: 'edge',
        unifiedCommunications: true,
        peerAddresses: ['10.0.0.9'],
      },
    ],
    ...change,
  });

const publicRoot = sampleParty('Public Root');
const PUBLIC_ROOT = sampleCertificate(publicRoot, publicRoot, {
  authority: true,
  notAfter: new Date('2035-01-01T00:00:00Z'),
});
/** A publicly trusted authority for Expressway-E. */
const publicEdge = (change: object = {}) =>
  topology({
    externalAuthorities: [
      {
        id: 'public',
        certificates: [encodePem('CERTIFICATE', PUBLIC_ROOT)],
        publiclyTrusted: true,
      },
    ],
    clusters: clusters({ issuer: 'public', lifetimeDays: 199, ...change }, ['edge']),
    trustLists: [{ id: 'trust', authorities: ['root-ca', 'issuing-ca', 'public'], appliesTo: ['core', 'edge'] }],
  });

describe('check of a topology', () => {
  it('has nothing to say about the example, and says what it looked at', async () => {
    await declare(recent());
    await apply();
    expect(await check()).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /^edge-test: 4 of 4 TLS links verify; 4 more are not verified .*\n\n0 errors, 0 warnings, 0 of advice\n$/,
      ),
    });
  });

  it('predicts what is still to be issued, and changes nothing', async () => {
    const before = fs.files();
    const { code, out } = await check();
    expect(code).toBe(0);
    expect(out).toContain('4 of 4 TLS links verify');
    expect(out).toContain('as predicted, for 8 actions that vcs-pki plan lists');
    expect(fs.files()).toEqual(before);
  });

  it.each(['trustLists', 'externalAuthorities'] as const)(
    'refuses no link for the lists of an authority that signs elsewhere, and says that they are not known (%s)',
    async (where) => {
      const pem = encodePem('CERTIFICATE', PUBLIC_ROOT);
      const entry = { trustLists: { certificates: [pem] }, externalAuthorities: { authorities: ['partner'] } }[where];
      await declare(
        topology({
          externalAuthorities: where === 'externalAuthorities' ? [{ id: 'partner', certificates: [pem] }] : [],
          systems: [
            {
              kind: 'sip-server',
              id: 'sbc',
              clusters: ['core'],
              address: 'vcs.example.com',
              certificates: [encodePem('CERTIFICATE', sampleCertificate(sampleParty('SBC'), publicRoot))],
            },
          ],
          trustLists: [
            { id: 'trust', authorities: ['root-ca', 'issuing-ca'], appliesTo: ['core', 'edge', 'sbc'] },
            { id: 'partners', ...entry, appliesTo: ['core'] },
          ],
        }),
      );
      const { code, out } = await check();
      expect({ code, refused: out.includes('LINK_REFUSED') }, out).toEqual({ code: 0, refused: false });
      expect(out).toContain('revocation by Public Root, whose list is not known here');
    },
  );

  it('shows each finding with place, value, requirement and fix, and ends with 1 (15, D18)', async () => {
    await declare(topology({ clusters: clusters({ chatNodeAliases: ['*.chat.example.com'] }) }));
    const { code, out } = await check();
    expect(code).toBe(1);
    expect(out).toContain(`error NAME_WILDCARD (D18) core/expc1/server: X8.1 does not accept wildcard certificates
  seen: *.chat.example.com; requirement 15
  fix: list the names behind *.chat.example.com one by one, or remove it
`);
  });

  it('a link that would be refused is an error with its diagnosis (62, D12)', async () => {
    await declare(misaddressed());
    const { findings, topologies } = await json();
    expect(topologies).toMatchObject([{ name: 'edge-test', links: { accepted: 0, refused: 4 } }]);
    expect(findings).toContainEqual({
      code: 'LINK_REFUSED',
      severity: 'error',
      at: 'uc: core/expc1 -> edge/expe1 (as 10.0.0.9)',
      value: 'name',
      message: expect.stringMatching(
        /^core\/expc1 would refuse at step name: Peer address of zone uc on core is 10\.0\.0\.9, but the certificate of expe1\.example\.com has /,
      ),
      fix: expect.stringMatching(/\S/),
      holds: [61],
      diagnosis: 'D12',
      declaration: 'topology.json',
    });
  });

  it('lists what could not be checked, each reason once', async () => {
    await declare(topology({ clients: [{ id: 'jabber', kind: 'mobile-and-remote-access', clusters: ['edge'] }] }));
    const { out, code } = await check();
    expect(code).toBe(0);
    expect(out).toContain("4 of 6 TLS links verify, of 2 it can't be said");
    expect(out).toMatch(
      /\nNot checked\n {2}jabber: jabber -> edge\/expe1 for example\.com and 1 more: what jabber trusts is not declared\n/,
    );
  });

  it('what the declaration accepts shows at the end, with the reason, and is no error', async () => {
    const at = 'zone uc';
    await declare(misaddressed({ suppressions: [{ code: 'PEER_ADDRESS_IP', at, reason: 'until the move in May' }] }));
    const { findings } = await json();
    const accepted = findings.filter((finding: { suppressed?: string }) => finding.suppressed !== undefined);
    expect(accepted).toMatchObject([{ code: 'PEER_ADDRESS_IP', at, suppressed: 'until the move in May' }]);
    const { out } = await check();
    expect(out).toMatch(
      /\nAccepted by the declaration\n\w+ PEER_ADDRESS_IP.*\n.*\n.*\n {2}accepted: until the move in May\n/,
    );
    expect(out).toMatch(/; 1 accepted\n$/);
  });

  it('an error that is accepted does not end with 1', async () => {
    now = new Date('2027-04-01T00:00:00Z');
    await declare(publicEdge({ release: 'X14.3' }));
    expect((await check()).out).toContain('error PUBLIC_CLIENT_AUTH');
    expect((await check()).code).toBe(1);
    const suppressions = [{ code: 'PUBLIC_CLIENT_AUTH', reason: 'the move to an internal authority is in May' }];
    await declare({ ...publicEdge({ release: 'X14.3' }), suppressions });
    expect((await check()).code).toBe(0);
  });

  it('I10: a suppression of a rule that does not exist is one error', async () => {
    await declare(topology({ suppressions: [{ code: 'NAME_WILDCART', reason: 'because' }] }));
    const { code, out, progress } = await check();
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(progress).toMatch(
      /^error SUPPRESSION_REFUSED: .*there is no rule NAME_WILDCART whose findings can be accepted\n {2}fix: use one of /,
    );
  });

  it('D28: a certificate that was loaded and is not in use yet', async () => {
    await declare(recent());
    await apply();
    expect((await vcsPki('confirm', 'core/expc1', file, '--installed')).code).toBe(0);
    const { findings } = await json();
    expect(findings).toMatchObject([{ code: 'RESTART_PENDING', diagnosis: 'D28', at: 'core/expc1/server' }]);
    expect((await check()).code).toBe(0);
  });

  it.each([['--installed'], ['--probe'], ['--serial', '00'], ['--role', 'server']])(
    'I10: confirm %s without a peer is one error, and no table',
    async (...args) => {
      await declare(recent());
      await apply();
      const { code, out, progress } = await vcsPki('confirm', file, ...args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(progress).toMatch(
        /^error USAGE: --\w+: is for one peer, and none is named\n {2}fix: name the peer, like /,
      );
    },
  );

  it('I10: that a link would not verify cannot be accepted', async () => {
    await declare(misaddressed({ suppressions: [{ code: 'LINK_REFUSED', reason: 'until the move in May' }] }));
    expect((await check()).progress).toMatch(
      /^error SUPPRESSION_REFUSED: .*no rule LINK_REFUSED whose findings can be/,
    );
  });

  it('the proof is of what apply will have made: a list that it is about to sign refuses no link (59)', async () => {
    await apply();
    now = new Date('2026-12-20T12:00:00Z');
    expect((await check()).out).toContain('4 of 4 TLS links verify');
    expect((await vcsPki('prove', file)).out).toContain('0 of 4 TLS links verify, 4 are refused');
  });

  it('several topologies are one report', async () => {
    await declare(recent());
    await fs.writeFile('/project/second.json', Buffer.from(JSON.stringify(misaddressed({ name: 'second' }))), 0o644);
    const { topologies, findings } = JSON.parse((await check('/project/second.json', '--output', 'json')).out);
    expect(topologies.map(({ name }: { name: string }) => name)).toEqual(['edge-test', 'second']);
    expect(new Set(findings.map(({ declaration }: { declaration: string }) => declaration))).toEqual(
      new Set(['second.json']),
    );
  });

  it('prints YAML', async () => {
    expect((await check('--output', 'yaml')).out).toMatch(
      /^at: 2026-11-21T12:00:00.000Z\ntopologies:\n {2}- name: edge-test\n/,
    );
  });
});

describe('--release: what if we upgrade?', () => {
  it('reissues nothing where the common name is only guidance, and says when it changes', async () => {
    const { out, code } = await check('--release', 'X15.4');
    expect(code).toBe(0);
    expect(out).toContain(`what if core (X8.1) and edge (X8.1) ran X15.4
  0 findings more, marked as new; 2 findings gone
    gone: warning KEY_ECDSA_EARLY cluster core
    gone: warning KEY_ECDSA_EARLY cluster edge
  no certificate would be reissued
    core/expc1/server: common name expc1.example.com -> expc.example.com, at its next renewal
`);
  });

  it('tells what is new, and what is gone', async () => {
    await declare(topology({ clusters: clusters({ release: 'X8.6', chatNodeAliases: manyNames() }) }));
    const today = await json();
    expect(today.findings.map(({ code }: { code: string }) => code)).toContain('NAMES_TOO_LONG');
    const then = await json('--release', 'X8.10');
    const [{ whatIf }] = then.topologies;
    expect(whatIf.new).toEqual([]);
    expect(whatIf.gone.map(({ code }: { code: string }) => code)).toContain('NAMES_TOO_LONG');
    const back = await json('--release', 'X7.2');
    expect(back.topologies[0].whatIf.new.map(({ code }: { code: string }) => code)).toContain('RELEASE_TOO_OLD');
    expect((await check('--release', 'X7.2')).out).toContain('\nnew: error RELEASE_TOO_OLD cluster core: ');
  });

  it('what becomes graver is new, and gone as it was (15)', async () => {
    await declare(topology({ clusters: clusters({ release: 'X7.2', chatNodeAliases: ['*.chat.example.com'] }) }));
    const [{ whatIf }] = (await json('--release', 'X8.1')).topologies;
    const of = (findings: readonly { code: string; at: string; severity: string }[]) =>
      findings
        .filter(({ code, at }) => code === 'NAME_WILDCARD' && at === 'core/expc1/server')
        .map(({ severity }) => severity);
    expect([of(whatIf.gone), of(whatIf.new)]).toEqual([['warning'], ['error']]);
  });

  it('says so when every cluster runs it', async () => {
    expect((await check('--release', 'X8.1')).out).toContain('every cluster runs X8.1 already');
  });

  it('I10: an unknown one is wrong usage', async () => {
    const { code, progress } = await check('--release', 'X99');
    expect(code).toBe(2);
    expect(progress).toMatch(
      /^error USAGE: --release: X99 is no release that is known\n {2}fix: use one of X7\.2, X8\.1/,
    );
  });

  /** More than 999 characters with the others (D31). */
  function manyNames(): string[] {
    return Array.from({ length: 40 }, (_, index) => `chat-node-alias-${index}.conference.example.com`);
  }
});

describe('--view inventory', () => {
  it('says of each certificate who holds it, and on which links with mutual TLS', async () => {
    await apply();
    const { certificates } = await json('--view', 'inventory');
    const peer = certificates.find(({ where }: { where: string }) => where === 'core/expc1/server');
    expect(peer).toEqual({
      where: 'core/expc1/server',
      state: 'issued',
      holder: 'expc1.example.com',
      names: ['expc1.example.com', 'expc.example.com'],
      usages: ['serverAuth', 'clientAuth'],
      issuer: 'Example UC Issuing CA',
      root: 'Example UC Root CA',
      origin: 'internal',
      notAfter: '2027-11-21T11:50:00.000Z',
      key: 'EC P-256',
      serial: expect.stringMatching(/^[0-9A-F]+$/),
      asClient: ['uc: core/expc1 -> edge/expe1', 'uc: core/expc1 -> edge/expe2'],
      asServer: [],
      sunset: { affected: 'no', why: 'internal authorities go on issuing clientAuth' },
    });
    expect(certificates.map(({ where }: { where: string }) => where)).toEqual([
      'authority root-ca',
      'authority issuing-ca',
      'core/expc1/server',
      'core/expc2/server',
      'edge/expe1/server',
      'edge/expe2/server',
    ]);
  });

  it('has what is not issued yet, as declared', async () => {
    const { certificates } = await json('--view', 'inventory');
    expect(certificates[2]).toMatchObject({ where: 'core/expc1/server', state: 'to be issued', key: 'ec-p256' });
    expect(certificates[2].notAfter).toBeUndefined();
    expect(certificates[1]).toMatchObject({ where: 'authority issuing-ca', issuer: 'Example UC Root CA' });
  });

  it('a certificate that was revoked is to be issued', async () => {
    await apply();
    expect((await vcsPki('revoke', 'core/expc1/server', file)).code).toBe(0);
    const { certificates } = await json('--view', 'inventory');
    expect(certificates[2]).toMatchObject({ where: 'core/expc1/server', state: 'to be issued' });
    expect(certificates[3]).toMatchObject({ where: 'core/expc2/server', state: 'issued' });
  });

  it('a link on which one end alone verifies the other is not mutual: tomcat before X14.0.2', async () => {
    const cucm = { kind: 'unified-cm', id: 'cucm', clusters: ['core'], nodes: ['cucm1.example.com'], secureSip: false };
    await fs.writeFile(file, Buffer.from(JSON.stringify({ ...collaborationEdge(), systems: [cucm] })), 0o644);
    const { certificates } = await json('--view', 'inventory');
    const core = certificates.find(({ where }: { where: string }) => where === 'core/expc1/server');
    expect(core.asClient).toEqual(['uc: core/expc1 -> edge/expe1', 'uc: core/expc1 -> edge/expe2']);
  });

  it.each([
    ['a server with both usages', {}, 'no', /renewals lack clientAuth, which no declared link needs/],
    ['a server for servers alone', { usages: ['serverAuth'] }, 'no', /for servers alone/],
  ])('2.3: %s from a public authority', async (_, change, affected, why) => {
    await declare(publicEdge({ release: 'X15.5', ...change }));
    const { certificates } = await json('--view', 'inventory');
    const edge = certificates.find(({ where }: { where: string }) => where === 'edge/expe1/server');
    expect(edge).toMatchObject({ origin: 'public', sunset: { affected, why: expect.stringMatching(why) } });
  });

  it('2.3: a client from a public authority is affected, with the links that end', async () => {
    const zone = { kind: 'neighbor', id: 'out', cluster: 'edge', neighbor: 'core' } as const;
    await declare({ ...publicEdge(), zones: [...(collaborationEdge().zones ?? []), zone] });
    const { certificates } = await json('--view', 'inventory');
    const edge = certificates.find(({ where }: { where: string }) => where === 'edge/expe1/server');
    expect(edge.sunset).toEqual({
      affected: 'yes',
      why: 'its renewals lack clientAuth; on 2 links with mutual TLS it is the client',
    });
    expect(edge.asClient).toEqual(['out: edge/expe1 -> core/expc1', 'out: edge/expe1 -> core/expc2']);
    expect((await check('--view', 'inventory')).out).toMatch(/edge\/expe1\/server .* client 2, server \d/);
  });
});

describe('--view calendar', () => {
  const entries = async (...args: string[]): Promise<{ at: string; kind: string; where: string; what: string }[]> =>
    (await json('--view', 'calendar', ...args)).entries;
  const at = (all: Awaited<ReturnType<typeof entries>>, kind: string, where: string) =>
    all.filter((entry) => entry.kind === kind && entry.where === where).map((entry) => entry.at);

  it('has renewals, ends, lists and authorities, in order of time', async () => {
    await apply();
    const all = await entries();
    // A third of 365 days before the end; certificates begin ten minutes before they are issued.
    expect(at(all, 'renewal', 'core/expc1/server')).toEqual(['2027-07-23T11:50:00.000Z']);
    expect(at(all, 'end', 'core/expc1/server')).toEqual(['2027-11-21T11:50:00.000Z']);
    expect(at(all, 'list update', 'authority issuing-ca')).toEqual(['2026-11-22T02:30:00.000Z']);
    expect(at(all, 'list end', 'authority issuing-ca')).toEqual(['2026-11-28T12:00:00.000Z']);
    expect(at(all, 'list end', 'authority root-ca')).toEqual(['2027-02-19T12:00:00.000Z']);
    expect(at(all, 'end', 'authority root-ca')).toEqual(['2036-11-18T11:50:00.000Z']);
    expect(all.map((entry) => entry.at)).toEqual(all.map((entry) => entry.at).toSorted());
  });

  it('a certificate that ends with its authority has no renewal (I6)', async () => {
    const { authorities = [], ...rest } = collaborationEdge();
    const short = authorities.map((one) => (one.id === 'issuing-ca' ? { ...one, lifetimeDays: 365 } : one));
    await declare({ ...rest, authorities: short });
    await apply();
    const all = await entries();
    expect(at(all, 'renewal', 'core/expc1/server')).toEqual([]);
    expect(at(all, 'end', 'core/expc1/server')).toEqual(['2027-11-21T11:50:00.000Z']);
  });

  it('--days leaves out what is later', async () => {
    await apply();
    expect((await entries('--days', '7')).map(({ kind }) => kind)).toEqual(['list update', 'list end']);
    expect(await entries('--days', '0')).toEqual([]);
  });

  it('has what is due now, with its reason, and no renewal beside it', async () => {
    await apply();
    now = new Date('2027-08-01T00:00:00Z');
    const all = await entries('--days', '0');
    expect(all).toContainEqual({
      at: '2027-08-01T00:00:00.000Z',
      kind: 'due',
      where: 'core/expc1/server',
      what: 'issue: renewal was due on 2027-07-23',
    });
    expect(all.filter(({ kind }) => kind === 'renewal')).toEqual([]);
  });

  it('2.4: the steps of public lifetimes with the work that they make, and the end of clientAuth', async () => {
    await declare(publicEdge());
    const all = (await entries()).filter(({ kind }) => kind === 'public authorities');
    expect(all.map((entry) => [entry.at.slice(0, 10), entry.what])).toEqual([
      [
        '2027-03-15',
        'they issue for 100 days at most: 4 renewals a year, each with an upload and a restart on 2 peers',
      ],
      ['2027-03-15', 'the last of them stop issuing clientAuth, which 2 certificates of these have (FN74362)'],
      ['2029-03-15', 'they issue for 47 days at most: 8 renewals a year, each with an upload and a restart on 2 peers'],
    ]);
    expect(all[0]?.where).toBe('edge/expe1/server and 1 more');
  });

  it('2.3: the end of clientAuth is nothing to certificates for servers alone', async () => {
    await declare(publicEdge({ release: 'X15.5', usages: ['serverAuth'] }));
    const steps = (await entries()).filter(({ kind }) => kind === 'public authorities');
    expect(steps.map(({ what }) => what)).toEqual([
      expect.stringMatching(/^they issue for 100 days/),
      expect.stringMatching(/^they issue for 47 days/),
    ]);
  });

  it('2.4: private authorities are not affected', async () => {
    expect((await entries()).filter(({ kind }) => kind === 'public authorities')).toEqual([]);
  });

  it('has requests that are out, since when (34)', async () => {
    await declare(publicEdge());
    await apply();
    now = new Date('2026-12-01T00:00:00Z');
    expect(at(await entries(), 'waiting', 'edge/expe1/server')).toEqual(['2026-11-21T12:00:00.000Z']);
  });

  it('has peers that wait for a restart, since when (29, D28)', async () => {
    await apply();
    await vcsPki('confirm', 'core/expc1', file, '--installed');
    now = new Date('2026-11-25T00:00:00Z');
    expect(at(await entries(), 'to be loaded', 'core/expc1/server')).toEqual(['2026-11-21T12:00:00.000Z']);
  });

  it('is a table for people', async () => {
    await apply();
    expect((await check('--view', 'calendar', '--days', '1')).out).toBe(
      'WHEN        KIND         WHERE                 WHAT\n2026-11-22  list update  authority issuing-ca  its next revocation list is due\n',
    );
  });
});

describe('--output sarif', () => {
  it('has the fields that SARIF 2.1.0 requires, a rule for each result, and places that viewers find', async () => {
    await declare(misaddressed({ clusters: clusters({ release: 'X14.3' }) }));
    const { out, code } = await check('--output', 'sarif');
    const log = JSON.parse(out);
    expect(code).toBe(1);
    expect(log.version).toBe('2.1.0');
    const [{ tool, results, invocations }] = log.runs;
    expect(tool.driver.name).toBe('vcs-pki');
    const ids: string[] = tool.driver.rules.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(['LINK_REFUSED', 'PEER_ADDRESS_IP']);
    for (const rule of tool.driver.rules) {
      expect(rule.shortDescription.text).toMatch(/\.$/);
      expect(rule.help.text).toMatch(/Requirement 6\d: /);
      expect(rule.defaultConfiguration.level).toMatch(/^(error|warning|note)$/);
    }
    for (const result of results) {
      expect(ids[result.ruleIndex]).toBe(result.ruleId);
      expect(result.level).toMatch(/^(error|warning|note)$/);
      expect(result.message.text).toMatch(/ Fix: \S/);
    }
    expect(invocations).toEqual([{ executionSuccessful: true, toolExecutionNotifications: [] }]);
    expect(results[0].locations).toEqual([
      {
        physicalLocation: { artifactLocation: { uri: 'topology.json' } },
        logicalLocations: [{ fullyQualifiedName: expect.stringMatching(/\S/), kind: 'object' }],
      },
    ]);
  });

  it('has fingerprints that differ, and stay the same in the next run', async () => {
    // Twice the same code, place and value: X7.2 has neither the product nor unified communications.
    await declare(misaddressed({ clusters: clusters({ release: 'X7.2' }) }));
    const prints = async (): Promise<string[]> =>
      JSON.parse((await check('--output', 'sarif')).out).runs[0].results.map(
        ({ partialFingerprints }: { partialFingerprints: object }) => JSON.stringify(partialFingerprints),
      );
    const first = await prints();
    expect(new Set(first).size).toBe(first.length);
    now = new Date('2026-12-24T12:00:00Z');
    expect(await prints()).toEqual(first);
  });

  it('has what is accepted as suppressed, with its justification', async () => {
    await declare(misaddressed({ suppressions: [{ code: 'PEER_ADDRESS_IP', reason: 'until the move in May' }] }));
    const { results } = JSON.parse((await check('--output', 'sarif')).out).runs[0];
    expect(results.filter(({ suppressions }: { suppressions?: object }) => suppressions)).toMatchObject([
      {
        ruleId: 'PEER_ADDRESS_IP',
        suppressions: [{ kind: 'inSource', status: 'accepted', justification: 'until the move in May' }],
      },
    ]);
  });

  it('has what was not checked as notes', async () => {
    await declare(topology({ clients: [{ id: 'web', kind: 'web', clusters: ['edge'] }] }));
    const [{ invocations }] = JSON.parse((await check('--output', 'sarif')).out).runs;
    expect(invocations[0].toolExecutionNotifications).toEqual([
      {
        level: 'note',
        message: { text: expect.stringMatching(/^not checked: web: .* what web trusts is not declared$/) },
      },
    ]);
  });
});

describe('I10: a command line that is wrong', () => {
  it.each([
    ['--view', 'all'],
    ['--output', 'xml'],
    ['--days', '7'],
    ['--timeout', 'soon'],
    ['--timeout', '0'],
    ['--view', 'calendar', '--days', 'seven'],
    ['--view', 'calendar', '--output', 'sarif'],
  ])('%s %s %s %s', async (...args) => {
    const { code, out, progress } = await check(...args.filter((arg) => arg !== undefined));
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(progress).toMatch(/^error USAGE: --(view|output|days|timeout): .*\n( {2}seen: \w+\n)? {2}fix: \S/);
  });

  it('a topology that does not exist', async () => {
    const { code, progress } = await vcsPki('check', '/project/other.json');
    expect(code).toBe(1);
    expect(progress).toMatch(/^error TARGET_UNUSABLE: \/project\/other\.json: does not exist\n {2}fix: /);
  });
});

it('I1: shows no private key', async () => {
  await apply();
  const files = [...fs.files()]
    .filter(([path]) => path.endsWith('key.pem'))
    .map(([, { content }]) => content.toString().split('\n')[1] ?? '');
  const keys = new Set(files);
  // Two authorities and four peers.
  expect(keys.size).toBe(6);
  for (const view of ['findings', 'inventory', 'calendar']) {
    const { out, progress } = await check('--view', view, '--output', 'json');
    expect(out + progress).not.toContain('PRIVATE KEY');
    for (const key of keys) expect(out + progress).not.toContain(key);
  }
});

describe('D29: weak keys among what is declared of others', () => {
  const weakRoot = authorityCertificate(holder('Weak Root'), undefined, { publicKey: rsaInfo(2n ** 2047n, 65537n) });
  const weak = { code: 'RSA_KEY_WEAK', severity: 'error', diagnosis: 'D29', value: 'modulus divisible by 2' };

  it.each<[string, Partial<TopologyInput>]>([
    ['external authority weak', { externalAuthorities: [{ id: 'weak', certificates: [weakRoot] }] }],
    ['trust list others', { trustLists: [{ id: 'others', certificates: [weakRoot], appliesTo: ['core'] }] }],
  ])('%s: a finding, with the way to mend it', async (at, change) => {
    const { trustLists = [] } = collaborationEdge();
    await declare(topology({ ...change, trustLists: [...trustLists, ...(change.trustLists ?? [])] }));
    expect((await check()).code).toBe(1);
    const { findings } = await json();
    expect(findings).toContainEqual(expect.objectContaining({ ...weak, at, fix: expect.stringMatching(/4096 bits/) }));
  });

  it('a suppression accepts it', async () => {
    const suppressions = [{ code: 'RSA_KEY_WEAK', at: 'external authority weak', reason: 'replaced next month' }];
    await declare(topology({ externalAuthorities: [{ id: 'weak', certificates: [weakRoot] }], suppressions }));
    expect((await check()).code).toBe(0);
  });
});

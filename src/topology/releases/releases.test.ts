import { describe, expect, it } from 'vitest';
import { Release } from '../../../constructs/index.ts';
import { demands } from '../demands.ts';
import { findings } from '../findings.ts';
import { links } from '../links/links.ts';
import type { TopologyInput } from '../schema.ts';
import { parseTopology } from '../topology.ts';
import type { ReleaseFacts } from './release.ts';
import { findRelease, releaseNames, releases } from './releases.ts';

/** The releases at which a fact changes, with what it changes to; the first is X7.2. */
function changes(fact: keyof ReleaseFacts): [string, unknown][] {
  let before: string | undefined;
  return releases.flatMap((release): [string, unknown][] => {
    const value = release[fact];
    const text = JSON.stringify(value) ?? 'none';
    if (text === before) return [];
    before = text;
    return [[release.name, value]];
  });
}

describe('the table of releases (cisco.md 1 and 2.1)', () => {
  it.each<[keyof ReleaseFacts, [string, unknown][]]>([
    [
      'wildcards',
      [
        ['X7.2', 'not known to be accepted'],
        ['X8.1', 'refused'],
      ],
    ],
    [
      'nameMatching',
      [
        ['X7.2', ['cn-or-san']],
        ['X8.2', ['cn-or-san', 'san-only']],
        ['X14.0', ['san-only']],
      ],
    ],
    [
      'commonName',
      [
        ['X7.2', 'peer'],
        ['X14.0', 'cluster'],
      ],
    ],
    [
      'sharedCertificate',
      [
        ['X7.2', 'a listed model'],
        ['X8.1', 'possible'],
        ['X14.0', 'not recommended'],
      ],
    ],
    [
      'alternativeNamesLimit',
      [
        ['X7.2', undefined],
        ['X8.5.2', 999],
        ['X8.10', undefined],
      ],
    ],
    [
      'phoneProfileNames',
      [
        ['X7.2', 'should be FQDNs'],
        ['X12.6', 'must be FQDNs'],
      ],
    ],
    [
      'keys',
      [
        ['X7.2', ['rsa-2048', 'rsa-4096']],
        ['X14.3', ['rsa-2048', 'rsa-4096', 'ec-p256', 'ec-p384', 'ec-p521']],
      ],
    ],
    [
      'requestDigests',
      [
        ['X7.2', ['sha1']],
        ['X8.5.1', ['sha1', 'sha256']],
        ['X8.10', ['sha256']],
      ],
    ],
    [
      'trustListUpload',
      [
        ['X7.2', 'replace'],
        ['X8.1', 'append'],
      ],
    ],
    [
      'restartFor',
      [
        ['X7.2', []],
        ['X8.1', ['server certificate']],
        ['X15.4', ['server certificate', 'trusted CA']],
      ],
    ],
    [
      'unifiedCommunications',
      [
        ['X7.2', false],
        ['X8.1', true],
      ],
    ],
    [
      'expresswayProducts',
      [
        ['X7.2', false],
        ['X8.1', true],
      ],
    ],
    [
      'vcsProducts',
      [
        ['X7.2', 'supported'],
        ['X12.5', 'maintenance only'],
      ],
    ],
    [
      'clusterTls',
      [
        ['X7.2', false],
        ['X8.8', true],
      ],
    ],
    [
      'clusterAddressMapping',
      [
        ['X7.2', false],
        ['X8.9.2', true],
      ],
    ],
    [
      'clusterClientAuth',
      [
        ['X7.2', false],
        ['X8.8', true],
        ['X15.4', false],
      ],
    ],
    [
      'clientAuthCheck',
      [
        ['X7.2', 'all'],
        ['X15.4', 'all but Expressway-C'],
        ['X15.5', 'setting'],
      ],
    ],
    [
      'serverAuthOnlyUpload',
      [
        ['X7.2', 'accepted'],
        ['X8.1', 'refused'],
        ['X15.4', 'Expressway-E after a setting'],
        ['X15.5', 'accepted'],
      ],
    ],
    [
      'certificateStores',
      [
        ['X7.2', 'one'],
        ['X15.5', 'server and client'],
      ],
    ],
    [
      'unifiedCmTrust',
      [
        ['X7.2', 'secure SIP only'],
        ['X14.0.2', 'always'],
      ],
    ],
    [
      'verifiesUnifiedCm',
      [
        ['X7.2', false],
        ['X14.0.8', true],
      ],
    ],
    [
      'unifiedCmEcdsa',
      [
        ['X7.2', false],
        ['X14.2', true],
      ],
    ],
    [
      'acme',
      [
        ['X7.2', false],
        ['X12.5', true],
      ],
    ],
    [
      'warnsOfLateExpiry',
      [
        ['X7.2', false],
        ['X8.5', true],
      ],
    ],
    [
      'wantsBasicConstraints',
      [
        ['X7.2', false],
        ['X15.4', true],
      ],
    ],
  ])('%s', (fact, expected) => expect(changes(fact)).toEqual(expected));

  it('requirements 31 and 60: the menus of X7.2, X8.1, X8.10 and X15.5', () => {
    expect(changes('menus').map(([name, menus]) => [name, menus])).toEqual([
      [
        'X7.2',
        expect.objectContaining({
          serverCertificate: 'Maintenance > Certificate management > Server certificate',
          sip: 'VCS configuration > SIP > Configuration',
        }),
      ],
      [
        'X8.1',
        expect.objectContaining({
          serverCertificate: 'Maintenance > Security certificates > Server certificate',
          sip: 'Configuration > SIP',
        }),
      ],
      ['X8.10', expect.objectContaining({ serverCertificate: 'Maintenance > Security > Server certificate' })],
      ['X15.5', expect.objectContaining({ clientCertificate: expect.stringContaining('Maintenance > Security') })],
    ]);
  });

  it('gives a maintenance release the facts of the row before it', () => {
    expect(findRelease('X14.0.11')).toMatchObject({ name: 'X14.0.11', verifiesUnifiedCm: true });
    expect(findRelease('X14.0.7')).toMatchObject({
      name: 'X14.0.7',
      unifiedCmTrust: 'always',
      verifiesUnifiedCm: false,
    });
    expect(findRelease('X8.7.3')).toMatchObject({ alternativeNamesLimit: 999 });
  });

  it.each(['X9.0', 'X8.3', '8.1', 'X8', 'X15.5.1.2', ''])('knows no release %s', (name) =>
    expect(findRelease(name)).toBeUndefined(),
  );

  it('lists the known ones for a release that is not', () => {
    const clusters = [{ id: 'core', product: 'expressway-c' as const, release: 'X9.0', peers: [peer('expc1')] }];
    expect(() => parseTopology({ name: 'test', clusters }, 'test')).toThrow(
      expect.objectContaining({
        at: 'test: clusters[0].release',
        fix: expect.stringMatching(/^write one of X7\.2, X8\.1, .*X15\.5, or a maintenance release/),
      }),
    );
  });

  it('has every release as a constant of the constructs', () => expect(Object.values(Release)).toEqual(releaseNames));
});

const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });

/** The same collaboration edge on any release: two peers each side, chat aliases, phone profiles, Enforce, UC. */
function edgeOn(release: string): TopologyInput {
  const cluster = { release, issuer: 'ca', clusterTls: 'enforce' as const };
  return {
    name: 'golden',
    authorities: [{ id: 'ca', subject: { commonName: 'Example CA' } }],
    clusters: [
      {
        ...cluster,
        id: 'core',
        product: 'expressway-c',
        clusterName: 'expc.example.com',
        peers: [peer('expc1'), peer('expc2')],
        chatNodeAliases: ['chat1.example.com'],
        phoneSecurityProfiles: ['secure.phones.example.com', { name: 'oauth.phones.example.com', oauth: true }],
      },
      {
        ...cluster,
        id: 'edge',
        product: 'expressway-e',
        clusterName: 'expe.example.com',
        peers: [peer('expe1'), peer('expe2')],
      },
    ],
    domains: [
      { name: 'example.com', unifiedCommunications: true },
      { name: 'im.example.com', presence: true },
    ],
    zones: [{ kind: 'traversal', id: 'uc', client: 'core', server: 'edge', unifiedCommunications: true }],
    trustLists: [{ id: 'trust', authorities: ['ca'], appliesTo: ['core', 'edge'] }],
  };
}

const peerNames = {
  'core/expc1/server': 'expc1.example.com expc.example.com chat1.example.com secure.phones.example.com',
  'core/expc2/server': 'expc2.example.com expc.example.com chat1.example.com secure.phones.example.com',
  'edge/expe1/server': 'expe1.example.com expe.example.com example.com im.example.com chat1.example.com',
  'edge/expe2/server': 'expe2.example.com expe.example.com example.com im.example.com chat1.example.com',
};
const namedByPeer = {
  'core/expc1/server': 'expc1.example.com',
  'core/expc2/server': 'expc2.example.com',
  'edge/expe1/server': 'expe1.example.com',
  'edge/expe2/server': 'expe2.example.com',
};
const namedByCluster = {
  'core/expc1/server': 'expc.example.com',
  'core/expc2/server': 'expc.example.com',
  'edge/expe1/server': 'expe.example.com',
  'edge/expe2/server': 'expe.example.com',
};
const noEnforce = [
  'RELEASE_TOO_OLD core: TLS between the peers of a cluster',
  'RELEASE_TOO_OLD edge: TLS between the peers of a cluster',
];

/** Release by release: common names, stores, how names are compared, where clientAuth is checked, and what the rules say. */
const golden: Record<
  string,
  { cn: Record<string, string>; stores: string; matching: string; clientAuth: string; rules: string[] }
> = {
  'X7.2': {
    cn: namedByPeer,
    stores: 'one',
    matching: 'cn-or-san',
    clientAuth: 'traversal',
    rules: [
      'RELEASE_TOO_OLD core: the product expressway-c',
      'RELEASE_TOO_OLD core: unified communications on zone uc',
      'RELEASE_TOO_OLD core: TLS between the peers of a cluster',
      'RELEASE_TOO_OLD edge: the product expressway-e',
      'RELEASE_TOO_OLD edge: unified communications on zone uc',
      'RELEASE_TOO_OLD edge: TLS between the peers of a cluster',
    ],
  },
  'X8.1': {
    cn: namedByPeer,
    stores: 'one',
    matching: 'cn-or-san',
    clientAuth: 'traversal',
    rules: noEnforce,
  },
  ...rows(['X8.2', 'X8.5', 'X8.5.1', 'X8.5.2', 'X8.6', 'X8.7'], {
    cn: namedByPeer,
    stores: 'one',
    matching: 'cn-or-san and san-only',
    clientAuth: 'traversal',
    rules: noEnforce,
  }),
  ...rows(['X8.8', 'X8.9', 'X8.9.2', 'X8.10', 'X8.11', 'X12.5', 'X12.6', 'X12.7'], {
    cn: namedByPeer,
    stores: 'one',
    matching: 'cn-or-san and san-only',
    clientAuth: 'traversal cluster',
    rules: [],
  }),
  ...rows(['X14.0', 'X14.0.2', 'X14.0.8', 'X14.2', 'X14.3', 'X15.0', 'X15.2', 'X15.3'], {
    cn: namedByCluster,
    stores: 'one',
    matching: 'san-only',
    clientAuth: 'traversal cluster',
    rules: [],
  }),
  'X15.4': { cn: namedByCluster, stores: 'one', matching: 'san-only', clientAuth: 'traversal', rules: [] },
  'X15.5': {
    cn: namedByCluster,
    stores: 'server and client',
    matching: 'san-only',
    clientAuth: 'traversal',
    rules: [],
  },
};

function rows<T>(names: readonly string[], row: T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, row]));
}

describe('requirements 12, 20, 26 and 27: the same collaboration edge on every release', () => {
  it('has a row for each', () => expect(Object.keys(golden)).toEqual(releaseNames));

  it.each(Object.entries(golden))('%s', (name, expected) => {
    const topology = parseTopology(edgeOn(name), name);
    const wanted = demands(topology);
    expect(Object.fromEntries(wanted.map(({ id, names }) => [id, names.join(' ')]))).toEqual(peerNames);
    for (const { usages } of wanted) expect(usages).toEqual(['serverAuth', 'clientAuth']);
    const all = links(topology);
    const checking = new Set(all.filter(({ server }) => server.check?.usage).map(({ kind }) => kind));
    expect({
      cn: Object.fromEntries(wanted.map(({ id, subject }) => [id, subject.commonName])),
      stores: findRelease(name)?.certificateStores,
      matching: all[0]?.client.check?.nameMatching.join(' and '),
      clientAuth: [...checking].join(' '),
      rules: findings(topology, new Date('2026-11-21T12:00:00Z')).map(
        ({ code, at, message }) =>
          `${code} ${at.replace('cluster ', '')}: ${message.replace(`${name} does not have `, '')}`,
      ),
    }).toEqual(expected);
  });
});

describe('X15.5: server and client certificates as two demands of one peer (2.3)', () => {
  const twoStores = (release: string): TopologyInput => {
    const input = edgeOn(release);
    const [core, edge] = input.clusters ?? [];
    if (!core || !edge) throw new Error('the edge has two clusters');
    return { ...input, clusters: [{ ...core, usages: ['serverAuth'], clientCertificate: { issuer: 'ca' } }, edge] };
  };

  it('demands both, the client certificate with both usages as in the success case', () => {
    const wanted = demands(parseTopology(twoStores('X15.5'), 'X15.5')).filter(({ cluster }) => cluster === 'core');
    expect(wanted.map(({ id, usages }) => [id, usages])).toEqual([
      ['core/expc1/server', ['serverAuth']],
      ['core/expc2/server', ['serverAuth']],
      ['core/expc1/client', ['serverAuth', 'clientAuth']],
      ['core/expc2/client', ['serverAuth', 'clientAuth']],
    ]);
  });

  it('presents the client certificate where the peer dials, and the server certificate where it answers', () => {
    const all = links(parseTopology(twoStores('X15.5'), 'X15.5'));
    const presented = (kind: string, end: 'client' | 'server') =>
      new Set(
        all.filter((link) => link.kind === kind && link[end].holder === 'core').map((link) => link[end].presents),
      );
    expect([...presented('traversal', 'client')]).toEqual(['core/expc1/client', 'core/expc2/client']);
    expect([...presented('cluster', 'server')].sort()).toEqual(['core/expc1/server', 'core/expc2/server']);
  });

  it('is refused on X15.4, which has one store', () => {
    const found = findings(parseTopology(twoStores('X15.4'), 'X15.4'), new Date('2026-11-21T12:00:00Z'));
    expect(found.map(({ code, message }) => [code, message])).toContainEqual([
      'RELEASE_TOO_OLD',
      'X15.4 does not have a client certificate beside the server certificate',
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { demands } from '../../src/topology/demands.ts';
import { findings } from '../../src/topology/findings.ts';
import { links } from '../../src/topology/links/links.ts';
import type { ReleaseName } from '../../src/topology/releases/releases.ts';
import type { TopologyInput } from '../../src/topology/schema.ts';
import { parseTopology } from '../../src/topology/topology.ts';
import type { Artefact } from '../../src/verify/diagnosis/artefact.ts';
import { diagnoses } from '../../src/verify/diagnosis/diagnoses.ts';
import {
  authorityCertificate,
  bundle,
  days,
  derOf,
  directory,
  ecdsaWithSha1,
  files,
  found,
  holder,
  keyPem,
  log,
  material,
  newKey,
  now,
  type PeerChange,
  peerCertificate,
  request,
  revocationList,
  rsaPublicKey,
  served,
} from '../../src/verify/diagnosis/testing/evidence.ts';
import { predictAuthority, predictCrl, predictLeaf } from '../../src/verify/predict.ts';
import { prove } from '../../src/verify/prove.ts';
import { privateKeyPem } from '../../src/x509/keys.ts';
import { encodeName } from '../../src/x509/name.ts';

/** Each diagnosis with what shows it: the first that is said has exactly this number. */

const m = material();
const healthy = bundle(m);
const name = 'expe1.example.com';
const withServer = (change: PeerChange): Promise<Artefact[]> =>
  files({ ...healthy, 'expe1/server.pem': peerCertificate(m.peer, m.issuing, change) });
/** The key is on the appliance, and nobody here has it. */
const onAppliance = (change: PeerChange): Promise<Artefact[]> =>
  files({ 'server.pem': peerCertificate(m.peer, m.issuing, change) });
const withFile = (path: string, content: string | Buffer) => files({ ...healthy, [`expe1/${path}`]: content });
const key = keyPem(m.peer.key);
const server = healthy['expe1/server.pem'] ?? '';
const both = m.rootPem + m.issuingPem;

const peerOf = (hostName: string, names: readonly string[], ca = both) => {
  const own = { ...m, peer: holder(`${hostName}.example.com`) };
  return {
    ...bundle(own, `edge/${hostName}`),
    [`edge/${hostName}/server.pem`]: peerCertificate(own.peer, m.issuing, {
      names: [`${hostName}.example.com`, ...names],
    }),
    [`edge/${hostName}/ca.pem`]: ca,
  };
};

type Fixture = readonly [diagnosis: string, artefacts: () => Artefact[] | Promise<Artefact[]>, release?: ReleaseName];

const evidence: readonly Fixture[] = [
  ['D01', () => withFile('privatekey.pem', keyPem(newKey()))],
  [
    'D01',
    () => {
      const two = ['expe1', 'expe2'].map((hostName) => holder(`${hostName}.example.com`));
      const [one, other] = two.map((own) => peerCertificate(own, m.issuing, { names: [name] }));
      const [oneKey, otherKey] = two.map((own) => keyPem(own.key));
      return files({
        'expe1.pem': one ?? '',
        'expe1.key': otherKey ?? '',
        'expe2.pem': other ?? '',
        'expe2.key': oneKey ?? '',
      });
    },
  ],
  [
    'D02',
    async () =>
      files({
        'first.csr': await request(newKey(), name, [name]),
        'second.csr': await request(newKey(), name, [name]),
      }),
  ],
  ['D02', () => [log('answer', '{"Message":"Conflict"}')]],
  ['D03', () => withFile('privatekey.pem', key.trimEnd())],
  ['D04', () => withFile('privatekey.pem', privateKeyPem(m.peer.key, new Secret('secret')).reveal())],
  ['D05', () => withFile('server.pem', derOf(server))],
  [
    'D06',
    () => withFile('ca.pem', authorityCertificate(holder(encodeName({ commonName: 'Other', organization: 'Other' })))),
  ],
  ['D07', () => withFile('ca.pem', m.rootPem)],
  ['D07', () => withFile('ca.pem', m.rootPem + authorityCertificate(m.issuing, holder('Example UC Policy CA')))],
  ['D08', () => files({ ...healthy, 'expe1/server.pem': server + m.issuingPem, 'expe1/ca.pem': m.rootPem })],
  ['D08', async () => [served(`${name}:5061`, [name], server), ...(await files({ 'ca.pem': both }))]],
  ['D09', () => withFile('ca.pem', m.issuingPem)],
  [
    'D10',
    () => [
      log('expc1.log', 'Event="Inbound TLS Negotiation Error" Detail="self signed certificate in certificate chain"'),
    ],
  ],
  ['D10', () => files({ 'server.pem': peerCertificate(m.peer, m.peer) })],
  ['D10', () => files({ 'server.pem': authorityCertificate(m.peer, m.peer, { keyUsages: [] }) })],
  ['D11', () => [served('expe7.example.com:5061', ['expe7.example.com'], server)]],
  [
    'D12',
    () => [log('expc1.log', 'Detail="Peer\'s TLS certificate identity was unacceptable" Common-name="192.0.2.7"')],
  ],
  [
    'D13',
    () =>
      files({
        ...peerOf('expe1', ['expe.example.com']),
        ...peerOf('expe2', ['expe.example.com']),
        ...peerOf('expe3', []),
      }),
  ],
  ['D13', () => files({ ...peerOf('expe1', []), ...peerOf('expe2', ['expe.example.com']) })],
  [
    'D13',
    () => {
      const flat = (hostName: string, names: readonly string[]) =>
        peerCertificate(holder(`${hostName}.example.com`), m.issuing, { names: [`${hostName}.example.com`, ...names] });
      const shared = ['expe.example.com'];
      return files({ 'a.pem': flat('expe1', shared), 'b.pem': flat('expe2', []), 'c.pem': flat('expe3', shared) });
    },
  ],
  ['D14', () => withServer({ usages: ['serverAuth'] }), 'X14.3'],
  ['D15', () => withFile('crl.pem', revocationList(m.root) + revocationList(m.issuing, { nextUpdate: days(-1) }))],
  ['D16', () => withFile('crl.pem', revocationList(m.issuing))],
  [
    'D17',
    () => files({ ...healthy, 'expe1/crl.pem': revocationList(m.root), 'expe1/crl2.pem': revocationList(m.issuing) }),
  ],
  ['D18', () => withServer({ names: ['*.example.com'] })],
  ['D18', async () => files({ 'certcsr.pem': await request(newKey(), name, ['*.example.com']) })],
  ['D20', () => [log('expc1.log', 'Event="Registration Rejected" Detail="403 Forbidden" Protocol="TLS"')]],
  ['D22', () => files({ 'server.pem': peerCertificate(holder(encodeName({ organization: 'Example' })), m.issuing) })],
  ['D23', () => withFile('ca.pem', both + authorityCertificate(holder(m.issuing.name), m.root))],
  [
    'D24',
    () =>
      files({
        ...peerOf('expe1', ['expe.example.com']),
        ...peerOf('expe2', ['expe.example.com'], both + authorityCertificate(holder('Partner'))),
      }),
  ],
  ['D24', () => files({ 'expe1/ca.pem': both, 'expe2/ca.pem': m.rootPem })],
  [
    'D25',
    () => [log('expc1.log', 'traffic_server: Core server certificate verification failed for (cucm1.example.com)')],
  ],
  ['D26', () => withFile('server.pem', server + both)],
  [
    'D27',
    () =>
      files({
        'old.pem': peerCertificate(m.peer, m.issuing, {
          names: [name, 'expe.example.com', 'example.com'],
          begin: days(-300),
        }),
        'new.pem': server,
      }),
  ],
  [
    'D27',
    () => {
      const other = holder('Example UC Issuing CA 2');
      return files({
        'old.pem': peerCertificate(m.peer, m.issuing, { begin: days(-300) }),
        'server.pem': peerCertificate(m.peer, other),
        'ca.pem': m.rootPem + authorityCertificate(other, m.root),
      });
    },
  ],
  [
    'D28',
    async () => [
      served(
        `${name}:5061`,
        [name],
        peerCertificate(m.peer, m.issuing, { begin: days(-300), end: days(60) }),
        m.issuingPem,
      ),
      ...(await files(healthy)),
    ],
  ],
  ['D29', () => onAppliance({ publicKey: rsaPublicKey(8192) })],
  ['D30', () => withServer({ algorithm: ecdsaWithSha1 })],
  [
    'D31',
    () =>
      onAppliance({
        names: Array.from({ length: 60 }, (_, index) => `phone-profile-${index}.example.com`),
        publicKey: rsaPublicKey(2048),
      }),
    'X8.7',
  ],
  ['D32', () => withServer({ end: new Date('2051-01-01T00:00:00Z') })],
  [
    'D33',
    () => {
      const temporary = holder(encodeName({ organization: 'Temporary CA 6f1d3f4e-8c7b-4a59-9a3c-0d2f6b8e1c55' }));
      return files({ 'server.pem': peerCertificate(m.peer, temporary) });
    },
  ],
  [
    'D34',
    () => {
      const acme = holder(encodeName({ organization: "Let's Encrypt", commonName: 'R11' }));
      return files({ 'server.pem': peerCertificate(m.peer, acme, { usages: ['serverAuth'] }) });
    },
    'X14.3',
  ],
  [
    'D34',
    () => {
      const acme = holder(encodeName({ organization: "Let's Encrypt", commonName: 'R11' }));
      return files({
        'server.pem': peerCertificate(m.peer, acme, { usages: ['serverAuth'] }),
        'old.pem': peerCertificate(m.peer, m.issuing, { begin: days(-80), end: days(10) }),
      });
    },
  ],
  ['D35', () => [log('expe1.log', 'Detail="No SSL error available, probably remote disconnect"')]],
  ['D36', () => [directory('demoCA', { index: [], newCertificates: ['10.pem'] })]],
];

// ---- declarations --------------------------------------------------------------------------------------------------

const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });
const core = {
  id: 'core',
  product: 'expressway-c' as const,
  release: 'X15.5',
  issuer: 'ca',
  clusterName: 'expc.example.com',
  peers: [peer('expc1'), peer('expc2')],
};
const edge = {
  ...core,
  id: 'edge',
  product: 'expressway-e' as const,
  clusterName: 'expe.example.com',
  peers: [peer('expe1')],
};
const zone = { kind: 'traversal' as const, id: 'uc', client: 'core', server: 'edge', unifiedCommunications: true };
const topology = {
  name: 'test',
  authorities: [{ id: 'ca', subject: { commonName: 'Example CA' }, crl: { baseUrl: 'http://pki.example.com/crl/' } }],
  clusters: [core, edge],
  domains: [{ name: 'example.com', unifiedCommunications: true }],
  zones: [zone],
  trustLists: [{ id: 'trust', authorities: ['ca'], appliesTo: ['core', 'edge'] }],
} satisfies TopologyInput;

const declarations: readonly (readonly [string, Partial<TopologyInput>])[] = [
  ['D08', { trustLists: [{ id: 'trust', authorities: ['ca'], appliesTo: ['edge'] }] }],
  ['D12', { zones: [{ ...zone, peerAddresses: ['192.0.2.7'] }] }],
  ['D13', { zones: [{ ...zone, tlsVerifySubjectName: 'expc1.example.com' }] }],
  ['D14', { clusters: [{ ...core, usages: ['serverAuth'] }, edge] }],
  [
    'D17',
    {
      clusters: [{ ...core, crlChannels: ['automatic'] }, edge],
      systems: [
        {
          kind: 'policy-server',
          id: 'policy',
          clusters: ['core'],
          address: 'policy.example.com',
          revocationChecking: true,
        },
      ],
    },
  ],
  ['D18', { clusters: [{ ...core, chatNodeAliases: ['*.example.com'] }, edge] }],
  ['D19', { domains: [] }],
  ['D20', { clusters: [{ ...core, phoneSecurityProfiles: ['Secure Profile'] }, edge] }],
  ['D21', { clusters: [core, { ...edge, chatNodeAliases: ['chat.example.com'] }] }],
  [
    'D25',
    {
      systems: [
        { kind: 'unified-cm', id: 'cucm', clusters: ['core'], nodes: ['cucm1.example.com'], callManagerTrust: ['ca'] },
      ],
    },
  ],
  ['D29', { clusters: [{ ...core, key: 'rsa-8192' }, edge] }],
  ['D34', { clusters: [core, { ...edge, acme: true }] }],
];

// ---- links ---------------------------------------------------------------------------------------------------------

interface World {
  /** What was declared when the certificates were issued, where it was something else. */
  readonly before?: Partial<TopologyInput>;
  readonly change?: Partial<TopologyInput>;
  readonly trusted?: 'nothing' | 'everything';
  readonly lists?: 'none' | 'expired';
}

const proofs: readonly (readonly [string, World])[] = [
  ['D10', { trusted: 'nothing' }],
  ['D11', { change: { zones: [{ ...zone, peerAddresses: ['expe11.example.com'] }] } }],
  ['D12', { change: { zones: [{ ...zone, peerAddresses: ['192.0.2.7'] }] } }],
  ['D13', { change: { zones: [{ ...zone, tlsVerifySubjectName: 'cluster.example.com' }] } }],
  ['D14', { change: { clusters: [core, { ...edge, usages: ['clientAuth'] }] } }],
  ['D15', { lists: 'expired' }],
  ['D16', { lists: 'none' }],
  ['D17', { lists: 'none', change: { clusters: [{ ...core, crlChannels: [] }, edge] } }],
  [
    'D19',
    {
      change: { clients: [{ id: 'jabber', kind: 'mobile-and-remote-access', clusters: ['edge'] }] },
      before: { domains: [] },
    },
  ],
];

/** The first refusal among the links of a topology, on certificates as they will be issued. */
function firstRefusal({ change = {}, before = {}, trusted = 'everything', lists }: World): string | undefined {
  const declared = parseTopology({ ...topology, ...change }, 'test');
  const issued = parseTopology({ ...topology, ...change, ...before }, 'test');
  const [authority] = declared.authorities;
  if (!authority) throw new Error('the topology has an authority');
  const root = predictAuthority(authority, undefined, 0, now);
  const trustList = trusted === 'everything' ? [root] : [];
  const nextUpdate = lists === 'expired' ? days(-1) : days(6);
  const list = predictCrl(root, { thisUpdate: days(-2), nextUpdate, revoked: new Set() });
  const verdicts = prove(
    links(declared),
    {
      certificates: new Map(demands(issued).map((demand) => [demand.id, predictLeaf(demand, root, now)])),
      sent: new Map(),
      trustLists: new Map(['core', 'edge', 'jabber'].map((id) => [id, trustList])),
      revocationLists: lists === 'none' ? [] : [list],
      elsewhere: new Set(),
    },
    now,
  );
  return verdicts.flatMap(({ refusals }) => refusals)[0]?.diagnosis;
}

// ---- the tests -----------------------------------------------------------------------------------------------------

describe('what was found on evidence', () => {
  for (const [diagnosis, artefacts, release] of evidence)
    it(`has ${diagnosis} first`, async () => {
      expect(found(await artefacts(), release)[0]?.split(' ')[1]).toBe(diagnosis);
    });
});

describe('what a declaration shows', () => {
  it('is nothing where nothing is wrong', () => {
    expect(findings(parseTopology(topology, 'test'), now)).toEqual([]);
  });

  it.each(declarations)('has %s first', (diagnosis, change) => {
    const [first] = findings(parseTopology({ ...topology, ...change }, 'test'), now);
    expect(first?.diagnosis).toBe(diagnosis);
  });
});

describe('why a link is refused', () => {
  it('has nothing where nothing is wrong', () => {
    expect(firstRefusal({})).toBeUndefined();
  });

  it.each(proofs)('has %s first', (diagnosis, world) => {
    expect(firstRefusal(world)).toBe(diagnosis);
  });
});

it('every diagnosis has a fixture', () => {
  const shown = new Set([...evidence, ...declarations, ...proofs].map(([diagnosis]) => diagnosis));
  expect(diagnoses.map(({ id }) => id).filter((id) => !shown.has(id))).toEqual([]);
});

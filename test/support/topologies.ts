import type { TopologyInput } from '../../src/topology/schema.ts';

/** What examples/collaboration-edge/main.ts declares; test/conformance/example.test.ts holds the two together. */
export const exampleTopology = {
  name: 'collaboration-edge',
  authorities: [
    {
      id: 'root-ca',
      subject: { commonName: 'Example UC Root CA', organization: 'Example' },
      crl: { everyDays: 30, validDays: 90, baseUrl: 'http://pki.example.com/crl/' },
    },
    {
      id: 'issuing-ca',
      issuer: 'root-ca',
      subject: { commonName: 'Example UC Issuing CA', organization: 'Example' },
      lifetimeDays: 1825,
      crl: { dailyUpdateUtc: '02:30', baseUrl: 'http://pki.example.com/crl/' },
    },
  ],
  clusters: [
    {
      id: 'core',
      product: 'expressway-c',
      release: 'X8.1',
      clusterName: 'expc.example.com',
      issuer: 'issuing-ca',
      peers: [
        { id: 'expc1', hostName: 'expc1', domain: 'example.com' },
        { id: 'expc2', hostName: 'expc2', domain: 'example.com' },
      ],
    },
    {
      id: 'edge',
      product: 'expressway-e',
      release: 'X8.1',
      clusterName: 'expe.example.com',
      issuer: 'issuing-ca',
      peers: [
        { id: 'expe1', hostName: 'expe1', domain: 'example.com' },
        { id: 'expe2', hostName: 'expe2', domain: 'example.com' },
      ],
    },
  ],
  domains: [{ name: 'example.com', unifiedCommunications: true, presence: true }],
  zones: [{ kind: 'traversal', id: 'uc', client: 'core', server: 'edge', unifiedCommunications: true }],
  trustLists: [{ id: 'trust', authorities: ['root-ca', 'issuing-ca'], appliesTo: ['core', 'edge'] }],
} as const satisfies TopologyInput;

export interface EdgeOptions {
  readonly name?: string;
  readonly corePeers?: readonly string[];
  readonly edgePeers?: readonly string[];
  readonly domains?: readonly string[];
  readonly onRemoval?: 'revoke' | 'keep';
}

/** The example under other names and with EC keys, because tests make many. */
export function collaborationEdge(options: EdgeOptions = {}): TopologyInput {
  const {
    name = 'edge-test',
    corePeers = ['expc1', 'expc2'],
    edgePeers = ['expe1', 'expe2'],
    domains = ['example.com'],
  } = options;
  const { authorities, clusters, zones, trustLists } = exampleTopology;
  const peers = { core: corePeers, edge: edgePeers };
  return {
    name,
    authorities: authorities.map((authority) => ({ ...authority, key: 'ec-p256' })),
    clusters: clusters.map((cluster) => ({
      ...cluster,
      key: 'ec-p256',
      onRemoval: options.onRemoval ?? 'revoke',
      peers: peers[cluster.id].map((hostName) => ({ id: hostName, hostName, domain: 'example.com' })),
    })),
    domains: domains.map((domain) => ({ name: domain, unifiedCommunications: true, presence: true })),
    zones: [...zones],
    trustLists: trustLists.map((list) => ({
      ...list,
      authorities: [...list.authorities],
      appliesTo: [...list.appliesTo],
    })),
  };
}

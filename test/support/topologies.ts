import type { TopologyInput } from '../../src/topology/schema.ts';

export interface EdgeOptions {
  readonly name?: string;
  readonly corePeers?: readonly string[];
  readonly edgePeers?: readonly string[];
  readonly domains?: readonly string[];
  readonly key?: 'rsa-2048' | 'ec-p256';
  readonly onRemoval?: 'revoke' | 'keep';
}

/** A collaboration edge as a declaration; EC keys, because tests make many. */
export function collaborationEdge(options: EdgeOptions = {}): TopologyInput {
  const {
    name = 'edge-test',
    corePeers = ['expc1', 'expc2'],
    edgePeers = ['expe1', 'expe2'],
    domains = ['example.com'],
  } = options;
  const key = options.key ?? 'ec-p256';
  const baseUrl = 'http://pki.example.com/crl/';
  const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });
  const cluster = {
    release: 'X8.1' as const,
    issuer: 'issuing-ca',
    key,
    onRemoval: options.onRemoval ?? ('revoke' as const),
  };
  return {
    name,
    authorities: [
      {
        id: 'root-ca',
        key: key === 'ec-p256' ? 'ec-p256' : 'rsa-4096',
        subject: { commonName: 'Example UC Root CA', organization: 'Example' },
        crl: { everyDays: 30, validDays: 90, baseUrl },
      },
      {
        id: 'issuing-ca',
        issuer: 'root-ca',
        key: key === 'ec-p256' ? 'ec-p256' : 'rsa-4096',
        subject: { commonName: 'Example UC Issuing CA', organization: 'Example' },
        lifetimeDays: 1825,
        crl: { dailyUpdateUtc: '02:30', baseUrl },
      },
    ],
    clusters: [
      { ...cluster, id: 'core', product: 'expressway-c', clusterName: 'expc.example.com', peers: corePeers.map(peer) },
      { ...cluster, id: 'edge', product: 'expressway-e', clusterName: 'expe.example.com', peers: edgePeers.map(peer) },
    ],
    domains: domains.map((domain) => ({ name: domain, unifiedCommunications: true, presence: true })),
    zones: [
      { kind: 'traversal', id: 'uc', client: 'core', server: 'edge', tlsVerify: true, unifiedCommunications: true },
    ],
    trustLists: [{ id: 'trust', authorities: ['root-ca', 'issuing-ca'], appliesTo: ['core', 'edge'] }],
  };
}

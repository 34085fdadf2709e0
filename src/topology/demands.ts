import { fqdn, unique } from './names.ts';
import type { Authority, Cluster, Peer, Topology } from './schema.ts';
import { SHARED_PEER } from './topology.ts';

export type Usage = 'serverAuth' | 'clientAuth';

/** How a demand's key comes about: generated here, or kept on the appliance, which made this request (32). */
export type DemandKey = { readonly type: Cluster['key'] } | { readonly request: string };

/** A certificate that the topology needs. The first part goes into the certificate; a change of the second never reissues (I9). */
export interface Demand {
  /** `<cluster>/<peer>/<role>`: for_each key, resource name, bundle folder and key of the ledger. */
  readonly id: string;
  readonly subject: Cluster['subject'] & { readonly commonName: string };
  /** DNS names of the subject alternative name, in this order. */
  readonly names: readonly string[];
  readonly usages: readonly Usage[];
  readonly key: DemandKey;
  /** Id of the authority that signs it. */
  readonly issuer: string;
  readonly lifetimeDays: number;

  readonly renewBeforeDays: number;
  readonly onRemoval: Cluster['onRemoval'];
  readonly cluster: string;
  /** Ids of the peers that hold it: one, or all of a cluster that shares its certificate (13). */
  readonly peers: readonly string[];
}

/** Every certificate that the topology needs. Clusters without an issuer demand none: see the rule on self-signed certificates. */
export function demands(topology: Topology): Demand[] {
  return topology.clusters.flatMap((cluster) => demandsOf(topology, cluster));
}

/** The id of the demand whose certificate a peer presents. */
export function demandIdOf(cluster: Cluster, peer: Peer): string {
  return `${cluster.id}/${cluster.certificateModel === 'shared' ? SHARED_PEER : peer.id}/server`;
}

/** Days before expiry at which to renew: as declared, or a third of the lifetime. */
export function renewBeforeDaysOf(cluster: Pick<Cluster, 'renewBeforeDays' | 'lifetimeDays'>): number {
  return cluster.renewBeforeDays ?? Math.floor(cluster.lifetimeDays / 3);
}

/** Path of an authority's CRL below its base URL; a later generation has its own. */
export function crlFileName(authority: string, generation: number): string {
  return generation === 1 ? `${authority}.crl` : `${authority}-g${generation}.crl`;
}

/** The distribution point in certificates of `authority`, if its lists are published. */
export function crlUrl(authority: Pick<Authority, 'id' | 'crl'>, generation: number): string | undefined {
  return authority.crl.baseUrl === undefined
    ? undefined
    : `${authority.crl.baseUrl}${crlFileName(authority.id, generation)}`;
}

function demandsOf(topology: Topology, cluster: Cluster): Demand[] {
  const { issuer, clusterName } = cluster;
  if (issuer === undefined) return [];
  const unifiedCommunications = unifiedCommunicationsNames(topology, cluster);
  const common = {
    // Requirements 6, 20 and 23: a zone with TLS verify needs both on the one certificate of a peer.
    usages: ['serverAuth', 'clientAuth'],
    issuer,
    lifetimeDays: cluster.lifetimeDays,
    renewBeforeDays: renewBeforeDaysOf(cluster),
    onRemoval: cluster.onRemoval,
    cluster: cluster.id,
  } as const;
  const clusterNames = clusterName === undefined ? [] : [clusterName];
  if (cluster.certificateModel === 'shared') {
    const peers = cluster.peers.map(fqdn);
    const [commonName = ''] = [...clusterNames, ...peers];
    const [requester] = cluster.peers.filter((peer) => peer.request !== undefined);
    return [
      {
        ...common,
        id: `${cluster.id}/${SHARED_PEER}/server`,
        subject: { ...cluster.subject, commonName },
        names: unique([...clusterNames, ...peers, ...unifiedCommunications]),
        key: keyOf(cluster, requester?.request),
        peers: cluster.peers.map((peer) => peer.id),
      },
    ];
  }
  return cluster.peers.map((peer) => ({
    ...common,
    id: demandIdOf(cluster, peer),
    subject: { ...cluster.subject, commonName: fqdn(peer) },
    // Requirement 11 leaves the alternative names of a single appliance blank; its own name among them means the same and satisfies today's verifiers.
    names: unique([fqdn(peer), ...clusterNames, ...unifiedCommunications]),
    key: keyOf(cluster, peer.request),
    peers: [peer.id],
  }));
}

function keyOf(cluster: Cluster, request: string | undefined): DemandKey {
  return request === undefined ? { type: cluster.key } : { request };
}

/** Requirements 25-27: names for mobile and remote access, on the clusters at the two ends of a unified communications zone. */
function unifiedCommunicationsNames(topology: Topology, cluster: Cluster): string[] {
  const zones = topology.zones.filter((zone) => zone.kind === 'traversal' && zone.unifiedCommunications);
  const names: string[] = [];
  if (zones.some((zone) => zone.kind === 'traversal' && zone.client === cluster.id)) {
    names.push(...cluster.chatNodeAliases, ...cluster.phoneSecurityProfiles);
  }
  const inside = zones.flatMap((zone) =>
    zone.kind === 'traversal' && zone.server === cluster.id ? [zone.client] : [],
  );
  if (inside.length > 0) {
    const domains = topology.domains.filter((domain) => domain.unifiedCommunications || domain.presence);
    names.push(...domains.map((domain) => domain.name), ...cluster.chatNodeAliases);
    for (const other of topology.clusters) if (inside.includes(other.id)) names.push(...other.chatNodeAliases);
  }
  return names;
}

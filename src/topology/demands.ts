import type { AuthorityId, DemandId } from './ids.ts';
import { fqdn, patterns, unique } from './names.ts';
import type { Authority, Cluster, Peer, Topology } from './schema.ts';
import { commonNameOf, isEdge, isForUnifiedCommunications, SHARED_PEER } from './topology.ts';

export type Usage = 'serverAuth' | 'clientAuth';

/** How a demand's key comes about: generated here, or kept on the appliance, which made this request (32). */
export type DemandKey = { readonly type: Cluster['key'] } | { readonly request: string };

/** A certificate that the topology needs. The first part goes into the certificate; a change of the second never reissues (I9). */
export interface Demand {
  /** `<cluster>/<peer>/<role>`: for_each key, resource name, bundle folder and key of the ledger. */
  readonly id: DemandId;
  readonly subject: Cluster['subject'] & { readonly commonName: string };
  /** DNS names of the subject alternative name, in this order. */
  readonly names: readonly string[];
  readonly usages: readonly Usage[];
  readonly key: DemandKey;
  /** Id of the authority that signs it. */
  readonly issuer: AuthorityId;
  readonly lifetimeDays: number;

  readonly renewBeforeDays: number;
  readonly onRemoval: Cluster['onRemoval'];
  readonly cluster: string;
  /** Ids of the peers that hold it: one, or all of a cluster that shares its certificate (13). */
  readonly peers: readonly string[];
}

export type Role = 'server' | 'client';

/** Every certificate that the topology needs. Clusters without an issuer demand none: see the rule on self-signed certificates. */
export function demands(topology: Topology): Demand[] {
  const unifiedCommunications = unifiedCommunicationsNames(topology);
  return topology.clusters.flatMap((cluster) => demandsOf(cluster, unifiedCommunications.get(cluster.id) ?? []));
}

/** The demands that an authority of this topology signs; the others are signed elsewhere. */
export function ownDemands(topology: Topology): Demand[] {
  const own = new Set(topology.authorities.map(({ id }) => id));
  return demands(topology).filter(({ issuer }) => own.has(issuer));
}

/** The id of the demand whose certificate a peer presents in this role: without a client certificate of its own, the server's. */
export function demandIdOf(cluster: Cluster, peer: Peer, role: Role): DemandId {
  const store = cluster.clientCertificate ? role : 'server';
  return demandId(cluster, cluster.certificateModel === 'shared' ? SHARED_PEER : peer.id, store);
}

/** Days before expiry at which to renew: as declared, or a third of the lifetime. */
export function renewBeforeDaysOf(cluster: Pick<Cluster, 'renewBeforeDays' | 'lifetimeDays'>): number {
  return cluster.renewBeforeDays ?? Math.floor(cluster.lifetimeDays / 3);
}

/** Path of an authority's CRL below its base URL; a later generation has its own. */
export function crlFileName(authority: string, generation: number): string {
  return generation === 1 ? `${authority}.crl` : `${authority}-g${generation}.crl`;
}

/** What certificates of an authority generation point to. */
export interface Endpoints {
  /** Distribution point of its lists; absent where they are not published. */
  readonly crlUrl?: string;
}

export function endpointsOf({ id, crl }: Pick<Authority, 'id' | 'crl'>, generation: number): Endpoints {
  return crl.baseUrl === undefined ? {} : { crlUrl: `${crl.baseUrl}${crlFileName(id, generation)}` };
}

function demandsOf(cluster: Cluster, unifiedCommunications: readonly string[]): Demand[] {
  const { issuer, clientCertificate } = cluster;
  return [
    ...(issuer === undefined ? [] : demandsOfRole(cluster, 'server', { ...cluster, issuer }, unifiedCommunications)),
    // What an upgrade to X15.5 copies into the client store has the names of the server certificate, and works.
    ...(clientCertificate ? demandsOfRole(cluster, 'client', clientCertificate, unifiedCommunications) : []),
  ];
}

function demandsOfRole(
  cluster: Cluster,
  role: Role,
  settings: NonNullable<Cluster['clientCertificate']>,
  unifiedCommunications: readonly string[],
): Demand[] {
  const { clusterName } = cluster;
  const common = {
    usages: settings.usages,
    issuer: settings.issuer,
    lifetimeDays: settings.lifetimeDays,
    renewBeforeDays: renewBeforeDaysOf(settings),
    onRemoval: cluster.onRemoval,
    cluster: cluster.id,
  };
  const clusterNames = clusterName === undefined ? [] : [clusterName];
  const keyOf = (request: string | undefined): DemandKey =>
    request === undefined || role === 'client' ? { type: settings.key } : { request };
  if (cluster.certificateModel === 'shared') {
    const peers = cluster.peers.map(fqdn);
    const [commonName = ''] = cluster.peers.map((peer) => commonNameOf(cluster, peer));
    const requester = cluster.peers.find((peer) => peer.request !== undefined);
    return [
      {
        ...common,
        id: demandId(cluster, SHARED_PEER, role),
        subject: { ...cluster.subject, commonName },
        names: unique([...clusterNames, ...peers, ...unifiedCommunications]),
        key: keyOf(requester?.request),
        peers: cluster.peers.map((peer) => peer.id),
      },
    ];
  }
  return cluster.peers.map((peer) => ({
    ...common,
    id: demandId(cluster, peer.id, role),
    subject: { ...cluster.subject, commonName: commonNameOf(cluster, peer) },
    // Requirement 11 leaves the alternative names of a single appliance blank; its own name among them means the same and satisfies today's verifiers.
    names: unique([fqdn(peer), ...clusterNames, ...unifiedCommunications]),
    key: keyOf(peer.request),
    peers: [peer.id],
  }));
}

function demandId(cluster: Cluster, holder: string, role: Role): DemandId {
  return `${cluster.id}/${holder}/${role}` as DemandId;
}

/** Requirements 25-27, by cluster: inside, its own chat node aliases and profiles; outside, the domains and the same aliases. */
function unifiedCommunicationsNames(topology: Topology): Map<string, string[]> {
  const carriers = domainCarriers(topology);
  const domains = topology.domains
    .filter((domain) => (domain.unifiedCommunications || domain.presence) && !domain.dnsSec)
    .map(({ name, certificateName }) => (certificateName === 'domain' ? name : `collab-edge.${name}`));
  const aliases = new Map(topology.clusters.map(({ id, chatNodeAliases }) => [id, chatNodeAliases]));
  const names = new Map(
    topology.clusters.map((cluster) => {
      const own = isEdge(cluster) ? (carriers.has(cluster.id) ? domains : []) : profileNames(cluster);
      const { chatNodeAliases } = cluster;
      return [cluster.id, isEdge(cluster) ? [...own, ...chatNodeAliases] : [...chatNodeAliases, ...own]];
    }),
  );
  for (const zone of topology.zones)
    if (isForUnifiedCommunications(zone)) names.get(zone.server)?.push(...(aliases.get(zone.client) ?? []));
  return names;
}

/** Ids of the clusters that clients of mobile and remote access meet, through a zone that is declared or not: they carry the domains. */
export function domainCarriers({ clusters, clients, zones }: Topology): Set<string> {
  const met = new Set([
    ...clients.flatMap((group) => (group.kind === 'mobile-and-remote-access' ? group.clusters : [])),
    ...zones.flatMap((zone) => (isForUnifiedCommunications(zone) ? zone.server : [])),
  ]);
  return new Set(clusters.filter((cluster) => isEdge(cluster) && met.has(cluster.id)).map(({ id }) => id));
}

/** The phone security profiles that a certificate has to name: none with OAuth, and none that is no DNS name. */
export function profileNames(cluster: Pick<Cluster, 'phoneSecurityProfiles'>): string[] {
  const dnsName = new RegExp(patterns.dnsName);
  return cluster.phoneSecurityProfiles
    .filter(({ oauth }) => !oauth)
    .map(({ name }) => name.toLowerCase())
    .filter((name) => dnsName.test(name));
}

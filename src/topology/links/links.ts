import { demandIdOf } from './demands.ts';
import { fqdn } from './names.ts';
import type { Cluster, NeighborZone, Peer, Topology, TraversalZone } from './schema.ts';

/** What one end of a TLS connection demands of the other. */
export interface PeerCheck {
  /** The certificate must carry one of these names. */
  readonly referenceNames: readonly string[];
  /** The setting that the reference names come from, as the user knows it. */
  readonly setting: string;
  readonly revocationChecking: boolean;
}

export interface LinkEnd {
  readonly cluster: string;
  readonly peer: string;
  readonly fqdn: string;
  /** Id of the demand whose certificate this end presents. */
  readonly demand: string;
  /** Absent: TLS verify mode is off, this end accepts any certificate. */
  readonly check?: PeerCheck;
}

/** One TLS connection that the topology implies. */
export interface Link {
  readonly id: string;
  readonly zone: string;
  readonly client: LinkEnd;
  readonly server: LinkEnd;
}

interface Member {
  readonly cluster: Cluster;
  readonly peer: Peer;
}

/** Every TLS connection between declared peers: who dials, who answers, which name each checks (61, 62; matching rules of the guides' section on zones). */
export function links(topology: Topology): Link[] {
  const clusters = new Map(topology.clusters.map((cluster) => [cluster.id, cluster]));
  const at = (id: string): Cluster => {
    const cluster = clusters.get(id);
    if (!cluster) throw new TypeError(`no cluster ${id}: the topology was not parsed`);
    return cluster;
  };
  return topology.zones.flatMap((zone) =>
    zone.kind === 'traversal'
      ? traversalLinks(zone, at(zone.client), at(zone.server))
      : neighborLinks(zone, at(zone.cluster), at(zone.neighbor)),
  );
}

/** The name that a traversal server expects of its client: declared, the cluster's, or that of its only peer. */
export function tlsVerifySubjectName(zone: TraversalZone, client: Cluster): string {
  const [peer] = client.peers;
  return zone.tlsVerifySubjectName ?? client.clusterName ?? (peer ? fqdn(peer) : '');
}

export function peerAddresses(zone: TraversalZone | NeighborZone, target: Cluster): readonly string[] {
  return zone.peerAddresses ?? target.peers.map(fqdn);
}

/** The client of a traversal zone always dials (-C towards -E). */
function traversalLinks(zone: TraversalZone, client: Cluster, server: Cluster): Link[] {
  return dialled(zone, client, server).map(({ from, to, address }) =>
    link(zone, from, to, {
      client: check(client, [address], `Peer address of zone ${zone.id} on ${client.id}`),
      server: check(
        server,
        [tlsVerifySubjectName(zone, client)],
        `TLS verify subject name of zone ${zone.id} on ${server.id}`,
      ),
    }),
  );
}

/** Neighbors dial each other, and both hold the zone. The declared peer addresses are those set on `zone.cluster`. */
function neighborLinks(zone: NeighborZone, cluster: Cluster, neighbor: Cluster): Link[] {
  const back = { ...zone, peerAddresses: undefined };
  const setting = (holder: Cluster) => `Peer address of zone ${zone.id} on ${holder.id}`;
  return [
    ...dialled(zone, cluster, neighbor).map(({ from, to, address }) =>
      link(zone, from, to, {
        client: check(cluster, [address], setting(cluster)),
        server: check(neighbor, peerAddresses(back, cluster), setting(neighbor)),
      }),
    ),
    ...dialled(back, neighbor, cluster).map(({ from, to, address }) =>
      link(zone, from, to, {
        client: check(neighbor, [address], setting(neighbor)),
        server: check(cluster, peerAddresses(zone, neighbor), setting(cluster)),
      }),
    ),
  ];
}

/** Each peer dials each address. An address that is no peer's own name (a cluster name, an IP) may lead to any of them. */
function dialled(zone: TraversalZone | NeighborZone, from: Cluster, to: Cluster) {
  return peerAddresses(zone, to).flatMap((address) => {
    const named = to.peers.filter((peer) => fqdn(peer) === address.toLowerCase());
    const targets = named.length > 0 ? named : to.peers;
    return from.peers.flatMap((dialler) =>
      targets.map((target) => ({
        from: { cluster: from, peer: dialler },
        to: { cluster: to, peer: target },
        address,
      })),
    );
  });
}

function link(
  zone: TraversalZone | NeighborZone,
  from: Member,
  to: Member,
  checks: { client: PeerCheck; server: PeerCheck },
): Link {
  const via = checks.client.referenceNames[0];
  const address = via === fqdn(to.peer) ? '' : ` (as ${via})`;
  return {
    id: `${zone.id}: ${from.cluster.id}/${from.peer.id} -> ${to.cluster.id}/${to.peer.id}${address}`,
    zone: zone.id,
    client: end(from, zone.tlsVerify ? checks.client : undefined),
    server: end(to, zone.tlsVerify ? checks.server : undefined),
  };
}

function end({ cluster, peer }: Member, peerCheck: PeerCheck | undefined): LinkEnd {
  return {
    cluster: cluster.id,
    peer: peer.id,
    fqdn: fqdn(peer),
    demand: demandIdOf(cluster, peer),
    ...(peerCheck && { check: peerCheck }),
  };
}

function check(verifier: Cluster, referenceNames: readonly string[], setting: string): PeerCheck {
  return {
    referenceNames,
    setting,
    revocationChecking: verifier.revocationChecking,
  };
}

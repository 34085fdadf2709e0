import { fqdn } from '../names.ts';
import { releaseOf } from '../releases/releases.ts';
import type { Cluster } from '../schema.ts';
import { type Link, linkEnd, members, NO_REVOCATION, type PeerCheck } from './link.ts';

/** From X8.8 the peers of a cluster dial each other; only Enforce verifies. */
export function clusterLinks(cluster: Cluster): Link[] {
  const release = releaseOf(cluster);
  if (!release.clusterTls) return [];
  const check = (peer: string, usage: boolean): PeerCheck | undefined =>
    cluster.clusterTls === 'permissive'
      ? undefined
      : {
          referenceNames: [peer],
          setting: `Peer address of ${peer} in cluster ${cluster.id}`,
          nameMatching: release.nameMatching,
          usage,
          revocation: NO_REVOCATION,
        };
  return members(cluster).flatMap((from) =>
    members(cluster)
      .filter((to) => to.peer !== from.peer)
      .map((to) => {
        const client = linkEnd(from, 'client', check(fqdn(to.peer), true));
        const server = linkEnd(to, 'server', check(fqdn(from.peer), release.clusterClientAuth));
        return {
          id: `cluster ${cluster.id}: ${client.name} -> ${server.name}`,
          kind: 'cluster',
          of: cluster.id,
          client,
          server,
        };
      }),
  );
}

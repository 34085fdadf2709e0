import type { Cluster, NeighborZone } from '../schema.ts';
import { dialled, peerAddresses, zoneLink } from './dialled.ts';
import { type Link, sipClientCheck, sipServerCheck } from './link.ts';

/** Neighbors dial each other, and both hold the zone. The declared peer addresses are those set on `zone.cluster`. */
export function neighborLinks(zone: NeighborZone, cluster: Cluster, neighbor: Cluster): Link[] {
  return [
    ...oneWay(zone, cluster, neighbor, zone.peerAddresses, undefined),
    ...oneWay(zone, neighbor, cluster, undefined, zone.peerAddresses),
  ];
}

/** @param there the addresses of `to` as set on `from`; `back` those of `from` as set on `to` */
function oneWay(
  zone: NeighborZone,
  from: Cluster,
  to: Cluster,
  there: readonly string[] | undefined,
  back: readonly string[] | undefined,
): Link[] {
  const setting = (holder: Cluster) => `Peer address of zone ${zone.id} on ${holder.id}`;
  return dialled(there, from, to).map((call) =>
    zoneLink(zone, 'neighbor', call.from, call.to, call.address, {
      client: sipServerCheck(from, [call.address], setting(from)),
      server: sipClientCheck(to, peerAddresses(back, from), setting(to)),
    }),
  );
}

import type { Topology } from '../schema.ts';
import { clusterReader } from '../topology.ts';
import { clientLinks } from './clients.ts';
import { clusterLinks } from './cluster.ts';
import type { Link } from './link.ts';
import { neighborLinks } from './neighbor.ts';
import { systemLinks } from './systems.ts';
import { traversalLinks } from './traversal.ts';

/** Every TLS connection that the topology implies: who dials, who answers, what each end checks (61, 62; matching rules of the guides' section on zones). */
export function links(topology: Topology): Link[] {
  const at = clusterReader(topology);
  return [
    ...topology.zones.flatMap((zone) =>
      zone.kind === 'traversal'
        ? traversalLinks(zone, at(zone.client), at(zone.server))
        : neighborLinks(zone, at(zone.cluster), at(zone.neighbor)),
    ),
    ...topology.clusters.flatMap(clusterLinks),
    ...topology.systems.flatMap((system) => system.clusters.flatMap((id) => systemLinks(system, at(id)))),
    ...topology.clients.flatMap((group) =>
      group.clusters.flatMap((id) => clientLinks(group, at(id), topology.domains)),
    ),
  ];
}

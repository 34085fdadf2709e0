import { isWildcard } from '../names.ts';
import { releases } from '../releases/releases.ts';
import type { Rule } from './rule.ts';

/** Wildcard names. Refused from X8.1 on (requirement 15); the X7.2 guide is silent. */
export const wildcardName: Rule = {
  code: 'NAME_WILDCARD',
  holds: [15],
  severity: 'error',
  *check({ topology, demands }) {
    const clusters = new Map(topology.clusters.map((cluster) => [cluster.id, cluster]));
    for (const demand of demands) {
      const cluster = clusters.get(demand.cluster);
      if (!cluster) continue;
      const release = releases[cluster.release];
      for (const name of demand.names.filter(isWildcard)) {
        yield {
          at: demand.id,
          value: name,
          message: `${release.name} ${release.refusesWildcards ? 'does not accept' : 'is not known to accept'} wildcard certificates`,
          fix: `list the names behind ${name} one by one, or remove it`,
          severity: release.refusesWildcards ? 'error' : 'warning',
        };
      }
    }
  },
};

import { releases } from '../releases/releases.ts';
import { isExpressway, unifiedCommunicationsZones } from '../topology.ts';
import type { Rule } from './rule.ts';

/** Requirements 1 and 25: the Expressway products and unified communications begin with X8.1. */
export const productRelease: Rule = {
  code: 'RELEASE_TOO_OLD',
  holds: [1, 25],
  severity: 'error',
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      const release = releases[cluster.release];
      const needs: string[] = [];
      if (isExpressway(cluster) && !release.expresswayProducts) needs.push(`the product ${cluster.product}`);
      const zones = release.unifiedCommunications ? [] : unifiedCommunicationsZones(topology, cluster.id);
      for (const zone of zones) needs.push(`unified communications on zone ${zone.id}`);
      for (const need of needs) {
        yield {
          at: `cluster ${cluster.id}`,
          value: cluster.release,
          message: `${release.name} does not have ${need}`,
          fix: 'declare release X8.1 or later',
        };
      }
    }
  },
};

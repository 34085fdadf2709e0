import { releaseOf } from '../releases/releases.ts';
import { unifiedCommunicationsZones } from '../topology.ts';
import type { Rule } from './rule.ts';

/** The X12.5 line was the last with new functions for VCS. */
export const vcsFrozen: Rule = {
  code: 'VCS_FROZEN',
  title: 'A VCS product on a release after the last that it got new functions with.',
  holds: [1],
  severity: 'advice',
  releases: 'from X12.6',
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      const { vcsProducts, name } = releaseOf(cluster);
      if (vcsProducts === 'supported' || !cluster.product.startsWith('vcs') || name.startsWith('X12.5')) continue;
      const uc = unifiedCommunicationsZones(topology, cluster.id).length > 0;
      yield {
        at: `cluster ${cluster.id}`,
        value: `${cluster.product} ${name}`,
        message: `VCS gets maintenance alone since X12.5${uc ? '; what later releases changed for mobile and remote access may not be in it' : ''}`,
        fix: 'plan the move to Expressway, or declare the product that it is',
      };
    }
  },
};

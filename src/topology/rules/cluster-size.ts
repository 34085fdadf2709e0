import type { Rule } from './rule.ts';

/** A cluster has at most six peers. */
export const clusterSize: Rule = {
  code: 'CLUSTER_TOO_LARGE',
  title: 'A cluster of more than six peers.',
  holds: [],
  severity: 'error',
  releases: 'all',
  *check({ topology }) {
    for (const { id, peers } of topology.clusters) {
      if (peers.length <= 6) continue;
      yield {
        at: `cluster ${id}`,
        value: `${peers.length} peers`,
        message: 'a cluster has at most 6 peers',
        fix: 'declare two clusters, with a neighbor zone between them',
      };
    }
  },
};

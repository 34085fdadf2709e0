import type { Rule } from './rule.ts';

/** Requirements 32 and 35: the key of a request stays on the peer that made it, and no other peer can use the certificate. */
export const sharedRequest: Rule = {
  code: 'REQUEST_SHARED',
  title: 'A request of one peer is declared for a certificate that all peers share.',
  holds: [32, 35],
  diagnosis: 'D01',
  severity: 'error',
  releases: 'all',
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      if (cluster.certificateModel !== 'shared' || cluster.peers.length === 1) continue;
      for (const peer of cluster.peers.filter((candidate) => candidate.request !== undefined)) {
        yield {
          at: `cluster ${cluster.id}`,
          value: peer.id,
          message: `a certificate for the request of ${peer.id} could be used by no other peer, and all are to share one`,
          fix: 'give each peer its own certificate, with its own request; or leave the request out to have one key generated here',
        };
      }
    }
  },
};

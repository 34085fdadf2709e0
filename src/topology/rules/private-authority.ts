import { publicAuthorities } from '../topology.ts';
import type { Rule } from './rule.ts';

/** Requirement 8: phones and browsers that come to -E trust public authorities; the notice's private CA is for -C. */
export const privateAuthorityOnEdge: Rule = {
  code: 'PRIVATE_CA_ON_EDGE',
  title: 'Clients whose trust list is fixed meet a certificate of an internal authority.',
  holds: [8],
  severity: 'error',
  releases: 'all',
  *check({ topology, clusterOf }) {
    const publicly = publicAuthorities(topology);
    for (const group of topology.clients.filter(({ fixedTrust }) => fixedTrust)) {
      for (const id of group.clusters) {
        const { issuer } = clusterOf(id);
        if (issuer === undefined || publicly.has(issuer)) continue;
        yield {
          at: `cluster ${id}`,
          value: issuer,
          message: `${group.id} trust public authorities alone and nothing can be added to them: they would refuse every peer. A private CA is for Expressway-C only`,
          fix: `let a publicly trusted authority issue the server certificates of ${id}: declare it in externalAuthorities`,
        };
      }
    }
  },
};

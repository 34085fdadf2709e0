import { authorityChain } from '../topology.ts';
import type { Rule } from './rule.ts';

/** Requirements 42 and 49, D08: a peer must hold the whole chain of its own certificate, from intermediate to root. */
export const ownChainTrusted: Rule = {
  code: 'TRUST_LIST_INCOMPLETE',
  holds: [42, 49],
  severity: 'error',
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      if (cluster.issuer === undefined) continue;
      const lists = topology.trustLists.filter((list) => list.appliesTo.includes(cluster.id));
      const trusted = new Set(lists.flatMap((list) => list.authorities));
      const missing = authorityChain(topology.authorities, cluster.issuer).filter(
        (authority) => !trusted.has(authority.id),
      );
      for (const authority of missing) {
        yield {
          at: `cluster ${cluster.id}`,
          value: authority.id,
          message: `its trust list lacks ${authority.subject.commonName}, which its own certificates chain to; the peers could not send their chain`,
          fix:
            lists.length === 0
              ? `declare a trust list with ${authority.id} that applies to ${cluster.id}`
              : `add ${authority.id} to the authorities of trust list ${lists.map((list) => list.id).join(' or ')}`,
        };
      }
    }
  },
};

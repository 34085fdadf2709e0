import type { Topology } from '../schema.ts';
import { authorityChain, issuersOf } from '../topology.ts';
import type { Rule } from './rule.ts';

/** Requirements 42 and 49, D08: a peer must hold the whole chain of its own certificate, from intermediate to root. */
export const ownChainTrusted: Rule = {
  code: 'TRUST_LIST_INCOMPLETE',
  title: 'The trust list of a cluster lacks an authority of the chain of its own certificates.',
  holds: [42, 49],
  diagnosis: 'D08',
  severity: 'error',
  releases: 'all',
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      const lists = topology.trustLists.filter((list) => list.appliesTo.includes(cluster.id));
      const trusted = new Set<string>(lists.flatMap((list) => list.authorities));
      for (const { id, name } of chainsOf(topology, issuersOf(cluster))) {
        if (trusted.has(id)) continue;
        yield {
          at: `cluster ${cluster.id}`,
          value: id,
          message: `its trust list lacks ${name}, which its own certificates chain to; the peers could not send their chain`,
          fix:
            lists.length === 0
              ? `declare a trust list with ${id} that applies to ${cluster.id}`
              : `add ${id} to the authorities of trust list ${lists.map((list) => list.id).join(' or ')}`,
        };
      }
    }
  },
};

/** The authorities of the chains, each once; of one that signs elsewhere its id stands for its whole chain. */
export function chainsOf(topology: Topology, issuers: readonly string[]): { id: string; name: string }[] {
  const chains = issuers.flatMap((issuer) => {
    const chain = authorityChain(topology.authorities, issuer).map(
      ({ id, subject }) => [id, subject.commonName] as const,
    );
    return chain.length > 0 ? chain : [[issuer, issuer] as const];
  });
  return [...new Map(chains)].map(([id, name]) => ({ id, name }));
}

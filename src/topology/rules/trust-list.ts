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
      const trusted = new Set(lists.flatMap((list) => list.authorities));
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

/** D25: Unified CM must hold the chain of -C's certificates, in both of its stores. */
export const unifiedCmTrust: Rule = {
  code: 'UNIFIED_CM_TRUST',
  title: "Unified CM does not trust the chain of Expressway-C's certificates.",
  holds: [42],
  diagnosis: 'D25',
  severity: 'error',
  releases: 'for secure SIP on all; for every connection from X14.0.2',
  *check({ topology, links }) {
    for (const system of topology.systems) {
      if (system.kind !== 'unified-cm') continue;
      for (const cluster of topology.clusters.filter(({ id }) => system.clusters.includes(id))) {
        const checked = links.filter(
          ({ of, client, server }) => of === system.id && client.holder === cluster.id && server.check,
        );
        for (const [store, listed] of [
          ['tomcat-trust', system.tomcatTrust],
          ['CallManager-trust', system.callManagerTrust],
        ] as const) {
          if (!checked.some(({ server }) => server.holder.endsWith(store))) continue;
          const issuers = [cluster.clientCertificate?.issuer ?? cluster.issuer].filter((id) => id !== undefined);
          const missing = chainsOf(topology, issuers).filter(({ id }) => !listed.includes(id));
          for (const { id, name } of missing) {
            yield {
              at: `system ${system.id}`,
              value: id,
              message: `its ${store} lacks ${name}, which the certificates of ${cluster.id} chain to; sign-in would fail`,
              fix: `load ${name} into ${store} on every node, restart the service, and declare it in ${store === 'tomcat-trust' ? 'tomcatTrust' : 'callManagerTrust'}`,
            };
          }
        }
      }
    }
  },
};

/** The authorities of the chains, each once; of one that signs elsewhere its id stands for its whole chain. */
function chainsOf(topology: Topology, issuers: readonly string[]): { id: string; name: string }[] {
  const chains = issuers.flatMap((issuer) => {
    const chain = authorityChain(topology.authorities, issuer).map(
      ({ id, subject }) => [id, subject.commonName] as const,
    );
    return chain.length > 0 ? chain : [[issuer, issuer] as const];
  });
  return [...new Map(chains)].map(([id, name]) => ({ id, name }));
}

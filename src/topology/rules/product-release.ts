import type { Release } from '../releases/release.ts';
import { releaseOf, releases } from '../releases/releases.ts';
import type { Cluster, Topology } from '../schema.ts';
import { isExpressway, unifiedCommunicationsZones } from '../topology.ts';
import type { Rule } from './rule.ts';

/** Requirements 1 and 25: what is declared and begins with a later release. */
export const productRelease: Rule = {
  code: 'RELEASE_TOO_OLD',
  title: 'Something is declared that the release does not have yet.',
  holds: [1, 25],
  severity: 'error',
  releases: 'each as the message says',
  refusedByRelease: true,
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      const release = releaseOf(cluster);
      for (const { what, has } of declared(topology, cluster)) {
        if (has(release)) continue;
        yield {
          at: `cluster ${cluster.id}`,
          value: cluster.release,
          message: `${release.name} does not have ${what}`,
          fix: `declare release ${releases.find(has)?.name ?? ''} or later, or remove it`,
        };
      }
    }
  },
};

interface Need {
  readonly what: string;
  readonly has: (release: Release) => boolean;
}

function declared(topology: Topology, cluster: Cluster): Need[] {
  const needs: Need[] = unifiedCommunicationsZones(topology, cluster.id).map(({ id }) => ({
    what: `unified communications on zone ${id}`,
    has: (release) => release.unifiedCommunications,
  }));
  if (isExpressway(cluster))
    needs.unshift({ what: `the product ${cluster.product}`, has: (release) => release.expresswayProducts });
  if (cluster.clusterTls === 'enforce')
    needs.push({ what: 'TLS between the peers of a cluster', has: (release) => release.clusterTls });
  if (cluster.clientCertificate)
    needs.push({
      what: 'a client certificate beside the server certificate',
      has: (release) => release.certificateStores === 'server and client',
    });
  if (cluster.acme) needs.push({ what: 'the ACME scheduler', has: (release) => release.acme });
  return needs;
}

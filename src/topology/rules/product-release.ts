import type { Release } from '../releases/release.ts';
import { releaseOf, releases } from '../releases/releases.ts';
import type { Cluster, Topology } from '../schema.ts';
import { isEdge, isExpressway, unifiedCommunicationsZones } from '../topology.ts';
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
  if (!cluster.clientAuthChecking)
    needs.push({ what: 'ExtendedKeyUsage Checking Mode', has: (release) => release.clientAuthCheck === 'setting' });
  if (cluster.serverAuthOnlyUpload)
    needs.push({
      what: 'the setting EnableServerEkuUpload',
      has: ({ serverAuthOnlyUpload: upload, certificateStores }) =>
        upload === 'Expressway-E after a setting' || certificateStores === 'server and client',
    });
  return needs;
}

/** What is declared and only the other one of a pair has. */
export const productLacks: Rule = {
  code: 'PRODUCT_LACKS',
  title: 'Something is declared that the product does not have.',
  holds: [1, 26],
  severity: 'error',
  releases: 'all',
  refusedByRelease: true,
  *check({ topology }) {
    const named = (kind: string, declared: readonly { kind: string; clusters: readonly string[] }[]) =>
      new Set(declared.filter((one) => one.kind === kind).flatMap(({ clusters }) => clusters));
    const withUnifiedCm = named('unified-cm', topology.systems);
    const withClients = named('mobile-and-remote-access', topology.clients);
    for (const cluster of topology.clusters) {
      const edge = isEdge(cluster);
      const misplaced = [
        ...(edge && withUnifiedCm.has(cluster.id) ? ['connections with Unified CM'] : []),
        ...(!edge && withClients.has(cluster.id) ? ['clients of mobile and remote access'] : []),
        ...(!edge && cluster.acme ? ['the ACME scheduler'] : []),
        ...(!edge && cluster.serverAuthOnlyUpload ? ['the setting EnableServerEkuUpload'] : []),
        ...(edge && cluster.phoneSecurityProfiles.length > 0 ? ['phone security profiles of Unified CM'] : []),
      ];
      for (const what of misplaced)
        yield {
          at: `cluster ${cluster.id}`,
          value: cluster.product,
          message: `${cluster.product} does not have ${what}: that is for ${edge ? 'Expressway-C' : 'Expressway-E'}`,
          fix: `declare it on the ${edge ? 'Expressway-C' : 'Expressway-E'} cluster, or remove it`,
        };
    }
  },
};

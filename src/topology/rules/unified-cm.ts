import { isIpAddress } from '../names.ts';
import { releaseOf } from '../releases/releases.ts';
import type { Rule } from './rule.ts';
import { chainsOf } from './trust-list.ts';

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

/** D25: from X14.0.8 on -C verifies Unified CM by name, whatever TLS verify mode says. */
export const unifiedCmName: Rule = {
  code: 'UNIFIED_CM_NAME',
  title: 'Unified CM was added by IP address or host name, which no certificate matches.',
  holds: [61, 62],
  diagnosis: 'D25',
  severity: 'error',
  releases: 'with TLS verify on all; always from X14.0.8',
  *check({ topology, clusterOf }) {
    for (const system of topology.systems) {
      if (system.kind !== 'unified-cm') continue;
      const verifying = system.clusters.filter((id) => system.tlsVerify || releaseOf(clusterOf(id)).verifiesUnifiedCm);
      if (verifying.length === 0) continue;
      for (const node of system.nodes) {
        if (!isIpAddress(node) && node.includes('.')) continue;
        yield {
          at: `system ${system.id}`,
          value: node,
          message: `${verifying.join(', ')} would verify its certificate against ${isIpAddress(node) ? 'an IP address' : 'a bare host name'}`,
          fix: 'set the FQDN of the node in Unified CM (System > Server), discover it anew, and declare that',
        };
      }
    }
  },
};

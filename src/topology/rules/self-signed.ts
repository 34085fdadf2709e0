import { unifiedCommunicationsZones } from '../topology.ts';
import type { Rule } from './rule.ts';

/** Requirements 30 and 78: self-signed certificates do not work with unified communications, and are for tests only elsewhere. */
export const selfSigned: Rule = {
  code: 'SELF_SIGNED',
  title: 'A cluster has no issuer: its certificates would be self-signed.',
  holds: [30, 78],
  severity: 'error',
  releases: 'all',
  refusedByRelease: true,
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      if (cluster.issuer !== undefined) continue;
      const unifiedCommunications = unifiedCommunicationsZones(topology, cluster.id).length > 0;
      yield {
        at: `cluster ${cluster.id}`,
        value: 'no issuer',
        message: unifiedCommunications
          ? 'self-signed certificates do not work in unified communications deployments'
          : 'self-signed certificates are not appropriate for production, and none are made here',
        fix: 'declare a CertificateAuthority and name it as the issuer of this cluster',
      };
    }
  },
};

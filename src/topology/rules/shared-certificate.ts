import { fqdn } from '../names.ts';
import { releaseOf } from '../releases/releases.ts';
import type { Rule } from './rule.ts';

/** Requirements 13 and 35: one certificate and key on every peer. */
export const sharedCertificate: Rule = {
  code: 'CERTIFICATE_SHARED',
  title: 'All peers of a cluster share one certificate and its key.',
  holds: [13, 35],
  severity: 'warning',
  releases: 'advice from X8.1, warning from X14.0',
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      if (cluster.certificateModel !== 'shared' || cluster.peers.length === 1) continue;
      const { sharedCertificate: model, name } = releaseOf(cluster);
      if (model === 'a listed model') continue;
      yield {
        at: `cluster ${cluster.id}`,
        value: 'shared',
        message:
          model === 'possible'
            ? `the guides of ${name} no longer list it among the models`
            : `it is not recommended on ${name}: one key is everywhere, and a change of one peer reissues for all`,
        fix: `give each peer its own certificate: certificateModel per-peer, for ${cluster.peers.map(fqdn).join(', ')}`,
        severity: model === 'possible' ? 'advice' : 'warning',
      };
    }
  },
};

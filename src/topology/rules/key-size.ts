import { releaseOf } from '../releases/releases.ts';
import type { Rule } from './rule.ts';

/** Requirement 41: zones may stay down with 8192-bit keys; 4096 bits are recommended. */
export const keySize: Rule = {
  code: 'KEY_8192',
  title: 'A key of 8192 bits.',
  holds: [41],
  diagnosis: 'D29',
  severity: 'error',
  releases: 'all',
  refusedByRelease: true,
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      if (![cluster.key, cluster.clientCertificate?.key].includes('rsa-8192')) continue;
      yield {
        at: `cluster ${cluster.id}`,
        value: 'rsa-8192',
        message: 'SIP TLS zones may never become active with keys of 8192 bits',
        fix: 'use rsa-4096, which the guides recommend, or rsa-2048',
      };
    }
  },
};

/** ECDSA keys are offered, and documented, from X14.3 on. */
export const keyType: Rule = {
  code: 'KEY_ECDSA_EARLY',
  title: 'An ECDSA key on a release whose documents know RSA alone.',
  holds: [41],
  severity: 'warning',
  releases: 'before X14.3',
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      const release = releaseOf(cluster);
      for (const key of [cluster.key, cluster.clientCertificate?.key]) {
        if (!key?.startsWith('ec-') || release.keys.some((known) => known === key)) continue;
        yield {
          at: `cluster ${cluster.id}`,
          value: key,
          message: `ECDSA certificates are documented from X14.3 on, and not for ${release.name}`,
          fix: 'use rsa-2048 or rsa-4096, or try one peer first',
        };
      }
    }
  },
};

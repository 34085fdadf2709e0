import type { Rule } from './rule.ts';

/** Requirement 41: zones may stay down with 8192-bit keys; 4096 bits are recommended. */
export const keySize: Rule = {
  code: 'KEY_8192',
  holds: [41],
  severity: 'error',
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      if (cluster.key !== 'rsa-8192') continue;
      yield {
        at: `cluster ${cluster.id}`,
        value: cluster.key,
        message: 'SIP TLS zones may never become active with keys of 8192 bits',
        fix: 'use rsa-4096, which the guides recommend, or rsa-2048',
      };
    }
  },
};

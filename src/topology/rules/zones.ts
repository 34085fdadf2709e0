import { isEdge, isForUnifiedCommunications } from '../topology.ts';
import type { Rule } from './rule.ts';

/** Requirements 23 and 25: a unified communications zone works with TLS verify mode alone. */
export const unifiedCommunicationsVerify: Rule = {
  code: 'UC_TLS_VERIFY_OFF',
  title: 'A unified communications zone has TLS verify mode off.',
  holds: [23, 25],
  severity: 'error',
  releases: 'from X8.1',
  *check({ topology }) {
    for (const zone of topology.zones) {
      if (!isForUnifiedCommunications(zone) || zone.tlsVerify) continue;
      yield {
        at: `zone ${zone.id}`,
        value: 'tlsVerify: false',
        message: 'unified communications go through a zone with mutual authentication alone',
        fix: 'leave TLS verify mode on',
      };
    }
  },
};

/** Requirement 25: traversal goes from the inner product to the outer one, which alone is a traversal server. */
export const traversalEnds: Rule = {
  code: 'TRAVERSAL_ENDS',
  title: 'The ends of a traversal zone are products that have no such zone.',
  holds: [25, 61],
  severity: 'error',
  releases: 'all',
  refusedByRelease: true,
  *check({ topology, clusterOf }) {
    for (const zone of topology.zones) {
      if (zone.kind !== 'traversal') continue;
      const [client, server] = [clusterOf(zone.client), clusterOf(zone.server)];
      const fix = 'name the VCS Control or Expressway-C cluster as its client, and the other one as its server';
      if (!isEdge(server))
        yield {
          at: `zone ${zone.id}`,
          value: `server ${server.id}`,
          message: `only VCS Expressway and Expressway-E are traversal servers, and ${server.id} is ${server.product}`,
          fix,
        };
      else if (zone.unifiedCommunications && isEdge(client))
        yield {
          at: `zone ${zone.id}`,
          value: `client ${client.id}`,
          message: `unified communications come from VCS Control or Expressway-C, and ${client.id} is ${client.product}`,
          fix,
        };
    }
  },
};

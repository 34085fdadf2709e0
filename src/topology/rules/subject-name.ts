import { tlsVerifySubjectName } from '../links/traversal.ts';
import { fqdn } from '../names.ts';
import type { Rule } from './rule.ts';

/** D13: a traversal server that expects one peer refuses the others, and the zone flaps. */
export const subjectNameOfOnePeer: Rule = {
  code: 'SUBJECT_NAME_OF_ONE_PEER',
  title: 'The TLS verify subject name is that of one peer, and the client is a cluster.',
  holds: [12, 61],
  diagnosis: 'D13',
  severity: 'error',
  releases: 'all',
  *check({ topology, clusterOf }) {
    for (const zone of topology.zones) {
      if (zone.kind !== 'traversal' || !zone.tlsVerify) continue;
      const client = clusterOf(zone.client);
      const wanted = tlsVerifySubjectName(zone, client);
      const alike = client.peers.length === 1 || client.certificateModel === 'shared';
      if (alike || !client.peers.some((peer) => fqdn(peer) === wanted)) continue;
      yield {
        at: `zone ${zone.id}`,
        value: wanted,
        message: `${zone.server} would accept this peer of ${client.id} alone, and refuse the other ${client.peers.length - 1}`,
        fix: `use the name of the cluster${client.clusterName === undefined ? '' : `, ${client.clusterName}`}`,
      };
    }
  },
};

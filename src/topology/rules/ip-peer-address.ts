import { peerAddresses } from '../links/dialled.ts';
import { tlsVerifySubjectName } from '../links/traversal.ts';
import { fqdn, isIpAddress } from '../names.ts';
import type { Rule } from './rule.ts';

/** Requirement 62, D12: an IP peer address never matches a certificate that carries FQDNs. */
export const ipPeerAddress: Rule = {
  code: 'PEER_ADDRESS_IP',
  title: 'The Peer address of a zone with TLS verify mode is an IP address.',
  holds: [61, 62],
  diagnosis: 'D12',
  severity: 'error',
  releases: 'all',
  *check({ topology, clusterOf }) {
    for (const zone of topology.zones) {
      if (!zone.tlsVerify) continue;
      const target = clusterOf(zone.kind === 'traversal' ? zone.server : zone.neighbor);
      for (const address of peerAddresses(zone.peerAddresses, target).filter(isIpAddress)) {
        yield {
          at: `zone ${zone.id}`,
          value: address,
          message: 'with TLS verify mode on, an IP address as Peer address matches no certificate that carries names',
          fix: `use the names of the peers of ${target.id}: ${target.peers.map(fqdn).join(', ')}`,
        };
      }
    }
  },
};

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

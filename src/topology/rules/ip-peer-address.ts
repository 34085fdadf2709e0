import { peerAddresses } from '../links/dialled.ts';
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

import { peerAddresses } from '../links.ts';
import { fqdn, isIpAddress } from '../names.ts';
import type { Rule } from './rule.ts';

/** Requirement 62, D12: an IP peer address never matches a certificate that carries FQDNs. */
export const ipPeerAddress: Rule = {
  code: 'PEER_ADDRESS_IP',
  holds: [61, 62],
  severity: 'error',
  *check({ topology }) {
    for (const zone of topology.zones) {
      if (!zone.tlsVerify) continue;
      const target = topology.clusters.find(
        (cluster) => cluster.id === (zone.kind === 'traversal' ? zone.server : zone.neighbor),
      );
      if (!target) continue;
      for (const address of peerAddresses(zone, target).filter(isIpAddress)) {
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

import { fqdn } from '../names.ts';
import type { Cluster, TraversalZone } from '../schema.ts';
import { dialled, zoneLink } from './dialled.ts';
import { type Link, NO_REVOCATION, type PeerCheck, sipClientCheck, sipServerCheck } from './link.ts';

/** The name that a traversal server expects of its client: declared, the cluster's, or that of its only peer. */
export function tlsVerifySubjectName(zone: TraversalZone, client: Cluster): string {
  const [peer] = client.peers;
  return zone.tlsVerifySubjectName ?? client.clusterName ?? (peer ? fqdn(peer) : '');
}

/**
 * The client of a traversal zone always dials (-C towards -E). Unified communications add SSH tunnels with the same
 * certificates; they want clientAuth even where SIP does not check it, and only there can they fail while the zone is up.
 */
export function traversalLinks(zone: TraversalZone, client: Cluster, server: Cluster): Link[] {
  return dialled(zone.peerAddresses, client, server).flatMap(({ from, to, address }) => {
    const ofServer = sipServerCheck(client, [address], `Peer address of zone ${zone.id} on ${client.id}`);
    const subjectName = tlsVerifySubjectName(zone, client);
    const ofClient = sipClientCheck(
      server,
      [subjectName],
      `TLS verify subject name of zone ${zone.id} on ${server.id}`,
    );
    const sip = zoneLink(zone, 'traversal', from, to, address, { client: ofServer, server: ofClient });
    if (!zone.unifiedCommunications || ofClient.usage) return [sip];
    const tunnel = zoneLink(zone, 'ssh-tunnel', from, to, address, {
      client: inTunnel(ofServer),
      server: inTunnel(ofClient),
    });
    return [sip, tunnel];
  });
}

function inTunnel(check: PeerCheck): PeerCheck {
  return { ...check, usage: true, revocation: NO_REVOCATION };
}

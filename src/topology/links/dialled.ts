import { fqdn } from '../names.ts';
import type { Cluster, NeighborZone, TraversalZone } from '../schema.ts';
import { type Link, type LinkKind, linkEnd, type Member, members, type PeerCheck } from './link.ts';

export function peerAddresses(declared: readonly string[] | undefined, target: Cluster): readonly string[] {
  return declared ?? target.peers.map(fqdn);
}

export interface Dialled {
  readonly from: Member;
  readonly to: Member;
  readonly address: string;
}

/** Each peer dials each address. An address that is no peer's own name (a cluster name, an IP) may lead to any of them. */
export function dialled(declared: readonly string[] | undefined, from: Cluster, to: Cluster): Dialled[] {
  return peerAddresses(declared, to).flatMap((address) => {
    const all = members(to);
    const named = all.filter(({ peer }) => fqdn(peer) === address.toLowerCase());
    const targets = named.length > 0 ? named : all;
    return members(from).flatMap((dialler) => targets.map((target) => ({ from: dialler, to: target, address })));
  });
}

/** A connection of a zone; with TLS verify mode off neither end checks the other. */
export function zoneLink(
  zone: TraversalZone | NeighborZone,
  kind: LinkKind,
  from: Member,
  to: Member,
  address: string,
  checks: { readonly client: PeerCheck; readonly server: PeerCheck },
): Link {
  const client = linkEnd(from, 'client', zone.tlsVerify ? checks.client : undefined);
  const server = linkEnd(to, 'server', zone.tlsVerify ? checks.server : undefined);
  const via = address === server.fqdn ? '' : ` (as ${address})`;
  const what = kind === 'ssh-tunnel' ? ' SSH tunnel' : '';
  return { id: `${zone.id}${what}: ${client.name} -> ${server.name}${via}`, kind, of: zone.id, client, server };
}

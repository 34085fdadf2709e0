import { demandIdOf } from '../demands.ts';
import { fqdn } from '../names.ts';
import type { NameMatching } from '../releases/name-matching.ts';
import { releaseOf } from '../releases/releases.ts';
import type { Cluster, CrlChannel, Peer } from '../schema.ts';

const linkKinds = [
  'traversal',
  'ssh-tunnel',
  'neighbor',
  'cluster',
  'unified-cm',
  'sip-server',
  'ldap',
  'policy-server',
  'mobile-and-remote-access',
  'web',
] as const;
export type LinkKind = (typeof linkKinds)[number];

/** What one end of a TLS connection demands of the other. */
export interface PeerCheck {
  /** The certificate must carry one of these names; with none, names are not compared. */
  readonly referenceNames: readonly string[];
  /** The setting that the reference names come from, as the user knows it. */
  readonly setting: string;
  /** A name has to match in each of these ways. */
  readonly nameMatching: readonly NameMatching[];
  /** Whether the extended key usage must allow the role of the other end. */
  readonly usage: boolean;
  readonly revocation: RevocationCheck;
}

export interface RevocationCheck {
  /** `peer`: the certificate of the other end alone. */
  readonly mode: 'none' | 'peer' | 'all';
  /** The channels that this connection reads and that bring lists to the verifier (53, 54). */
  readonly channels: readonly CrlChannel[];
}

export interface LinkEnd {
  /** `<cluster>/<peer>`, or the id of a system or client group. */
  readonly name: string;
  readonly fqdn: string;
  /** Whose trust list it goes by: the id of a cluster, system or client group, or a store of one. */
  readonly holder: string;
  /** Key of the certificate that it presents: a demand id, or the id of a system. Absent: it presents none. */
  readonly presents?: string;
  /** Absent: this end accepts any certificate. */
  readonly check?: PeerCheck;
}

/** One TLS connection that the topology implies. */
export interface Link {
  readonly id: string;
  readonly kind: LinkKind;
  /** Id of the zone, system or client group that it belongs to; of the cluster for those among its peers. */
  readonly of: string;
  readonly client: LinkEnd;
  readonly server: LinkEnd;
}

/** A peer of a cluster at one end of a link. */
export interface Member {
  readonly cluster: Cluster;
  readonly peer: Peer;
}

export function members(cluster: Cluster): Member[] {
  return cluster.peers.map((peer) => ({ cluster, peer }));
}

export function linkEnd({ cluster, peer }: Member, role: 'client' | 'server', check: PeerCheck | undefined): LinkEnd {
  return {
    name: `${cluster.id}/${peer.id}`,
    fqdn: fqdn(peer),
    holder: cluster.id,
    presents: demandIdOf(cluster, peer, role),
    ...(check && { check }),
  };
}

/** What a SIP TLS connection checks of the server that a peer of `verifier` dials (54, 60, 61). */
export function sipServerCheck(verifier: Cluster, referenceNames: readonly string[], setting: string): PeerCheck {
  return {
    referenceNames,
    setting,
    nameMatching: releaseOf(verifier).nameMatching,
    usage: true,
    revocation: sipRevocation(verifier),
  };
}

/** What a SIP TLS connection checks of the client that dials a peer of `verifier`. */
export function sipClientCheck(verifier: Cluster, referenceNames: readonly string[], setting: string): PeerCheck {
  return { ...sipServerCheck(verifier, referenceNames, setting), usage: checksClientAuth(verifier) };
}

function sipRevocation(verifier: Cluster): RevocationCheck {
  const channels = verifier.crlChannels.filter((channel) => channel !== 'embedded');
  return { mode: verifier.revocationChecking ? 'all' : 'none', channels };
}

function checksClientAuth(verifier: Cluster): boolean {
  switch (releaseOf(verifier).clientAuthCheck) {
    case 'all':
      return true;
    case 'all but Expressway-C':
      return verifier.product !== 'expressway-c';
    case 'setting':
      return verifier.clientAuthChecking;
  }
}

export const NO_REVOCATION: RevocationCheck = { mode: 'none', channels: [] };

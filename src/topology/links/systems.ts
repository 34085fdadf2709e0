import { profileNames } from '../demands.ts';
import { fqdn } from '../names.ts';
import { releaseOf } from '../releases/releases.ts';
import type { Cluster, CrlChannel, System, UnifiedCm } from '../schema.ts';
import {
  type Link,
  type LinkEnd,
  linkEnd,
  type Member,
  members,
  NO_REVOCATION,
  type PeerCheck,
  sipClientCheck,
  sipServerCheck,
} from './link.ts';

/** The connections between a cluster and a system beside the appliances. */
export function systemLinks(system: System, cluster: Cluster): Link[] {
  return members(cluster).flatMap((member) => memberLinks(system, member));
}

function memberLinks(system: System, member: Member): Link[] {
  switch (system.kind) {
    case 'unified-cm':
      return unifiedCmLinks(system, member);
    case 'sip-server':
      return sipServerLinks(system, member);
    case 'ldap':
      return [
        outbound(system, member, serverCheck(system, member, system.address, system.revocationChecking, 'embedded')),
      ];
    case 'policy-server': {
      const mode = system.revocationChecking ? 'all' : 'none';
      return [outbound(system, member, serverCheck(system, member, system.address, mode, 'manual'))];
    }
  }
}

/** The trust stores of Unified CM, by the key of their trust lists. */
export const tomcatTrust = (system: Pick<UnifiedCm, 'id'>): string => `${system.id} tomcat-trust`;
export const callManagerTrust = (system: Pick<UnifiedCm, 'id'>): string => `${system.id} CallManager-trust`;

/**
 * -C dials the nodes over HTTPS, and over SIP where that is secure. Unified CM wants -C's issuers in tomcat-trust and
 * CallManager-trust (D25), and the name of each encrypted phone security profile in its certificate (26b, D20).
 */
function unifiedCmLinks(system: UnifiedCm, member: Member): Link[] {
  const { cluster } = member;
  const release = releaseOf(cluster);
  return system.nodes.flatMap((node) => {
    const ofNode = (usage: boolean): PeerCheck => ({
      ...serverCheck(system, member, node, 'none', 'manual'),
      usage,
    });
    const verifies = system.tlsVerify || release.verifiesUnifiedCm;
    const nodeEnd = (holder: string, check: PeerCheck | undefined): LinkEnd => ({
      ...systemEnd(system, node),
      holder,
      ...(check && { check }),
    });
    const https: Link = {
      id: `${system.id} HTTPS: ${nameOf(member)} -> ${node}`,
      kind: 'unified-cm',
      of: system.id,
      client: linkEnd(member, 'client', verifies ? ofNode(true) : undefined),
      server: nodeEnd(tomcatTrust(system), release.unifiedCmTrust === 'always' ? anyName('tomcat-trust') : undefined),
    };
    if (!system.secureSip) return [https];
    const profiles = profileNames(cluster).map((name) => [name]);
    const sip = (profiles.length > 0 ? profiles : [[]]).map((names): Link => {
      const suffix = names.length > 0 ? ` (profile ${names[0]})` : '';
      return {
        id: `${system.id} SIP: ${nameOf(member)} -> ${node}${suffix}`,
        kind: 'unified-cm',
        of: system.id,
        client: linkEnd(member, 'client', system.tlsVerify ? ofNode(true) : undefined),
        server: nodeEnd(callManagerTrust(system), { ...anyName('phone security profile'), referenceNames: names }),
      };
    });
    return [https, ...sip];
  });
}

function sipServerLinks(system: Extract<System, { kind: 'sip-server' }>, member: Member): Link[] {
  const { cluster, peer } = member;
  const own = [cluster.clusterName ?? fqdn(peer)];
  const setting = `Peer address of ${system.id} on ${cluster.id}`;
  const theirs: PeerCheck = {
    referenceNames: own,
    setting: `the name by which ${system.id} knows ${cluster.id}`,
    nameMatching: [system.nameMatching],
    usage: true,
    revocation: NO_REVOCATION,
  };
  const there = { ...systemEnd(system, system.address), check: theirs };
  const ours = (check: PeerCheck) => (system.tlsVerify ? check : undefined);
  return [
    {
      id: `${system.id}: ${nameOf(member)} -> ${system.id}`,
      kind: 'sip-server',
      of: system.id,
      client: linkEnd(member, 'client', ours(sipServerCheck(cluster, [system.address], setting))),
      server: there,
    },
    {
      id: `${system.id}: ${system.id} -> ${nameOf(member)}`,
      kind: 'sip-server',
      of: system.id,
      client: there,
      server: linkEnd(member, 'server', ours(sipClientCheck(cluster, [system.address], setting))),
    },
  ];
}

/** A connection on which the appliance presents no certificate. */
function outbound(system: Extract<System, { kind: 'ldap' | 'policy-server' }>, member: Member, check: PeerCheck): Link {
  const { presents: _, ...client } = linkEnd(member, 'client', system.tlsVerify ? check : undefined);
  return {
    id: `${system.id}: ${client.name} -> ${system.id}`,
    kind: system.kind,
    of: system.id,
    client,
    server: systemEnd(system, system.address),
  };
}

/** Requirement 54: an LDAP connection reads lists inside the trusted CA file alone, a policy server manual ones alone. */
function serverCheck(
  system: System,
  { cluster }: Member,
  address: string,
  mode: PeerCheck['revocation']['mode'],
  channel: CrlChannel,
): PeerCheck {
  return {
    referenceNames: [address],
    setting: `the address of ${system.id} on ${cluster.id}`,
    nameMatching: releaseOf(cluster).nameMatching,
    usage: true,
    revocation: { mode, channels: cluster.crlChannels.filter((candidate) => candidate === channel) },
  };
}

function anyName(setting: string): PeerCheck {
  return { referenceNames: [], setting, nameMatching: ['san-only'], usage: false, revocation: NO_REVOCATION };
}

function systemEnd(system: System, address: string): LinkEnd {
  return { name: system.id, fqdn: address, holder: system.id, presents: system.id };
}

function nameOf({ cluster, peer }: Member): string {
  return `${cluster.id}/${peer.id}`;
}

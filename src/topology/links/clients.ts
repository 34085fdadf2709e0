import { fqdn } from '../names.ts';
import type { ClientGroup, Cluster, Domain } from '../schema.ts';
import { type Link, linkEnd, members, NO_REVOCATION, type PeerCheck } from './link.ts';

/** The names by which mobile and remote access finds a domain: itself, or its collab-edge name (27a). */
function collabEdgeNames(domain: Pick<Domain, 'name'>): string[] {
  return [domain.name, `collab-edge.${domain.name}`];
}

/** Jabber and phones that come in through -E, once per domain; or browsers on the peers. They present no certificate. */
export function clientLinks(group: ClientGroup, cluster: Cluster, domains: readonly Domain[]): Link[] {
  return members(cluster).flatMap((member) => {
    const checks =
      group.kind === 'web'
        ? [{ suffix: '', check: checkOf([fqdn(member.peer)], 'the address that browsers are pointed to') }]
        : domains
            .filter((domain) => domain.unifiedCommunications && !domain.dnsSec)
            .map((domain) => ({
              suffix: ` for ${domain.name}`,
              check: checkOf(collabEdgeNames(domain), `the domain that clients of ${group.id} sign in to`),
            }));
    return checks.map(({ suffix, check }) => {
      const server = linkEnd(member, 'server', undefined);
      return {
        id: `${group.id}: ${group.id} -> ${server.name}${suffix}`,
        kind: group.kind,
        of: group.id,
        client: { name: group.id, fqdn: group.id, holder: group.id, check },
        server,
      };
    });
  });
}

function checkOf(referenceNames: readonly string[], setting: string): PeerCheck {
  return { referenceNames, setting, nameMatching: ['san-only'], usage: true, revocation: NO_REVOCATION };
}

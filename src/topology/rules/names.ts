import { domainCarriers, profileNames } from '../demands.ts';
import { releaseOf } from '../releases/releases.ts';
import { isForUnifiedCommunications } from '../topology.ts';
import type { Rule } from './rule.ts';

/** Requirements 12 and 14: without a name of the cluster its peers have none in common. */
export const clusterNameMissing: Rule = {
  code: 'CLUSTER_NAME_MISSING',
  title: 'A cluster of several peers has no name that its certificates could carry.',
  holds: [12, 14],
  diagnosis: 'D13',
  severity: 'error',
  releases: 'all',
  *check({ topology }) {
    for (const { id, clusterName, peers } of topology.clusters) {
      if (clusterName !== undefined || peers.length === 1) continue;
      yield {
        at: `cluster ${id}`,
        value: `${peers.length} peers`,
        message: 'every certificate must carry the name of the peer and that of the cluster, and it has none',
        fix: 'declare its clusterName, the FQDN that all its peers answer to',
      };
    }
  },
};

/** X8.5.2 to X8.9 ignore what is beyond character 999 of the list of alternative names, without a word. */
export const namesTooLong: Rule = {
  code: 'NAMES_TOO_LONG',
  title: 'The list of alternative names is longer than the release reads.',
  holds: [],
  diagnosis: 'D31',
  severity: 'error',
  releases: 'X8.5.2 to X8.9',
  refusedByRelease: true,
  *check({ demands, clusterOf }) {
    for (const demand of demands) {
      const { alternativeNamesLimit: limit, name } = releaseOf(clusterOf(demand.cluster));
      if (limit === undefined) continue;
      const dropped = beyond(demand.names, limit);
      if (dropped.length === 0) continue;
      yield {
        at: demand.id,
        value: dropped.join(', '),
        message: `${name} reads ${limit} characters of the alternative names and ignores what follows: it would drop ${dropped.length} of ${demand.names.length} names`,
        fix: 'upgrade to X8.10 or later, or declare fewer or shorter names',
      };
    }
  },
};

/** The names that do not fit as a whole, in the form that the signing page has them: `DNS:a, DNS:b`. */
function beyond(names: readonly string[], limit: number): string[] {
  let length = 0;
  return names.filter((name, index) => {
    length += (index === 0 ? 0 : ', '.length) + `DNS:${name}`.length;
    return length > limit;
  });
}

/** Requirement 26b: names of phone security profiles are FQDNs; from X12.6 on others stop the signing request. */
export const phoneProfileName: Rule = {
  code: 'PHONE_PROFILE_NAME',
  title: 'The name of an encrypted phone security profile is no FQDN.',
  holds: [26],
  diagnosis: 'D20',
  severity: 'error',
  releases: 'all; from X12.6 the signing request fails',
  refusedByRelease: true,
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      const release = releaseOf(cluster);
      const fit = new Set(profileNames(cluster));
      for (const { name, oauth } of cluster.phoneSecurityProfiles) {
        if (oauth || fit.has(name.toLowerCase())) continue;
        const must = release.phoneProfileNames === 'must be FQDNs';
        yield {
          at: `cluster ${cluster.id}`,
          value: name,
          message: must
            ? `${release.name} makes no signing request while a phone security profile has a name that is no FQDN`
            : 'it is no FQDN and can be in no certificate: phones with this profile would get a 403 from Unified CM',
          fix: 'rename the profile in Unified CM to an FQDN, like secure.phones.example.com',
          severity: must ? 'error' : 'warning',
        };
      }
    }
  },
};

/** Requirements 26a and 27b: the same chat node aliases on both sides. */
export const chatAliasesDiffer: Rule = {
  code: 'CHAT_ALIASES_DIFFER',
  title: 'The two sides of a unified communications zone declare different chat node aliases.',
  holds: [26, 27],
  diagnosis: 'D21',
  severity: 'error',
  releases: 'from X8.1',
  *check({ topology, clusterOf }) {
    for (const zone of topology.zones) {
      if (!isForUnifiedCommunications(zone)) continue;
      const inside = new Set(clusterOf(zone.client).chatNodeAliases);
      const missing = clusterOf(zone.server).chatNodeAliases.filter((alias) => !inside.has(alias));
      if (missing.length === 0) continue;
      yield {
        at: `zone ${zone.id}`,
        value: missing.join(', '),
        message: `${zone.server} has chat node aliases that ${zone.client} has not; federated group chat would fail`,
        fix: `declare the aliases on ${zone.client} alone: ${zone.server} gets the same ones from there`,
      };
    }
  },
};

/** Requirements 25 and 27a: mobile and remote access needs a domain, on certificates and in the configuration. */
export const domainMissing: Rule = {
  code: 'UC_DOMAIN_MISSING',
  title: 'A unified communications zone, and no domain for it.',
  holds: [25, 27],
  diagnosis: 'D19',
  severity: 'warning',
  releases: 'from X8.1',
  *check({ topology }) {
    const zones = topology.zones.filter(isForUnifiedCommunications);
    if (topology.domains.some(({ unifiedCommunications }) => unifiedCommunications)) return;
    for (const zone of zones) {
      yield {
        at: `zone ${zone.id}`,
        value: 'no domain',
        message: 'clients that sign in to a domain find no certificate that names it',
        fix: 'declare the domains that clients sign in to, with unifiedCommunications',
      };
    }
  },
};

/** Requirement 27a: the domains belong into the certificates of the Expressway-E that clients meet. */
export const domainUnused: Rule = {
  code: 'UC_DOMAIN_UNUSED',
  title: 'A domain for unified communications, and no Expressway-E that clients of it meet.',
  holds: [27],
  diagnosis: 'D19',
  severity: 'warning',
  releases: 'from X8.1',
  *check({ topology }) {
    if (domainCarriers(topology).size > 0) return;
    for (const { name, unifiedCommunications, presence } of topology.domains) {
      if (!unifiedCommunications && !presence) continue;
      yield {
        at: `domain ${name}`,
        value: name,
        message: 'it is in no certificate: no cluster is known as the one that its clients come in through',
        fix: 'declare the traversal zone with unifiedCommunications; or, where its other end is not declared here, a client group of kind mobile-and-remote-access with the Expressway-E cluster',
      };
    }
  },
};

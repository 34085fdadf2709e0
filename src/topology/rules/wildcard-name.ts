import { isWildcard } from '../names.ts';
import { releaseOf } from '../releases/releases.ts';
import type { Rule } from './rule.ts';

/** Wildcard names. Refused from X8.1 on (requirement 15); the X7.2 guide is silent. */
export const wildcardName: Rule = {
  code: 'NAME_WILDCARD',
  title: 'A certificate is to have a wildcard name.',
  holds: [15],
  diagnosis: 'D18',
  severity: 'error',
  releases: 'refused from X8.1; not known to be accepted on X7.2',
  refusedByRelease: true,
  *check({ demands, clusterOf }) {
    for (const demand of demands) {
      const release = releaseOf(clusterOf(demand.cluster));
      const refused = release.wildcards === 'refused';
      for (const name of demand.names.filter(isWildcard)) {
        yield {
          at: demand.id,
          value: name,
          message: `${release.name} ${refused ? 'does not accept' : 'is not known to accept'} wildcard certificates`,
          fix: `list the names behind ${name} one by one, or remove it`,
          severity: refused ? 'error' : 'warning',
        };
      }
    }
  },
};

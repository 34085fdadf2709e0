import { authorityChain, issuersOf } from '../topology.ts';
import type { Rule } from './rule.ts';

const HOUR = 60;

/** Requirement 57: peers fetch at their daily update time; a list signed later that day reaches them a day late. */
export const crlTimes: Rule = {
  code: 'CRL_UPDATE_TIME',
  title: 'Peers fetch revocation lists less than an hour after they are signed.',
  holds: [57, 59],
  severity: 'warning',
  releases: 'all',
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      const fetched = minutes(cluster.crlUpdateTimeUtc);
      const authorities = issuersOf(cluster).flatMap((issuer) => authorityChain(topology.authorities, issuer));
      for (const authority of new Set(authorities)) {
        if (authority.crl.everyDays > 1) continue;
        const signed = minutes(authority.crl.dailyUpdateUtc);
        const lead = (fetched - signed + 24 * HOUR) % (24 * HOUR);
        if (lead >= HOUR) continue;
        yield {
          at: `cluster ${cluster.id}`,
          value: cluster.crlUpdateTimeUtc,
          message: `fetches revocation lists ${lead} minutes after ${authority.id} signs them at ${authority.crl.dailyUpdateUtc} UTC, and may get the list of the day before`,
          fix: `set its daily update time at least an hour after ${authority.crl.dailyUpdateUtc} UTC`,
        };
      }
    }
  },
};

function minutes(timeOfDay: string): number {
  const [hours = 0, rest = 0] = timeOfDay.split(':').map(Number);
  return hours * HOUR + rest;
}

import { authorityChain, publicAuthorities } from '../topology.ts';
import type { Rule } from './rule.ts';

const DAY_MS = 24 * 3600 * 1000;

/** The longest that publicly trusted TLS certificates live, by the day from which it holds (ballot SC-081v3). */
export const publicLifetimes = [
  { from: new Date('2020-09-01T00:00:00Z'), days: 398 },
  { from: new Date('2026-03-15T00:00:00Z'), days: 200 },
  { from: new Date('2027-03-15T00:00:00Z'), days: 100 },
  { from: new Date('2029-03-15T00:00:00Z'), days: 47 },
] as const;

function publicLifetimeAt(now: Date): number {
  return publicLifetimes.findLast(({ from }) => now >= from)?.days ?? publicLifetimes[0].days;
}

/** Public lifetimes fall in steps; an internal authority is not affected. */
export const publicLifetime: Rule = {
  code: 'PUBLIC_LIFETIME',
  title: 'A publicly trusted authority issues for less time than is declared.',
  holds: [],
  severity: 'warning',
  releases: 'all',
  *check({ topology, demands, now }) {
    const trusted = publicAuthorities(topology);
    const longest = publicLifetimeAt(now);
    for (const demand of demands) {
      if (!trusted.has(demand.issuer) || demand.lifetimeDays <= longest) continue;
      yield {
        at: demand.id,
        value: `${demand.lifetimeDays} days`,
        message: `publicly trusted certificates are valid for ${longest} days at most today`,
        fix: `declare lifetimeDays ${longest} or less, so that renewals are planned for in time`,
      };
    }
  },
};

/** Certificates that end after 2049 can cause operational issues: their dates are in another encoding. */
export const lateExpiry: Rule = {
  code: 'EXPIRY_AFTER_2049',
  title: 'A certificate would end after the year 2049.',
  holds: [],
  diagnosis: 'D32',
  severity: 'warning',
  releases: 'all; noted in the documents from X8.5',
  *check({ topology, demands, now }) {
    const declared = [
      ...topology.authorities.map(({ id, lifetimeDays }) => ({ at: `authority ${id}`, lifetimeDays })),
      ...demands.map(({ id, lifetimeDays }) => ({ at: id, lifetimeDays })),
    ];
    for (const { at, lifetimeDays } of declared) {
      const end = new Date(now.getTime() + lifetimeDays * DAY_MS);
      if (end.getUTCFullYear() <= 2049) continue;
      yield {
        at,
        value: `${lifetimeDays} days`,
        message: `a certificate that ends in ${end.getUTCFullYear()} can cause operational issues, up to failing SSH tunnels`,
        fix: `declare a lifetime that ends by 2049: at most ${Math.floor((END_OF_2049 - now.getTime()) / DAY_MS)} days today`,
      };
    }
  },
};

const END_OF_2049 = Date.UTC(2050, 0, 1) - 1;

/** Requirement 72: an authority that ends before what it issues cuts every certificate short; 30 days is openssl's default. */
export const authorityShort: Rule = {
  code: 'AUTHORITY_SHORT',
  title: 'An authority ends before the certificates that it is to issue.',
  holds: [72],
  severity: 'error',
  releases: 'all',
  *check({ topology, demands }) {
    for (const authority of topology.authorities) {
      const issued = demands.filter(({ issuer }) =>
        authorityChain(topology.authorities, issuer).some(({ id }) => id === authority.id),
      );
      const longest = Math.max(0, ...issued.map(({ lifetimeDays }) => lifetimeDays));
      if (authority.lifetimeDays >= longest) continue;
      yield {
        at: `authority ${authority.id}`,
        value: `${authority.lifetimeDays} days`,
        message: `no certificate outlives its authority, and those below it are declared for ${longest} days`,
        fix: 'declare lifetimeDays of years for authorities: 3650 is the default',
      };
    }
  },
};

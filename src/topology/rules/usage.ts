import type { Demand } from '../demands.ts';
import type { Link } from '../links/link.ts';
import { releaseOf } from '../releases/releases.ts';
import type { Cluster } from '../schema.ts';
import { isEdge, publicAuthorities, unifiedCommunicationsZones } from '../topology.ts';
import type { Rule } from './rule.ts';

/** Requirements 6, 20 and 23: the certificate that a peer presents as a client must be for clients, and as a server for servers. */
export const usageMissing: Rule = {
  code: 'USAGE_MISSING',
  title: 'A certificate lacks the extended key usage that a link of its peer needs.',
  holds: [6, 20, 23, 63],
  diagnosis: 'D14',
  severity: 'error',
  releases: 'all; who checks clientAuth differs from X15.4',
  *check({ demands, links }) {
    const needs = new Map<string, { demand: Demand; usage: string; links: Link[] }>();
    const byId = new Map<string, Demand>(demands.map((demand) => [demand.id, demand]));
    for (const link of links) {
      for (const [presenter, verifier, usage] of [
        [link.client, link.server, 'clientAuth'],
        [link.server, link.client, 'serverAuth'],
      ] as const) {
        const demand = byId.get(presenter.presents ?? '');
        if (!demand || !verifier.check?.usage || demand.usages.includes(usage)) continue;
        const key = `${demand.id} ${usage}`;
        const known = needs.get(key) ?? { demand, usage, links: [] };
        needs.set(key, known);
        known.links.push(link);
      }
    }
    for (const { demand, usage, links: failing } of needs.values()) {
      const [first] = failing;
      yield {
        at: demand.id,
        value: demand.usages.join(', '),
        message: `lacks ${usage}, without which ${failing.length === 1 ? 'a link fails' : `${failing.length} links fail`}: ${first?.id}`,
        fix:
          usage === 'clientAuth'
            ? 'add clientAuth to usages and have it signed by an authority that issues it; or, from X15.5, declare a clientCertificate from an internal authority'
            : 'add serverAuth to usages',
      };
    }
  },
};

/** With unified communications a release may refuse to load a server certificate without clientAuth. */
export const serverAuthOnlyUpload: Rule = {
  code: 'UPLOAD_REFUSED',
  title: 'The appliance would refuse to load a server certificate without clientAuth.',
  holds: [20, 23],
  diagnosis: 'D14',
  severity: 'error',
  releases: 'X8.1 to X15.4; on X15.4 Expressway-E accepts it after a setting',
  refusedByRelease: true,
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      if (cluster.usages.includes('clientAuth') || cluster.issuer === undefined) continue;
      if (unifiedCommunicationsZones(topology, cluster.id).length === 0) continue;
      const release = releaseOf(cluster);
      if (acceptsServerAuthOnly(cluster, release.serverAuthOnlyUpload)) continue;
      const afterSetting = release.serverAuthOnlyUpload === 'Expressway-E after a setting' && isEdge(cluster);
      yield {
        at: `cluster ${cluster.id}`,
        value: cluster.usages.join(', '),
        message: `with unified communications ${release.name} refuses to load a server certificate without clientAuth`,
        fix: afterSetting
          ? 'set xConfiguration XCP TLS Certificate CVS EnableServerEkuUpload: On, and declare serverAuthOnlyUpload'
          : `add clientAuth to usages, or upgrade to ${isEdge(cluster) ? 'X15.4, which accepts it after a setting, or ' : ''}X15.5`,
      };
    }
  },
};

function acceptsServerAuthOnly(
  cluster: Cluster,
  upload: ReturnType<typeof releaseOf>['serverAuthOnlyUpload'],
): boolean {
  if (upload === 'Expressway-E after a setting') return isEdge(cluster) && cluster.serverAuthOnlyUpload;
  return upload === 'accepted';
}

/** The client store of X15.5 takes a certificate with clientAuth alone. */
export const clientStore: Rule = {
  code: 'CLIENT_STORE_REFUSED',
  title: 'The client store would refuse a certificate without clientAuth.',
  holds: [20],
  diagnosis: 'D14',
  severity: 'error',
  releases: 'from X15.5',
  refusedByRelease: true,
  *check({ topology }) {
    for (const { id, clientCertificate } of topology.clusters) {
      if (!clientCertificate || clientCertificate.usages.includes('clientAuth')) continue;
      yield {
        at: `cluster ${id}`,
        value: clientCertificate.usages.join(', '),
        message: 'the client store takes no certificate without clientAuth, but for a copy of the server certificate',
        fix: 'add clientAuth to the usages of clientCertificate, or leave it out to have the server certificate copied',
      };
    }
  },
};

/** The ACME client of Expressway-E asks Let's Encrypt for a profile that has no clientAuth since February 2026. */
export const acmeScheduler: Rule = {
  code: 'ACME_SCHEDULER',
  title: 'The ACME scheduler replaces the certificate with one for servers alone.',
  holds: [20, 23],
  diagnosis: 'D34',
  severity: 'error',
  releases: 'from X12.5',
  *check({ topology }) {
    for (const cluster of topology.clusters) {
      if (!cluster.acme) continue;
      const needed = cluster.usages.includes('clientAuth');
      yield {
        at: `cluster ${cluster.id}`,
        value: 'acme',
        message: needed
          ? "its next automatic renewal replaces this certificate with one of Let's Encrypt that has no clientAuth, and mutual TLS ends"
          : "its next automatic renewal replaces this certificate with one of Let's Encrypt",
        fix: 'turn the ACME scheduler off, then declare acme: false',
        severity: needed ? 'error' : 'warning',
      };
    }
  },
};

/** FN74362: publicly trusted authorities stop issuing clientAuth. */
export const publicClientAuth: Rule = {
  code: 'PUBLIC_CLIENT_AUTH',
  title: 'A publicly trusted authority is expected to issue clientAuth, which ends.',
  holds: [8, 20],
  diagnosis: 'D14',
  severity: 'error',
  releases: 'all; from 15 March 2027 an error',
  *check({ topology, demands, now, clusterOf }) {
    const trusted = publicAuthorities(topology);
    for (const demand of demands) {
      if (!trusted.has(demand.issuer) || !demand.usages.includes('clientAuth')) continue;
      const cluster = clusterOf(demand.cluster);
      const over = now >= PUBLIC_CLIENT_AUTH_ENDS;
      yield {
        at: demand.id,
        value: demand.issuer,
        message: over
          ? 'publicly trusted authorities no longer issue certificates with clientAuth'
          : `publicly trusted authorities stop issuing clientAuth, the last of them in March 2027: the renewals after that lack it`,
        fix: isEdge(cluster)
          ? 'from X15.5 declare usages serverAuth alone, and a clientCertificate from an internal authority'
          : 'let an internal authority issue for this cluster: that is not affected',
        severity: over ? 'error' : 'warning',
      };
    }
  },
};

/** FN74362, revision 1.2: the last public authorities stop, subject to change. */
export const PUBLIC_CLIENT_AUTH_ENDS = new Date('2027-03-15T00:00:00Z');

import { isIpAddress } from '../names.ts';
import { releaseOf } from '../releases/releases.ts';
import { isEdge } from '../topology.ts';
import type { Rule } from './rule.ts';

/** Requirements 23 and 25: a unified communications zone works with TLS verify mode alone. */
export const unifiedCommunicationsVerify: Rule = {
  code: 'UC_TLS_VERIFY_OFF',
  title: 'A unified communications zone has TLS verify mode off.',
  holds: [23, 25],
  severity: 'error',
  releases: 'from X8.1',
  *check({ topology }) {
    for (const zone of topology.zones) {
      if (zone.kind !== 'traversal' || !zone.unifiedCommunications || zone.tlsVerify) continue;
      yield {
        at: `zone ${zone.id}`,
        value: 'tlsVerify: false',
        message: 'unified communications go through a zone with mutual authentication alone',
        fix: 'leave TLS verify mode on',
      };
    }
  },
};

/** Requirement 25: traversal goes from the inner product to the outer one, which alone is a traversal server. */
export const traversalEnds: Rule = {
  code: 'TRAVERSAL_ENDS',
  title: 'The ends of a traversal zone are products that have no such zone.',
  holds: [25, 61],
  severity: 'error',
  releases: 'all',
  refusedByRelease: true,
  *check({ topology, clusterOf }) {
    for (const zone of topology.zones) {
      if (zone.kind !== 'traversal') continue;
      const [client, server] = [clusterOf(zone.client), clusterOf(zone.server)];
      const fix = 'name the VCS Control or Expressway-C cluster as its client, and the other one as its server';
      if (!isEdge(server))
        yield {
          at: `zone ${zone.id}`,
          value: `server ${server.id}`,
          message: `only VCS Expressway and Expressway-E are traversal servers, and ${server.id} is ${server.product}`,
          fix,
        };
      else if (zone.unifiedCommunications && isEdge(client))
        yield {
          at: `zone ${zone.id}`,
          value: `client ${client.id}`,
          message: `unified communications come from VCS Control or Expressway-C, and ${client.id} is ${client.product}`,
          fix,
        };
    }
  },
};

/** A cluster has at most six peers. */
export const clusterSize: Rule = {
  code: 'CLUSTER_TOO_LARGE',
  title: 'A cluster of more than six peers.',
  holds: [],
  severity: 'error',
  releases: 'all',
  *check({ topology }) {
    for (const { id, peers } of topology.clusters) {
      if (peers.length <= 6) continue;
      yield {
        at: `cluster ${id}`,
        value: `${peers.length} peers`,
        message: 'a cluster has at most 6 peers',
        fix: 'declare two clusters, with a neighbor zone between them',
      };
    }
  },
};

/** D25: from X14.0.8 on -C verifies Unified CM by name, whatever TLS verify mode says. */
export const unifiedCmName: Rule = {
  code: 'UNIFIED_CM_NAME',
  title: 'Unified CM was added by IP address or host name, which no certificate matches.',
  holds: [61, 62],
  diagnosis: 'D25',
  severity: 'error',
  releases: 'with TLS verify on all; always from X14.0.8',
  *check({ topology, clusterOf }) {
    for (const system of topology.systems) {
      if (system.kind !== 'unified-cm') continue;
      const verifying = system.clusters.filter((id) => system.tlsVerify || releaseOf(clusterOf(id)).verifiesUnifiedCm);
      if (verifying.length === 0) continue;
      for (const node of system.nodes) {
        if (!isIpAddress(node) && node.includes('.')) continue;
        yield {
          at: `system ${system.id}`,
          value: node,
          message: `${verifying.join(', ')} would verify its certificate against ${isIpAddress(node) ? 'an IP address' : 'a bare host name'}`,
          fix: 'set the FQDN of the node in Unified CM (System > Server), discover it anew, and declare that',
        };
      }
    }
  },
};

/** Requirement 8: phones and browsers that come to -E trust public authorities; the notice's private CA is for -C. */
export const privateAuthorityOnEdge: Rule = {
  code: 'PRIVATE_CA_ON_EDGE',
  title: 'Clients whose trust list is fixed meet a certificate of an internal authority.',
  holds: [8],
  severity: 'error',
  releases: 'all',
  *check({ topology, clusterOf }) {
    const publicly = new Set(topology.externalAuthorities.filter((one) => one.publiclyTrusted).map(({ id }) => id));
    for (const group of topology.clients.filter(({ fixedTrust }) => fixedTrust)) {
      for (const id of group.clusters) {
        const { issuer } = clusterOf(id);
        if (issuer === undefined || publicly.has(issuer)) continue;
        yield {
          at: `cluster ${id}`,
          value: issuer,
          message: `${group.id} trust public authorities alone and nothing can be added to them: they would refuse every peer. A private CA is for Expressway-C only`,
          fix: `let a publicly trusted authority issue the server certificates of ${id}: declare it in externalAuthorities`,
        };
      }
    }
  },
};

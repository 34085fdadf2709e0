import { demandIdOf } from '../topology/demands.ts';
import { fqdn } from '../topology/names.ts';
import { releaseOf } from '../topology/releases/releases.ts';
import type { Cluster, Topology } from '../topology/schema.ts';

/** Which peers have something new to load, by `<cluster>/<peer>`. */
export interface Change {
  readonly trustList: ReadonlySet<string>;
  readonly certificate: ReadonlySet<string>;
  /** Peers that are no longer declared: `<cluster>/<peer>`. */
  readonly removed: readonly string[];
}

/** The certificate before the newest one of a demand. */
export interface WayBack {
  readonly serial: string;
  /** Where it is with its key, below the PKI directory. */
  readonly folder: string;
  readonly notAfter: string;
  /** Why it can't be loaded again; undefined: it can. */
  readonly ended: string | undefined;
}

/** By demand id; a demand of which the newest certificate is the first has none. */
export type WaysBack = ReadonlyMap<string, WayBack>;

export function isEmptyChange(change: Change): boolean {
  return change.trustList.size === 0 && change.certificate.size === 0 && change.removed.length === 0;
}

/** RUNBOOK.txt: one change across all clusters in an order in which every link keeps verifying (I7). */
export function runbook(topology: Topology, change: Change, waysBack: WaysBack): string {
  const steps: string[][] = [];
  const trust = selected(topology, change.trustList);
  if (trust.length > 0) {
    steps.push([
      'Trust lists, on every peer below, before any certificate',
      ...trust.map(
        ({ cluster, peers }) =>
          `${cluster.id}: load ca.pem on ${peers.join(', ')} (${releaseOf(cluster).menus.trustedCa})`,
      ),
      'Go on only when all of them show the new authorities.',
    ]);
  }
  const certificates = selected(topology, change.certificate);
  if (certificates.length > 0) {
    steps.push([
      'Certificates, cluster by cluster',
      ...certificates.map(
        ({ cluster, peers }) =>
          `${cluster.id}: load server.pem, with its key where the folder has one, on ${peers.join(', ')} (${releaseOf(cluster).menus.serverCertificate})`,
      ),
      'Uploading changes nothing yet: the old certificate is served until the restart.',
    ]);
  }
  const restarts = selected(topology, new Set([...change.trustList, ...change.certificate]));
  if (restarts.length > 0) {
    steps.push([
      'Restart',
      ...restarts.map(({ cluster, peers }) =>
        peers.length === 1
          ? `${cluster.id}: restart ${peers[0]}`
          : `${cluster.id}: restart the primary first, then the others one at a time, each when the one before is up: ${peers.join(', ')}`,
      ),
    ]);
    steps.push([
      'Check',
      'On each cluster: Status > Zones shows every zone as active, and no alarm speaks of certificates.',
      'From outside: openssl s_client -connect PEER:5061 -showcerts shows the serial that the README.txt of the peer names.',
    ]);
    const back = backSteps(topology, change.certificate, waysBack);
    if (back.length > 0) steps.push(['Way back', ...back, 'Leave the new authorities on the trust lists.']);
  }
  if (change.removed.length > 0) {
    steps.push([
      'Peers that are gone',
      ...change.removed.map(
        (peer) =>
          `${peer}: is no longer declared. Take it out of its cluster; if its certificate was revoked, the next revocation list says so.`,
      ),
    ]);
  }
  const numbered = steps.map(([title, ...lines], index) =>
    [`${index + 1}. ${title}`, ...lines.map((line) => `   ${line}`)].join('\n'),
  );
  return `Change of ${topology.name}. The folders beside this file have what to load, and a README.txt each.\n\n${numbered.join('\n\n')}\n`;
}

/** Requirement 29: what was replaced serves until it is revoked or ends; nobody is sent to a certificate that was. */
function backSteps({ clusters }: Topology, changed: ReadonlySet<string>, waysBack: WaysBack): string[] {
  const lines: string[] = [];
  for (const cluster of clusters) {
    for (const peer of cluster.peers) {
      if (!changed.has(`${cluster.id}/${peer.id}`)) continue;
      for (const demand of new Set([demandIdOf(cluster, peer, 'server'), demandIdOf(cluster, peer, 'client')])) {
        const before = waysBack.get(demand);
        if (!before) continue;
        const { serial, folder, notAfter, ended } = before;
        lines.push(
          ended === undefined
            ? `${fqdn(peer)}: load certificate and key of ${folder} in the PKI directory (serial ${serial}, valid until ${notAfter.slice(0, 10)}), and restart`
            : `${fqdn(peer)}: none; the certificate before, serial ${serial}, ${ended}`,
        );
      }
    }
  }
  return lines;
}

function selected(topology: Topology, ids: ReadonlySet<string>): { cluster: Cluster; peers: string[] }[] {
  return topology.clusters
    .map((cluster) => ({
      cluster,
      peers: cluster.peers.filter((peer) => ids.has(`${cluster.id}/${peer.id}`)).map(fqdn),
    }))
    .filter(({ peers }) => peers.length > 0);
}

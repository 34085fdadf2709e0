import { VcsPkiError } from '../errors.ts';
import { parseInput } from './input.ts';
import { fqdn } from './names.ts';
import { releaseOf } from './releases/releases.ts';
import {
  type Authority,
  type Cluster,
  type Peer,
  type Topology,
  type TraversalZone,
  topologySchema,
} from './schema.ts';

/** The id that stands for all peers in the demand id of a shared certificate (13). */
export const SHARED_PEER = 'cluster';

/**
 * Parses a declaration and checks that what it refers to is declared, once. Throws INPUT_INVALID.
 * @param at where the declaration came from, for error messages
 */
export function parseTopology(value: unknown, at: string): Topology {
  const topology = parseInput(topologySchema, value, at);
  for (const check of [uniqueIds, uniqueNames, commonNamesFit, knownReferences, issuersEndInRoot, uniqueSubjects])
    check(topology, at);
  return topology;
}

/** Gives the clusters that a parsed topology refers to. */
export function clusterReader(topology: Pick<Topology, 'clusters'>): (id: string) => Cluster {
  const clusters = new Map(topology.clusters.map((cluster) => [cluster.id, cluster]));
  return (id) => {
    const cluster = clusters.get(id);
    if (!cluster) throw new TypeError(`no cluster ${id}: the topology was not parsed`);
    return cluster;
  };
}

/** Ids of the authorities that browsers, phones and operating systems trust. */
export function publicAuthorities({ externalAuthorities }: Pick<Topology, 'externalAuthorities'>): Set<string> {
  return new Set(externalAuthorities.flatMap(({ id, publiclyTrusted }) => (publiclyTrusted ? id : [])));
}

/** Every authority after its issuer. */
export function issuersFirst(authorities: readonly Authority[]): Authority[] {
  const byId = new Map(authorities.map((authority) => [authority.id, authority]));
  const sorted = new Set<Authority>();
  for (const authority of authorities) {
    const chain: Authority[] = [];
    let current: Authority | undefined = authority;
    while (current && !sorted.has(current)) {
      chain.push(current);
      current = current.issuer && byId.get(current.issuer);
    }
    for (const one of chain.reverse()) sorted.add(one);
  }
  return [...sorted];
}

/** The chain of authorities from `id` up to its root. */
export function authorityChain(authorities: readonly Authority[], id: string): Authority[] {
  const authority = authorities.find((candidate) => candidate.id === id);
  if (!authority) return [];
  return authority.issuer ? [authority, ...authorityChain(authorities, authority.issuer)] : [authority];
}

/** The ids of the authorities that sign a cluster's certificates. */
export function issuersOf(cluster: Pick<Cluster, 'issuer' | 'clientCertificate'>): string[] {
  return [cluster.issuer, cluster.clientCertificate?.issuer].filter((issuer) => issuer !== undefined);
}

/** The common name of the certificate that a peer presents (12, 13; from X14.0 that of its cluster). */
export function commonNameOf(cluster: Cluster, peer: Peer): string {
  const ofCluster = cluster.certificateModel === 'shared' || releaseOf(cluster).commonName === 'cluster';
  return (ofCluster ? cluster.clusterName : undefined) ?? fqdn(peer);
}

/** The unified communications zones that a cluster is at one end of. */
export function unifiedCommunicationsZones({ zones }: Pick<Topology, 'zones'>, cluster: string): TraversalZone[] {
  return zones
    .filter(isForUnifiedCommunications)
    .filter(({ client, server }) => client === cluster || server === cluster);
}

export function isForUnifiedCommunications(zone: Topology['zones'][number]): zone is TraversalZone {
  return zone.kind === 'traversal' && zone.unifiedCommunications;
}

/** Whether it is the outer one of a pair: VCS Expressway or Expressway-E. */
export function isEdge(cluster: Pick<Cluster, 'product'>): boolean {
  return cluster.product === 'vcs-expressway' || cluster.product === 'expressway-e';
}

export function isExpressway(cluster: Cluster): boolean {
  return cluster.product === 'expressway-c' || cluster.product === 'expressway-e';
}

function uniqueIds(topology: Topology, at: string): void {
  const ids = (declared: readonly { readonly id: string }[]) => declared.map(({ id }) => id);
  // Lists in one row share their ids: an issuer is of either kind of authority, a trust list applies to any of the others.
  const kinds = {
    authorities: ids([...topology.authorities, ...topology.externalAuthorities]),
    'clusters, systems and clients': ids([...topology.clusters, ...topology.systems, ...topology.clients]),
    domains: topology.domains.map((domain) => domain.name),
    zones: ids(topology.zones),
    trustLists: ids(topology.trustLists),
  };
  for (const [kind, ids] of Object.entries(kinds)) {
    const seen = new Set<string>();
    const repeated = ids.find((id) => seen.size === seen.add(id).size);
    const fix = kind === 'domains' ? 'remove one of the two' : 'give each its own id';
    if (repeated !== undefined) throw duplicate(`${at}: ${kind}`, repeated, fix);
  }
}

/** Ids of peers within their cluster, names of peers and of clusters over all: whoever has another's name would pass as it. */
function uniqueNames({ clusters }: Topology, at: string): void {
  const owners = new Map<string, string>();
  for (const { id, clusterName, peers } of clusters) {
    if (clusterName !== undefined) claim(clusterName, id, `${at}: clusters ${id}: clusterName`, owners);
    const ids = new Set<string>();
    for (const peer of peers) {
      const place = `${at}: clusters ${id}: peers`;
      if (peer.id === SHARED_PEER) {
        throw new VcsPkiError('INPUT_INVALID', {
          at: place,
          value: peer.id,
          message: `must not have a peer of the id ${SHARED_PEER}, which stands for all that share a certificate`,
          fix: 'choose another id',
        });
      }
      if (ids.has(peer.id)) throw duplicate(place, peer.id, 'remove one, or give it its own id');
      ids.add(peer.id);
      // A single appliance may go by the name that its cluster is to have.
      if (peers.length > 1 || fqdn(peer) !== clusterName) claim(fqdn(peer), id, place, owners);
    }
  }
}

function claim(name: string, cluster: string, place: string, owners: Map<string, string>): void {
  const owner = owners.get(name);
  if (owner !== undefined)
    throw duplicate(
      place,
      name,
      `it is already a name of cluster ${owner}; give each its own, or remove one of the two`,
    );
  owners.set(name, cluster);
}

/** RFC 5280 appendix A: a common name has at most 64 characters. */
function commonNamesFit({ clusters }: Topology, at: string): void {
  for (const cluster of clusters) {
    const long = cluster.peers.map((peer) => commonNameOf(cluster, peer)).find(({ length }) => length > 64);
    if (long === undefined) continue;
    throw new VcsPkiError('INPUT_INVALID', {
      at: `${at}: clusters ${cluster.id}`,
      value: long,
      message: `must have names of at most 64 characters where they become common names: ${long} has ${long.length}`,
      fix: 'use a shorter host name or domain',
    });
  }
}

function knownReferences(topology: Topology, at: string): void {
  const idSet = (...lists: readonly (readonly { readonly id: string }[])[]) =>
    new Set(lists.flatMap((list) => list.map(({ id }) => id)));
  const authorities = idSet(topology.authorities);
  const issuers = idSet(topology.authorities, topology.externalAuthorities);
  const clusters = idSet(topology.clusters);
  const holders = idSet(topology.clusters, topology.systems, topology.clients);
  const known = (place: string, kind: string, ids: readonly (string | undefined)[], declared: ReadonlySet<string>) => {
    for (const id of ids) {
      if (id !== undefined && !declared.has(id)) throw undeclared(`${at}: ${place}`, kind, id, [...declared]);
    }
  };
  for (const authority of topology.authorities)
    known(`authorities ${authority.id}: issuer`, 'authority', [authority.issuer], authorities);
  for (const { id, issuer, clientCertificate } of topology.clusters) {
    known(`clusters ${id}: issuer`, 'authority', [issuer], issuers);
    known(`clusters ${id}: clientCertificate.issuer`, 'authority', [clientCertificate?.issuer], issuers);
  }
  for (const zone of topology.zones) {
    const ends = zone.kind === 'traversal' ? [zone.client, zone.server] : [zone.cluster, zone.neighbor];
    known(`zones ${zone.id}`, 'cluster', ends, clusters);
    if (ends[0] === ends[1]) {
      throw new VcsPkiError('INPUT_INVALID', {
        at: `${at}: zones ${zone.id}`,
        message: `must connect two clusters, not ${ends[0]} with itself`,
        fix: 'name the two clusters at its ends',
      });
    }
  }
  for (const list of topology.trustLists) {
    known(`trustLists ${list.id}: authorities`, 'authority', list.authorities, issuers);
    known(`trustLists ${list.id}: appliesTo`, 'cluster, system or client group', list.appliesTo, holders);
  }
  for (const system of topology.systems) {
    known(`systems ${system.id}: clusters`, 'cluster', system.clusters, clusters);
    if (system.kind !== 'unified-cm') continue;
    known(`systems ${system.id}: tomcatTrust`, 'authority', system.tomcatTrust, issuers);
    known(`systems ${system.id}: callManagerTrust`, 'authority', system.callManagerTrust, issuers);
  }
  for (const group of topology.clients) known(`clients ${group.id}: clusters`, 'cluster', group.clusters, clusters);
}

function issuersEndInRoot({ authorities }: Topology, at: string): void {
  const byId = new Map(authorities.map((authority) => [authority.id, authority]));
  const done = new Set<string>();
  for (const authority of authorities) {
    const seen = new Set<string>();
    let current: Authority | undefined = authority;
    while (current && !done.has(current.id)) {
      if (seen.has(current.id)) {
        throw new VcsPkiError('INPUT_INVALID', {
          at: `${at}: authorities ${authority.id}: issuer`,
          message: `must lead to a self-signed root, but comes back to ${current.id}`,
          fix: 'remove the issuer of the authority that is meant as the root',
        });
      }
      seen.add(current.id);
      current = current.issuer && byId.get(current.issuer);
    }
    for (const id of seen) done.add(id);
  }
}

/** A verifier finds an issuer by its subject: two authorities with one subject can't be told apart (D23). */
function uniqueSubjects({ authorities }: Topology, at: string): void {
  const owners = new Map<string, string>();
  for (const authority of authorities) {
    const { country, state, locality, organization, organizationalUnit, commonName } = authority.subject;
    const subject = JSON.stringify([
      country,
      state,
      locality,
      organization,
      organizationalUnit,
      commonName,
    ]).toLowerCase();
    const owner = owners.get(subject);
    if (owner !== undefined) {
      throw new VcsPkiError('INPUT_INVALID', {
        at: `${at}: authorities ${authority.id}: subject`,
        value: commonName,
        message: `must differ from the subject of ${owner}: two authorities with one subject can't be told apart`,
        fix: 'give each authority its own common name',
      });
    }
    owners.set(subject, authority.id);
  }
}

function duplicate(at: string, value: string, fix: string): VcsPkiError {
  return new VcsPkiError('INPUT_INVALID', { at, value, message: `must not list ${value} twice`, fix });
}

function undeclared(at: string, kind: string, id: string, declared: readonly string[]): VcsPkiError {
  const known = declared.join(', ');
  return new VcsPkiError('INPUT_INVALID', {
    at,
    value: id,
    message: `refers to ${kind} ${id}, which is not declared`,
    fix: known === '' ? `declare ${kind} ${id}` : `declare ${kind} ${id}, or name one of ${known}`,
  });
}

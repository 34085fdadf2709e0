import { dirname } from 'node:path';
import type { Folder } from './folders.ts';
import { type FoundCertificate, hasHostName } from './found.ts';
import { hostPattern, isNumbered, sameHolder } from './same-holder.ts';

/** The peers of one cluster, and the name that their certificates have, or should have, in common. */
interface Cluster {
  readonly name: string;
  readonly peers: readonly Peer[];
}

/** A peer by its certificates, in a folder of its own or in one with other peers. */
interface Peer {
  readonly folder: Folder;
  readonly leaves: readonly FoundCertificate[];
}

/**
 * Clusters, as far as files tell: peers in one folder, or in folders below one parent, that share a name and differ in
 * one each, their own, or have host names that differ in a number. Of the names of a peer the one that the fewest others
 * have counts: domains and chat node aliases are those of other clusters too. Who shares none belongs to the one cluster
 * with such host names whose name fits its own. Two are one as well if the one alone has a name that fits both.
 */
export function clustersOf(folders: readonly Folder[]): Cluster[] {
  return neighbourhoods(folders).flatMap((peers) => {
    const counts = countOf(peers.flatMap((peer) => [...namesOf(peer)]));
    const candidates = peers.map((peer) => candidateOf(peer, counts));
    const shared = clustersThatShare(candidates);
    const settled = new Set(shared.filter(isNamed).flatMap(({ members }) => members));
    const pairs = pairsOf(candidates.filter((candidate) => !settled.has(candidate)));
    const paired = new Set(pairs.flatMap(({ members }) => members));
    const sharing = shared.filter(({ members }) => !members.some((member) => paired.has(member)));
    const placed = new Set([...sharing.flatMap(({ members }) => members), ...paired]);
    const joining = new Map<Group, Candidate[]>();
    for (const candidate of candidates.filter((one) => !placed.has(one))) {
      const [group, ...more] = sharing.filter((one) => mayJoin(candidate, one));
      if (group && more.length === 0) put(joining, group, candidate);
    }
    const joined = sharing.map((group) => {
      const members = [...group.members, ...(joining.get(group) ?? [])];
      return members.length > MOST_PEERS ? group : { ...group, members };
    });
    return [...joined, ...pairs].map(({ name, members }) => ({ name, peers: members.map(({ peer }) => peer) }));
  });
}

/** A cluster has at most six peers: what more have in common is no name of one. */
export const MOST_PEERS = 6;

interface Candidate {
  readonly peer: Peer;
  readonly names: ReadonlySet<string>;
  /** The name that makes it a peer of a cluster, or ''. */
  readonly shared: string;
  /** The names that nobody else has. */
  readonly own: readonly string[];
}

interface Group {
  readonly name: string;
  readonly members: readonly Candidate[];
}

type Counts = ReadonlyMap<string, number>;

function candidateOf(peer: Peer, counts: Counts): Candidate {
  const names = namesOf(peer);
  const countFor = (name: string) => counts.get(name) ?? 0;
  const [shared = ''] = [...names]
    .filter((name) => countFor(name) > 1 && countFor(name) <= MOST_PEERS && !isDomain(name, names))
    .sort((one, other) => countFor(one) - countFor(other) || (one < other ? -1 : 1));
  return { peer, names, shared, own: [...names].filter((name) => countFor(name) === 1) };
}

/** A domain for unified communications, in either form. */
function isDomain(name: string, names: ReadonlySet<string>): boolean {
  return name.startsWith('collab-edge.') || [...names].some((host) => host.endsWith(`.${name}`));
}

// ---- who is a peer of whom -----------------------------------------------------------------------------------------

function clustersThatShare(candidates: readonly Candidate[]): Group[] {
  const byName = new Map<string, Candidate[]>();
  for (const candidate of candidates) put(byName, candidate.shared, candidate);
  return [...byName].flatMap(([name, [first, ...others]]) => {
    const members = first && name !== '' ? [first, ...others.filter((other) => areAlike(first, other))] : [];
    return members.length > 1 ? [{ name, members }] : [];
  });
}

function areAlike(one: Candidate, other: Candidate): boolean {
  const own = [...one.names].filter((name) => !other.names.has(name));
  const others = [...other.names].filter((name) => !one.names.has(name));
  return (own.length <= 1 && others.length <= 1 && haveOneIssuer(one, other)) || haveSeries(one, other);
}

function haveOneIssuer(one: Candidate, other: Candidate): boolean {
  const issuers = new Set(one.peer.leaves.map(({ certificate }) => certificate.issuer.key));
  return other.peer.leaves.some(({ certificate }) => issuers.has(certificate.issuer.key));
}

/** Whether two have hosts of one series, like `expe1` and `expe2`. */
function haveSeries(one: Candidate, other: Candidate): boolean {
  const series = new Set(one.own.filter(isNumbered).map(hostPattern));
  return other.own.filter(isNumbered).some((name) => series.has(hostPattern(name)));
}

/** Whether what they share can be their name, and not an alias or a domain of another kind. */
function isNamed({ name, members }: Group): boolean {
  return isCommonName(name, members) || members.every(({ own }) => own.some((host) => fits(name, host)));
}

function isCommonName(name: string, members: readonly Candidate[]): boolean {
  return members.some(({ peer }) => peer.leaves.some(({ certificate }) => commonNameOf(certificate) === name));
}

function mayJoin(candidate: Candidate, { name, members }: Group): boolean {
  if (!candidate.own.some((host) => fits(name, host)) && !isCommonName(name, members)) return false;
  if (members.some((member) => haveSeries(member, candidate))) return true;
  // Hosts without numbers, `alpha` and `bravo`: by their domain, where there is no other name that could tell.
  const domains = new Set(members.flatMap(({ own }) => (own.some(isNumbered) ? [] : own.map(domainOf))));
  const [host = '', ...more] = candidate.names;
  const alone = more.length === 0 && !isNumbered(host) && domains.has(domainOf(host));
  return alone && members.some((member) => haveOneIssuer(member, candidate));
}

/** Two with hosts of one series, of which the one alone has a name that fits both. */
function pairsOf(left: readonly Candidate[]): Group[] {
  const bySeries = new Map<string, Set<Candidate>>();
  for (const candidate of left)
    for (const host of candidate.own.filter(isNumbered))
      bySeries.set(hostPattern(host), (bySeries.get(hostPattern(host)) ?? new Set()).add(candidate));
  return [...bySeries].flatMap(([series, members]) => {
    if (members.size !== 2) return [];
    const hosts = [...members].flatMap(({ own }) => own.filter((name) => hostPattern(name) === series));
    const names = [...members].flatMap(({ own, names: all }) =>
      own.filter((name) => !hosts.includes(name) && !isDomain(name, all) && hosts.every((host) => fits(name, host))),
    );
    const [name] = names;
    return name !== undefined && names.length === 1 ? [{ name, members: [...members] }] : [];
  });
}

/** Whether it can be the name of the cluster of a host: made of words that the host name has too, and of "cluster". */
function fits(name: string, host: string): boolean {
  const [label = ''] = name.split('.');
  const [hostLabel = ''] = host.split('.');
  const words = label.split(/[^\p{L}\p{N}]+/u).map((word) => word.replace(/cluster\d*$|^cl\d*$/, ''));
  return host.endsWith(`.${domainOf(name)}`) && words.every((word) => hostLabel.includes(word));
}

function domainOf(name: string): string {
  return name.slice(name.indexOf('.') + 1);
}

// ---- what lies together --------------------------------------------------------------------------------------------

/** Peers among which clusters are looked for. */
function neighbourhoods(folders: readonly Folder[]): Peer[][] {
  const byParent = new Map<string, Peer[]>();
  const flat: Peer[][] = [];
  for (const folder of folders) {
    const peers = peersIn(folder);
    if (peers.length > 0) flat.push(peers);
    else if (folder.leaves.length > 0 && dirname(folder.path) !== folder.path)
      put(byParent, dirname(folder.path), { folder, leaves: folder.leaves });
  }
  return [...flat, ...byParent.values()];
}

/** The peers of a folder with those of several: more than two, or two with hosts of one series. Empty for one of one. */
export function peersIn(folder: Folder): Peer[] {
  if (folder.leaves.length > MOST_TOGETHER) return [];
  const peers: FoundCertificate[][] = [];
  for (const leaf of folder.leaves) {
    const own = peers.find((leaves) =>
      leaves.some(({ certificate }) => sameHolder(certificate, leaf.certificate) !== 'no'),
    );
    if (own) own.push(leaf);
    else peers.push([leaf]);
  }
  const all = peers.map((leaves) => ({ folder, leaves }));
  const series = new Set(all.map((peer) => [...namesOf(peer)].filter(isNumbered).map(hostPattern).sort().join(' ')));
  return all.length > 2 || (all.length === 2 && series.size === 1 && !series.has('')) ? all : [];
}

/** A bound for folders that were made to take long. */
const MOST_TOGETHER = 100;

/** None where no alternative names tell. */
function namesOf({ leaves }: Peer): Set<string> {
  return new Set(
    leaves.flatMap(({ certificate }) => {
      const names = certificate.dnsNames.map((name) => name.toLowerCase());
      const isHost = names.length > 0 && hasHostName({ ...certificate, dnsNames: [] });
      return isHost ? [commonNameOf(certificate), ...names] : names;
    }),
  );
}

function commonNameOf({ subject }: FoundCertificate['certificate']): string {
  return subject.commonName?.toLowerCase() ?? '';
}

function countOf(names: readonly string[]): Counts {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function put<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

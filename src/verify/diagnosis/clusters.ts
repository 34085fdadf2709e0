import { dirname } from 'node:path';
import type { Folder } from './folders.ts';

/** The folders of the peers of one cluster, and the name that its certificates have in common. */
interface ClusterFolders {
  readonly name: string;
  readonly peers: readonly Folder[];
}

/**
 * Clusters, as far as folders tell: below one parent those that share a name and differ in one each, their own, or have
 * host names that differ in a number. Of the names of a folder the one that the fewest others have counts: domains and
 * chat node aliases are those of other clusters too. Who shares none belongs to the one cluster with such host names.
 */
export function clustersOf(folders: readonly Folder[]): ClusterFolders[] {
  return siblings(folders).flatMap((among) => {
    const counts = countOf(among.flatMap((folder) => [...namesOf(folder)]));
    const candidates = among.map((folder) => candidateOf(folder, counts));
    const byName = new Map<string, Candidate[]>();
    for (const candidate of candidates) put(byName, candidate.shared, candidate);
    const clusters = [...byName].flatMap(([name, [first, ...others]]) => {
      const peers = first && name !== '' ? [first, ...others.filter((other) => areAlike(first, other))] : [];
      return peers.length > 1 ? [{ name, peers }] : [];
    });
    const placed = new Set(clusters.flatMap(({ peers }) => peers));
    const byHost = new Map<string, Set<string>>();
    for (const { name, peers } of clusters)
      for (const host of peers.flatMap(({ hosts }) => hosts))
        byHost.set(host, (byHost.get(host) ?? new Set()).add(name));
    const joining = new Map<string, Candidate[]>();
    for (const candidate of candidates.filter((one) => !placed.has(one))) {
      const [name, ...more] = new Set(candidate.hosts.flatMap((host) => [...(byHost.get(host) ?? [])]));
      if (name !== undefined && more.length === 0) put(joining, name, candidate);
    }
    return clusters.map(({ name, peers }) => {
      const all = [...peers, ...(joining.get(name) ?? [])];
      return { name, peers: (all.length > MOST_PEERS ? peers : all).map(({ folder }) => folder) };
    });
  });
}

/** A cluster has at most six peers: what more have in common is no name of one. */
const MOST_PEERS = 6;

interface Candidate {
  readonly folder: Folder;
  readonly names: ReadonlySet<string>;
  /** The name that makes it a peer of a cluster, or ''. */
  readonly shared: string;
  /** The names that nobody else has and that have a number, without it: `expc1.example.com` and `expc2...` are alike. */
  readonly hosts: readonly string[];
}

type Counts = ReadonlyMap<string, number>;

function candidateOf(folder: Folder, counts: Counts): Candidate {
  const names = namesOf(folder);
  const countFor = (name: string) => counts.get(name) ?? 0;
  const [shared = ''] = [...names]
    .filter((name) => countFor(name) > 1 && countFor(name) <= MOST_PEERS)
    .sort((one, other) => countFor(one) - countFor(other) || (one < other ? -1 : 1));
  const numbered = [...names].filter((name) => countFor(name) === 1 && /\d/.test(name));
  return { folder, names, shared, hosts: numbered.map((name) => name.replace(/\d+/g, '#')) };
}

function areAlike(one: Candidate, other: Candidate): boolean {
  const own = [...one.names].filter((name) => !other.names.has(name));
  const others = [...other.names].filter((name) => !one.names.has(name));
  return (own.length <= 1 && others.length <= 1) || one.hosts.some((host) => other.hosts.includes(host));
}

function siblings(folders: readonly Folder[]): Folder[][] {
  const byParent = new Map<string, Folder[]>();
  for (const folder of folders) {
    const parent = dirname(folder.path);
    if (folder.leaves.length > 0 && parent !== folder.path) put(byParent, parent, folder);
  }
  return [...byParent.values()];
}

function namesOf({ leaves }: Folder): Set<string> {
  return new Set(leaves.flatMap(({ certificate }) => certificate.dnsNames.map((name) => name.toLowerCase())));
}

function countOf(names: readonly string[]): Counts {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function put<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

import { dirname } from 'node:path';
import type { Folder } from './folders.ts';

/** The folders of the peers of one cluster, and the name that its certificates have in common. */
export interface ClusterFolders {
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
    const names = new Map(among.map((folder) => [folder, namesOf(folder)]));
    const counts = countOf([...names.values()].flatMap((own) => [...own]));
    const byName = new Map<string, Folder[]>();
    for (const [folder, own] of names) {
      const [name = ''] = [...own].filter((one) => isShared(counts.get(one))).sort(byCount(counts));
      byName.set(name, [...(byName.get(name) ?? []), folder]);
    }
    const isAlike = (one: Folder, other: Folder) => alike(names.get(one), names.get(other));
    const clusters = [...byName].flatMap(([name, sharing]) => {
      const peers = sharing.filter((folder) => sharing[0] && isAlike(sharing[0], folder));
      return name !== '' && peers.length > 1 ? [{ name, peers }] : [];
    });
    const placed = new Set(clusters.flatMap(({ peers }) => peers));
    const others = among.filter((folder) => !placed.has(folder));
    const joins = (folder: Folder, peers: readonly Folder[]) =>
      peers.some((peer) => haveNumberedHosts(names.get(folder), names.get(peer)));
    const only = others.filter((folder) => clusters.filter(({ peers }) => joins(folder, peers)).length === 1);
    return clusters.map(({ name, peers }) => {
      const joining = only.filter((folder) => joins(folder, peers));
      return { name, peers: peers.length + joining.length > MOST_PEERS ? peers : [...peers, ...joining] };
    });
  });
}

/** A cluster has at most six peers: what more have in common is no name of one. */
const MOST_PEERS = 6;

function isShared(count = 0): boolean {
  return count > 1 && count <= MOST_PEERS;
}

type Names = ReadonlySet<string>;

function alike(one: Names = new Set(), other: Names = new Set()): boolean {
  return (without(one, other).length <= 1 && without(other, one).length <= 1) || haveNumberedHosts(one, other);
}

/** `expc1.example.com` and `expc2.example.com`, each the name of one alone. */
function haveNumberedHosts(one: Names = new Set(), other: Names = new Set()): boolean {
  const patterns = without(one, other).map(numberless);
  return without(other, one).some((name) => /\d/.test(name) && patterns.includes(numberless(name)));
}

function numberless(name: string): string {
  return name.replace(/\d+/g, '#');
}

function without(one: Names, other: Names): string[] {
  return [...one].filter((name) => !other.has(name));
}

function siblings(folders: readonly Folder[]): Folder[][] {
  const byParent = new Map<string, Folder[]>();
  for (const folder of folders) {
    const parent = dirname(folder.path);
    if (folder.leaves.length === 0 || parent === folder.path) continue;
    const among = byParent.get(parent);
    if (among) among.push(folder);
    else byParent.set(parent, [folder]);
  }
  return [...byParent.values()];
}

function namesOf({ leaves }: Folder): Set<string> {
  return new Set(leaves.flatMap(({ certificate }) => certificate.dnsNames.map((name) => name.toLowerCase())));
}

function countOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function byCount(counts: ReadonlyMap<string, number>): (one: string, other: string) => number {
  return (one, other) => (counts.get(one) ?? 0) - (counts.get(other) ?? 0) || (one < other ? -1 : 1);
}

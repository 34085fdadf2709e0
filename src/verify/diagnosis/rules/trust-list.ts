import { basename, dirname, join } from 'node:path';
import { fingerprint } from '../../../x509/certificate.ts';
import { clustersOf, MOST_PEERS } from '../clusters.ts';
import type { Folder } from '../folders.ts';
import { type FoundCertificate, keyIdentity } from '../found.ts';
import { hostPattern, isNumbered } from '../same-holder.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirement 44: of two authorities of one name the verifier takes the one that stands higher in the list. */
export const authorityNamesake: EvidenceRule = {
  code: 'AUTHORITY_NAMESAKE',
  title: 'Two authorities on a trust list have the same name and different keys.',
  holds: [44],
  diagnosis: 'D23',
  severity: 'warning',
  releases: 'all; from X8.1 on an upload removes nothing',
  *check({ folders }) {
    for (const { first, again } of repetitions(folders)) {
      if (keyIdentity(first.certificate) === keyIdentity(again.certificate)) continue;
      yield {
        at: again.at,
        value: again.title,
        message: `the list has ${first.at === again.at ? 'another' : `another in ${first.at}`} of the same subject with a different key: one of the two is not found`,
        fix: `delete the old one by hand; they end on ${dayOf(first)} and ${dayOf(again)}`,
      };
    }
  },
};

/** Requirement 44: what was appended again stays there twice. */
export const authorityRepeated: EvidenceRule = {
  code: 'AUTHORITY_REPEATED',
  title: 'An authority is on a trust list twice.',
  holds: [44],
  diagnosis: 'D23',
  severity: 'advice',
  releases: 'all',
  *check({ folders }) {
    for (const { first, again } of repetitions(folders)) {
      const sameKey = keyIdentity(first.certificate) === keyIdentity(again.certificate);
      // A cross-certificate has another issuer, and is there on purpose; so is a file of its own.
      const onPurpose = first.certificate.issuer.key !== again.certificate.issuer.key || first.at !== again.at;
      if (!sameKey || onPurpose) continue;
      const copy = first.inPaths === again.inPaths;
      yield {
        at: again.at,
        value: again.title,
        message: copy ? 'the list has it twice' : 'the list has an earlier certificate of it too, for the same key',
        fix: copy
          ? 'remove the copy'
          : `delete the one with the fingerprint ${fingerprint(earlier(first, again).certificate.der)}`,
      };
    }
  },
};

/** D24: the trust list is the one thing that peers of a cluster do not copy from each other. */
export const trustListsDiffer: EvidenceRule = {
  code: 'TRUST_LISTS_DIFFER',
  title: 'Peers of one cluster have different trust lists.',
  holds: [42],
  diagnosis: 'D24',
  severity: 'warning',
  releases: 'all',
  *check({ folders, directories }) {
    const authorities = new Set(directories.map(({ path }) => path));
    const clusters = clustersOf(folders).map(({ peers }) => peers.map(({ folder }) => folder));
    for (const peers of [...clusters, ...exportedLists(folders.filter(({ path }) => !authorities.has(path)))]) {
      const listed = peers.filter(({ trusted }) => trusted.length > 0);
      const all = new Map(listed.flatMap(({ trusted }) => trusted.map((found) => [found.inPaths, found])));
      for (const { path, trusted } of listed) {
        const own = new Set(trusted.map(({ inPaths }) => inPaths));
        const missing = [...all.values()].filter(({ inPaths }) => !own.has(inPaths));
        if (missing.length === 0) continue;
        yield {
          at: path,
          value: missing.map(({ title }) => title).join(', '),
          message: `other peers of its cluster trust these, as ${missing[0]?.at} says, and it does not`,
          fix: 'load the same trusted CA file on every peer: the list is not copied between them',
        };
      }
    }
  },
};

/** Authorities whose subject stood in the same trust list before. */
function* repetitions(folders: readonly Folder[]): Generator<{ first: FoundCertificate; again: FoundCertificate }> {
  const lists = new Set(
    folders.filter(({ trusted, path }) => trusted[0]?.folder === path).map(({ trusted }) => trusted),
  );
  for (const list of lists) {
    const bySubject = new Map<string, FoundCertificate>();
    for (const found of list) {
      const first = bySubject.get(found.certificate.subject.key);
      if (first) yield { first, again: found };
      else bySubject.set(found.certificate.subject.key, found);
    }
  }
}

/** Folders beside each other with nothing but trust lists that have a root in common, and names that differ in a number. */
function exportedLists(folders: readonly Folder[]): Folder[][] {
  const byPattern = new Map<string, Folder[]>();
  for (const folder of folders) {
    const { path, leaves, keys, trusted } = folder;
    if (leaves.length + keys.length > 0 || trusted[0]?.folder !== path || !isNumbered(basename(path))) continue;
    const pattern = join(dirname(path), hostPattern(basename(path)));
    byPattern.set(pattern, [...(byPattern.get(pattern) ?? []), folder]);
  }
  return [...byPattern.values()].filter(([first, ...others]) => {
    const roots = new Set(first?.trusted.map(({ inPaths }) => inPaths));
    return (
      others.length < MOST_PEERS && others.every(({ trusted }) => trusted.some(({ inPaths }) => roots.has(inPaths)))
    );
  });
}

function earlier(one: FoundCertificate, other: FoundCertificate): FoundCertificate {
  return one.certificate.notAfter < other.certificate.notAfter ? one : other;
}

function dayOf({ certificate }: FoundCertificate): string {
  return certificate.notAfter.toISOString().slice(0, 10);
}

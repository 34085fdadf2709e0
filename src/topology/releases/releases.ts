import type { Release, ReleaseRow } from './release.ts';
import { firstRelease, laterReleases } from './rows.ts';

export type ReleaseName = typeof firstRelease.name | (typeof laterReleases)[number]['name'];

/** The table, oldest first: each row's facts are those of the row before with its own changes. */
export const releases: readonly Release[] = table(firstRelease, laterReleases);

export const releaseNames = releases.map(({ name }) => name);

/**
 * The facts of a release as declared. A maintenance release that is no row of its own (`X14.0.11`) has those of the
 * newest row of its series before it. Undefined for a series that is not known.
 */
export function findRelease(name: string): Release | undefined {
  const [major, minor, maintenance] = numbers(name);
  const row = numbered.findLast(({ at }) => at[0] === major && at[1] === minor && at[2] <= maintenance)?.row;
  return row && (row.name === name ? row : { ...row, name });
}

const numbered = releases.map((row) => ({ row, at: numbers(row.name) }));

/** As `findRelease`, for a declaration that has been parsed. */
export function releaseOf({ release }: { readonly release: string }): Release {
  const found = findRelease(release);
  if (!found) throw new TypeError(`no release ${release}: the topology was not parsed`);
  return found;
}

function table(first: Release, rows: readonly ReleaseRow[]): Release[] {
  const done = [first];
  let facts = first;
  for (const { name, changes } of rows) {
    facts = { ...facts, name };
    for (const { source: _, ...change } of changes) facts = { ...facts, ...change };
    done.push(facts);
  }
  return done;
}

function numbers(name: string): [number, number, number] {
  const [, major, minor, maintenance = '0'] = /^X(\d+)\.(\d+)(?:\.(\d+))?$/.exec(name) ?? [];
  return [Number(major), Number(minor), Number(maintenance)];
}

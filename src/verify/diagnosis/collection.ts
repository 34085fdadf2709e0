import { dirname, join } from 'node:path';
import type { Release } from '../../topology/releases/release.ts';
import type { Artefact, EvidenceInput } from './artefact.ts';
import { type Chain, chainsOf } from './chains.ts';
import { type Folder, foldersOf } from './folders.ts';
import {
  type DirectoryArtefact,
  distinct,
  type FileArtefact,
  type FoundCertificate,
  placing,
  type ServedArtefact,
} from './found.ts';
import { type Renewal, renewalsOf } from './renewals.ts';

/** The artefacts put in order, once for all rules. */
export interface Collection {
  readonly now: Date;
  readonly release: Release | undefined;
  readonly artefacts: readonly Artefact[];
  /** Without the newcerts of `openssl ca`, which are its archive. */
  readonly files: readonly FileArtefact[];
  readonly folders: readonly Folder[];
  /** Certificates of peers, in files and served, each where it was found first. */
  readonly leaves: readonly FoundCertificate[];
  readonly authorities: readonly FoundCertificate[];
  readonly chains: readonly Chain[];
  readonly renewals: readonly Renewal[];
  readonly served: readonly ServedArtefact[];
  readonly directories: readonly DirectoryArtefact[];
}

export function collect({ artefacts, now, release }: EvidenceInput): Collection {
  const directories = artefacts.filter((artefact) => artefact.kind === 'openssl directory');
  const served = artefacts.filter((artefact) => artefact.kind === 'served');
  const archives = directories.map(({ path }) => join(path, 'newcerts'));
  const files = artefacts
    .filter((artefact) => artefact.kind === 'file')
    .filter(({ path }) => !archives.includes(dirname(path)));
  const place = placing();
  const folders = foldersOf(files, place);
  const presented = served.map(({ path, served: { chain } }) => chain.map((certificate) => place(path, certificate)));
  const leaves = distinct([
    ...folders.flatMap((folder) => folder.leaves),
    ...presented.flatMap(([leaf]) => leaf ?? []),
  ]);
  const authorities = distinct([
    ...folders.flatMap((folder) => folder.authorities),
    ...presented.flatMap(([, ...others]) => others),
  ]);
  return {
    now,
    release,
    artefacts,
    files,
    folders,
    leaves,
    authorities,
    chains: chainsOf(folders, authorities, now),
    renewals: renewalsOf(leaves, folders),
    served,
    directories,
  };
}

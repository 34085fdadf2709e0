import { dirname, join } from 'node:path';
import type { Release } from '../../topology/releases/release.ts';
import type { PathCertificate } from '../path/path-certificate.ts';
import { titleOf } from '../predict.ts';
import type { Artefact, EvidenceInput } from './artefact.ts';
import { type Chain, chainsOf } from './chains.ts';
import { type Folder, foldersOf } from './folders.ts';
import {
  type DirectoryArtefact,
  distinct,
  type FileArtefact,
  type FoundCertificate,
  type Identity,
  isForHost,
  keyIdentity,
  placing,
  type ServedArtefact,
} from './found.ts';
import { type Renewal, renewalsOf } from './renewals.ts';

/** The artefacts put in order, once for all rules. */
export interface Collection {
  readonly now: Date;
  readonly release: Release | undefined;
  readonly artefacts: readonly Artefact[];
  /** Without archives: the newcerts of `openssl ca`, and folders in which every certificate of a peer was replaced. */
  readonly files: readonly FileArtefact[];
  readonly folders: readonly Folder[];
  /**
   * Certificates of peers that are in use, as far as is known, in files and served, each where it was found first. One
   * that was replaced by a renewal, and is not served, is not among them.
   */
  readonly leaves: readonly FoundCertificate[];
  /** What those say, and what requests ask for whose key has no certificate yet: before it is signed is the best time. */
  readonly identities: readonly Identity[];
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
  const everything = foldersOf(files, place);
  const presented = served.map(({ path, served: { chain } }) => chain.map((certificate) => place(path, certificate)));
  const presentedLeaves = presented.flatMap(([leaf]) => leaf ?? []);
  const known = distinct([...everything.flatMap((folder) => folder.leaves), ...presentedLeaves]);
  const renewals = renewalsOf(known, everything);
  const replaced = new Set(renewals.map(({ older }) => older.inPaths));
  for (const { inPaths } of presentedLeaves) replaced.delete(inPaths);
  const { folders, archived } = sortOut(everything, replaced);
  const leaves = known.filter(({ inPaths }) => !replaced.has(inPaths));
  const authorities = distinct([
    ...folders.flatMap((folder) => folder.authorities),
    ...presented.flatMap(([, ...others]) => others),
  ]);
  return {
    now,
    release,
    artefacts: artefacts.filter(
      ({ kind, path }) => !((kind === 'file' || kind === 'unreadable') && archived.has(dirname(path))),
    ),
    files: files.filter(({ path }) => !archived.has(dirname(path))),
    folders,
    leaves,
    identities: [...leaves.map(identityOf), ...openRequests(folders, [...known, ...authorities])],
    authorities,
    chains: chainsOf(folders, authorities, now),
    renewals,
    served,
    directories,
  };
}

/**
 * Folders with what was replaced set apart, without the archives: those with certificates that were replaced, and none
 * in use in them or below.
 */
function sortOut(everything: readonly Folder[], replaced: ReadonlySet<PathCertificate>) {
  const sorted = everything.map((folder) => ({
    ...folder,
    leaves: folder.leaves.filter(({ inPaths }) => !replaced.has(inPaths)),
    replaced: folder.leaves.filter(({ inPaths }) => replaced.has(inPaths)),
  }));
  const used = new Set(sorted.flatMap(({ path, leaves }) => (leaves.length > 0 ? upwards(path) : [])));
  const isArchive = (folder: Folder) => folder.replaced.length > 0 && !used.has(folder.path);
  return {
    folders: sorted.filter((folder) => !isArchive(folder)),
    archived: new Set(sorted.filter(isArchive).map(({ path }) => path)),
  };
}

/** A folder and all above it. */
function upwards(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...upwards(above)];
}

function identityOf({ certificate, ...found }: FoundCertificate): Identity {
  const named = certificate.alternativeNames.some(({ kind }) => COMPARED.includes(kind));
  const { subject, dnsNames, extendedKeyUsage } = certificate;
  return { ...found, subject, dnsNames, named, extendedKeyUsage, asked: false };
}

/** The kinds of alternative names that verifiers compare. */
const COMPARED = ['DNS', 'IP', 'URI'];

/** Of requests for hosts each once; those for authorities are another matter. */
function openRequests(folders: readonly Folder[], certificates: readonly FoundCertificate[]): Identity[] {
  const done = new Set(certificates.map(({ certificate }) => keyIdentity(certificate)));
  return folders
    .flatMap(({ requests }) => requests)
    .filter(({ request }) => isForHost(request) && !done.has(keyIdentity(request)) && done.add(keyIdentity(request)))
    .map(({ request, ...found }) => {
      const { subject, dnsNames, otherNames, extendedKeyUsage } = request;
      const named = dnsNames.length + otherNames.length > 0;
      return { ...found, title: titleOf(request), subject, dnsNames, named, extendedKeyUsage, asked: true };
    });
}

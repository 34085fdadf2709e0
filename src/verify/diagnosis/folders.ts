import { basename, dirname } from 'node:path';
import type { Certificate } from '../../x509/certificate.ts';
import {
  certificatesIn,
  crlsIn,
  distinct,
  type FileArtefact,
  type FoundCertificate,
  type FoundCrl,
  type FoundKey,
  type FoundRequest,
  hasHostName,
  isForHost,
  isSelfIssued,
  keyIdentity,
  keysIn,
  type Place,
  requestsIn,
} from './found.ts';

/** What lies together: mostly what is to be loaded onto one peer. */
export interface Folder {
  readonly path: string;
  readonly files: readonly FileArtefact[];
  /** Certificates of peers that are in use, as far as is known. */
  readonly leaves: readonly FoundCertificate[];
  /** Certificates of peers of which the renewal is there too. */
  readonly replaced: readonly FoundCertificate[];
  readonly authorities: readonly FoundCertificate[];
  readonly keys: readonly FoundKey[];
  readonly requests: readonly FoundRequest[];
  /** Its trust list: the files with authorities alone; of the next folder above that has any, where there are none. */
  readonly trusted: readonly FoundCertificate[];
  /** Revocation lists, in the same way. */
  readonly crls: readonly FoundCrl[];
}

export function foldersOf(files: readonly FileArtefact[], place: Place): Folder[] {
  const issued = files.flatMap(certificatesIn).filter((certificate) => !isSelfIssued(certificate));
  const issuers = new Set(issued.map(({ issuer }) => issuer.key));
  const byFolder = new Map<string, FileArtefact[]>();
  for (const file of files) {
    const among = byFolder.get(dirname(file.path));
    if (among) among.push(file);
    else byFolder.set(dirname(file.path), [file]);
  }
  const own = new Map([...byFolder].map(([path, among]) => [path, ownContents(path, among, issuers, place)]));
  return [...own.values()].map((folder) => ({
    ...folder,
    trusted: nearestOf(own, folder.path, ({ trusted }) => trusted),
    crls: nearestOf(own, folder.path, ({ crls }) => crls),
  }));
}

function ownContents(path: string, files: readonly FileArtefact[], issuers: ReadonlySet<string>, place: Place): Folder {
  const keys = files.flatMap(keysIn);
  const present = new Set(keys.map(keyIdentity));
  const isAuthority = (certificate: Certificate) => isAuthorityBeside(certificate, present, issuers);
  const all = files.flatMap(certificatesIn);
  const issuedHere = all.some((one) => !isAuthority(one) && !isSelfIssued(one));
  const isTrustFolder = present.size === 0 && all.some(isAuthority);
  const leaves: FoundCertificate[] = [];
  const authorities: FoundCertificate[] = [];
  const chains: FoundCertificate[] = [];
  const trusted: FoundCertificate[] = [];
  for (const file of files) {
    const certificates = certificatesIn(file);
    const amongOthers = issuedHere || certificates.length > 1;
    const isTrusted = (certificate: Certificate) => {
      if (!isSelfIssued(certificate) || present.has(keyIdentity(certificate))) return isAuthority(certificate);
      // Without its key, like that of a Unified CM, it lies among others to be trusted.
      if (amongOthers) return true;
      return isAuthority(certificate) ? !isLoneServer(certificate, issuers) : isTrustFolder;
    };
    const found = certificates.map((certificate) => place(file.path, certificate));
    leaves.push(...found.filter(({ certificate }) => !isTrusted(certificate)));
    authorities.push(...found.filter(({ certificate }) => isTrusted(certificate)));
    if (certificates.every(isTrusted)) (isChain(file) ? chains : trusted).push(...found);
  }
  // With the root in a file of its own, the list is made of files, and the chain is one of them.
  const inParts = trusted.length > 0 && trusted.every(({ at }) => basename(at).toLowerCase().includes('root'));
  return {
    path,
    files,
    leaves: distinct(leaves),
    replaced: [],
    authorities: distinct(authorities),
    keys,
    requests: files.flatMap(requestsIn),
    trusted: inParts ? [...trusted, ...chains] : trusted,
    crls: files.flatMap(crlsIn),
  };
}

/** What the folder has, or the next one above it that has any. */
function nearestOf<Item>(
  folders: ReadonlyMap<string, Folder>,
  path: string,
  pick: (folder: Folder) => readonly Item[],
): readonly Item[] {
  const folder = folders.get(path);
  const found = folder ? pick(folder) : [];
  const above = dirname(path);
  return found.length > 0 || above === path ? found : nearestOf(folders, above, pick);
}

/**
 * Whether a certificate is that of an authority. What `openssl req -x509` makes of a server key says so too (78): it is
 * known by its key beside it and the name of a host.
 */
function isAuthorityBeside(certificate: Certificate, keys: ReadonlySet<string>, issuers: ReadonlySet<string>): boolean {
  const { basicConstraints, keyUsage, version, subject } = certificate;
  if (issuers.has(subject.key)) return true;
  const selfIssued = isSelfIssued(certificate);
  if (selfIssued && isForHost(certificate) && keys.has(keyIdentity(certificate))) return false;
  const saysSo = basicConstraints?.authority === true || keyUsage?.includes('keyCertSign') === true;
  return saysSo || (version === 1 && selfIssued && !hasHostName(certificate));
}

/** The same without its key: it issued nothing here, and says nothing of signing certificates but what openssl adds. */
function isLoneServer(certificate: Certificate, issuers: ReadonlySet<string>): boolean {
  const { keyUsage, subject } = certificate;
  return hasHostName(certificate) && !issuers.has(subject.key) && keyUsage?.includes('keyCertSign') !== true;
}

/** What is sent along with a certificate goes without the root: it is no trust list. */
function isChain(file: FileArtefact): boolean {
  return isNamedChain(file.path) && !certificatesIn(file).some(isSelfIssued);
}

export function isNamedChain(path: string): boolean {
  return /^(?:full)?chain\b/i.test(basename(path));
}

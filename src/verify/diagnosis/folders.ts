import { basename, dirname } from 'node:path';
import { patterns } from '../../topology/names.ts';
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
  /** Certificates of peers, and below those of authorities. */
  readonly leaves: readonly FoundCertificate[];
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
  const issuedHere = files.flatMap(certificatesIn).some((one) => !isAuthority(one) && !isSelfIssued(one));
  const leaves: FoundCertificate[] = [];
  const authorities: FoundCertificate[] = [];
  const trusted: FoundCertificate[] = [];
  for (const file of files) {
    const certificates = certificatesIn(file);
    // A self-signed certificate whose key is elsewhere, like one of Unified CM, lies among others to be trusted.
    const amongOthers = issuedHere || certificates.some(isAuthority);
    const isTrusted = (certificate: Certificate) =>
      isAuthority(certificate) || (amongOthers && isSelfIssued(certificate) && !present.has(keyIdentity(certificate)));
    const found = certificates.map((certificate) => place(file.path, certificate));
    leaves.push(...found.filter(({ certificate }) => !isTrusted(certificate)));
    authorities.push(...found.filter(({ certificate }) => isTrusted(certificate)));
    if (certificates.every(isTrusted) && !isChain(file)) trusted.push(...found);
  }
  return {
    path,
    files,
    leaves: distinct(leaves),
    authorities: distinct(authorities),
    keys,
    requests: files.flatMap(requestsIn),
    trusted,
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
  const named = hasHostName(certificate);
  const selfIssued = isSelfIssued(certificate);
  if (selfIssued && named && keys.has(keyIdentity(certificate))) return false;
  const saysSo = basicConstraints?.authority === true || keyUsage?.includes('keyCertSign') === true;
  return saysSo || (version === 1 && selfIssued && !named);
}

/** What is sent along with a certificate goes without the root: it is no trust list. */
function isChain(file: FileArtefact): boolean {
  return isNamedChain(file.path) && !certificatesIn(file).some(isSelfIssued);
}

export function isNamedChain(path: string): boolean {
  return /^(?:full)?chain\b/i.test(basename(path));
}

function hasHostName({ subject, dnsNames }: Certificate): boolean {
  return dnsNames.length > 0 || HOST_NAME.test(subject.commonName ?? '');
}

const HOST_NAME = new RegExp(patterns.fqdn, 'i');

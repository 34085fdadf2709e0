import { dirname } from 'node:path';
import { patterns } from '../../topology/names.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { Contents } from '../../x509/contents.ts';
import type { Crl } from '../../x509/crl.ts';
import { subjectPublicKeyInfo } from '../../x509/keys.ts';
import { type Name, sameName } from '../../x509/name.ts';
import type { CertificateRequest } from '../../x509/request.ts';
import { type PathCertificate, pathCertificate } from '../path/path-certificate.ts';
import { titleOf } from '../predict.ts';
import type { Artefact } from './artefact.ts';

export type FileArtefact = Extract<Artefact, { kind: 'file' }>;
export type ServedArtefact = Extract<Artefact, { kind: 'served' }>;
export type DirectoryArtefact = Extract<Artefact, { kind: 'openssl directory' }>;

/** Where something was found: the path of its artefact, and the folder of that. */
interface Placed {
  readonly at: string;
  readonly folder: string;
}

export interface FoundCertificate extends Placed {
  readonly title: string;
  readonly certificate: Certificate;
  /** The same for path validation: one object for all copies. */
  readonly inPaths: PathCertificate;
}

export interface FoundKey extends Placed {
  readonly subjectPublicKeyInfo: Buffer;
}

export interface FoundRequest extends Placed {
  readonly request: CertificateRequest;
}

/** What a certificate of a peer says, or what a request that is still to be signed asks for. */
export interface Identity extends Placed {
  readonly title: string;
  readonly subject: Name;
  readonly dnsNames: readonly string[];
  /** Whether it has names that a verifier compares. */
  readonly named: boolean;
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** A request: its authority may add what it lacks. */
  readonly asked: boolean;
}

export interface FoundCrl extends Placed {
  readonly form: Contents['form'];
  readonly crl: Crl;
}

/** Gives a certificate its place. */
export type Place = (at: string, certificate: Certificate) => FoundCertificate;

export function placing(): Place {
  const known = new Map<string, PathCertificate>();
  return (at, certificate) => {
    const identity = certificate.der.toString('latin1');
    const inPaths = known.get(identity) ?? pathCertificate(certificate);
    known.set(identity, inPaths);
    return { ...placeOf(at), title: titleOf(certificate), certificate, inPaths };
  };
}

/** The first place of each certificate. */
export function distinct(certificates: readonly FoundCertificate[]): FoundCertificate[] {
  const first = new Map<PathCertificate, FoundCertificate>();
  for (const found of certificates) if (!first.has(found.inPaths)) first.set(found.inPaths, found);
  return [...first.values()];
}

/** Equal for everything that has, or is for, the same key. */
export function keyIdentity({ subjectPublicKeyInfo }: { readonly subjectPublicKeyInfo: Buffer }): string {
  return subjectPublicKeyInfo.toString('latin1');
}

export function isSelfIssued({ subject, issuer }: Certificate): boolean {
  return sameName(subject, issuer);
}

/** Whether it is for a host by its names: alternative ones, or an FQDN as common name that is not like `ca.example.com`. */
export function hasHostName({ subject: { commonName = '' }, dnsNames }: Named): boolean {
  return dnsNames.length > 0 || (HOST_NAME.test(commonName) && !AUTHORITY.test(commonName));
}

/** The same with a host name that has no domain, `vcs1` or `vcse`. */
export function isForHost(named: Named): boolean {
  const { commonName = '' } = named.subject;
  return hasHostName(named) || (SHORT.test(commonName) && !AUTHORITY.test(commonName));
}

type Named = Pick<Certificate, 'subject' | 'dnsNames'>;

const HOST_NAME = new RegExp(patterns.fqdn, 'i');
const SHORT = /^(?:vcs|exp|[a-z][a-z-]*\d)[a-z\d-]*$/i;
const AUTHORITY = /^(?:[^.]*[^a-z.])?(?:ca|pki)(?:[^a-z]|$)|^[^.]*(?:root|issuing|authority)/i;

// ---- what is in a file ---------------------------------------------------------------------------------------------

export function certificatesIn({ contents }: FileArtefact): Certificate[] {
  return contents.items.flatMap((item) => (item.kind === 'certificate' ? [item.certificate] : []));
}

export function keysIn({ path, contents }: FileArtefact): FoundKey[] {
  return contents.items.flatMap((item) =>
    item.kind === 'key' ? [{ ...placeOf(path), subjectPublicKeyInfo: subjectPublicKeyInfo(item.key) }] : [],
  );
}

export function requestsIn({ path, contents }: FileArtefact): FoundRequest[] {
  return contents.items.flatMap((item) =>
    item.kind === 'request' ? [{ ...placeOf(path), request: item.request }] : [],
  );
}

export function crlsIn({ path, contents }: FileArtefact): FoundCrl[] {
  return contents.items.flatMap((item) =>
    item.kind === 'crl' ? [{ ...placeOf(path), form: contents.form, crl: item.crl }] : [],
  );
}

function placeOf(at: string): Placed {
  return { at, folder: dirname(at) };
}

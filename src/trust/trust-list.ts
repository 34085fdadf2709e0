import { VcsPkiError } from '../errors.ts';
import type { Topology } from '../topology/schema.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { decodeDerOrPem, encodePem } from '../x509/pem.ts';

/** An entry of a declared trust list: an authority of the topology, or the certificate of one that signs elsewhere. */
export type TrustEntry =
  | { readonly authority: string; readonly certificate?: never }
  | { readonly certificate: Certificate; readonly authority?: never };

/** Reads the certificates of authorities in a PEM text that is declared at `at`. Throws TRUST_LIST_INVALID for others. */
export type AuthorityReader = (pem: string, at: string) => readonly Certificate[];

/** Reads each text once: the holders of a topology share their lists. */
export function authorityReader(): AuthorityReader {
  const known = new Map<string, readonly Certificate[]>();
  return (pem, at) => {
    const certificates = known.get(pem) ?? authorityCertificates(pem, at);
    known.set(pem, certificates);
    return certificates;
  };
}

/** What a cluster, system or client group trusts, in the order declared: authorities, then foreign certificates; each once. */
export function trustEntries(
  topology: Pick<Topology, 'trustLists' | 'externalAuthorities'>,
  holder: string,
  read: AuthorityReader,
): TrustEntry[] {
  return listsOf(topology, holder)
    .flatMap((list) => [
      ...authorityEntries(topology, list.authorities, read),
      ...certificateEntries(list.certificates, `trust list ${list.id}`, read),
    ])
    .filter(firstOfKind());
}

/** The trust lists that apply to a cluster, system or client group. */
export function listsOf({ trustLists }: Pick<Topology, 'trustLists'>, holder: string): Topology['trustLists'] {
  return trustLists.filter((list) => list.appliesTo.includes(holder));
}

/** The entries for authorities named by id: of the topology, or external ones with all the certificates that are declared. */
export function authorityEntries(
  topology: Pick<Topology, 'externalAuthorities'>,
  ids: readonly string[],
  read: AuthorityReader = authorityCertificates,
): TrustEntry[] {
  return ids.flatMap((id) => {
    const external = topology.externalAuthorities.find((candidate) => candidate.id === id);
    return external ? certificateEntries(external.certificates, `external authority ${id}`, read) : [{ authority: id }];
  });
}

function certificateEntries(pems: readonly string[], at: string, read: AuthorityReader): TrustEntry[] {
  return pems.flatMap((pem) => read(pem, at)).map((certificate) => ({ certificate }));
}

function firstOfKind(): (entry: TrustEntry) => boolean {
  const seen = new Set<string>();
  return ({ authority, certificate }) => {
    const key = authority ?? certificate.der.toString('base64');
    return seen.size !== seen.add(key).size;
  };
}

/** One PEM file, as an appliance takes it (requirements 4, 49), without repeating a certificate. */
export function trustListPem(certificates: readonly Certificate[]): string {
  return [...new Set(certificates.map((certificate) => encodePem('CERTIFICATE', certificate.der)))].join('');
}

/** All lists in one PEM file: an upload replaces the file before (requirement 58). */
export function crlFilePem(crls: readonly Buffer[]): string {
  return crls.map((crl) => encodePem('X509 CRL', crl)).join('');
}

function authorityCertificates(pem: string, at: string): Certificate[] {
  return decodeDerOrPem(Buffer.from(pem), 'CERTIFICATE', at).map((der) => authorityCertificate(der, at));
}

function authorityCertificate(der: Buffer, at: string): Certificate {
  const certificate = readCertificate(der, at);
  if (certificate.basicConstraints?.authority) return certificate;
  const name = certificate.subject.commonName ?? 'a certificate';
  throw new VcsPkiError('TRUST_LIST_INVALID', {
    at,
    value: name,
    message: `${name} is not the certificate of an authority: it has no basic constraints that say so`,
    fix: 'give the certificate of the authority that issued it, and of every authority above that',
  });
}

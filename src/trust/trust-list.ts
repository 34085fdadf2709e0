import { VcsPkiError } from '../errors.ts';
import type { Topology } from '../topology/schema.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { decodeDerOrPem, encodePem } from '../x509/pem.ts';

/** An entry of a declared trust list: an authority of the topology, or the certificate of somebody else's. */
export type TrustEntry =
  | { readonly authority: string; readonly certificate?: never }
  | { readonly certificate: Certificate; readonly authority?: never };

/**
 * What a cluster trusts, in the order declared: authorities of the topology, then foreign certificates; each once.
 * Throws TRUST_LIST_INVALID for what is no certificate of an authority.
 */
export function trustEntries(topology: Pick<Topology, 'trustLists'>, cluster: string): TrustEntry[] {
  const entries = new Map<string, TrustEntry>();
  for (const list of topology.trustLists.filter((candidate) => candidate.appliesTo.includes(cluster))) {
    const at = `trust list ${list.id}`;
    for (const authority of list.authorities) entries.set(authority, { authority });
    for (const pem of list.certificates) {
      for (const der of decodeDerOrPem(Buffer.from(pem), 'CERTIFICATE', at)) {
        entries.set(der.toString('base64'), { certificate: authorityCertificate(der, at) });
      }
    }
  }
  return [...entries.values()];
}

/** One PEM file, as an appliance takes it (requirements 4, 49), without repeating a certificate. */
export function trustListPem(certificates: readonly Certificate[]): string {
  return [...new Set(certificates.map((certificate) => encodePem('CERTIFICATE', certificate.der)))].join('');
}

/** All lists in one PEM file: an upload replaces the file before (requirement 58). */
export function crlFilePem(crls: readonly Buffer[]): string {
  return crls.map((crl) => encodePem('X509 CRL', crl)).join('');
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

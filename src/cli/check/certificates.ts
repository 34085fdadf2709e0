import { rootCertificates } from 'node:tls';
import type { Artefact } from '../../verify/diagnosis/artefact.ts';
import { type Certificate, isIssuedBy } from '../../x509/certificate.ts';
import { sameName } from '../../x509/name.ts';

/** A certificate in a file, or one that was served. */
export interface HeldCertificate {
  readonly at: string;
  readonly state: 'in a file' | 'served';
  readonly certificate: Certificate;
}

/** Each certificate once, where it was found first. */
export function certificatesOf(artefacts: readonly Artefact[]): HeldCertificate[] {
  const first = new Map<string, HeldCertificate>();
  for (const held of artefacts.flatMap(heldIn)) {
    const identity = held.certificate.der.toString('latin1');
    if (!first.has(identity)) first.set(identity, held);
  }
  return [...first.values()];
}

function heldIn(artefact: Artefact): HeldCertificate[] {
  const { path: at } = artefact;
  if (artefact.kind === 'served')
    return artefact.served.chain.map((certificate) => ({ at, state: 'served', certificate }));
  if (artefact.kind !== 'file') return [];
  return artefact.contents.items.flatMap((item) =>
    item.kind === 'certificate' ? [{ at, state: 'in a file', certificate: item.certificate }] : [],
  );
}

export type Origin = 'public' | 'internal' | 'unknown';

/** Who is behind a certificate, as far as the certificates that are at hand tell. */
export interface Ancestry {
  readonly root: Certificate | undefined;
  readonly origin: Origin;
}

/** @param declaredPublic authorities that a declaration calls publicly trusted */
export function ancestryReader(
  certificates: readonly Certificate[],
  declaredPublic: readonly Certificate[],
): (certificate: Certificate) => Ancestry {
  const bySubject = new Map<string, Certificate[]>();
  for (const certificate of certificates)
    bySubject.set(certificate.subject.key, [...(bySubject.get(certificate.subject.key) ?? []), certificate]);
  const publicOnes = new Set([
    ...declaredPublic.map(({ der }) => der.toString('base64')),
    ...rootCertificates.map((pem) => pem.replace(/-----[^-]+-----|\s/g, '')),
  ]);
  return (certificate) => {
    const chain = chainFrom(certificate, (below) =>
      bySubject.get(below.issuer.key)?.find((candidate) => isIssuedBy(below, candidate)),
    );
    const root = chain.find(isRoot);
    const isPublic = chain.some((one) => publicOnes.has(one.der.toString('base64')) || hasPublicPolicy(one));
    return { root, origin: isPublic ? 'public' : root ? 'internal' : 'unknown' };
  };
}

function chainFrom(first: Certificate, issuerOf: (below: Certificate) => Certificate | undefined): Certificate[] {
  const chain = [first];
  let issuer = isRoot(first) ? undefined : issuerOf(first);
  while (issuer && chain.length < LONGEST_CHAIN) {
    chain.push(issuer);
    issuer = isRoot(issuer) ? undefined : issuerOf(issuer);
  }
  return chain;
}

const LONGEST_CHAIN = 10;

function isRoot({ subject, issuer }: Certificate): boolean {
  return sameName(subject, issuer);
}

/** The policies of the CA/Browser Forum: no other authority may assert them (Baseline Requirements 7.1.6.1). */
function hasPublicPolicy({ policies }: Certificate): boolean {
  return policies?.some((policy) => policy === '2.23.140.1.1' || policy.startsWith('2.23.140.1.2.')) === true;
}

import { createHash } from 'node:crypto';
import { type Owner, ownerText } from '../../src/authority/owner.ts';
import { VcsPkiError } from '../../src/errors.ts';
import type { KubeObject } from './resource.ts';

/** Labels and annotations on what the operator writes. Labels are for people and for the versions before: nothing is decided by them. */
export const names = {
  managedBy: 'app.kubernetes.io/managed-by',
  /** Label: the CertificateAuthority that it belongs to. */
  authority: 'vcs-pki.dev/authority',
  /** Label: hash of the owner of a certificate, by which versions before find its records. */
  ownerHash: 'vcs-pki.dev/owner-hash',
  /** Label: the object holds a part of a large revocation list. */
  part: 'vcs-pki.dev/crl-part',
  /** Annotation: whom it was issued to, as `ownerText` has it. */
  owner: 'vcs-pki.dev/demand',
  /** Annotation: how many times the owner had been issued a certificate. */
  issue: 'vcs-pki.dev/generation',
  /** Annotation. */
  serial: 'vcs-pki.dev/serial',
} as const;

export const MANAGER = 'vcs-pki';

/** An owner as the value of a label, which may have 63 characters and no slash. */
export function ownerHash(owner: Owner): string {
  return createHash('sha256').update(ownerText(owner)).digest('hex').slice(0, 32);
}

/** The owner that an object says it belongs to, as `ownerText` has it. */
export function claimedOwner({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.[names.owner];
}

/** Refuses to touch an object that others made, or that another certificate or authority has. */
export function refuseTaken(object: KubeObject, place: string, owner: Owner): void {
  const holder = claimedOwner(object);
  if (holder === ownerText(owner)) return;
  throw new VcsPkiError('OBJECT_TAKEN', {
    at: place,
    value: holder ?? '',
    message: holder === undefined ? 'exists and was not made by vcs-pki' : `belongs to ${holder} already`,
    fix: 'choose another name, or move what is there away; it is never overwritten',
  });
}

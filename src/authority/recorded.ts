import { createPublicKey } from 'node:crypto';
import { VcsPkiError } from '../errors.ts';
import type { Certificate, Serial } from '../x509/certificate.ts';
import { subjectPublicKeyInfo } from '../x509/keys.ts';
import type { Owner } from './owner.ts';
import type { AuthorityState, MaterialState } from './plan.ts';
import type { IssuedMaterial, Material } from './ports.ts';
import type { Revoked } from './record.ts';
import { crlSignedAt, isListedToItsEnd, readPublished } from './revocation-list.ts';
import { serialFromHex } from './serial.ts';

/** How a published list compares with the ledger. */
export async function crlStateOf(
  der: Buffer | undefined,
  revoked: AsyncIterable<Revoked> | Iterable<Revoked>,
  authority: string,
): Promise<NonNullable<AuthorityState['crl']>> {
  if (!der) return 'none';
  const crl = readPublished(der, authority);
  if (!crl) return 'damaged';
  const missing: Serial[] = [];
  for await (const entry of revoked)
    if (!crl.find(serialFromHex(entry.serial)) && !isListedToItsEnd(entry, crl)) missing.push(entry.serial);
  return {
    signedAt: crlSignedAt(crl),
    nextUpdate: crl.nextUpdate ?? crl.thisUpdate,
    missing,
  };
}

export interface RecordedCertificate {
  readonly owner: Owner;
  readonly issue: number;
  readonly certificate: Certificate;
  /** Whether the key was made on the appliance, and so is kept nowhere here. */
  readonly keyOnAppliance: boolean;
}

/**
 * How what is kept of a certificate compares with the record. The damaged key of a peer is 'key altered'; that of an
 * authority is the error that it is, for nothing could replace it. Of one that was not opened no more is known.
 * @param isWhole whether what was loaded is all that belongs there; by default, the certificate itself
 */
export async function materialStateOf(
  material: Pick<Material, 'load'>,
  { owner, issue, certificate, keyOnAppliance }: RecordedCertificate,
  isWhole: (kept: Partial<IssuedMaterial>) => boolean | Promise<boolean> = (kept) =>
    kept.certificate?.der.equals(certificate.der) ?? false,
): Promise<MaterialState> {
  let kept: Awaited<ReturnType<Material['load']>>;
  try {
    kept = await material.load(owner, issue);
  } catch (error) {
    const altered = error instanceof VcsPkiError ? damage(owner, error) : undefined;
    if (altered) return altered;
    throw error;
  }
  if (!keyOnAppliance && !kept.sealed) {
    if (!kept.key) return 'key missing';
    const publicKey = subjectPublicKeyInfo(createPublicKey(kept.key));
    if (!publicKey.equals(certificate.subjectPublicKeyInfo)) return 'key altered';
  }
  if (!kept.certificate) return 'certificate missing';
  return (await isWhole(kept)) ? 'whole' : 'certificate altered';
}

function damage(owner: Owner, { code }: VcsPkiError): MaterialState | undefined {
  if (code === 'PEM_INVALID' || code === 'DER_INVALID') return 'certificate altered';
  const key = code === 'KEY_UNREADABLE' || code === 'KEY_ENCRYPTED';
  return key && 'demand' in owner ? 'key altered' : undefined;
}

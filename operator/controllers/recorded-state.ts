import { createPublicKey } from 'node:crypto';
import type { CrlState, MaterialState } from '../../src/authority/plan.ts';
import type { LedgerEntry } from '../../src/authority/record.ts';
import { crlSignedAt } from '../../src/authority/revoke.ts';
import { serialFromHex } from '../../src/authority/serial.ts';
import { VcsPkiError } from '../../src/errors.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import type { KubeMaterial } from '../kube/kube-material.ts';

/** How a published list compares with the ledger. */
export function crlState(der: Buffer | undefined, entries: readonly LedgerEntry[], at: string): CrlState | 'none' {
  if (!der) return 'none';
  const crl = readCrl(der, at);
  const missing = entries.filter(
    ({ serial, notAfter, revocation }) =>
      revocation && new Date(notAfter) >= crl.thisUpdate && !crl.find(serialFromHex(serial)),
  );
  return {
    signedAt: crlSignedAt(crl),
    nextUpdate: crl.nextUpdate ?? crl.thisUpdate,
    missing: missing.map(({ serial }) => serial),
  };
}

/**
 * How the Secret of an owner compares with the certificate on record.
 * @param origin where the key was made; one that stays on the appliance is never in the Secret
 * @param chain what is handed out with the certificate; undefined where that can't be told now
 */
export async function materialState(
  material: KubeMaterial,
  owner: string,
  generation: number,
  certificate: Buffer,
  origin: 'generated' | 'appliance',
  chain: readonly Buffer[] | undefined,
): Promise<MaterialState> {
  let kept: Awaited<ReturnType<KubeMaterial['load']>>;
  try {
    kept = await material.load(owner, generation);
  } catch (error) {
    const altered = error instanceof VcsPkiError && alterations[error.code];
    if (altered) return altered;
    throw error;
  }
  if (origin === 'generated') {
    if (!kept.key) return 'key missing';
    const publicKey = subjectPublicKeyInfo(createPublicKey(kept.key));
    if (!publicKey.equals(readCertificate(certificate, owner).subjectPublicKeyInfo)) return 'key altered';
  }
  if (!kept.certificate) return 'certificate missing';
  const whole = chain
    ? await material.isWhole(owner, generation, { certificate, chain })
    : kept.certificate.equals(certificate);
  return whole ? 'whole' : 'certificate altered';
}

/** What is in a Secret that can't be read. */
const alterations: Readonly<Partial<Record<string, MaterialState>>> = {
  PEM_INVALID: 'certificate altered',
  DER_INVALID: 'certificate altered',
  KEY_UNREADABLE: 'key altered',
  KEY_ENCRYPTED: 'key altered',
};

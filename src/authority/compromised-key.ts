import { VcsPkiError } from '../errors.ts';
import type { RevocationReason } from '../x509/crl.ts';

/** Reasons that say of a key that others may have it (RFC 5280 5.3.1). */
export const compromiseReasons: ReadonlySet<RevocationReason> = new Set([
  'keyCompromise',
  'cACompromise',
  'aACompromise',
]);

/**
 * Keys that were revoked for compromise: resolves with the serial number of a certificate whose revocation says so.
 * A key is a DER SubjectPublicKeyInfo.
 */
export type CompromisedKeys = (subjectPublicKeyInfo: Buffer) => Promise<string | undefined>;

/** I12: a key that was revoked for compromise is never certified again, whoever signs (KEY_COMPROMISED). */
export async function refuseCompromised(
  subjectPublicKeyInfo: Buffer,
  at: string,
  { compromised }: { readonly compromised: CompromisedKeys },
): Promise<void> {
  const serial = await compromised(subjectPublicKeyInfo);
  if (serial === undefined) return;
  throw new VcsPkiError('KEY_COMPROMISED', {
    at,
    value: serial,
    message: `its key was revoked for compromise with serial ${serial}, and is not certified again`,
    fix: 'generate another key; where it is on the appliance: discard the request there, generate a new one, and declare that',
  });
}

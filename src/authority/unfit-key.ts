import { VcsPkiError } from '../errors.ts';
import { weakKey } from '../x509/weak-key.ts';
import { type CompromisedKeys, refuseCompromised } from './compromised-key.ts';

/** What every key passes before a certificate of it is signed, taken in or asked for: KEY_WEAK, KEY_COMPROMISED (I12). */
export async function refuseUnfit(
  subjectPublicKeyInfo: Buffer,
  at: string,
  ports: { readonly compromised: CompromisedKeys },
): Promise<void> {
  refuseWeak(subjectPublicKeyInfo, at);
  await refuseCompromised(subjectPublicKeyInfo, at, ports);
}

/** Refuses a key that others can break: KEY_WEAK. */
export function refuseWeak(subjectPublicKeyInfo: Buffer, at: string, fix = ANOTHER_KEY): void {
  const weak = weakKey(subjectPublicKeyInfo);
  if (!weak) return;
  throw new VcsPkiError('KEY_WEAK', { at, value: weak.value, message: `its key is weak: ${weak.reason}`, fix });
}

const ANOTHER_KEY =
  'generate another key: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096; where it is on the appliance: discard the request there, generate a new one, and declare that';

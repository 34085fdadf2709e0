import { weakDigest } from '../x509/signature.ts';
import { LEAST_RSA_BITS } from '../x509/weak-key.ts';
import type { PathCertificate } from './path/path-certificate.ts';
import { titleOf } from './predict.ts';
import type { Refusal } from './refusal.ts';

/** What in a path is too weak for security level 2 of OpenSSL: 112 bits. Predicted certificates have nothing to be weak. */
export function weakness(path: readonly PathCertificate[]): Omit<Refusal, 'by'> | undefined {
  return weakSignature(path) ?? weakKey(path);
}

/** D30: "CA signature digest algorithm too weak". Nobody looks at the signature of the anchor. */
function weakSignature(path: readonly PathCertificate[]): Omit<Refusal, 'by'> | undefined {
  const weak = path
    .slice(0, -1)
    .find(({ signatureAlgorithmName: name }) => name !== undefined && weakDigest(name) !== undefined);
  if (!weak) return undefined;
  return {
    step: 'chain',
    message: `${titleOf(weak)} is signed with ${weak.signatureAlgorithmName}, which is too weak for today's TLS`,
    fix: 'have it issued anew with SHA-256',
    diagnosis: 'D30',
  };
}

/** D29: "EE certificate key too weak", "CA certificate key too weak". The key of the anchor counts too. */
function weakKey(path: readonly PathCertificate[]): Omit<Refusal, 'by'> | undefined {
  const weak = path.find(isWeak);
  if (!weak) return undefined;
  return {
    step: 'chain',
    message: `the key of ${titleOf(weak)} has ${sizeOf(weak).bits} bits, which is too weak for today's TLS`,
    fix:
      weak === path[0]
        ? 'make a key of 4096 bits, and have a certificate issued for it'
        : 'let an authority with a larger key issue the certificates',
    diagnosis: 'D29',
  };
}

function isWeak(certificate: PathCertificate): boolean {
  const { bits, least } = sizeOf(certificate);
  return bits < least;
}

/** NIST SP 800-57 part 1, table 2: what has 112 bits of strength. NaN where there is no key, or no size in its name. */
function sizeOf(certificate: PathCertificate): { readonly bits: number; readonly least: number } {
  const { modulusLength, namedCurve = '' } = certificate.publicKey()?.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined) return { bits: modulusLength, least: LEAST_RSA_BITS };
  // prime192v1, secp224r1
  return { bits: Number(/\d{3}/.exec(namedCurve)?.[0]), least: 224 };
}

import { type Budget, SIGNATURE_WORK } from './budget.ts';
import type { PathCertificate, PathCrl } from './path-certificate.ts';

/** Whether the key of `issuer` signed it. Each key is tried once, and only then costs anything; false without budget. */
type SignatureCheck = (signed: PathCertificate | PathCrl, issuer: PathCertificate, budget: Budget) => boolean;

export function rememberSignatures(): SignatureCheck {
  const known = new WeakMap<PathCertificate | PathCrl, Map<string | PathCertificate, boolean>>();
  return (signed, issuer, budget) => {
    const answers = known.get(signed) ?? new Map<string | PathCertificate, boolean>();
    known.set(signed, answers);
    const key = issuer.subjectPublicKeyInfo?.toString('latin1') ?? issuer;
    const remembered = answers.get(key);
    if (remembered !== undefined) return remembered;
    if (!budget.spend(SIGNATURE_WORK)) return false;
    const answer = signed.isSignedBy(issuer);
    answers.set(key, answer);
    return answer;
  };
}

import { extensionOids } from '../../x509/extensions.ts';
import type { Budget } from './budget.ts';
import { findNameViolation } from './name-constraints.ts';
import { isSelfIssued, type PathCertificate } from './path-certificate.ts';
import { checkPolicies, type PolicyOptions } from './policies.ts';
import type { PathFailure } from './verdict.ts';

export interface ValidationOptions extends PolicyOptions {
  readonly at: Date;
  /**
   * RFC 5280 6.1 takes the word of a trust anchor for its name and key alone. True is what appliances do that verify
   * with OpenSSL: its dates, usages and constraints count as those of every other certificate, and its status too.
   */
  readonly checkAnchor?: boolean | undefined;
}

/** RFC 5280 6.1 but for signatures, which the search has checked, and for revocation. The target first, the anchor last. */
export function validatePath(
  path: readonly PathCertificate[],
  options: ValidationOptions,
  budget: Budget,
): { readonly policies: readonly string[] } | { readonly failure: PathFailure } {
  const { at, checkAnchor = false } = options;
  const authorities = path.slice(1);
  const checked = checkAnchor ? authorities : authorities.slice(0, -1);
  const anchor = path.at(-1);
  for (const certificate of path) {
    const flaw = checked.includes(certificate)
      ? flawOfAuthority(certificate, at, certificate === anchor)
      : certificate === path[0] && flawOfTarget(certificate, at);
    if (flaw) return { failure: flaw };
  }
  const tooLong = checked.find((authority) => isTooHigh(authority, path));
  if (tooLong) return { failure: { code: 'path-length', certificate: tooLong } };
  const violation = findNameViolation(path, checked, budget, checkAnchor);
  if (violation) return { failure: { code: 'name-constraints', ...violation } };
  // A target that is the anchor is judged as issued by itself.
  const certificates = path.length === 1 ? path : path.slice(0, -1);
  const outcome = checkPolicies(certificates.toReversed(), options, budget);
  return 'policies' in outcome ? outcome : { failure: { code: 'policy', certificate: outcome.failedAt } };
}

/** What is wrong with a certificate wherever it stands: 6.1.3 (a) 2, 6.1.4 (o), 6.1.5 (f). */
export function flawOfTarget(certificate: PathCertificate, at: Date): PathFailure | undefined {
  const unknown = certificate.extensions.find(({ oid, critical }) => critical && !processed.has(oid));
  if (unknown) return { code: 'unknown-critical-extension', certificate, oid: unknown.oid };
  if (at < certificate.notBefore) return { code: 'not-yet-valid', certificate };
  if (at > certificate.notAfter) return { code: 'expired', certificate };
  return undefined;
}

/** What keeps it from issuing others as well: 6.1.4 (k), (n). A trust anchor of version 1 cannot say that it is an authority. */
export function flawOfAuthority(certificate: PathCertificate, at: Date, isAnchor: boolean): PathFailure | undefined {
  const { basicConstraints, keyUsage, version } = certificate;
  if (!(basicConstraints ? basicConstraints.authority : isAnchor && version === 1))
    return { code: 'not-an-authority', certificate };
  if (keyUsage?.includes('keyCertSign') === false) return { code: 'key-usage', certificate };
  return flawOfTarget(certificate, at);
}

/** 6.1.4 (l), (m), seen from above: self-issued certificates are not counted, and neither is the target. */
function isTooHigh(authority: PathCertificate, path: readonly PathCertificate[]): boolean {
  const { pathLength } = authority.basicConstraints ?? {};
  const between = path.slice(1, path.indexOf(authority)).filter((certificate) => !isSelfIssued(certificate));
  return pathLength !== undefined && between.length > pathLength;
}

/**
 * Extensions that are processed, here or in the steps for usages and host names. Key identifiers and addresses of CRLs
 * and authorities are not among them: RFC 5280 4.2.1.1, 4.2.1.2, 4.2.1.15 and 4.2.2 forbid to mark them critical.
 */
const processed: ReadonlySet<string> = new Set([
  extensionOids.keyUsage,
  extensionOids.subjectAlternativeName,
  extensionOids.basicConstraints,
  extensionOids.nameConstraints,
  extensionOids.crlDistributionPoints,
  extensionOids.certificatePolicies,
  extensionOids.policyMappings,
  extensionOids.policyConstraints,
  extensionOids.extendedKeyUsage,
  extensionOids.inhibitAnyPolicy,
]);

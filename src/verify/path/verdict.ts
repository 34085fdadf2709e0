import type { RevocationReason } from '../../x509/crl.ts';
import type { PathCertificate, PathCrl } from './path-certificate.ts';

/** Certificates and CRLs in a verdict are the very objects that the finder was given. */
export type PathVerdict = ValidPath | InvalidPath;

interface ValidPath {
  readonly valid: true;
  /** The target first, the trust anchor last; one alone where the target is the anchor. */
  readonly path: readonly PathCertificate[];
  /** The user-constrained policy set (RFC 9618 5.3): OIDs. */
  readonly policies: readonly string[];
  /** This path is valid through this instant and no longer: what ends then. */
  readonly until: PathEnd;
}

export interface PathEnd {
  readonly at: Date;
  readonly what: 'certificate' | 'revocation list';
  /** The certificate that ends, or the one whose key signed the list. */
  readonly certificate: PathCertificate;
}

export interface InvalidPath {
  readonly valid: false;
  readonly failure: PathFailure;
  /** The attempt that got furthest, the target first. */
  readonly path: readonly PathCertificate[];
}

/** Why a path is not valid. `certificate` is the one that is wrong, or whose issuer or status cannot be found out. */
export type PathFailure = { readonly certificate: PathCertificate } & (
  | { readonly code: 'issuer-not-found' }
  /** It is self-signed, or one of authorities that certify each other, and no trust anchor. */
  | { readonly code: 'not-trusted' }
  /** `issuer` has the right name, but its key did not sign. */
  | { readonly code: 'signature'; readonly issuer: PathCertificate }
  /** Nobody's signature could be verified: `algorithm` is its name, or its OID. */
  | { readonly code: 'signature-algorithm'; readonly algorithm: string }
  | { readonly code: 'expired' | 'not-yet-valid' }
  /** It issued another certificate, and its basic constraints or key usage do not allow that. */
  | { readonly code: 'not-an-authority' | 'key-usage' }
  /** More authorities follow below it than its basic constraints allow. */
  | { readonly code: 'path-length' }
  /** `name` as in "DNS:expe.example.com". */
  | { readonly code: 'name-constraints'; readonly name: string; readonly constrainedBy: PathCertificate }
  | { readonly code: 'unknown-critical-extension'; readonly oid: string }
  /** With it the path no longer has a policy that is accepted. */
  | { readonly code: 'policy' }
  | {
      readonly code: 'revoked';
      readonly revokedAt: Date;
      readonly reason: RevocationReason | undefined;
      readonly crl: PathCrl;
    }
  /** There is none that covers the certificate, or none for all reasons of revocation. */
  | { readonly code: 'crl-missing'; readonly issuer: PathCertificate }
  | { readonly code: 'crl-expired' | 'crl-not-yet-valid'; readonly crl: PathCrl }
  | { readonly code: 'crl-unusable'; readonly crl: PathCrl; readonly why: CrlFault }
  /** The search was given up: the certificates could be put together in too many ways. */
  | { readonly code: 'too-much-work' }
);

export type CrlFault =
  /** No certificate is known whose key signed it. */
  | 'signature'
  /** Who signed it is not allowed to sign CRLs. */
  | 'key-usage'
  /** Who signed it has no valid path to the same trust anchor. */
  | 'signer'
  | 'unknown-critical-extension'
  /** None, or a critical one (RFC 5280 5.2.3). */
  | 'crl-number'
  /** None (RFC 5280 5.1.2.5). */
  | 'next-update';

import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../../x509/certificate.ts';
import type { Crl } from '../../x509/crl.ts';
import type { Extension, KnownExtensions } from '../../x509/extensions.ts';
import { publicKeyOf } from '../../x509/keys.ts';
import { type Name, sameName } from '../../x509/name.ts';
import { verifySignature } from '../../x509/signature.ts';

/** What path validation reads of a certificate: real ones, and predicted ones that nobody has signed yet, have it all. */
export interface PathCertificate
  extends Pick<
    KnownExtensions,
    | 'alternativeNames'
    | 'keyUsage'
    | 'extendedKeyUsage'
    | 'basicConstraints'
    | 'subjectKeyIdentifier'
    | 'authorityKeyIdentifier'
    | 'nameConstraints'
    | 'policies'
    | 'policyMappings'
    | 'policyConstraints'
    | 'inhibitAnyPolicy'
    | 'distributionPoints'
  > {
  readonly version: 1 | 2 | 3;
  readonly subject: Name;
  readonly issuer: Name;
  /** Undefined while it is not issued: then no list can name it. */
  readonly serialNumber: bigint | undefined;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Undefined while there is no key: then no other certificate has the same. */
  readonly subjectPublicKeyInfo: Buffer | undefined;
  /** Undefined while it is not issued: then it is only itself. */
  readonly der: Buffer | undefined;
  readonly extensions: readonly Extension[];
  /** Undefined while it is not signed. */
  readonly signatureAlgorithmName: string | undefined;
  /** The public key, read once: that takes longer than to verify with it. Undefined where there is none, or none that can be read. */
  publicKey(): KeyObject | undefined;
  /** Whether the key of `issuer` signed it. The key alone decides: names, dates and usages are looked at elsewhere. */
  isSignedBy(issuer: PathCertificate): boolean;
}

/** What path validation reads of a CRL. */
export interface PathCrl
  extends Pick<
    Crl,
    | 'issuer'
    | 'thisUpdate'
    | 'nextUpdate'
    | 'crlNumber'
    | 'baseCrlNumber'
    | 'authorityKeyIdentifier'
    | 'issuingDistributionPoint'
    | 'extensions'
    | 'criticalEntryExtensions'
    | 'find'
  > {
  /** As for a certificate. */
  isSignedBy(issuer: PathCertificate): boolean;
}

/** DSA keys that inherit their parameters (RFC 3279 2.3.2) verify nothing. */
export function pathCertificate(certificate: Certificate): PathCertificate {
  let key: KeyObject | undefined | 'unread' = 'unread';
  return {
    ...certificate,
    publicKey() {
      if (key === 'unread') key = readPublicKey(certificate.subjectPublicKeyInfo);
      return key;
    },
    isSignedBy: (issuer) => verifies(issuer, certificate),
  };
}

export function pathCrl(crl: Crl): PathCrl {
  return { ...crl, isSignedBy: (issuer) => verifies(issuer, crl) };
}

function verifies(
  issuer: PathCertificate,
  { tbs, signature, signatureAlgorithm }: Pick<Crl, 'tbs' | 'signature' | 'signatureAlgorithm'>,
): boolean {
  const key = issuer.publicKey();
  return key !== undefined && verifySignature(key, tbs, signature, signatureAlgorithm);
}

function readPublicKey(spki: Buffer): KeyObject | undefined {
  try {
    return publicKeyOf(spki);
  } catch {
    return undefined;
  }
}

/** RFC 5280 6.1: subject and issuer are the same name, as in roots and in certificates for the roll-over of a key. */
export function isSelfIssued({ subject, issuer }: PathCertificate): boolean {
  return sameName(subject, issuer);
}

/** The same authority with the same key, whoever certified it. */
export function isSameEntity(one: PathCertificate, other: PathCertificate): boolean {
  if (one === other) return true;
  const { subjectPublicKeyInfo } = other;
  return (
    subjectPublicKeyInfo !== undefined &&
    one.subjectPublicKeyInfo?.equals(subjectPublicKeyInfo) === true &&
    sameName(one.subject, other.subject)
  );
}

import type { Endpoints } from '../topology/demands.ts';
import type { KeyPurpose } from '../x509/certificate.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  type Extension,
  extendedKeyUsage,
  keyUsage,
  subjectAlternativeName,
  subjectKeyIdentifier,
} from '../x509/extensions.ts';
import { keyIdentifier, keyTypeOf } from '../x509/keys.ts';

/** What an authority may sign: certificates and its revocation list (RFC 5280 4.2.1.3). No extended key usage on a root. */
export function authorityExtensions(content: {
  subjectPublicKeyInfo: Buffer;
  /** As the issuer's own certificate has it: an authority that openssl or Microsoft made may have another than ours would. */
  issuerKeyIdentifier: Buffer;
  root: boolean;
  /** The longest chain of authorities below it; absent: any. */
  pathLength: number | undefined;
  endpoints: Endpoints;
}): Extension[] {
  const { pathLength } = content;
  return [
    basicConstraints({ authority: true, ...(pathLength !== undefined && { pathLength }) }),
    keyUsage(['keyCertSign', 'cRLSign']),
    subjectKeyIdentifier(keyIdentifier(content.subjectPublicKeyInfo)),
    authorityKeyIdentifier(content.issuerKeyIdentifier),
    ...(content.root ? [] : pointers(content.endpoints)),
  ];
}

/** A peer's certificate: nothing of a request is copied, every extension is decided here. */
export function leafExtensions(content: {
  subjectPublicKeyInfo: Buffer;
  issuerKeyIdentifier: Buffer;
  names: readonly string[];
  usages: readonly KeyPurpose[];
  endpoints: Endpoints;
}): Extension[] {
  const rsa = keyTypeOf(content.subjectPublicKeyInfo)?.startsWith('rsa') ?? false;
  return [
    basicConstraints({ authority: false }),
    keyUsage(rsa ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature']),
    extendedKeyUsage(content.usages),
    subjectAlternativeName(content.names),
    subjectKeyIdentifier(keyIdentifier(content.subjectPublicKeyInfo)),
    authorityKeyIdentifier(content.issuerKeyIdentifier),
    ...pointers(content.endpoints),
  ];
}

function pointers({ crlUrl }: Endpoints): Extension[] {
  return crlUrl === undefined ? [] : [crlDistributionPoints([crlUrl])];
}

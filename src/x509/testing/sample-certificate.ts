import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { encodeSigned, encodeTbsCertificate } from '../certificate.ts';
import { encodeTbsCrl } from '../crl.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  subjectAlternativeName,
  subjectKeyIdentifier,
} from '../extensions.ts';
import { keyIdentifier, subjectPublicKeyInfo } from '../keys.ts';
import { encodeName } from '../name.ts';
import { signatureAlgorithmFor, signBytes } from '../signature.ts';

export interface SampleParty {
  readonly name: Buffer;
  readonly key: KeyObject;
}

/** A name with a new P-256 key, or with the key of another. */
export function sampleParty(
  commonName: string,
  key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
): SampleParty {
  return { name: encodeName({ commonName }), key };
}

export interface SampleOptions {
  readonly authority?: boolean;
  readonly notAfter?: Date;
}

/** A certificate of `subject` signed by `issuer`, as DER. */
export function sampleCertificate(subject: SampleParty, issuer: SampleParty, options: SampleOptions = {}): Buffer {
  const { authority = false, notAfter = new Date('2027-01-01T00:00:00Z') } = options;
  const spki = subjectPublicKeyInfo(subject.key);
  const issuerSpki = subjectPublicKeyInfo(issuer.key);
  const algorithm = signatureAlgorithmFor(issuerSpki);
  const extensions = [
    ...(authority ? [basicConstraints({ authority: true })] : [subjectAlternativeName(['vcs.example.com'])]),
    subjectKeyIdentifier(keyIdentifier(spki)),
    authorityKeyIdentifier(keyIdentifier(issuerSpki)),
  ];
  const tbs = encodeTbsCertificate(
    {
      serialNumber: 7n,
      issuer: issuer.name,
      subject: subject.name,
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter,
      subjectPublicKeyInfo: spki,
      extensions,
    },
    algorithm,
  );
  return encodeSigned(tbs, algorithm, signBytes(issuer.key, tbs));
}

/** A CRL of `issuer` that revokes serial number 7, as DER. */
export function sampleCrl(issuer: SampleParty): Buffer {
  const spki = subjectPublicKeyInfo(issuer.key);
  const algorithm = signatureAlgorithmFor(spki);
  const tbs = encodeTbsCrl(
    {
      issuer: issuer.name,
      thisUpdate: new Date('2026-01-01T00:00:00Z'),
      nextUpdate: new Date('2026-01-08T00:00:00Z'),
      crlNumber: 1n,
      authorityKeyIdentifier: keyIdentifier(spki),
      entries: [{ serialNumber: 7n, revokedAt: new Date('2026-01-01T00:00:00Z') }],
    },
    algorithm,
  );
  return encodeSigned(tbs, algorithm, signBytes(issuer.key, tbs));
}

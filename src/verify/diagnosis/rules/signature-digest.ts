import { readSigned } from '../../../x509/certificate.ts';
import { DerReader } from '../../../x509/der.ts';
import { signatureAlgorithmName, weakDigest } from '../../../x509/signature.ts';
import { isSelfIssued } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** The printed recipes sign with SHA-1, which OpenSSL 3 refuses; nobody looks at the signature of a root on itself. */
export const certificateDigest: EvidenceRule = {
  code: 'CERTIFICATE_SHA1',
  title: 'A certificate is signed with SHA-1 or MD5.',
  holds: [72, 75],
  diagnosis: 'D30',
  severity: 'error',
  releases: 'all',
  *check({ leaves, authorities }) {
    for (const { at, title, certificate } of [...leaves, ...authorities]) {
      const digest = weakDigest(certificate.signatureAlgorithmName);
      if (digest === undefined || isSelfIssued(certificate)) continue;
      yield {
        at,
        value: certificate.signatureAlgorithmName,
        message: `${title} is signed with ${digest}: verifiers refuse it with "CA signature digest algorithm too weak"`,
        fix: 'have it signed anew with SHA-256: -sha256 of openssl req, -md sha256 of openssl ca, or default_md = sha256',
      };
    }
  },
};

/** What the digest of a request or of a list is, its authority or the verifier decides: it may be refused. */
export const requestDigest: EvidenceRule = {
  code: 'REQUEST_SHA1',
  title: 'A request or a revocation list is signed with SHA-1 or MD5.',
  holds: [65],
  diagnosis: 'D30',
  severity: 'warning',
  releases: 'all; from X8.10 the appliance makes no such requests',
  *check({ folders }) {
    for (const { requests, crls, path } of folders) {
      const signed = [
        ...requests.map(({ at, request }) => ({ at, what: 'request', algorithm: algorithmOf(request.der, at) })),
        ...crls
          .filter(({ folder }) => folder === path)
          .map(({ at, crl }) => ({ at, what: 'revocation list', algorithm: crl.signatureAlgorithm })),
      ];
      for (const { at, what, algorithm } of signed) {
        const name = nameOf(algorithm);
        const digest = weakDigest(name);
        if (digest === undefined) continue;
        yield {
          at,
          value: name,
          message: `the ${what} is signed with ${digest}, which is refused more and more`,
          fix: `have the ${what} made anew with SHA-256`,
        };
      }
    }
  },
};

function algorithmOf(request: Buffer, at: string): Buffer {
  return readSigned(DerReader.open(request, at), 'the request').signatureAlgorithm;
}

/** A list may have anything where its algorithm should be. */
function nameOf(algorithm: Buffer): string {
  try {
    return signatureAlgorithmName(algorithm);
  } catch {
    return 'unreadable';
  }
}

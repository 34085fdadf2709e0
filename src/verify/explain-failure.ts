import type { Link, LinkEnd, PeerCheck } from '../topology/links/link.ts';
import type { DiagnosisId } from '../topology/rules/rule.ts';
import { formatName } from '../x509/name.ts';
import { weakDigest } from '../x509/signature.ts';
import { isSelfIssued, type PathCertificate } from './path/path-certificate.ts';
import type { InvalidPath, PathFailure } from './path/verdict.ts';
import { titleOf } from './predict.ts';
import type { Refusal } from './refusal.ts';

/** Who looks at whose certificate, and what the verifier trusts. */
export interface Situation {
  readonly link: Link;
  readonly verifier: LinkEnd;
  readonly check: PeerCheck;
  readonly presenter: LinkEnd;
  readonly trusted: readonly PathCertificate[];
}

/** Why no path to a trust anchor was found, in the words of who runs the appliances. */
export function explainFailure({ failure, path }: InvalidPath, situation: Situation): Omit<Refusal, 'by'> {
  const title = titleOf(failure.certificate);
  switch (failure.code) {
    case 'issuer-not-found':
      return issuerNotFound(failure.certificate, path, situation);
    case 'not-trusted':
      return notTrusted(failure.certificate, path, situation);
    case 'signature':
      return chain(
        `${title} names ${titleOf(failure.issuer)} as its issuer, but was signed with another key`,
        `find the certificate of ${titleOf(failure.issuer)} with the key that signed it, and load that too`,
        'D23',
      );
    case 'signature-algorithm':
      return chain(
        `${title} is signed with ${failure.algorithm}, an algorithm that is not supported`,
        'have it issued anew with SHA-256',
        weakDigest(failure.algorithm) && 'D30',
      );
    case 'not-an-authority':
      return chain(
        `${title} issued a certificate, and its basic constraints do not make it an authority`,
        'have it issued anew with basic constraints CA:TRUE, or take another authority',
        'D32',
      );
    case 'key-usage':
      return chain(`the key usage of ${title} does not allow it to sign certificates`, 'take another authority');
    case 'path-length':
      return chain(
        `${title} does not allow so many authorities below it`,
        'let an authority further up sign the certificates, or have it issued anew with a greater path length',
      );
    case 'name-constraints':
      return chain(
        `${titleOf(failure.constrainedBy)} may not issue for ${failure.name}, which ${title} has`,
        'let another authority issue it, or leave this name out',
      );
    case 'unknown-critical-extension':
      return chain(
        `${title} has the critical extension ${failure.oid}, which no appliance is known to understand`,
        'have it issued without this extension',
      );
    case 'policy':
      return chain(
        `with ${title} no certificate policy is left that the chain allows`,
        'let another authority issue it',
      );
    case 'too-much-work':
      return chain(
        'the authorities certify each other in too many ways to try them all',
        'remove authorities that are not needed from the trust lists',
      );
    case 'expired':
      return {
        step: 'dates',
        message: `${title} expired on ${day(failure.certificate.notAfter)}`,
        fix: 'run vcs-pki apply to renew it',
      };
    case 'not-yet-valid':
      return {
        step: 'dates',
        message: `${title} is not valid before ${failure.certificate.notBefore.toISOString()}`,
        fix: 'check the clock',
      };
    default:
      return { step: 'revocation', ...revocation(failure, situation) };
  }
}

function chain(message: string, fix: string, diagnosis?: DiagnosisId): Omit<Refusal, 'by'> {
  return { step: 'chain', message, fix, ...(diagnosis && { diagnosis }) };
}

function issuerNotFound(
  certificate: PathCertificate,
  path: readonly PathCertificate[],
  { link, verifier, presenter, trusted }: Situation,
): Omit<Refusal, 'by'> {
  const title = titleOf(certificate);
  const message = `the issuer of ${title}, ${formatName(certificate.issuer)}, is neither on the trust list of ${verifier.holder} nor sent by ${presenter.fqdn}`;
  if (link.kind === 'unified-cm' && verifier.holder.endsWith('-trust'))
    return chain(
      message,
      `load the whole chain of ${presenter.fqdn} into ${verifier.holder}, and restart the service`,
      'D25',
    );
  // The chain ends with an authority that the verifier has: the root above it is what is missing.
  if (path.length > 1 && trusted.includes(certificate))
    return chain(
      message,
      `add the authority that issued ${title} to the trust list of ${verifier.holder}: it needs the root too`,
      'D09',
    );
  const fix = `add the authority that issued ${title} to the trust lists of ${verifier.holder} and ${presenter.holder}`;
  return chain(message, fix, trusted.length === 0 ? 'D10' : 'D07');
}

function notTrusted(
  certificate: PathCertificate,
  path: readonly PathCertificate[],
  { link, verifier, presenter }: Situation,
): Omit<Refusal, 'by'> {
  const title = titleOf(certificate);
  if (path.length === 1 && isSelfIssued(certificate))
    return chain(
      `the certificate of ${presenter.fqdn} is self-signed, and not on the trust list of ${verifier.holder}`,
      'have it issued by an authority, and put that on the trust list (requirement 78)',
      'D10',
    );
  const store = link.kind === 'unified-cm' && verifier.holder.endsWith('-trust');
  return chain(
    `${title} is not on the trust list of ${verifier.holder}`,
    store
      ? `load ${title} into ${verifier.holder}, and restart the service`
      : `add ${title} to a trust list that applies to ${verifier.holder}`,
    store ? 'D25' : 'D10',
  );
}

function revocation(
  failure: Extract<
    PathFailure,
    { code: 'revoked' | 'crl-missing' | 'crl-expired' | 'crl-not-yet-valid' | 'crl-unusable' }
  >,
  { verifier, check }: Situation,
): Omit<Refusal, 'by' | 'step'> {
  const title = titleOf(failure.certificate);
  if (failure.code === 'revoked') {
    const { revokedAt, reason } = failure;
    return {
      message: `${title} was revoked on ${day(revokedAt)}${reason === undefined ? '' : ` (${reason})`}`,
      fix: 'run vcs-pki apply to issue a new certificate',
    };
  }
  if (failure.code === 'crl-missing') {
    const issuer = titleOf(failure.issuer);
    if (check.revocation.channels.length === 0)
      return {
        message: `there is no revocation list of ${issuer} where this connection reads them`,
        fix: `load it on ${verifier.holder} in the channel that this connection reads, and declare it in crlChannels`,
        diagnosis: 'D17',
      };
    return {
      message: `there is no revocation list of ${issuer}`,
      fix: `run vcs-pki crl, then load the list of ${issuer}`,
      diagnosis: 'D16',
    };
  }
  const list = `the revocation list of ${titleOf({ subject: failure.crl.issuer })}`;
  if (failure.code === 'crl-unusable')
    return { message: `${list} can't be used: ${crlFaults[failure.why]}`, fix: 'get the list anew from its authority' };
  if (failure.code === 'crl-not-yet-valid')
    return {
      message: `${list} is not valid before ${failure.crl.thisUpdate.toISOString()}`,
      fix: 'correct the clock, then run vcs-pki crl --after-clock-correction',
    };
  return {
    message: `${list} expired on ${failure.crl.nextUpdate?.toISOString() ?? 'no date'}; all its certificates count as revoked (requirement 59)`,
    fix: 'run vcs-pki crl, and have it run every day',
    diagnosis: 'D15',
  };
}

const crlFaults = {
  signature: 'no certificate is known whose key signed it',
  'key-usage': 'who signed it may not sign lists',
  signer: 'who signed it does not chain to the same root',
  'unknown-critical-extension': 'it has a critical extension that is not known',
  'crl-number': 'it has no number, or a critical one',
  'next-update': 'it does not say when the next one comes',
} as const;

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

import { formatName, type Name, sameName } from '../../x509/name.ts';
import { weakDigest } from '../../x509/signature.ts';
import { PathFinder } from '../path/find-path.ts';
import type { PathCertificate } from '../path/path-certificate.ts';
import type { InvalidPath, PathFailure, PathVerdict } from '../path/verdict.ts';
import { titleOf } from '../predict.ts';
import type { Folder } from './folders.ts';
import { type FoundCertificate, isSelfIssued } from './found.ts';

/** A certificate of a peer, and what the trust list of its folder makes of it, but for revocation. */
export interface Chain {
  readonly folder: Folder;
  readonly leaf: FoundCertificate;
  /** Undefined beyond the first thousand: who made the files also chose how long each takes. */
  readonly verdict: PathVerdict | undefined;
  readonly fault: ChainFault | undefined;
}

export type ChainFault =
  | {
      /**
       * What of its chain is not on the trust list of its own peer: all of it, something below what is trusted
       * (`unlisted` where it lies in the same folder, like in the file with the certificate), or what is above that;
       * or the list has an authority of the name, and another key.
       */
      readonly kind:
        | 'nothing trusted'
        | 'intermediate missing'
        | 'intermediate unlisted'
        | 'root missing'
        | 'other key';
      /** Names of authorities. */
      readonly missing: readonly string[];
    }
  | { readonly kind: 'invalid'; readonly failure: PathFailure };

export function chainsOf(folders: readonly Folder[], authorities: readonly FoundCertificate[], now: Date): Chain[] {
  const everybody = new PathFinder({ anchors: inPaths(authorities), intermediates: [] });
  const finders = new Map<Folder['trusted'], PathFinder>();
  let left = MOST_CHAINS;
  return folders.flatMap((folder) => {
    const { trusted, leaves } = folder;
    if (trusted.length === 0) return [];
    const finder = finders.get(trusted) ?? new PathFinder({ anchors: inPaths(trusted), intermediates: [] });
    finders.set(trusted, finder);
    return leaves.map((leaf) => {
      left -= 1;
      const verdict = left < 0 ? undefined : finder.find(leaf.inPaths, { ...AS_APPLIANCES, at: now });
      const whole = () => everybody.find(leaf.inPaths, { ...AS_APPLIANCES, at: now });
      return { folder, leaf, verdict, fault: verdict && !verdict.valid ? faultOf(verdict, folder, whole) : undefined };
    });
  });
}

const MOST_CHAINS = 1000;

/** What is trusted is checked like everything else. */
const AS_APPLIANCES = { revocation: 'none', checkAnchor: true } as const;

function inPaths(certificates: readonly FoundCertificate[]): PathCertificate[] {
  return certificates.map((found) => found.inPaths);
}

/** @param whole gives the verdict of someone who trusts every authority that was found */
function faultOf({ failure, path }: InvalidPath, folder: Folder, whole: () => PathVerdict): ChainFault | undefined {
  if (failure.code === 'signature') return { kind: 'other key', missing: [titleOf(failure.issuer)] };
  if (failure.code !== 'issuer-not-found')
    return isSaidElsewhere(failure, path) ? undefined : { kind: 'invalid', failure };
  const found = whole();
  const chain = found.path.slice(1);
  const end = !found.valid && found.failure.code === 'issuer-not-found' ? found.failure.certificate.issuer : undefined;
  const trusted = new Set(inPaths(folder.trusted));
  const absent = chain.filter((authority) => !trusted.has(authority));
  const missing = [...absent.map(titleOf), ...(end ? [end.commonName ?? formatName(end)] : [])];
  if (end && folder.trusted.some(({ certificate }) => sameName(certificate.subject, end)))
    return { kind: 'other key', missing };
  const highest = chain.findLastIndex((authority) => trusted.has(authority));
  const below = absent.filter((authority) => chain.indexOf(authority) < highest);
  if (highest < 0) {
    const likely = chain.length === 0 && end !== undefined && hasRootOf(end, folder);
    return { kind: likely ? 'intermediate missing' : 'nothing trusted', missing };
  }
  if (below.length === 0)
    return { kind: end !== undefined && hasRootOf(end, folder) ? 'intermediate missing' : 'root missing', missing };
  const here = new Set(inPaths(folder.authorities));
  return {
    kind: below.every((authority) => here.has(authority)) ? 'intermediate unlisted' : 'intermediate missing',
    missing,
  };
}

/** There are rules on dates, on authorities, on self-signed certificates and on digests. */
function isSaidElsewhere(failure: PathFailure, { length }: readonly PathCertificate[]): boolean {
  return (
    ['expired', 'not-yet-valid', 'not-an-authority', 'key-usage'].includes(failure.code) ||
    (failure.code === 'not-trusted' && length === 1) ||
    (failure.code === 'signature-algorithm' && weakDigest(failure.algorithm) !== undefined)
  );
}

/**
 * Whether a root of the list is probably above an authority that nobody has: it allows authorities below it, and has a
 * word of the other's name, or its list lies there with that of the other, or it is of the same organization.
 */
function hasRootOf(authority: Name, { trusted, crls }: Folder): boolean {
  if (authority.commonName?.toLowerCase().includes('root')) return false;
  const words = wordsOf(authority.commonName);
  const lists = new Set(crls.map(({ crl }) => crl.issuer.key));
  const ofOrganization = isBelowRootOfOrganization(authority, trusted);
  return trusted.some(({ certificate }) => {
    const { subject, basicConstraints } = certificate;
    if (!isSelfIssued(certificate) || basicConstraints?.pathLength === 0) return false;
    if (lists.has(authority.key) && lists.has(subject.key)) return true;
    const own = wordsOf(subject.commonName);
    if (own.some((word) => words.includes(word)) || own.length + words.length === 0) return true;
    return ofOrganization && organizationOf(subject) === organizationOf(authority);
  });
}

/** Unless the list has what is below its roots, or its own name has that of the organization, as the root's would. */
function isBelowRootOfOrganization(authority: Name, trusted: Folder['trusted']): boolean {
  const organization = organizationOf(authority);
  const words = wordsOf(authority.commonName);
  if (organization === undefined || wordsOf(organization).some((word) => words.includes(word))) return false;
  return trusted.every(
    ({ certificate }) => isSelfIssued(certificate) || organizationOf(certificate.issuer) !== organization,
  );
}

function organizationOf({ attributes }: Name): string | undefined {
  return attributes.find(({ type }) => type === 'O')?.value;
}

/** The words of a name that do not say what it is for. */
function wordsOf(name = ''): string[] {
  return name
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '' && !COMMON_WORDS.test(word));
}

const COMMON_WORDS =
  /^(?:\d+|[gr]\d|ca|root|issuing|intermediate|sub|subordinate|secondary|primary|server|global|authority|certification|certificate|rsa|ecc|ec|tls|ssl|sha\d+)$/;

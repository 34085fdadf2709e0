import { keyIdentifiersAgree } from '../../x509/certificate.ts';
import { type Name, sameName } from '../../x509/name.ts';
import { isVerifiable } from '../../x509/signature.ts';
import { type Budget, createBudget } from './budget.ts';
import { isSameEntity, isSelfIssued, type PathCertificate, type PathCrl } from './path-certificate.ts';
import { type CrlSources, checkStatus, listFailures } from './revocation.ts';
import { explore, pathsToAnchors, pathTo, type Search, type Surroundings } from './search.ts';
import { rememberSignatures } from './signatures.ts';
import { flawOfAuthority, flawOfTarget, type ValidationOptions, validatePath } from './validate.ts';
import type { InvalidPath, PathEnd, PathFailure, PathVerdict } from './verdict.ts';

export interface PathOptions extends ValidationOptions {
  /** Whose status needs a current CRL: nobody's, the target's, or that of every certificate of the path. */
  readonly revocation: 'none' | 'leaf' | 'all';
}

export interface PathSources {
  /**
   * Trust anchors are those among them that are self-issued, as with OpenSSL without -partial_chain, and so on
   * appliances; the others only help to build paths.
   */
  readonly anchors: readonly PathCertificate[];
  readonly intermediates: readonly PathCertificate[];
  readonly crls?: readonly PathCrl[] | undefined;
}

/**
 * What one verifier has at hand. Finds a valid path (RFC 5280 6) if there is one among all possible ones, and remembers
 * which key signed what. Host names and extended key usages are for others to check.
 */
export class PathFinder {
  readonly #anchors: ReadonlySet<PathCertificate>;
  readonly #bySubject = new Map<string, PathCertificate[]>();
  readonly #listsByIssuer = new Map<string, PathCrl[]>();
  readonly #issuers = new WeakMap<PathCertificate, readonly PathCertificate[]>();
  readonly #isSigned = rememberSignatures();

  constructor({ anchors, intermediates, crls = [] }: PathSources) {
    this.#anchors = new Set(anchors.filter(isRoot));
    const seen = new Set<string | PathCertificate>();
    for (const certificate of [...anchors, ...intermediates]) {
      const identity = certificate.der?.toString('latin1') ?? certificate;
      if (!seen.has(identity)) put(this.#bySubject, certificate.subject.key, certificate);
      seen.add(identity);
    }
    for (const crl of crls) put(this.#listsByIssuer, crl.issuer.key, crl);
    for (const lists of this.#listsByIssuer.values()) lists.sort(newestFirst);
  }

  find(target: PathCertificate, options: PathOptions): PathVerdict {
    const scope = { anchors: this.#anchors, exploring: createBudget(), budget: createBudget(), depth: 0 };
    return this.#find(target, options, scope);
  }

  #find(target: PathCertificate, options: PathOptions, scope: Scope): PathVerdict {
    const { exploring, budget } = scope;
    const search = this.#searchFrom(target, scope);
    let best: InvalidPath | undefined;
    for (const path of candidates(target, search, options, budget)) {
      const verdict = this.#judge(path, options, scope);
      if (verdict.valid) return verdict;
      if (!best || stageOf(verdict) > stageOf(best)) best = verdict;
    }
    best ??= this.#deadEnd(explore(target, search), exploring);
    if (!exploring.exhausted && !budget.exhausted) return best;
    return { valid: false, failure: { code: 'too-much-work', certificate: target }, path: [target] };
  }

  #judge(path: readonly PathCertificate[], options: PathOptions, scope: Scope): PathVerdict {
    const { at, revocation, checkAnchor = false } = options;
    const outcome = validatePath(path, options, scope.budget);
    if ('failure' in outcome) return { valid: false, failure: outcome.failure, path };
    const ends = (checkAnchor || path.length === 1 ? path : path.slice(0, -1)).map(endOf);
    const sources = this.#sourcesFor(path, options, scope);
    const examined = { none: [], leaf: path.slice(0, 1), all: path }[revocation];
    for (const [index, certificate] of examined.entries()) {
      const issuer = path[index + 1] ?? (checkAnchor ? certificate : undefined);
      if (!issuer) break;
      const status = checkStatus(certificate, issuer, at, sources);
      if ('failure' in status) return { valid: false, failure: status.failure, path };
      ends.push(...status.ends);
    }
    const until = ends.reduce((first, end) => (end.at < first.at ? end : first));
    return { valid: true, path, policies: outcome.policies, until };
  }

  #sourcesFor(path: readonly PathCertificate[], options: PathOptions, scope: Scope): CrlSources {
    const { budget, depth } = scope;
    const anchor = path.at(-1);
    return {
      listsOf: (issuerKey) => this.#listsByIssuer.get(issuerKey) ?? [],
      isSigned: (crl, signer) => this.#isSigned(crl, signer, budget),
      signersOf: (crl, likely) =>
        [...new Set([likely, ...this.#namesakesOf(crl.issuer)])].filter(
          (signer) =>
            sameName(signer.subject, crl.issuer) &&
            keyIdentifiersAgree(crl.authorityKeyIdentifier, signer.subjectKeyIdentifier) &&
            this.#isSigned(crl, signer, budget),
        ),
      trusted: (signer) => {
        if (!anchor || depth === MAX_SIGNER_DEPTH) return undefined;
        if (signer === anchor) return [];
        const verdict = this.#find(
          signer,
          { ...options, revocation: options.revocation === 'all' ? 'all' : 'none' },
          { anchors: new Set([anchor]), exploring: budget, budget, depth: depth + 1 },
        );
        return verdict.valid ? [verdict.until] : undefined;
      },
    };
  }

  #searchFrom(target: PathCertificate, { anchors, exploring }: Scope): Search {
    const isCopy = this.#namesakesOf(target.subject).some((anchor) => anchors.has(anchor) && isSame(anchor, target));
    return {
      isAnchor: (certificate) => anchors.has(certificate) || (isCopy && certificate === target),
      issuersOf: (certificate) => this.#issuersOf(certificate, exploring),
    };
  }

  #issuersOf(certificate: PathCertificate, budget: Budget): readonly PathCertificate[] {
    const known = this.#issuers.get(certificate);
    if (known) return known;
    const issuers = this.#possibleIssuers(certificate).filter((issuer) => this.#isSigned(certificate, issuer, budget));
    if (!budget.exhausted) this.#issuers.set(certificate, issuers);
    return issuers;
  }

  /** By name and key identifiers. An authority is not looked for as its own issuer. */
  #possibleIssuers(certificate: PathCertificate): PathCertificate[] {
    return this.#namesakesOf(certificate.issuer).filter(
      (issuer) =>
        keyIdentifiersAgree(certificate.authorityKeyIdentifier, issuer.subjectKeyIdentifier) &&
        !isSameEntity(certificate, issuer),
    );
  }

  #namesakesOf({ key }: Name): readonly PathCertificate[] {
    return this.#bySubject.get(key) ?? [];
  }

  // ---- what to say when no path reaches an anchor ----

  /** Of all ends the one that helps most: a root to trust, then an unknown algorithm, a wrong key, and an unknown issuer; the furthest of equals. */
  #deadEnd(surroundings: Surroundings, budget: Budget): InvalidPath {
    const ends = [...surroundings.issuers].filter(([, issuers]) => issuers.length === 0);
    const failures = ends.map(([certificate]) => this.#whatIsMissing(certificate, budget));
    // Without an end there are only authorities that certify each other.
    const last = [...surroundings.issuers.keys()].at(-1) ?? surroundings.target;
    const failure = ['not-trusted', 'signature-algorithm', 'signature', 'issuer-not-found']
      .map((code) => failures.findLast((candidate) => candidate.code === code))
      .find((candidate) => candidate !== undefined) ?? { code: 'not-trusted', certificate: last };
    return { valid: false, failure, path: pathTo(failure.certificate, surroundings) };
  }

  #whatIsMissing(certificate: PathCertificate, budget: Budget): PathFailure {
    const { signatureAlgorithmName: algorithm } = certificate;
    const unverifiable = algorithm !== undefined && !isVerifiable(algorithm);
    // Nobody looks at the signature of a root that is trusted.
    if (isRoot(certificate) && (unverifiable || this.#isSigned(certificate, certificate, budget)))
      return { code: 'not-trusted', certificate };
    const [issuer] = this.#possibleIssuers(certificate);
    if (!issuer) return { code: 'issuer-not-found', certificate };
    return unverifiable
      ? { code: 'signature-algorithm', certificate, algorithm }
      : { code: 'signature', certificate, issuer };
  }
}

interface Scope {
  readonly anchors: ReadonlySet<PathCertificate>;
  /** For the surroundings of the target: when it is used up, what is known of them by then is still gone through. */
  readonly exploring: Budget;
  /** For the paths through them, their validation and their lists. */
  readonly budget: Budget;
  /** How many lists had a signer whose own path had to be found, to come here. */
  readonly depth: number;
}

/**
 * The status of a delegate who signs a list may be on the list of another delegate, and so on. OpenSSL goes one step. This
 * is also where delegates end who are on each other's lists, or on their own: no list can prove that its signer is good.
 */
const MAX_SIGNER_DEPTH = 4;

/** Paths of certificates that are sound by themselves; where there is none, the first that reaches an anchor, for its failure. */
function* candidates(
  target: PathCertificate,
  search: Search,
  { at, checkAnchor = false }: PathOptions,
  budget: Budget,
): Generator<readonly PathCertificate[]> {
  const isSound = (certificate: PathCertificate) => {
    const isAnchor = search.isAnchor(certificate);
    return (isAnchor && !checkAnchor) || !flawOfAuthority(certificate, at, isAnchor);
  };
  const sound: Search = { ...search, issuersOf: (certificate) => search.issuersOf(certificate).filter(isSound) };
  let found = false;
  if (!flawOfTarget(target, at))
    for (const path of pathsToAnchors(explore(target, sound), search.isAnchor, budget)) {
      found = true;
      yield path;
    }
  if (found) return;
  const [first] = pathsToAnchors(explore(target, search), search.isAnchor, budget);
  if (first) yield first;
}

/** How far validation came, in the order of its steps. */
function stageOf({ failure }: InvalidPath): number {
  return ['path-length', 'name-constraints', 'policy', ...listFailures, 'revoked'].indexOf(failure.code);
}

/** Self-issued, with its own key as far as the key identifiers tell. */
function isRoot(certificate: PathCertificate): boolean {
  const { authorityKeyIdentifier, subjectKeyIdentifier } = certificate;
  return isSelfIssued(certificate) && keyIdentifiersAgree(authorityKeyIdentifier, subjectKeyIdentifier);
}

function isSame({ der }: PathCertificate, other: PathCertificate): boolean {
  return der !== undefined && other.der?.equals(der) === true;
}

/** RFC 5280 5.2.3: the number tells which list supersedes which. */
function newestFirst(one: PathCrl, other: PathCrl): number {
  const [a, b] = [one.crlNumber ?? 0n, other.crlNumber ?? 0n];
  return a === b ? other.thisUpdate.getTime() - one.thisUpdate.getTime() : a < b ? 1 : -1;
}

function endOf(certificate: PathCertificate): PathEnd {
  return { at: certificate.notAfter, what: 'certificate', certificate };
}

function put<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

import { type Budget, STEP_WORK } from './budget.ts';
import { isSameEntity, type PathCertificate } from './path-certificate.ts';

/** The certificates that can be reached from a target, each expanded once: as many as there are, however they are linked. */
export interface Surroundings {
  readonly target: PathCertificate;
  /** Whose signature each bears; those of trust anchors are not looked for. In the order in which they were reached. */
  readonly issuers: ReadonlyMap<PathCertificate, readonly PathCertificate[]>;
  /** From which certificate each was reached first, on a shortest way. */
  readonly from: ReadonlyMap<PathCertificate, PathCertificate>;
}

export interface Search {
  isAnchor(certificate: PathCertificate): boolean;
  issuersOf(certificate: PathCertificate): readonly PathCertificate[];
}

/** Breadth first, so that what is near is known when the budget runs out. */
export function explore(target: PathCertificate, { isAnchor, issuersOf }: Search): Surroundings {
  const issuers = new Map<PathCertificate, readonly PathCertificate[]>();
  const from = new Map<PathCertificate, PathCertificate>();
  const queue = [target];
  for (const certificate of queue) {
    const found = isAnchor(certificate) ? [] : issuersOf(certificate);
    issuers.set(certificate, found);
    for (const issuer of found) {
      if (issuer === target || from.has(issuer)) continue;
      from.set(issuer, certificate);
      queue.push(issuer);
    }
  }
  return { target, issuers, from };
}

/** Every path from the target to a trust anchor in which no authority occurs twice with the same key (RFC 4158 2.4.2). */
export function* pathsToAnchors(
  { target, issuers }: Surroundings,
  isAnchor: Search['isAnchor'],
  budget: Budget,
): Generator<readonly PathCertificate[]> {
  const leading = leadingToAnchors(issuers, isAnchor);
  function* extend(path: readonly PathCertificate[], last: PathCertificate): ReturnType<typeof pathsToAnchors> {
    if (!budget.spend(STEP_WORK)) return;
    if (isAnchor(last)) yield path;
    for (const issuer of issuers.get(last) ?? [])
      if (leading.has(issuer) && !path.some((certificate) => isSameEntity(certificate, issuer)))
        yield* extend([...path, issuer], issuer);
  }
  yield* extend([target], target);
}

/** Without the dead ends, of which a mesh has far more than paths. */
function leadingToAnchors(
  issuers: Surroundings['issuers'],
  isAnchor: Search['isAnchor'],
): ReadonlySet<PathCertificate> {
  const issued = new Map<PathCertificate, PathCertificate[]>();
  for (const [certificate, found] of issuers)
    for (const issuer of found) {
      const list = issued.get(issuer);
      if (list) list.push(certificate);
      else issued.set(issuer, [certificate]);
    }
  const leading = new Set([...issuers.keys()].filter(isAnchor));
  for (const certificate of leading) for (const below of issued.get(certificate) ?? []) leading.add(below);
  return leading;
}

/** The way on which a certificate was reached first: the target first, itself last. */
export function pathTo(certificate: PathCertificate, { from }: Surroundings): PathCertificate[] {
  const path = [certificate];
  for (let below = from.get(certificate); below; below = from.get(below)) path.unshift(below);
  return path;
}

import type { Usage } from '../topology/demands.ts';
import type { Link, LinkEnd, PeerCheck } from '../topology/links/link.ts';
import { isIpAddress, unique } from '../topology/names.ts';
import type { DiagnosisId } from '../topology/rules/rule.ts';
import { explainFailure } from './explain-failure.ts';
import { identities, matchName } from './name-match.ts';
import { nearest } from './nearest.ts';
import { PathFinder } from './path/find-path.ts';
import type { PathCertificate, PathCrl } from './path/path-certificate.ts';
import type { PathEnd } from './path/verdict.ts';
import { titleOf } from './predict.ts';
import type { Refusal } from './refusal.ts';
import { usageProblem } from './usage.ts';
import { weakness } from './weakness.ts';

/** What one end found of the other. */
export interface Examination {
  /** The end that verifies. */
  readonly by: string;
  /** The end that presents. */
  readonly of: string;
  /** From the certificate presented to the trust anchor; where none was found, as far as it could be built. */
  readonly path: readonly PathCertificate[];
  readonly matchedName?: string;
  readonly refusal?: Refusal;
}

export interface Until {
  readonly at: Date;
  readonly because: string;
}

export interface LinkVerdict {
  readonly link: Link;
  /** `not verified`: neither end checks the other. `unknown`: what it takes to say is not declared. */
  readonly verdict: 'accepted' | 'refused' | 'not verified' | 'unknown';
  readonly refusals: readonly Refusal[];
  /** What could not be checked, in words. */
  readonly unchecked: readonly string[];
  readonly examinations: readonly Examination[];
  /** The first moment at which an accepted link stops being so, and what then ends. */
  readonly until?: Until;
}

export interface Evidence {
  /** By demand id or id of a system. */
  readonly certificates: ReadonlyMap<string, PathCertificate>;
  /** What a system sends beside its certificate, by its id. A peer sends what its own trust list has of its chain (D08). */
  readonly sent: ReadonlyMap<string, readonly PathCertificate[]>;
  /** By holder: a cluster, a client group or a store of a system. Absent: not known. */
  readonly trustLists: ReadonlyMap<string, readonly PathCertificate[]>;
  readonly revocationLists: readonly PathCrl[];
  /** Authorities elsewhere: peers fetch their lists, which are not known here. */
  readonly elsewhere: ReadonlySet<PathCertificate>;
}

/** Whether every link will verify, at `now`, in both directions. Linear in the number of links. */
export function prove(links: readonly Link[], evidence: Evidence, now: Date): LinkVerdict[] {
  const prover = new Prover(evidence, now);
  return links.map((link) => {
    const done = [prover.examine(link, 'server'), prover.examine(link, 'client')].filter((one) => one !== undefined);
    const examinations = done.flatMap(({ examination }) => examination ?? []);
    const refusals = examinations.flatMap(({ refusal }) => refusal ?? []);
    const missing = done.flatMap((one) => one.missing ?? []);
    const unchecked = unique([...missing, ...done.flatMap((one) => one.unchecked ?? [])]);
    const common = { link, refusals, unchecked, examinations };
    if (refusals.length > 0) return { ...common, verdict: 'refused' };
    if (missing.length > 0) return { ...common, verdict: 'unknown' };
    const [until] = done.flatMap((one) => one.until ?? []).sort((a, b) => a.at.getTime() - b.at.getTime());
    return { ...common, verdict: done.length > 0 ? 'accepted' : 'not verified', ...(until && { until }) };
  });
}

interface Examined {
  readonly examination?: Examination;
  /** What is not declared and would have been needed. */
  readonly missing?: string;
  /** What was left out of a verdict that stands without it. */
  readonly unchecked?: string;
  readonly until?: Until;
}

/** Everything but the name: the same for all links on which one holder verifies one certificate in one way. */
interface Verified {
  readonly path: readonly PathCertificate[];
  readonly refusal?: Omit<Refusal, 'by'>;
  readonly unchecked?: string;
  readonly until?: Until;
}

type Certificates = readonly PathCertificate[];

class Prover {
  readonly #evidence: Evidence;
  readonly #now: Date;
  readonly #verified = new Map<string, Verified>();
  readonly #finders = new Map<Certificates, Map<Certificates, Map<readonly PathCrl[], PathFinder>>>();

  constructor(evidence: Evidence, now: Date) {
    this.#evidence = evidence;
    this.#now = now;
  }

  /** What the other end finds of the one that presents a certificate as `role`; undefined where it does not look. */
  examine(link: Link, role: 'server' | 'client'): Examined | undefined {
    const presenter = link[role];
    const verifier = role === 'server' ? link.client : link.server;
    const { check } = verifier;
    const { presents } = presenter;
    if (!check || presents === undefined) return undefined;
    const trusted = this.#evidence.trustLists.get(verifier.holder);
    if (!trusted) return { missing: `what ${verifier.holder} trusts is not declared` };
    const leaf = this.#evidence.certificates.get(presents);
    if (!leaf && presents === presenter.name)
      return { missing: `the certificate of ${presenter.name} is not declared` };
    const { usage, revocation } = check;
    const { mode, channels } = revocation;
    // Peers that share a certificate differ in what is said of them.
    const key = [verifier.holder, usage, mode, channels, presents, presenter.fqdn, role].join('\n');
    const verified = entry(this.#verified, key, () => this.#verify(link, role, check, trusted, leaf));
    const refusal = verified.refusal ?? (leaf && nameRefusal(link, check, presenter, leaf));
    const matchedName = leaf && !refusal ? matched(check, leaf) : undefined;
    const examination = {
      by: verifier.name,
      of: presenter.name,
      path: verified.path,
      ...(matchedName !== undefined && { matchedName }),
      ...(refusal && { refusal: { ...refusal, by: verifier.name } }),
    };
    const { until, unchecked } = verified;
    return { examination, ...(until && { until }), ...(unchecked !== undefined && { unchecked }) };
  }

  #verify(
    link: Link,
    role: 'server' | 'client',
    check: PeerCheck,
    trusted: readonly PathCertificate[],
    leaf: PathCertificate | undefined,
  ): Verified {
    const presenter = link[role];
    const verifier = role === 'server' ? link.client : link.server;
    if (!leaf) return { path: [], refusal: withoutCertificate(presenter) };
    const { mode, channels } = check.revocation;
    const finder = this.#finder(trusted, this.#sentBy(presenter), channels.length > 0);
    const options = { at: this.#now, checkAnchor: true };
    let found = finder.find(leaf, { ...options, revocation: mode === 'peer' ? 'leaf' : mode });
    let unchecked: string | undefined;
    if (!found.valid && found.failure.code === 'crl-missing' && this.#evidence.elsewhere.has(found.failure.issuer)) {
      unchecked = `revocation by ${titleOf(found.failure.issuer)}, whose list is not known here`;
      found = finder.find(leaf, { ...options, revocation: 'none' });
    }
    const { path } = found;
    if (!found.valid) return { path, refusal: explainFailure(found, { link, verifier, check, presenter, trusted }) };
    const weak = weakness(path);
    if (weak) return { path, refusal: weak };
    const wrong = check.usage ? usageProblem(path, usageOf(role)) : undefined;
    if (wrong) {
      const message = `${wrong.message}; ${presenter.fqdn} is the TLS ${role} of this link`;
      return { path, refusal: { step: 'usage', message, fix: wrong.fix, diagnosis: 'D14' } };
    }
    return { path, until: untilOf(found.until), ...(unchecked !== undefined && { unchecked }) };
  }

  #sentBy(presenter: LinkEnd): readonly PathCertificate[] {
    const { sent, trustLists } = this.#evidence;
    return sent.get(presenter.name) ?? trustLists.get(presenter.holder) ?? NOTHING;
  }

  /** One finder for all verifiers with the same lists: clusters that share a trust list share the array. */
  #finder(anchors: readonly PathCertificate[], intermediates: readonly PathCertificate[], reads: boolean): PathFinder {
    const crls = reads ? this.#evidence.revocationLists : NO_LISTS;
    const byAnchors = entry(this.#finders, anchors, () => new Map());
    const byIntermediates = entry(byAnchors, intermediates, () => new Map());
    return entry(byIntermediates, crls, () => new PathFinder({ anchors, intermediates, crls }));
  }
}

/** The value under a key, made when it is not there yet. */
function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key) ?? make();
  map.set(key, present);
  return present;
}

const NO_LISTS: readonly PathCrl[] = [];
const NOTHING: readonly PathCertificate[] = [];

function usageOf(role: 'server' | 'client'): Usage {
  return role === 'server' ? 'serverAuth' : 'clientAuth';
}

function withoutCertificate(presenter: LinkEnd): Omit<Refusal, 'by'> {
  return {
    step: 'chain',
    message: `${presenter.fqdn} has no certificate`,
    fix: 'give its cluster an issuer and run vcs-pki apply; what an authority elsewhere has signed comes in with vcs-pki import',
  };
}

function untilOf({ at, what, certificate }: PathEnd): Until {
  const whose = what === 'certificate' ? '' : 'the revocation list of ';
  return { at, because: `${whose}${titleOf(certificate)} expires` };
}

/** The name that satisfies the check in every way that it may compare. */
function matched({ referenceNames, nameMatching }: PeerCheck, leaf: PathCertificate): string | undefined {
  const names = namesOf(leaf);
  return referenceNames.find((reference) =>
    nameMatching.every((mode) => matchName(names, reference, mode) !== undefined),
  );
}

function namesOf({ subject, alternativeNames }: PathCertificate) {
  return { commonName: subject.commonName, alternativeNames };
}

function nameRefusal(
  link: Link,
  check: PeerCheck,
  presenter: LinkEnd,
  leaf: PathCertificate,
): Omit<Refusal, 'by'> | undefined {
  const { referenceNames, nameMatching, setting } = check;
  if (referenceNames.length === 0 || matched(check, leaf) !== undefined) return undefined;
  const names = namesOf(leaf);
  const addressed = referenceNames.some(isIpAddress);
  const presented = unique(nameMatching.flatMap((mode) => identities(names, addressed, mode)));
  const wanted = referenceNames.join(' or ');
  const inCommonName = referenceNames.some((reference) => matchName(names, reference, 'cn-or-san') !== undefined);
  const near = referenceNames.flatMap((reference) => nearest(reference, presented) ?? [])[0];
  const has = presented.length === 0 ? 'no name that counts' : `only ${presented.join(', ')}`;
  return {
    step: 'name',
    message: `${setting} is ${wanted}, but the certificate of ${presenter.fqdn} has ${has}${inCommonName ? '; its common name is not looked at' : ''}`,
    fix: inCommonName
      ? `have it issued with ${wanted} among the alternative names`
      : `set it to one of these names, or declare the name for ${presenter.holder}${near === undefined ? '' : `; the nearest is ${near}`}`,
    diagnosis: nameDiagnosis(link, check, presenter),
  };
}

/** Which of the known faults a missing name is. */
function nameDiagnosis({ kind }: Link, { referenceNames, setting }: PeerCheck, presenter: LinkEnd): DiagnosisId {
  if (referenceNames.some(isIpAddress)) return 'D12';
  if (kind === 'mobile-and-remote-access') return 'D19';
  if (kind === 'unified-cm' && setting.includes('profile')) return 'D20';
  const ofCluster = setting.startsWith('TLS verify subject name') && !referenceNames.includes(presenter.fqdn);
  return ofCluster ? 'D13' : 'D11';
}

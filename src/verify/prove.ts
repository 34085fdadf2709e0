import type { Usage } from '../topology/demands.ts';
import type { Link, LinkEnd } from '../topology/links.ts';
import { matchName } from './name-match.ts';
import type { PresentedCertificate } from './presented.ts';

/** The steps of a verification. The first to fail is named; TLS stacks agree on the verdict, not always on the order. */
export const steps = ['chain', 'dates', 'revocation', 'usage', 'name'] as const;
export type Step = (typeof steps)[number];

/** Why one end of a link does not accept the other. */
export interface Refusal {
  readonly step: Step;
  /** `<cluster>/<peer>` of the end that refuses. */
  readonly by: string;
  readonly message: string;
  readonly fix: string;
}

export interface LinkVerdict {
  readonly link: Link;
  /** `not verified`: TLS verify mode is off on both ends. */
  readonly verdict: 'accepted' | 'refused' | 'not verified';
  readonly refusals: readonly Refusal[];
  /** The first moment at which an accepted link stops being so, and what then ends. */
  readonly until?: { readonly at: Date; readonly because: string };
}

/** What is known of the revocations of one authority. */
export interface RevocationList {
  readonly thisUpdate: Date;
  /** After this moment every certificate of the authority counts as revoked (requirement 59). */
  readonly nextUpdate: Date;
  isRevoked(serial: string): boolean;
}

export interface Evidence {
  /** By demand id. */
  readonly certificates: ReadonlyMap<string, PresentedCertificate>;
  /** By cluster id. A peer also sends what its own list has of its chain (D08). */
  readonly trustLists: ReadonlyMap<string, readonly PresentedCertificate[]>;
  /** By the authority that signs the list. */
  readonly revocationLists: ReadonlyMap<PresentedCertificate, RevocationList>;
}

/** Whether every link will verify, at `now`, in both directions. Linear in the number of links. */
export function prove(links: readonly Link[], evidence: Evidence, now: Date): LinkVerdict[] {
  const checked = new Map<string, Examined>();
  return links.map((link) => {
    const refusals: Refusal[] = [];
    let until: LinkVerdict['until'];
    for (const [verifier, presenter, purpose] of [
      [link.client, link.server, 'serverAuth'],
      [link.server, link.client, 'clientAuth'],
    ] as const) {
      if (!verifier.check) continue;
      const key = [
        verifier.cluster,
        verifier.check.revocationChecking,
        presenter.cluster,
        presenter.demand,
        purpose,
      ].join(' ');
      const examined = checked.get(key) ?? examine(verifier, presenter, purpose, evidence, now);
      checked.set(key, examined);
      if (examined.refusal) refusals.push({ ...examined.refusal, by: nameOf(verifier) });
      else {
        const mismatch = checkName(verifier, presenter, examined.leaf);
        if (mismatch) refusals.push({ ...mismatch, by: nameOf(verifier) });
        if (!until || examined.until.at < until.at) until = examined.until;
      }
    }
    if (refusals.length > 0) return { link, verdict: 'refused', refusals };
    return { link, refusals, verdict: until ? 'accepted' : 'not verified', ...(until && { until }) };
  });
}

type Examined =
  | { readonly refusal: Omit<Refusal, 'by'> }
  | { readonly refusal?: never; readonly leaf: PresentedCertificate; readonly until: { at: Date; because: string } };

/** Everything but the name: the same for all links between two clusters that present one certificate. */
function examine(verifier: LinkEnd, presenter: LinkEnd, purpose: Usage, evidence: Evidence, now: Date): Examined {
  const leaf = evidence.certificates.get(presenter.demand);
  if (!leaf) {
    return refused('chain', `${presenter.fqdn} has no certificate`, 'give its cluster an issuer');
  }
  const chain = buildChain(leaf, presenter, verifier, evidence);
  if (!Array.isArray(chain)) return chain;
  for (const certificate of chain) {
    if (now > certificate.notAfter) {
      return refused(
        'dates',
        `${certificate.title} expired on ${day(certificate.notAfter)}`,
        'run vcs-pki apply to renew it',
      );
    }
    if (now < certificate.notBefore) {
      return refused(
        'dates',
        `${certificate.title} is not valid before ${certificate.notBefore.toISOString()}`,
        'check the clock',
      );
    }
  }
  const lists = verifier.check?.revocationChecking ? evidence.revocationLists : undefined;
  const revocation = lists && checkRevocation(chain, lists, now);
  if (revocation) return revocation;
  if (leaf.usages && !leaf.usages.includes(purpose)) {
    const role = purpose === 'serverAuth' ? 'server' : 'client';
    return refused(
      'usage',
      `the certificate of ${presenter.fqdn} is for ${leaf.usages.join(' and ')}, and it is the TLS ${role} of this link`,
      `issue it with ${purpose} too (requirements 20, 23)`,
    );
  }
  return { leaf, until: firstEnd(chain, lists) };
}

/** From the leaf to a self-signed certificate on the verifier's trust list (requirement 42). */
function buildChain(
  leaf: PresentedCertificate,
  presenter: LinkEnd,
  verifier: LinkEnd,
  evidence: Evidence,
): PresentedCertificate[] | Extract<Examined, { refusal: object }> {
  const trusted = evidence.trustLists.get(verifier.cluster) ?? [];
  const sent = evidence.trustLists.get(presenter.cluster) ?? [];
  const candidates = [...new Set([...trusted, ...sent])].filter((candidate) => candidate.authority);
  const extend = (chain: PresentedCertificate[]): PresentedCertificate[] | undefined => {
    const last = chain[chain.length - 1] ?? leaf;
    if (last.selfSigned) return trusted.includes(last) ? chain : undefined;
    for (const candidate of candidates) {
      if (chain.includes(candidate) || !last.isIssuedBy(candidate)) continue;
      const complete = extend([...chain, candidate]);
      if (complete) return complete;
    }
    return undefined;
  };
  const chain = extend([leaf]);
  if (chain) return chain;
  const top = longestChain(leaf, candidates);
  const missing = top.selfSigned
    ? `${top.title} is not on the trust list of ${verifier.cluster}`
    : `the issuer of ${top.title} is neither on the trust list of ${verifier.cluster} nor sent by ${presenter.fqdn}`;
  return refused(
    'chain',
    missing,
    top.selfSigned
      ? `add ${top.title} to a trust list that applies to ${verifier.cluster}`
      : `add the authority that issued ${top.title} to the trust lists of ${verifier.cluster} and ${presenter.cluster}`,
  );
}

function longestChain(leaf: PresentedCertificate, candidates: readonly PresentedCertificate[]): PresentedCertificate {
  const seen = new Set<PresentedCertificate>();
  let last = leaf;
  for (;;) {
    seen.add(last);
    const next = candidates.find((candidate) => !seen.has(candidate) && last.isIssuedBy(candidate));
    if (!next) return last;
    last = next;
  }
}

/** Requirement 52: with checking on, every authority of the chain needs a list that is not out of date. */
function checkRevocation(
  chain: readonly PresentedCertificate[],
  lists: Evidence['revocationLists'],
  now: Date,
): Extract<Examined, { refusal: object }> | undefined {
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1] ?? certificate;
    const list = lists.get(issuer);
    if (!list) {
      return refused(
        'revocation',
        `there is no revocation list of ${issuer.title}`,
        `run vcs-pki crl, then load the list of ${issuer.title}`,
      );
    }
    if (now < list.thisUpdate) {
      return refused(
        'revocation',
        `the revocation list of ${issuer.title} is not valid before ${list.thisUpdate.toISOString()}`,
        'correct the clock, then run vcs-pki crl --after-clock-correction',
      );
    }
    if (now > list.nextUpdate) {
      return refused(
        'revocation',
        `the revocation list of ${issuer.title} expired on ${list.nextUpdate.toISOString()}; all its certificates count as revoked (requirement 59)`,
        'run vcs-pki crl, and have it run every day',
      );
    }
    if (certificate.serial && list.isRevoked(certificate.serial)) {
      return refused(
        'revocation',
        `serial ${certificate.serial} of ${certificate.title} is revoked`,
        'run vcs-pki apply to issue a new certificate',
      );
    }
  }
  return undefined;
}

function checkName(verifier: LinkEnd, presenter: LinkEnd, leaf: PresentedCertificate): Omit<Refusal, 'by'> | undefined {
  const { check } = verifier;
  if (!check || check.referenceNames.some((name) => matchName(leaf, name) !== undefined)) return undefined;
  const names = [...new Set([...(leaf.commonName === undefined ? [] : [leaf.commonName]), ...leaf.dnsNames])];
  return {
    step: 'name',
    message: `${check.setting} is ${check.referenceNames.join(' or ')}, but the certificate of ${presenter.fqdn} has only ${names.join(', ')}`,
    fix: `set it to one of these names, or declare the name for ${presenter.cluster}`,
  };
}

function firstEnd(
  chain: readonly PresentedCertificate[],
  lists: Evidence['revocationLists'] | undefined,
): { at: Date; because: string } {
  const ends = chain.flatMap((certificate) => {
    const list = lists?.get(certificate);
    return [
      { at: certificate.notAfter, because: `${certificate.title} expires` },
      ...(list ? [{ at: list.nextUpdate, because: `the revocation list of ${certificate.title} expires` }] : []),
    ];
  });
  return ends.reduce((first, end) => (end.at < first.at ? end : first));
}

function refused(step: Step, message: string, fix: string): Extract<Examined, { refusal: object }> {
  return { refusal: { step, message, fix } };
}

function nameOf(end: LinkEnd): string {
  return `${end.cluster}/${end.peer}`;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

import { VcsPkiError } from '../../errors.ts';
import type { Link, LinkEnd, PeerCheck } from '../../topology/links/link.ts';
import { unique } from '../../topology/names.ts';
import type { NameMatching } from '../../topology/releases/name-matching.ts';
import { nearest } from '../../verify/nearest.ts';
import type { PathCertificate } from '../../verify/path/path-certificate.ts';
import { titleOf } from '../../verify/predict.ts';
import type { Evidence, Examination, LinkVerdict } from '../../verify/prove.ts';
import { type Step, steps } from '../../verify/refusal.ts';
import { day, moment } from '../describe.ts';

/** A link in full: what each end finds of the other, step by step. */
export interface Explanation {
  readonly link: string;
  readonly verdict: LinkVerdict['verdict'];
  /** Until when an accepted link stays so, and what ends then. */
  readonly until?: Date;
  readonly because?: string;
  readonly unchecked: readonly string[];
  readonly directions: readonly Direction[];
}

export interface Direction {
  readonly verifier: string;
  readonly presenter: string;
  /** What the presenter is in the handshake. */
  readonly role: 'server' | 'client';
  /** Root first. */
  readonly chain: readonly ChainLink[];
  /** Empty where this end does not look at the other. */
  readonly steps: readonly ExplainedStep[];
}

interface ChainLink {
  readonly title: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Undefined while it is not issued. */
  readonly keyIdentifier: string | undefined;
  readonly from: string;
}

interface ExplainedStep {
  readonly step: Step;
  readonly outcome: 'ok' | 'FAILS' | 'not checked' | 'not reached';
  readonly detail: string;
  readonly fix?: string;
}

/** The link of that id, or the one whose id has it in it. Fails with LINK_UNKNOWN. */
export function findLink(links: readonly Link[], wanted: string): Link {
  const exact = links.find(({ id }) => id === wanted);
  const similar = links.filter(({ id }) => id.toLowerCase().includes(wanted.toLowerCase()));
  const [only, ...others] = exact ? [exact] : similar;
  if (only && others.length === 0) return only;
  const near = only ? similar : nearLinks(links, wanted);
  throw new VcsPkiError('LINK_UNKNOWN', {
    at: '--explain',
    value: wanted,
    message: only ? `${similar.length} links have ${wanted} in their id` : `there is no link ${wanted}`,
    fix: `use one of ${
      near
        .slice(0, MOST_NEAR)
        .map(({ id }) => `"${id}"`)
        .join(', ') || '(the topology has no links)'
    }`,
  });
}

const MOST_NEAR = 5;

/** Those with most of the words that were given, or of words like them. */
function nearLinks(links: readonly Link[], wanted: string): Link[] {
  const wordsOf = (text: string): string[] => text.toLowerCase().match(/[a-z0-9.-]*[a-z0-9]/g) ?? [];
  const asked = wordsOf(wanted);
  const score = ({ id }: Link) => {
    const words = wordsOf(id);
    const worth = (word: string) => (words.includes(word) ? 2 : nearest(word, words) === undefined ? 0 : 1);
    return asked.reduce((sum, word) => sum + worth(word), 0);
  };
  return links
    .map((link) => ({ link, score: score(link) }))
    .sort((a, b) => b.score - a.score)
    .map(({ link }) => link);
}

export function explain(verdict: LinkVerdict, evidence: Evidence): Explanation {
  const { link, examinations, unchecked, until } = verdict;
  const direction = (role: 'server' | 'client'): Direction => {
    const presenter = link[role];
    const verifier = role === 'server' ? link.client : link.server;
    const examination = examinations.find(({ by, of }) => by === verifier.name && of === presenter.name);
    const situation = { verifier, presenter, role, evidence };
    return {
      verifier: verifier.name,
      presenter: presenter.name,
      role,
      chain: examination ? chainOf(examination, situation) : [],
      steps: examination && verifier.check ? stepsOf(examination, verifier.check, situation) : [],
    };
  };
  return {
    link: link.id,
    verdict: verdict.verdict,
    ...(until && { until: until.at, because: until.because }),
    unchecked,
    directions: [direction('server'), direction('client')],
  };
}

// ---- one direction -------------------------------------------------------------------------------------------------

interface Situation {
  readonly verifier: LinkEnd;
  readonly presenter: LinkEnd;
  readonly role: 'server' | 'client';
  readonly evidence: Evidence;
}

function chainOf({ path }: Examination, { verifier, presenter, evidence }: Situation): ChainLink[] {
  const trusted = evidence.trustLists.get(verifier.holder) ?? [];
  return path
    .map((certificate, index) => ({
      title: titleOf(certificate),
      notBefore: certificate.notBefore,
      notAfter: certificate.notAfter,
      keyIdentifier: certificate.subjectKeyIdentifier?.toString('hex').toUpperCase(),
      from:
        index === 0
          ? `presented by ${presenter.name}`
          : trusted.includes(certificate)
            ? `on the trust list of ${verifier.holder}`
            : `sent by ${presenter.name}`,
    }))
    .reverse();
}

function stepsOf(examination: Examination, check: PeerCheck, situation: Situation): ExplainedStep[] {
  const { refusal } = examination;
  const failing = refusal ? steps.indexOf(refusal.step) : steps.length;
  return steps.map((step, index) => {
    if (index > failing) return { step, outcome: 'not reached', detail: '' };
    if (refusal && index === failing) return { step, outcome: 'FAILS', detail: refusal.message, fix: refusal.fix };
    return { step, ...passed(step, examination, check, situation) };
  });
}

function passed(
  step: Step,
  { path, matchedName }: Examination,
  check: PeerCheck,
  situation: Situation,
): Pick<ExplainedStep, 'outcome' | 'detail'> {
  const [leaf] = path;
  const root = path.at(-1);
  switch (step) {
    case 'chain':
      return { outcome: 'ok', detail: root ? `up to ${titleOf(root)}` : '' };
    case 'dates': {
      const [first] = [...path].sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
      return { outcome: 'ok', detail: first ? `until ${day(first.notAfter)}, when ${titleOf(first)} expires` : '' };
    }
    case 'revocation':
      return revocationOf(path, check, situation);
    case 'usage':
      return check.usage
        ? { outcome: 'ok', detail: `${leaf?.extendedKeyUsage?.join(', ') ?? 'any'}, for the TLS ${situation.role}` }
        : { outcome: 'not checked', detail: 'this connection does not look at it' };
    case 'name':
      return matchedName === undefined
        ? { outcome: 'not checked', detail: 'this connection compares no names' }
        : { outcome: 'ok', detail: `${matchedName} (${check.setting}), ${comparisonOf(check)}` };
  }
}

function comparisonOf({ nameMatching }: PeerCheck): string {
  return `compared with ${nameMatching.map((mode) => comparisons[mode]).join(', and with ')}`;
}

const comparisons: Readonly<Record<NameMatching, string>> = {
  'cn-or-san': 'common name and alternative names',
  'san-only': 'alternative names alone',
  rfc5922: 'the SIP domains of RFC 5922',
};

function revocationOf(
  path: readonly PathCertificate[],
  { revocation: { mode, channels } }: PeerCheck,
  { evidence }: Situation,
): Pick<ExplainedStep, 'outcome' | 'detail'> {
  if (mode === 'none') return { outcome: 'not checked', detail: 'this connection reads no revocation lists' };
  const asked = mode === 'peer' ? path.slice(0, 1) : path;
  const lists = unique(asked.map(({ issuer }) => issuer.key)).map((key) => {
    const [newest] = evidence.revocationLists
      .filter(({ issuer }) => issuer.key === key)
      .sort((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime());
    return newest && `${titleOf({ subject: newest.issuer })} until ${moment(newest.nextUpdate)}`;
  });
  // Lists of authorities elsewhere are fetched by the appliance, and not known here.
  if (lists.includes(undefined)) return { outcome: 'not checked', detail: 'not every list is known here' };
  return { outcome: 'ok', detail: `lists of ${lists.join(', ')} (${channels.join(', ')})` };
}

// ---- in words ------------------------------------------------------------------------------------------------------

export function explanationText({ link, verdict, until, because, unchecked, directions }: Explanation): string {
  const end = until ? ` until ${moment(until)}, when ${because}` : '';
  return [
    `${link}: ${verdict}${end}`,
    ...unchecked.map((reason) => `  not checked: ${reason}`),
    ...directions.flatMap((direction) => ['', ...directionLines(direction)]),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function directionLines({ verifier, presenter, role, chain, steps: explained }: Direction): string[] {
  if (explained.length === 0) return [`${verifier} does not verify ${presenter}, the TLS ${role}`];
  const width = Math.max(...chain.map(({ title }, depth) => 3 * depth + title.length));
  const tree = chain.flatMap(({ title, notBefore, notAfter, keyIdentifier, from }, depth) => {
    const branch = depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `;
    return [
      `  ${`${branch}${title}`.padEnd(width)}  ${from}`,
      `  ${'   '.repeat(depth)}${day(notBefore)} to ${day(notAfter)}, ${keyIdentifier === undefined ? 'to be issued' : `key ${keyIdentifier}`}`,
    ];
  });
  const results = explained.flatMap(({ step, outcome, detail, fix }) => [
    `  ${step.padEnd(10)}  ${outcome}${detail === '' ? '' : `: ${detail}`}`,
    ...(fix === undefined ? [] : [`${' '.repeat(14)}fix: ${fix}`]),
  ]);
  return [`${verifier} verifies ${presenter}, the TLS ${role}`, ...tree, ...results];
}

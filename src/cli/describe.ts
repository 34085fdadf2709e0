import { ownerText } from '../authority/owner.ts';
import type { Done } from '../authority/perform.ts';
import type { Action, Waiting } from '../authority/plan.ts';
import type { DemandId } from '../topology/ids.ts';
import type { Finding } from '../topology/rules/rule.ts';
import { titleOf } from '../verify/predict.ts';
import type { LinkVerdict } from '../verify/prove.ts';
import type { Refusal } from '../verify/refusal.ts';
import { serialHex } from '../x509/certificate.ts';
import { plural, table } from './output.ts';

/** A plan as data. */
export function actionData(action: Action): Record<string, unknown> {
  switch (action.kind) {
    case 'create authority':
      return {
        action: action.kind,
        authority: action.authority.id,
        issuer: action.authority.issuer ?? action.authority.id,
        reason: action.reason,
      };
    case 'issue':
    case 'request': {
      const { id, names, usages, issuer } = action.demand;
      return {
        action: action.kind,
        certificate: id,
        issue: action.issue,
        names,
        usages,
        issuer,
        reason: action.reason,
      };
    }
    case 'restore':
      return { action: action.kind, certificate: ownerText(action.owner), reason: action.reason };
    case 'revoke':
      return { action: action.kind, ...revokedData(action) };
    case 'sign CRL':
      return { action: action.kind, authority: action.authority.id, reason: action.reason };
  }
}

/** A plan in words: one line per action. */
export function actionTable(actions: readonly Action[]): string {
  return table(['ACTION', 'WHAT', 'NAMES', 'USAGES', 'ISSUER', 'WHY'], actions.map(actionRow));
}

function actionRow(action: Action): string[] {
  switch (action.kind) {
    case 'create authority': {
      const { id, subject, issuer } = action.authority;
      return ['create', `authority ${id}`, subject.commonName, 'sign', issuer ?? 'itself', action.reason];
    }
    case 'issue':
    case 'request': {
      const { id, names, usages, issuer } = action.demand;
      return [action.kind, id, names.join(' '), usages.join(' '), issuer, action.reason];
    }
    case 'restore':
      return ['restore', ownerText(action.owner), '', '', '', action.reason];
    case 'revoke': {
      const { serial, owner, authority, reason } = action;
      return ['revoke', owner ? ownerText(owner) : '', `serial ${serial}`, '', authority, reason];
    }
    case 'sign CRL':
      return ['sign CRL', `authority ${action.authority.id}`, '', '', action.authority.id, action.reason];
  }
}

/** Requests that are out with authorities elsewhere. */
export function waitingText(
  waiting: readonly Waiting[],
  { requests }: { requests: { folder(demand: DemandId): string } },
): string {
  return waiting
    .map(({ demand, since, differences }) =>
      differences.length === 0
        ? `waiting since ${since.slice(0, 10)} for ${demand.issuer} to sign ${demand.id}: send ${requests.folder(demand.id)}/certcsr.pem, then vcs-pki import FILE\n`
        : `the request of ${demand.id} is out of date (${differences.join(', ')}): import its certificate, or vcs-pki request ${demand.id} --discard\n`,
    )
    .join('');
}

export function waitingData({ demand, since, differences }: Waiting): Record<string, unknown> {
  return { certificate: demand.id, issuer: demand.issuer, since, differences };
}

export function doneText(done: Done): string {
  switch (done.kind) {
    case 'created authority':
      return `created authority ${done.id}, valid until ${day(done.certificate.notAfter)}`;
    case 'issued':
      return `issued ${done.demand.id}, serial ${serialHex(done.certificate.serialNumber)}, valid until ${day(done.certificate.notAfter)}`;
    case 'requested':
      return `made the request of ${done.demand.id}, for ${done.demand.issuer} to sign`;
    case 'restored':
      return `restored ${ownerText(done.owner)} (${done.reason})`;
    case 'revoked':
      return `revoked serial ${done.serial} of ${done.authority}${done.owner ? `, ${ownerText(done.owner)}` : ''} (${done.reason})`;
    case 'signed CRL':
      return `signed the list of ${done.authority}: number ${done.crl.crlNumber}, ${plural(done.crl.size, 'entry', 'entries')}, valid until ${moment(done.crl.nextUpdate)}`;
  }
}

export function doneData(done: Done): Record<string, unknown> {
  switch (done.kind) {
    case 'created authority':
      return {
        done: done.kind,
        authority: done.id,
        serial: serialHex(done.certificate.serialNumber),
        notAfter: done.certificate.notAfter,
      };
    case 'issued':
      return {
        done: done.kind,
        certificate: done.demand.id,
        serial: serialHex(done.certificate.serialNumber),
        notAfter: done.certificate.notAfter,
        reason: done.reason,
      };
    case 'requested':
      return { done: done.kind, certificate: done.demand.id, issuer: done.demand.issuer, reason: done.reason };
    case 'restored':
      return { done: done.kind, certificate: ownerText(done.owner), reason: done.reason };
    case 'revoked':
      return { done: done.kind, ...revokedData(done) };
    case 'signed CRL':
      return {
        done: done.kind,
        authority: done.authority,
        number: done.crl.crlNumber?.toString(),
        entries: done.crl.size,
        nextUpdate: done.crl.nextUpdate,
        reason: done.reason,
      };
  }
}

function revokedData({ authority, serial, owner, reason }: Omit<Extract<Done, { kind: 'revoked' }>, 'kind'>) {
  return { certificate: owner && ownerText(owner), authority, serial, reason };
}

export function verdictData(given: LinkVerdict): Record<string, unknown> {
  const { link, verdict, refusals, unchecked, examinations, until } = given;
  return {
    link: link.id,
    client: link.client.fqdn,
    server: link.server.fqdn,
    verdict,
    refusals,
    unchecked,
    examinations: examinations.map(({ by, of, path, matchedName }) => ({
      by,
      of,
      path: path.map(titleOf),
      ...(matchedName !== undefined && { matchedName }),
    })),
    ...(until && { until: until.at, because: until.because }),
  };
}

/** How many links there are of each verdict. */
export function verdictCounts(
  verdicts: readonly LinkVerdict[],
): Record<'accepted' | 'refused' | 'unknown' | 'notVerified', number> {
  const count = (verdict: LinkVerdict['verdict']) =>
    verdicts.filter((candidate) => candidate.verdict === verdict).length;
  return {
    accepted: count('accepted'),
    refused: count('refused'),
    unknown: count('unknown'),
    notVerified: count('not verified'),
  };
}

/** The counts and the first change, in one line. */
export function verdictLine(verdicts: readonly LinkVerdict[]): string {
  const { accepted, refused, unknown, notVerified } = verdictCounts(verdicts);
  const [first] = verdicts.flatMap(({ until }) => until ?? []).sort((a, b) => a.at.getTime() - b.at.getTime());
  return [
    `${accepted} of ${plural(verdicts.length - notVerified, 'TLS link')} verify`,
    ...(refused > 0 ? [`, ${refused} ${refused === 1 ? 'is' : 'are'} refused`] : []),
    ...(unknown > 0 ? [`, of ${unknown} it can't be said`] : []),
    ...(notVerified > 0
      ? [`; ${notVerified} more are not verified (TLS verify mode off, or peers in Permissive mode)`]
      : []),
    ...(first ? [`; the first change is on ${day(first.at)}, when ${first.because}`] : []),
  ].join('');
}

/** The links that fail in full, the others as a count. */
export function verdictSummary(verdicts: readonly LinkVerdict[]): string {
  return [verdictLine(verdicts), ...alikeRefusals(verdicts).map(refusalText)].map((part) => `${part}\n`).join('');
}

/** Refusals of one zone, system or group by the same side for the same reason: the first, and the other links. */
export interface AlikeRefusals {
  readonly link: LinkVerdict['link'];
  readonly refusal: Refusal;
  readonly others: readonly LinkVerdict['link'][];
}

export function alikeRefusals(verdicts: readonly LinkVerdict[]): AlikeRefusals[] {
  const groups = new Map<string, AlikeRefusals & { readonly others: LinkVerdict['link'][] }>();
  for (const { link, refusals } of verdicts) {
    for (const refusal of refusals) {
      const key = [link.of, link.kind, refusal.by.split('/')[0], refusal.step, refusal.diagnosis, refusal.fix].join(
        '\n',
      );
      const known = groups.get(key);
      if (known) known.others.push(link);
      else groups.set(key, { link, refusal, others: [] });
    }
  }
  return [...groups.values()];
}

function refusalText({ link, refusal: { by, step, diagnosis, message, fix }, others }: AlikeRefusals): string {
  return [
    `refused: ${link.id}`,
    `  ${by} at step ${step}${diagnosis ? ` (${diagnosis})` : ''}: ${message}`,
    ...(others.length > 0
      ? [
          `  and ${others
            .map(({ id }) => id)
            .slice(0, 5)
            .join(', ')}${others.length > 5 ? `, ${others.length - 5} more` : ''}`,
        ]
      : []),
    `  fix: ${fix}`,
  ].join('\n');
}

export function verdictTable(verdicts: readonly LinkVerdict[]): string {
  return table(
    ['LINK', 'VERDICT', 'CLIENT CHECKS', 'SERVER CHECKS', 'UNTIL', 'WHY'],
    verdicts.map(({ link, verdict, refusals, until }) => [
      link.id,
      verdict,
      link.client.check?.referenceNames.join(' ') ?? 'nothing',
      link.server.check?.referenceNames.join(' ') ?? 'nothing',
      until ? day(until.at) : '',
      refusals.map((refusal) => `${refusal.by}, ${refusal.step}: ${refusal.message}`).join('; ') ||
        (until?.because ?? ''),
    ]),
  );
}

/** A finding in full, with why it is accepted where the declaration suppresses it. */
export function findingText({
  severity,
  code,
  diagnosis,
  at,
  message,
  value,
  holds,
  fix,
  suppressed,
}: Finding): string {
  const requirements = holds.length > 0 ? `; requirement${holds.length > 1 ? 's' : ''} ${holds.join(', ')}` : '';
  const lines = [
    `${severity} ${code}${diagnosis ? ` (${diagnosis})` : ''} ${at}: ${message}`,
    `  seen: ${value}${requirements}`,
    `  fix: ${fix}`,
    ...(suppressed === undefined ? [] : [`  accepted: ${suppressed}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** What became of a server.p12 that held the certificate before. */
export function withdrawnText({ withdrawn }: { readonly withdrawn: readonly string[] }): string {
  return withdrawn
    .map(
      (peer) =>
        `removed server.p12 of ${peer}: it held the certificate before; --pkcs12-password-file FILE writes a new one\n`,
    )
    .join('');
}

export function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

export function moment(date: Date | undefined): string {
  return date ? `${date.toISOString().slice(0, 16)}Z` : 'never';
}

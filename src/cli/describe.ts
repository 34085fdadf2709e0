import type { Done } from '../authority/perform.ts';
import type { Action, Waiting } from '../authority/plan.ts';
import type { Finding } from '../topology/rules/rule.ts';
import type { LinkVerdict } from '../verify/prove.ts';
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
    case 'issue': {
      const { id, names, usages, issuer } = action.demand;
      return {
        action: action.kind,
        certificate: id,
        generation: action.generation,
        names,
        usages,
        issuer,
        reason: action.reason,
      };
    }
    case 'request': {
      const { id, names, usages, issuer } = action.demand;
      return {
        action: action.kind,
        certificate: id,
        generation: action.generation,
        names,
        usages,
        issuer,
        reason: action.reason,
      };
    }
    case 'restore':
      return { action: action.kind, certificate: action.owner, reason: action.reason };
    case 'revoke':
      return {
        action: action.kind,
        certificate: action.record.issuance.owner,
        serial: action.record.serial,
        reason: action.reason,
      };
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
      return ['restore', action.owner, '', '', '', action.reason];
    case 'revoke': {
      const { serial, issuance } = action.record;
      return ['revoke', issuance.owner, `serial ${serial}`, '', issuance.specification.issuer, action.reason];
    }
    case 'sign CRL':
      return ['sign CRL', `authority ${action.authority.id}`, '', '', action.authority.id, action.reason];
  }
}

/** Requests that are out with authorities elsewhere. */
export function waitingText(
  waiting: readonly Waiting[],
  { requests }: { requests: { folder(demand: string): string } },
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
      return `restored ${done.owner} (${done.reason})`;
    case 'revoked':
      return `revoked ${done.record.issuance.owner}, serial ${done.record.serial} (${done.reason})`;
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
      return { done: done.kind, certificate: done.owner, reason: done.reason };
    case 'revoked':
      return {
        done: done.kind,
        certificate: done.record.issuance.owner,
        serial: done.record.serial,
        reason: done.reason,
      };
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

export function verdictData({ link, verdict, refusals, until }: LinkVerdict): Record<string, unknown> {
  return {
    link: link.id,
    client: link.client.fqdn,
    server: link.server.fqdn,
    verdict,
    refusals,
    ...(until && { until: until.at, because: until.because }),
  };
}

/** The links that fail in full, the others as a count. */
export function verdictSummary(verdicts: readonly LinkVerdict[]): string {
  const count = (verdict: LinkVerdict['verdict']) =>
    verdicts.filter((candidate) => candidate.verdict === verdict).length;
  const unverified = count('not verified');
  const unknown = count('unknown');
  const first = verdicts.flatMap((verdict) => verdict.until ?? []).sort((a, b) => a.at.getTime() - b.at.getTime())[0];
  const lines = [
    `${count('accepted')} of ${plural(verdicts.length - unverified, 'TLS link')} verify${unverified > 0 ? `, ${unverified} more are not verified (TLS verify mode off, or peers in Permissive mode)` : ''}${unknown > 0 ? `, of ${unknown} it can't be said` : ''}` +
      (first ? `; the first change is on ${day(first.at)}, when ${first.because}` : ''),
  ];
  for (const { link, refusals } of verdicts.filter((verdict) => verdict.verdict === 'refused')) {
    lines.push(`refused: ${link.id}`);
    for (const refusal of refusals)
      lines.push(`  ${refusal.by} at step ${refusal.step}: ${refusal.message}`, `    fix: ${refusal.fix}`);
  }
  return `${lines.join('\n')}\n`;
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

export function findingText(finding: Finding): string {
  const holds = finding.holds.join(', ');
  return `${finding.severity} ${finding.code} ${finding.at}: ${finding.message} (${finding.value}; requirement ${holds})\n  fix: ${finding.fix}\n`;
}

export function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

export function moment(date: Date | undefined): string {
  return date ? `${date.toISOString().slice(0, 16)}Z` : 'never';
}

import type { Finding } from '../../topology/rules/rule.ts';
import type { Artefact } from '../../verify/diagnosis/artefact.ts';
import { findingText, verdictCounts, verdictLine } from '../describe.ts';
import { type Paint, plural } from '../output.ts';
import type { Declared } from './declared.ts';
import type { WhatIf } from './what-if.ts';

/** All that one run of check looked at. */
export interface Checked {
  readonly now: Date;
  readonly topologies: readonly CheckedTopology[];
  /** What was named beside topologies. */
  readonly artefacts: readonly Artefact[];
  readonly findings: readonly Located[];
  readonly notChecked: readonly string[];
}

export interface CheckedTopology {
  /** Its file, as it is shown. */
  readonly file: string;
  readonly declared: Declared;
  readonly whatIf: WhatIf | undefined;
}

export interface Located extends Finding {
  /** The declaration that it is about; absent: `at` is a file or a server itself. */
  readonly declaration?: string;
}

export function hasErrors({ findings }: Checked): boolean {
  return findings.some(({ severity, suppressed }) => severity === 'error' && suppressed === undefined);
}

// ---- as data -------------------------------------------------------------------------------------------------------

export function reportData({ now, topologies, findings, notChecked }: Checked): Record<string, unknown> {
  return {
    at: now,
    topologies: topologies.map(({ file, declared, whatIf }) => ({
      name: declared.session.workspace.topology.name,
      file,
      links: verdictCounts(declared.verdicts),
      actions: declared.plan.actions.length,
      ...(whatIf && { whatIf }),
    })),
    findings,
    notChecked,
  };
}

// ---- in words ------------------------------------------------------------------------------------------------------

export function reportText(checked: Checked, paint: Paint): string {
  const { topologies, findings, notChecked } = checked;
  const accepted = findings.filter(({ suppressed }) => suppressed !== undefined);
  const open = findings.filter(({ suppressed }) => suppressed === undefined);
  const added = new Set(topologies.flatMap(({ whatIf }) => whatIf?.new ?? []).map(identityOf));
  const text = (finding: Located) =>
    `${added.has(identityOf(finding)) ? 'new: ' : ''}${findingText(finding).replace(finding.severity, paint)}`;
  return [
    ...topologies.map(topologyText),
    ...open.map(text),
    ...section('Accepted by the declaration', accepted.map(text)),
    ...section(
      'Not checked',
      notChecked.map((line) => `  ${line}\n`),
    ),
    totals(open, accepted.length),
  ].join('\n');
}

function topologyText({ declared, whatIf }: CheckedTopology): string {
  const { session, plan, verdicts } = declared;
  const due = plan.actions.length + plan.waiting.length;
  return [
    `${session.workspace.topology.name}: ${verdictLine(verdicts)}`,
    ...(due === 0 ? [] : [`  as predicted, for ${plural(due, 'action')} that vcs-pki plan lists`]),
    ...(whatIf ? whatIfLines(whatIf) : []),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function whatIfLines({ title, new: added, gone, reissued, renamed }: WhatIf): string[] {
  return [
    title,
    `  ${plural(added.length, 'finding')} more, marked as new; ${plural(gone.length, 'finding')} gone`,
    ...gone.map(({ severity, code, at }) => `    gone: ${severity} ${code} ${at}`),
    `  ${reissued.length === 0 ? 'no certificate' : plural(reissued.length, 'certificate')} would be reissued`,
    ...reissued.map(({ certificate, why }) => `    ${certificate}: ${why}`),
    ...renamed.map(({ certificate, why }) => `    ${certificate}: ${why}, at its next renewal`),
  ];
}

function section(title: string, parts: readonly string[]): string[] {
  return parts.length === 0 ? [] : [`${title}\n${parts.join('')}`];
}

function totals(open: readonly Finding[], accepted: number): string {
  const count = (severity: Finding['severity']) => open.filter((finding) => finding.severity === severity).length;
  const words = `${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}, ${count('advice')} of advice`;
  return `${words}${accepted > 0 ? `; ${accepted} accepted` : ''}\n`;
}

function identityOf({ code, at, value, severity }: Finding): string {
  return [code, at, value, severity].join('\n');
}

import { dirname } from 'node:path';
import { addDays } from '../../authority/schedule.ts';
import { VcsPkiError } from '../../errors.ts';
import { bySeverity, suppressor } from '../../topology/findings.ts';
import type { Release } from '../../topology/releases/release.ts';
import type { Finding } from '../../topology/rules/rule.ts';
import { examine } from '../../verify/diagnosis/examine.ts';
import { timeoutOption } from '../check/address.ts';
import { calendar, calendarTable } from '../check/calendar.ts';
import { lookAt } from '../check/declared.ts';
import { inventory, inventoryTable } from '../check/inventory.ts';
import {
  type Checked,
  type CheckedTopology,
  hasErrors,
  type Located,
  reportData,
  reportText,
} from '../check/report.ts';
import { sarif } from '../check/sarif.ts';
import { readTargets, shownPath, type Targets } from '../check/targets.ts';
import { parseRelease, whatIf, withRelease } from '../check/what-if.ts';
import {
  type Command,
  type Context,
  outputFormats,
  passwordOption,
  readerOptions,
  TARGET_HELP,
  targetOptions,
} from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { choice, number, type Options, text } from '../options.ts';
import { outputFormat, painter, print } from '../output.ts';
import type { Workspace } from '../target.ts';

export const checkCommand: Command = {
  arguments: '[TARGET ...]',
  minArguments: 0,
  maxArguments: 100,
  description: `Says what is wrong, or will be, and how to mend it. Changes nothing, and sends no secret.

${TARGET_HELP}
TARGET can also be a file (certificate, request, revocation list, key, PFX, excerpt of an appliance's
log), a folder of such files, - for standard input, or a server: HOST:PORT, or a name alone for its
ports 5061 and 443. Several targets are looked at together: check old.pem new.pem compares.
Ends with ${exitCodes.failed.code} when there is an error among the findings.`,
  options: {
    view: {
      type: 'choice',
      choices: ['findings', 'inventory', 'calendar'],
      value: 'VIEW',
      description: 'findings (default); inventory: who holds what, and what for; calendar: what ends or falls due when',
    },
    release: { type: 'text', value: 'NAME', description: 'As if every appliance ran this release, such as X15.4' },
    days: {
      type: 'number',
      unit: 'days',
      least: 0,
      most: 999_999,
      value: 'N',
      description: 'Only the next N days of the calendar',
    },
    ...targetOptions,
    ...passwordOption,
    ...readerOptions,
    ...timeoutOption,
    output: {
      type: 'choice',
      choices: [...outputFormats, 'sarif'],
      short: 'o',
      value: 'FORMAT',
      description: 'table (default), json, yaml or sarif',
    },
  },
  examples: [
    'vcs-pki check',
    'vcs-pki check --release X15.4',
    'vcs-pki check --view inventory --output json',
    'vcs-pki check old.pem new.pem expe1.example.com:5061',
  ],
  async run(targets, options, context) {
    const format = outputFormat(options, 'sarif');
    const view = viewOption(options, format);
    const days = daysOption(options, view);
    const name = text(options, 'release');
    const release = name === undefined ? undefined : parseRelease(name);
    const checked = await check(await readTargets(targets, options, context, process.stdin), release, context);
    const code = hasErrors(checked) ? exitCodes.failed.code : exitCodes.ok.code;
    if (format === 'sarif') {
      await print(context, 'json', sarif(checked), () => '');
      return code;
    }
    switch (view) {
      case 'findings':
        await print(context, format, reportData(checked), () => reportText(checked, painter(context.env)));
        return code;
      case 'inventory': {
        const certificates = await inventory(checked);
        await print(context, format, { certificates }, () => inventoryTable(certificates));
        return exitCodes.ok.code;
      }
      case 'calendar': {
        const entries = calendar(checked).filter(({ at }) => days === undefined || at <= addDays(checked.now, days));
        await print(context, format, { entries }, () => calendarTable(entries));
        return exitCodes.ok.code;
      }
    }
  },
};

async function check(
  { workspaces, artefacts, notChecked }: Targets,
  release: Release | undefined,
  context: Context,
): Promise<Checked> {
  const now = context.clock.now();
  const topologies: CheckedTopology[] = [];
  for (const workspace of workspaces) topologies.push(await checkTopology(workspace, release, context, now));
  const bundles = topologies.flatMap(({ declared }) => declared.bundles.artefacts);
  const delivered = new Set(bundles.flatMap(({ path }) => [path, dirname(path)]));
  // What was delivered takes part in the comparison, and has been examined for itself.
  const given =
    artefacts.length > 0
      ? examine({ artefacts: [...artefacts, ...bundles], now, ...(release && { release }) })
      : { findings: [], notChecked: [] };
  const suppressors = workspaces.map(({ topology }) => suppressor(topology));
  const accepted = (finding: Finding) => suppressors.reduce((found, suppress) => suppress(found), finding);
  const findings: Located[] = [
    ...topologies.flatMap(({ file, declared }) => [
      ...declared.findings.map((finding) => ({ ...finding, declaration: file })),
      ...declared.bundles.findings,
    ]),
    ...given.findings.filter(({ at }) => !delivered.has(at)).map(accepted),
  ].sort(bySeverity);
  return {
    now,
    topologies,
    artefacts,
    findings,
    notChecked: [
      ...topologies.flatMap(({ declared }) => [...declared.notChecked, ...declared.bundles.notChecked]),
      ...notChecked,
      ...given.notChecked,
    ],
  };
}

async function checkTopology(
  workspace: Workspace,
  release: Release | undefined,
  context: Context,
  now: Date,
): Promise<CheckedTopology> {
  const file = shownPath(workspace.file, context);
  const today = await lookAt(workspace, context, now);
  if (!release) return { file, declared: today, whatIf: undefined };
  const then = await lookAt(withRelease(workspace, release), context, now);
  return { file, declared: then, whatIf: whatIf(today, then, release) };
}

// ---- options -------------------------------------------------------------------------------------------------------

const views = ['findings', 'inventory', 'calendar'] as const;
type View = (typeof views)[number];

function viewOption(options: Options, format: string): View {
  const view = choice(options, 'view', views) ?? 'findings';
  if (format !== 'sarif' || view === 'findings') return view;
  throw usage('--output', format, `SARIF holds findings, and no ${view}`, 'use --output json, or leave --view out');
}

function daysOption(options: Options, view: View): number | undefined {
  const days = number(options, 'days');
  if (days === undefined || view === 'calendar') return days;
  throw usage('--days', String(days), 'is for the calendar alone', 'add --view calendar');
}

function usage(at: string, value: string, message: string, fix: string): VcsPkiError {
  return new VcsPkiError('USAGE', { at, value, message, fix });
}

import { join } from 'node:path';
import * as z from 'zod';
import { certificateAbandoned } from '../src/authority/abandoned.ts';
import { authorityKeyLost } from '../src/authority/authority-key.ts';
import { restartPending, uploadPending } from '../src/authority/confirmation.ts';
import { linkRefused } from '../src/cli/check/declared.ts';
import { help } from '../src/cli/help.ts';
import { commands, overview } from '../src/cli/main.ts';
import { errorCodes } from '../src/errors.ts';
import { rules } from '../src/topology/findings.ts';
import type { ReleaseRow } from '../src/topology/releases/release.ts';
import { releases } from '../src/topology/releases/releases.ts';
import { laterReleases } from '../src/topology/releases/rows.ts';
import { sources } from '../src/topology/releases/sources.ts';
import { requirements } from '../src/topology/requirements.ts';
import type { RuleFacts } from '../src/topology/rules/rule.ts';
import { topologySchema } from '../src/topology/schema.ts';
import { diagnoses } from '../src/verify/diagnosis/diagnoses.ts';
import { evidenceRules } from '../src/verify/diagnosis/examine.ts';
import { heldBy } from './held-by.ts';
import { troubleshooting } from './troubleshooting.ts';

/** The documents that are made from the sources, by path. `npm run generate` writes them, a test holds them current. */
export async function generatedDocuments(): Promise<Map<string, string>> {
  return new Map([
    ['docs/errors.md', errors()],
    ['docs/cli.md', await commandLine()],
    ['docs/topology.schema.json', topology()],
    ['docs/rules.md', ruleList()],
    ['docs/releases.md', releaseTable()],
    ['docs/requirements.md', requirementList()],
    ['docs/troubleshooting.md', await troubleshooting()],
  ]);
}

function errors(): string {
  const rows = Object.entries(errorCodes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
  return `# Errors

Every error of vcs-pki has a stable code, the place, what is wrong and how to mend it:

\`\`\`
error KEY_MISMATCH: pki/authorities/root-ca/private/cakey.pem: is not the key of cacert.pem of authority root-ca
  fix: restore both from the same backup
\`\`\`

| code | meaning |
| --- | --- |
${rows.join('\n')}
`;
}

async function commandLine(): Promise<string> {
  const sections = [];
  for (const [name, { load }] of Object.entries(commands)) {
    sections.push(`## vcs-pki ${name}\n\n\`\`\`\n${help(name, await load())}\`\`\``);
  }
  return `# Command line

\`\`\`
${overview()}\`\`\`

${sections.join('\n\n')}
`;
}

function topology(): string {
  const schema = z.toJSONSchema(topologySchema, { io: 'input', unrepresentable: 'any' });
  return `${JSON.stringify({ title: 'vcs-pki topology', ...schema }, undefined, 2)}\n`;
}

/** On declarations, then on what is found in files, logs and connections, then on links and peers. */
const allRules: readonly (readonly [what: string, rules: readonly RuleFacts[]])[] = [
  ['A declaration', rules],
  ['Files, logs, directories and connections', evidenceRules],
  [
    'Links, and what was confirmed of peers',
    [linkRefused, restartPending, uploadPending, certificateAbandoned, authorityKeyLost],
  ],
];

function ruleList(): string {
  const sections = allRules.map(([what, list]) => {
    const entries = list.map(
      ({ code, title, severity, releases: about, holds, diagnosis, refusedByRelease }) =>
        `### ${code}

${title}

Up to: ${severity}. Releases: ${about}.${holds.length > 0 ? ` Requirement ${holds.join(', ')}.` : ''}${diagnosis ? ` Diagnosis [${diagnosis}](requirements.md#diagnoses).` : ''}${refusedByRelease ? " The appliance itself refuses it: it can't be suppressed." : ''}`,
    );
    return `## ${what}\n\n${entries.join('\n\n')}`;
  });
  return `# Rules

What \`vcs-pki check\` says, by code. An error stops whatever would issue; warnings and advice do not. A declaration accepts a
finding with \`suppressions: [{ code, at?, reason }]\`; it stays in every report, and no longer counts as an error. What the
appliance itself refuses, and a link that would not verify, can't be accepted.

${sections.join('\n\n')}
`;
}

function releaseTable(): string {
  const rows: readonly ReleaseRow[] = laterReleases;
  const changes = rows.flatMap(({ name, changes: list }) =>
    list.flatMap(({ source, ...facts }) =>
      Object.entries(facts).map(
        ([fact, value]) =>
          `| ${name} | ${fact} | ${factText(value)} | ${source.map((one) => sources[one]).join('; ')} |`,
      ),
    ),
  );
  const { name, ...first } = releases[0] ?? { name: '' };
  const start = Object.entries(first).map(([fact, value]) => `| ${fact} | ${factText(value)} |`);
  return `# Releases

What each release does with certificates. A release that is not named here does what the one before it does.

## ${name}

| fact | value |
| --- | --- |
${start.join('\n')}

## What later releases changed

| release | fact | from then on | source |
| --- | --- | --- | --- |
${changes.join('\n')}

Known releases: ${releases.map((release) => release.name).join(', ')}, and maintenance releases of these.
`;
}

function factText(value: unknown): string {
  if (value === undefined) return 'none';
  if (Array.isArray(value)) return value.join(', ') || 'none';
  if (typeof value === 'object' && value !== null)
    return Object.values(value)
      .filter((text) => text !== undefined)
      .join('; ');
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

function requirementList(): string {
  const held = heldBy(join(import.meta.dirname, '..'));
  const byRequirement = (number: number) =>
    allRules.flatMap(([, list]) => list.filter(({ holds }) => holds.includes(number)).map(({ code }) => code));
  const byDiagnosis = (id: string) =>
    allRules.flatMap(([, list]) => list.filter(({ diagnosis }) => diagnosis === id).map(({ code }) => code));
  const link = (code: string) => `[${code}](rules.md#${code.toLowerCase()})`;
  const file = (path: string) => `[${path.replace(/^.*\//, '')}](../${path})`;
  const rows = requirements.map(({ class: kind, says }, index) => {
    const number = index + 1;
    const tests = held.requirements.get(number) ?? [];
    return `| ${number} | ${kind} | ${says} | ${byRequirement(number).map(link).join(' ')} | ${tests.map(file).join(' ')} |`;
  });
  const faults = diagnoses.map(({ id, name, symptom, cause, fix, evidence }) => {
    const tests = held.diagnoses.get(id) ?? [];
    return `| ${id} | ${name} | ${symptom} | ${cause} | ${fix} | ${evidence.join(', ')} | ${byDiagnosis(id).map(link).join(' ')} | ${tests.map(file).join(' ')} |`;
  });
  return `# Requirements and diagnoses

## Requirements

What the three Cisco guides ask for (VCS X7.2, VCS X8.1, Expressway X8.1). A rule accepts and refuses; an artefact is held by
what vcs-pki produces; a fact is background.

| | class | what it asks for | rules | tests |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

## Diagnoses

Faults as engineers meet them, and what \`vcs-pki check\`, \`vcs-pki prove\` and \`vcs-pki plan\` tell them by.

| | name | symptom | cause | fix | told by | rules | tests |
| --- | --- | --- | --- | --- | --- | --- | --- |
${faults.join('\n')}
`;
}

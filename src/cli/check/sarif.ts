import { createHash } from 'node:crypto';
import { isAbsolute, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { certificateAbandoned } from '../../authority/abandoned.ts';
import { authorityKeyLost } from '../../authority/authority-key.ts';
import { restartPending, uploadPending } from '../../authority/confirmation.ts';
import { rules } from '../../topology/findings.ts';
import { requirements } from '../../topology/requirements.ts';
import type { Finding, RuleFacts, Severity } from '../../topology/rules/rule.ts';
import { evidenceRules } from '../../verify/diagnosis/examine.ts';
import { linkRefused } from './declared.ts';
import { STANDARD_INPUT } from './files.ts';
import type { Checked, Located } from './report.ts';

/** The findings as SARIF 2.1.0 (OASIS), for code scanning and editors: one run, with the rules that spoke. */
export function sarif({ findings, notChecked, artefacts }: Checked): Record<string, unknown> {
  const codes = [...new Set(findings.map(({ code }) => code))].sort();
  const known = new Map([...allRules].reverse().map((rule) => [rule.code, rule]));
  const files = new Set(artefacts.filter(({ kind }) => kind !== 'served').map(({ path }) => path));
  const fingerprint = fingerprints();
  const servers = artefacts.filter(({ kind }) => kind === 'served').map(({ path }) => path);
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'vcs-pki', rules: codes.map((code) => descriptor(code, known.get(code))) } },
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: notChecked.map((text) => ({
              level: 'note',
              message: { text: `not checked: ${text}` },
            })),
          },
        ],
        results: findings.map((finding) => ({
          ruleId: finding.code,
          ruleIndex: codes.indexOf(finding.code),
          level: levels[finding.severity],
          message: { text: `${finding.at}: ${finding.message} (seen: ${finding.value}). Fix: ${finding.fix}` },
          locations: [locationOf(finding, files, new Set([...servers, STANDARD_INPUT]))],
          partialFingerprints: { 'codePlaceValue/v1': fingerprint(finding) },
          ...(finding.suppressed !== undefined && {
            suppressions: [{ kind: 'inSource', status: 'accepted', justification: finding.suppressed }],
          }),
          properties: {
            requirements: finding.holds,
            ...(finding.diagnosis && { diagnosis: finding.diagnosis }),
          },
        })),
      },
    ],
  };
}

/** Where a code stands for several, the first counts. */
const allRules: readonly RuleFacts[] = [
  ...rules,
  restartPending,
  uploadPending,
  certificateAbandoned,
  authorityKeyLost,
  linkRefused,
  ...evidenceRules,
];

const levels: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', advice: 'note' };

function descriptor(id: string, rule: RuleFacts | undefined): Record<string, unknown> {
  if (!rule) return { id };
  const { title, holds, releases, severity } = rule;
  const says = holds.map((number) => `Requirement ${number}: ${requirements[number - 1]?.says}.`);
  return {
    id,
    shortDescription: { text: title },
    help: { text: [title, ...says, `Releases: ${releases}.`].join('\n') },
    defaultConfiguration: { level: levels[severity] },
  };
}

// ---- places --------------------------------------------------------------------------------------------------------

function locationOf(
  { at, declaration }: Located,
  files: ReadonlySet<string>,
  elsewhere: ReadonlySet<string>,
): Record<string, unknown> {
  if (declaration !== undefined)
    return {
      physicalLocation: { artifactLocation: { uri: uriOf(declaration) } },
      logicalLocations: [{ fullyQualifiedName: at, kind: 'object' }],
    };
  const [, path = at, line] = /^(.+):(\d+)$/.exec(at) ?? [];
  if (elsewhere.has(at) || elsewhere.has(path))
    return { logicalLocations: [{ fullyQualifiedName: at, kind: 'resource' }] };
  return files.has(path) && line !== undefined
    ? { physicalLocation: { artifactLocation: { uri: uriOf(path) }, region: { startLine: Number(line) } } }
    : { physicalLocation: { artifactLocation: { uri: uriOf(at) } } };
}

/** Relative to the current folder, where it is below. */
function uriOf(path: string): string {
  return isAbsolute(path) ? pathToFileURL(path).href : path.split(sep).map(encodeURIComponent).join('/');
}

/** The same for the same finding of the next run, whatever its wording; findings that agree in all of it are counted. */
function fingerprints(): (finding: Finding) => string {
  const seen = new Map<string, number>();
  return ({ code, at, value }) => {
    const hash = createHash('sha256').update([code, at, value].join('\n')).digest('hex').slice(0, 32);
    const count = (seen.get(hash) ?? 0) + 1;
    seen.set(hash, count);
    return `${hash}:${count}`;
  };
}

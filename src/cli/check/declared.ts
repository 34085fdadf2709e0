import { join } from 'node:path';
import { abandonedFinding, abandonedOf } from '../../authority/abandoned.ts';
import { authorityKeyFindings } from '../../authority/authority-key.ts';
import { pendingFindings, standings } from '../../authority/confirmation.ts';
import { isValid, type Plan, type RecordedState } from '../../authority/plan.ts';
import type { CertificateRecord } from '../../authority/record.ts';
import { layout } from '../../store/disk-material.ts';
import { findings, suppressor } from '../../topology/findings.ts';
import { releaseOf } from '../../topology/releases/releases.ts';
import { type Finding, findingOf, type RuleFacts } from '../../topology/rules/rule.ts';
import { declaredKeyFindings } from '../../verify/diagnosis/declared-keys.ts';
import { examine } from '../../verify/diagnosis/examine.ts';
import type { LinkVerdict } from '../../verify/prove.ts';
import type { Step } from '../../verify/refusal.ts';
import type { Context } from '../command.ts';
import { alikeRefusals } from '../describe.ts';
import { plural } from '../output.ts';
import { checkedState, planOf, proveSession, readSession, type Session } from '../session.ts';
import type { Workspace } from '../target.ts';
import { readEvidenceFolder } from './files.ts';
import type { Gathered } from './gathered.ts';
import { statusOf } from './read-only.ts';
import { shownPath } from './targets.ts';

/** A topology with what is there of it: on record, predicted for what is pending, and delivered. */
export interface Declared {
  readonly session: Session;
  readonly state: RecordedState;
  readonly plan: Plan;
  readonly verdicts: readonly LinkVerdict[];
  /** Of the rules, of declared keys, of the proof, and of what is still to be loaded. */
  readonly findings: readonly Finding[];
  readonly notChecked: readonly string[];
  readonly bundles: Bundles;
}

export async function lookAt(workspace: Workspace, context: Context, now: Date): Promise<Declared> {
  const { topology } = workspace;
  const found = findings(topology, now);
  const session = await readSession(workspace, context);
  const state = await checkedState(session);
  const plan = planOf(session, state, now);
  const verdicts = await proveSession(session, state, plan, now);
  const confirmations = session.lock?.peers ?? {};
  return {
    session,
    state,
    plan,
    verdicts,
    findings: [
      ...found,
      ...(await declaredKeyFindings(topology, now)).map(suppressor(topology)),
      ...refusalFindings(verdicts),
      ...[
        ...authorityKeyFindings(state),
        ...pendingFindings(standings(topology, state, confirmations), confirmations),
        ...(await abandonedFindings(session, state, now)),
      ].map(suppressor(topology)),
    ],
    notChecked: uncheckedLinks(verdicts),
    bundles: await readBundles(session, context, now),
  };
}

// ---- the proof -----------------------------------------------------------------------------------------------------

export const linkRefused: RuleFacts = {
  code: 'LINK_REFUSED',
  title: 'One end of a TLS link would not accept the other.',
  holds: [3, 42, 52, 59, 61],
  severity: 'error',
  releases: 'all; who checks what differs',
};

/** Requirements by the step that fails. */
const holds: Readonly<Record<Step, readonly number[]>> = {
  chain: [42],
  dates: [3],
  revocation: [52, 59],
  usage: [20, 23],
  name: [61],
};

/** What is wrong with a zone is wrong with all its links: one finding for what is alike, at the first of them. */
function refusalFindings(verdicts: readonly LinkVerdict[]): Finding[] {
  return alikeRefusals(verdicts).map(({ link, refusal: { by, step, message, fix, diagnosis }, others }) => {
    const more = others.length === 0 ? '' : `; so would ${plural(others.length, 'more link')} of ${link.of}`;
    return findingOf(
      { ...linkRefused, holds: holds[step], ...(diagnosis && { diagnosis }) },
      { at: link.id, value: step, message: `${by} would refuse at step ${step}: ${message}${more}`, fix },
    );
  });
}

/** One line for each reason, with the first of the links. */
function uncheckedLinks(verdicts: readonly LinkVerdict[]): string[] {
  const byReason = new Map<string, { readonly first: string; more: number }>();
  for (const { link, unchecked } of verdicts) {
    for (const reason of unchecked) {
      const known = byReason.get(reason);
      if (known) known.more += 1;
      else byReason.set(reason, { first: link.id, more: 0 });
    }
  }
  return [...byReason].map(([reason, { first, more }]) =>
    more === 0 ? `${first}: ${reason}` : `${first} and ${more} more: ${reason}`,
  );
}

// ---- the record ----------------------------------------------------------------------------------------------------

async function abandonedFindings({ directory }: Session, { history }: RecordedState, now: Date): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const [demand, records] of history ?? []) {
    const held = new Set<CertificateRecord>();
    for (const record of records)
      if (isValid(record, now) && (await directory.material.hasKey({ demand }, record.issuance.issue)))
        held.add(record);
    found.push(...abandonedOf(records, (record) => held.has(record), now).map(abandonedFinding));
  }
  return found;
}

// ---- bundles -------------------------------------------------------------------------------------------------------

/** What was delivered, and what is said of it. */
export interface Bundles extends Gathered {
  readonly findings: readonly Finding[];
}

/** Each cluster's are examined as its release takes them. */
async function readBundles({ workspace, directory }: Session, context: Context, now: Date): Promise<Bundles> {
  const { name, clusters } = workspace.topology;
  const all: Bundles[] = [];
  for (const cluster of clusters) {
    const folder = join(directory.path, layout.bundles, name, cluster.id);
    if ((await statusOf(folder))?.kind !== 'folder') continue;
    const read = await readEvidenceFolder(folder, shownPath(folder, context), undefined);
    const { artefacts } = read;
    const { findings: found } = examine({ artefacts, now, release: releaseOf(cluster) });
    all.push({
      artefacts,
      findings: found.filter(({ code }) => !judgedByProof.has(code)).map(suppressor(workspace.topology)),
      notChecked: read.notChecked,
    });
  }
  return {
    artefacts: all.flatMap(({ artefacts }) => artefacts),
    findings: all.flatMap((bundles) => bundles.findings),
    notChecked: all.flatMap(({ notChecked }) => notChecked),
  };
}

/** A bundle alone does not tell what its peer is for, nor where it fetches lists: the proof of the links does. */
const judgedByProof: ReadonlySet<string> = new Set(['CRL_ABSENT', 'CLIENT_AUTH_MISSING']);

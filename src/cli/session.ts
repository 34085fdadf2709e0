import type { Confirmations } from '../authority/confirmation.ts';
import { checkRequests, type Ports } from '../authority/issue.ts';
import {
  checkLockAuthorities,
  checkLockTopology,
  formatLockFile,
  type LockFile,
  lockFileOf,
  onRemovalOf,
  parseLockFile,
} from '../authority/lock-file.ts';
import type { Owner } from '../authority/owner.ts';
import { type Done, demandsIn, perform } from '../authority/perform.ts';
import { type Action, authorityDifferences, type Plan, plan, type RecordedState } from '../authority/plan.ts';
import type { Requests } from '../authority/ports.ts';
import { randomSerial } from '../authority/serial.ts';
import { VcsPkiError } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { writeAtomically } from '../store/file-system.ts';
import { PkiDirectory } from '../store/pki-directory.ts';
import { type Demand, demands } from '../topology/demands.ts';
import { topologyDigest } from '../topology/digest.ts';
import { findings } from '../topology/findings.ts';
import type { AuthorityId, DemandId } from '../topology/ids.ts';
import type { Link } from '../topology/links/link.ts';
import { links } from '../topology/links/links.ts';
import type { Finding } from '../topology/rules/rule.ts';
import { type LinkVerdict, prove } from '../verify/prove.ts';
import type { Context } from './command.ts';
import { gatherEvidence } from './evidence.ts';
import { secretFile } from './input-file.ts';
import { number, type Options, text } from './options.ts';
import type { Workspace } from './target.ts';

/** A topology with its PKI directory open: what every command that plans, proves or issues works on. */
export interface Session {
  readonly workspace: Workspace;
  readonly directory: PkiDirectory;
  readonly demands: readonly Demand[];
  readonly lock: LockFile | undefined;
}

/** Looks at a PKI directory without taking its lock, and without the passphrase of its keys. */
export async function readSession(workspace: Workspace, context: Context): Promise<Session> {
  const directory = new PkiDirectory(context.fs, workspace.directory, { writable: false });
  return { workspace, directory, demands: demands(workspace.topology), lock: await readLock(workspace, context) };
}

/**
 * Works on a PKI directory as its only writer; waits for another one, saying so. When the work is done, keys of authorities
 * that lie plain are encrypted with the passphrase that is given: one line for each. A work that is refused changes nothing.
 */
export async function writeSession<T>(
  workspace: Workspace,
  options: Options,
  context: Context,
  command: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  refuseOtherDeclaration(workspace, options);
  const passphrase = await caPassphrase(options, context);
  return PkiDirectory.write(
    context.fs,
    workspace.directory,
    {
      writer: { ...context.process, command: `vcs-pki ${command}` },
      timeoutMs: (number(options, 'lock-timeout') ?? 300) * 1000,
      timer: context.timer,
      random: context.random,
      passphrase,
      signal: context.signal,
      onWait: (words) => context.progress(`waiting: ${workspace.directory} is ${words}`),
    },
    async (directory) => {
      await directory.claim(text(options, 'workspace'));
      const result = await work({
        workspace,
        directory,
        demands: demands(workspace.topology),
        lock: await readLock(workspace, context),
      });
      for (const id of await directory.encryptKeys(workspace.topology))
        context.progress(
          `encrypted the key of authority ${id}, which lay there plain; copies of it in backups are still plain`,
        );
      return result;
    },
  );
}

/** Terraform's saved plan names what was declared when it was made; topology.json may have moved on. */
function refuseOtherDeclaration({ topology, file }: Workspace, options: Options): void {
  const planned = text(options, 'declaration');
  const present = topologyDigest(topology);
  if (planned === undefined || planned === present) return;
  throw new VcsPkiError('PLAN_OUTDATED', {
    at: file,
    value: planned,
    message: `is not what was planned (declaration ${planned}; the file has ${present})`,
    fix: 'plan again: run terraform plan, and apply that',
  });
}

/** What becomes of each certificate when its demand is removed: as declared, or as the last apply was told. */
export function removalPolicies({ demands: wanted, lock }: Session): Map<DemandId, Demand['onRemoval']> {
  return new Map([...onRemovalOf(lock), ...wanted.map((demand) => [demand.id, demand.onRemoval] as const)]);
}

/**
 * The recorded state, after it has been held against lock file and declaration.
 * @param look see PkiDirectory.state
 * @param adopting the authority whose certificates are about to come on record
 */
export async function checkedState(
  { workspace, directory, demands: wanted, lock }: Session,
  look?: (owner: Owner) => boolean,
  adopting?: AuthorityId,
): Promise<RecordedState> {
  const { topology, lockFile } = workspace;
  const state = await directory.state(topology, wanted, look);
  if (lock) checkLockAuthorities(lock, state, topology, lockFile);
  for (const authority of topology.authorities) {
    const record = state.authorities.get(authority.id)?.record;
    if (!record && authority.id !== adopting) await directory.refuseUnrecorded(authority.id);
    const differences = record ? authorityDifferences(authority, record) : [];
    if (differences.length === 0) continue;
    throw new VcsPkiError('AUTHORITY_CHANGED', {
      at: `authorities ${authority.id}`,
      value: differences.join(', '),
      message: `exists already and can't be changed: ${differences.join(', ')}`,
      fix: 'declare a new authority with a common name of its own, add it to the trust lists, then make it the issuer',
    });
  }
  return { ...state, onRemoval: onRemovalOf(lock) };
}

export function planOf({ workspace, demands: wanted }: Session, state: RecordedState, now: Date): Plan {
  return plan(workspace.topology, wanted, state, now);
}

/** The proof of some or all links: with a plan, on what it will have made; without, on what is there. */
export async function proveSession(
  session: Session,
  state: RecordedState,
  pending: Plan,
  now: Date,
  select: (link: Link) => boolean = () => true,
): Promise<LinkVerdict[]> {
  const { topology } = session.workspace;
  const chosen = links(topology).filter(select);
  const evidence = await gatherEvidence(topology, session.directory, state, pending, now);
  return prove(chosen, evidence, now);
}

/** What the rules say of the declaration. An error among it stops whatever would issue: RULES_BROKEN. */
export function refuseBrokenRules({ topology }: Workspace, now: Date): Finding[] {
  const found = findings(topology, now);
  const broken = found.filter(({ severity, suppressed }) => severity === 'error' && suppressed === undefined);
  const [first] = broken;
  if (!first) return found;
  throw new VcsPkiError('RULES_BROKEN', {
    at: first.at,
    value: first.value,
    message: `${first.message} (${first.code}${broken.length > 1 ? `, and ${broken.length - 1} more: see vcs-pki check` : ''}); nothing was issued`,
    fix: first.fix,
  });
}

/** Before anything is issued: each declared request as it must be, and the proof on what the whole plan would make (PROOF_FAILED). */
export async function refuseUnprovable(
  session: Session,
  state: RecordedState,
  planned: Plan,
  now: Date,
  select?: (link: Link) => boolean,
): Promise<void> {
  await checkRequests(demandsIn(planned.actions), { compromised: session.directory.compromisedKeys() });
  if (!planned.actions.some((action) => action.kind === 'issue' || action.kind === 'create authority')) return;
  const verdicts = await proveSession(session, state, planned, now, select);
  const refused = verdicts.filter((verdict) => verdict.verdict === 'refused');
  const [first] = refused;
  const [refusal] = first?.refusals ?? [];
  if (!first || !refusal) return;
  throw new VcsPkiError('PROOF_FAILED', {
    at: first.link.id,
    message: `${refusal.by} would refuse at step ${refusal.step}: ${refusal.message}${refused.length > 1 ? ` (and ${refused.length - 1} more links)` : ''}; nothing was issued`,
    fix: refusal.fix,
  });
}

export const NO_PLAN: Plan = { actions: [], waiting: [], until: undefined };

export async function performSession(
  session: Session,
  actions: readonly Action[],
  context: Context,
  announce: (done: Done) => void,
  options: { readonly afterClockCorrection?: boolean } = {},
): Promise<void> {
  const { directory, workspace } = session;
  const place = directory.place(workspace.topology, context, () => randomSerial(context.random));
  await perform(actions, workspace.topology, place, announce, { ...options, signal: context.signal });
}

/** What issuing has to do with the world. */
export function portsOf({ directory }: Session, { clock, random }: Context): Ports & { readonly requests: Requests } {
  const { material, requests } = directory;
  return { clock, random, material, requests, compromised: directory.compromisedKeys() };
}

/** Writes the lock file for what is now on record; what is not given stays. */
export async function writeLock(
  session: Session,
  news: { readonly confirmations?: Confirmations; readonly delivery?: LockFile['delivery'] } = {},
): Promise<RecordedState> {
  const { workspace, directory, demands: wanted, lock } = session;
  const { confirmations = lock?.peers ?? {}, delivery = lock?.delivery } = news;
  const state = { ...(await directory.state(workspace.topology, wanted, () => false)), onRemoval: onRemovalOf(lock) };
  const content = formatLockFile(lockFileOf(workspace.topology.name, wanted, state, confirmations, delivery));
  await writeAtomically(directory.fs, workspace.lockFile, Buffer.from(content));
  return state;
}

/** What protects the keys of authorities. A variable that is set to nothing is as one that is not set. */
export async function caPassphrase(options: Options, context: Context): Promise<Secret<string> | undefined> {
  const path = text(options, 'ca-passphrase-file') ?? (context.env.VCS_PKI_CA_PASSPHRASE_FILE || undefined);
  return path === undefined ? undefined : secretFile(path, context);
}

async function readLock({ lockFile, topology }: Workspace, context: Context): Promise<LockFile | undefined> {
  const bytes = await context.fs.readFile(lockFile);
  if (!bytes) return undefined;
  const lock = parseLockFile(bytes.toString(), lockFile);
  checkLockTopology(lock, topology.name, lockFile);
  return lock;
}

import * as z from 'zod';
import { VcsPkiError } from '../errors.ts';
import type { Demand } from '../topology/demands.ts';
import type { AuthorityId, DemandId } from '../topology/ids.ts';
import { parseInput } from '../topology/input.ts';
import { onRemovalSchema, type Topology } from '../topology/schema.ts';
import { type Confirmations, confirmationSchema, keptConfirmations } from './confirmation.ts';
import { fromFormat1 } from './format-1.ts';
import type { AuthorityState, RecordedState } from './plan.ts';
import { recordSchema } from './record.ts';

/** The file name that synth, CLI and Terraform agree on unless a declaration says otherwise. */
export const LOCK_FILE = 'vcs-pki.lock.json';

/** Public facts about what has been issued, for Git: with it, synth gives the same result on every machine. */
const lockFileSchema = z.strictObject({
  version: z.literal(2),
  topology: z.string(),
  authorities: z.record(
    z.string().brand<'AuthorityId'>(),
    z.strictObject({ keyIdentifier: z.string(), ...recordSchema.shape }),
  ),
  certificates: z.record(
    z.string().brand<'DemandId'>(),
    z.strictObject({ onRemoval: onRemovalSchema.optional(), ...recordSchema.shape }),
  ),
  /** How often the last step of an apply had to be tried again, and whether it is still to come to its end. */
  delivery: z.strictObject({ attempt: z.int().min(0), unfinished: z.literal(true).optional() }).optional(),
  /** What has been confirmed of each peer. */
  peers: z
    .record(
      z.string(),
      z.strictObject({ server: confirmationSchema.optional(), client: confirmationSchema.optional() }),
    )
    .optional(),
});
export type LockFile = z.output<typeof lockFileSchema>;

export function parseLockFile(text: string, path: string): LockFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new VcsPkiError('LOCK_INVALID', {
      at: path,
      message: 'is not JSON',
      fix: 'restore it from Git, or remove it: the next apply writes it anew from the PKI directory',
      cause,
    });
  }
  return parseInput(lockFileSchema, fromFormat1.lockFile(value), path);
}

/** Refuses a lock file of another topology: its generations and reasons would be taken for ours. */
export function checkLockTopology(lock: LockFile, topology: string, path: string): void {
  if (lock.topology === topology) return;
  throw new VcsPkiError('LOCK_MISMATCH', {
    at: path,
    value: lock.topology,
    message: `is the lock file of topology ${lock.topology}, not of ${topology}`,
    fix: `give ${topology} a lock file of its own`,
  });
}

/** Refuses to issue when the PKI directory does not hold the authorities that the lock file knows. */
export function checkLockAuthorities(
  lock: LockFile,
  state: RecordedState,
  topology: Pick<Topology, 'authorities'>,
  path: string,
): void {
  for (const { id } of topology.authorities) {
    const locked = Object.hasOwn(lock.authorities, id) ? lock.authorities[id] : undefined;
    const found = state.authorities.get(id)?.keyIdentifier;
    if (!locked || locked.keyIdentifier === found) continue;
    throw new VcsPkiError('LOCK_MISMATCH', {
      at: `${path}: authorities ${id}`,
      value: locked.keyIdentifier,
      message: found
        ? `the PKI directory has another key for ${id} (${found}) than the lock file knows`
        : `the PKI directory has no ${id}, though the lock file knows it`,
      fix: 'use the PKI directory that the certificates came from, or restore it; remove the lock file only to start over with new authorities',
    });
  }
}

/** What the lock file alone tells. */
export function stateFromLock(lock: LockFile | undefined): RecordedState {
  const authorities = new Map<AuthorityId, AuthorityState>();
  for (const [id, { keyIdentifier, ...record }] of entriesOf(lock?.authorities ?? {})) {
    const { owner } = record.issuance;
    authorities.set(id, { generation: 'authority' in owner ? owner.generation : 1, keyIdentifier, record });
  }
  const certificates = new Map(
    entriesOf(lock?.certificates ?? {}).map(([id, { onRemoval: _, ...record }]) => [id, record]),
  );
  return { authorities, certificates, onRemoval: onRemovalOf(lock) };
}

/** What the last apply was told to do with each certificate when its demand is removed. */
export function onRemovalOf(lock: LockFile | undefined): Map<DemandId, Demand['onRemoval']> {
  const entries = entriesOf(lock?.certificates ?? {});
  return new Map(entries.flatMap(([id, { onRemoval }]) => (onRemoval ? [[id, onRemoval]] : [])));
}

/** Which attempt at delivering the next plan is to make: another one, where the last was begun and not ended. */
export function nextAttempt(lock: LockFile | undefined): number {
  const { attempt = 0, unfinished = false } = lock?.delivery ?? {};
  return unfinished ? attempt + 1 : attempt;
}

/** The lock file for a state, with sorted keys. A removed demand keeps its last record: a peer that comes back goes on counting. */
export function lockFileOf(
  topology: string,
  demands: readonly Demand[],
  state: RecordedState,
  confirmations: Confirmations = {},
  delivery?: LockFile['delivery'],
): LockFile {
  const policies = new Map(demands.map((demand) => [demand.id, demand.onRemoval]));
  const peers = Object.entries(keptConfirmations(confirmations, demands));
  const sorted = <Id extends string, T>(entries: Iterable<[Id, T]>) =>
    Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1))) as Record<Id, T>;
  return {
    version: 2,
    topology,
    authorities: sorted(
      [...state.authorities].map(([id, { keyIdentifier, record }]) => [id, { keyIdentifier, ...record }]),
    ),
    certificates: sorted(
      [...state.certificates].map(([id, record]) => {
        const onRemoval = policies.get(id) ?? state.onRemoval?.get(id);
        return [id, { ...(onRemoval && { onRemoval }), ...record }];
      }),
    ),
    ...(delivery && (delivery.unfinished || delivery.attempt > 0) && { delivery }),
    ...(peers.length > 0 && { peers: sorted(peers) }),
  };
}

function entriesOf<Id extends string, T>(record: Readonly<Record<Id, T>>): [Id, T][] {
  return Object.entries(record) as [Id, T][];
}

export function formatLockFile(lock: LockFile): string {
  return `${JSON.stringify(lock, undefined, 2)}\n`;
}

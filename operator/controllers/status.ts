import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { type ErrorCode, VcsPkiError } from '../../src/errors.ts';
import { conditionsSchema } from '../../src/resources/resource.ts';
import type { DeclaredObject } from '../api/resources.ts';
import { KubeApiError } from '../kube/errors.ts';
import type { ResourceType, Stored } from '../kube/resource.ts';
import { type Condition, findCondition, setCondition } from '../runtime/conditions.ts';
import type { Outcome } from '../runtime/controller.ts';
import type { World } from './world.ts';

/** How soon something that only a person can mend is looked at again, though nothing is seen to change. */
export const LOOK_AGAIN_MS = 3_600_000;

/** How soon a waiting object looks for its issuer again. Its readiness is an event, but one that an outage can swallow. */
const ISSUER_AGAIN_MS = 15_000;

const MESSAGE_LIMIT = 4096;
const statusSchema = z.looseObject({ conditions: conditionsSchema, serial: z.string().optional() });

export type NewCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

export function conditionsOf(object: DeclaredObject): readonly Condition[] {
  return statusSchema.safeParse(object.status ?? {}).data?.conditions ?? [];
}

/** The serial that an object says it was issued last. */
export function serialOf(object: DeclaredObject): string | undefined {
  return statusSchema.safeParse(object.status ?? {}).data?.serial;
}

/** What is to become of the conditions of one type: `absent` where there is nothing to say any more. */
export type ConditionChange = NewCondition | { readonly type: string; readonly absent: true };

/** Writes the status, unless it says that already. @param fenced only if the object is still as it was read; else a Conflict */
export async function writeStatus<T extends DeclaredObject>(
  world: World,
  type: ResourceType<T>,
  object: Stored<T>,
  fields: object,
  changes: readonly ConditionChange[],
  { fenced = false } = {},
): Promise<void> {
  const observedGeneration = object.metadata.generation ?? 0;
  const next = changes.reduce((all, change) => {
    if ('absent' in change) return all.filter((condition) => condition.type !== change.type);
    const message = change.message.slice(0, MESSAGE_LIMIT);
    return setCondition(all, { ...change, message, observedGeneration }, world.clock.now());
  }, conditionsOf(object));
  const status = { ...fields, observedGeneration, conditions: next };
  if (isDeepStrictEqual(JSON.parse(JSON.stringify(status)), object.status)) return;
  const { namespace, name, uid, resourceVersion } = object.metadata;
  const metadata = {
    ...(namespace !== undefined && { namespace }),
    name,
    uid,
    ...(fenced && { resourceVersion }),
  };
  await world.client.applyStatus<DeclaredObject>(type, { metadata, status });
}

/**
 * Says why the object is not ready, in its condition and, when that is new, by an event. What the next attempt may mend by itself
 * (a conflict, a server that can't be reached) is thrown on to be tried again after a back-off.
 */
export async function reportFailure<T extends DeclaredObject>(
  world: World,
  type: ResourceType<T>,
  object: Stored<T>,
  error: unknown,
  others: readonly ConditionChange[] = [],
): Promise<Outcome> {
  if (!(error instanceof VcsPkiError) || isPassing(error)) throw error;
  const condition: NewCondition = {
    type: 'Ready',
    status: 'False',
    reason: reasonOf(error.code),
    message: wordsOf(error),
  };
  announceNews(world, object, condition, error.code === 'ISSUER_NOT_READY' ? 'Normal' : 'Warning');
  const kept = statusSchema.safeParse(object.status ?? {}).data ?? {};
  await writeStatus(world, type, object, kept, [condition, ...others]);
  if (error instanceof KubeApiError) throw error;
  const wait = error.code === 'ISSUER_NOT_READY' ? ISSUER_AGAIN_MS : LOOK_AGAIN_MS;
  return { kind: 'wait', until: new Date(world.clock.now().getTime() + wait) };
}

/** By an event, unless the condition says so already. */
export function announceNews(
  world: World,
  object: Stored<DeclaredObject>,
  { type, reason, message }: NewCondition,
  kind: 'Normal' | 'Warning' = 'Warning',
): void {
  const before = findCondition(conditionsOf(object), type);
  if (before?.reason === reason && before.message === message.slice(0, MESSAGE_LIMIT)) return;
  world.announce(object, { type: kind, reason, note: message });
}

export function wordsOf(error: VcsPkiError): string {
  return `${error.message}; fix: ${error.fix}`;
}

/** `ISSUER_NOT_READY` as the reason of a condition: `IssuerNotReady`. */
export function reasonOf(code: ErrorCode): string {
  return code
    .split('_')
    .map((word) => word.slice(0, 1) + word.slice(1).toLowerCase())
    .join('');
}

function isPassing(error: VcsPkiError): boolean {
  if (error.code === 'SERIAL_REUSED') return true;
  if (!(error instanceof KubeApiError) || error.outdated) return false;
  const { status } = error;
  return status === undefined || status === 409 || status === 429 || status >= 500;
}

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
const statusSchema = z.looseObject({ conditions: conditionsSchema });

export type NewCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

export function conditionsOf(object: DeclaredObject): readonly Condition[] {
  return statusSchema.safeParse(object.status ?? {}).data?.conditions ?? [];
}

/** Writes the status, unless it says that already. */
export async function writeStatus<T extends DeclaredObject>(
  world: World,
  type: ResourceType<T>,
  object: Stored<T>,
  fields: object,
  conditions: readonly NewCondition[],
): Promise<void> {
  const observedGeneration = object.metadata.generation ?? 0;
  const next = conditions.reduce((all, condition) => {
    const message = condition.message.slice(0, MESSAGE_LIMIT);
    return setCondition(all, { ...condition, message, observedGeneration }, world.clock.now());
  }, conditionsOf(object));
  const status = { ...fields, observedGeneration, conditions: next };
  if (isDeepStrictEqual(JSON.parse(JSON.stringify(status)), object.status)) return;
  const { namespace, name, uid } = object.metadata;
  const applied: DeclaredObject = { metadata: { ...(namespace !== undefined && { namespace }), name, uid }, status };
  await world.client.applyStatus<DeclaredObject>(type, applied);
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
): Promise<Outcome> {
  if (!(error instanceof VcsPkiError) || isPassing(error)) throw error;
  const condition: NewCondition = {
    type: 'Ready',
    status: 'False',
    reason: reasonOf(error.code),
    message: wordsOf(error),
  };
  const before = findCondition(conditionsOf(object), 'Ready');
  if (before?.reason !== condition.reason || before.message !== condition.message)
    world.announce(object, {
      type: error.code === 'ISSUER_NOT_READY' ? 'Normal' : 'Warning',
      reason: condition.reason,
      note: condition.message,
    });
  await writeStatus(world, type, object, statusSchema.safeParse(object.status ?? {}).data ?? {}, [condition]);
  if (error instanceof KubeApiError) throw error;
  const wait = error.code === 'ISSUER_NOT_READY' ? ISSUER_AGAIN_MS : LOOK_AGAIN_MS;
  return { kind: 'wait', until: new Date(world.clock.now().getTime() + wait) };
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
  if (!(error instanceof KubeApiError)) return false;
  const { status } = error;
  return status === undefined || status === 409 || status === 429 || status >= 500;
}

import { abandonedOf } from '../../src/authority/abandoned.ts';
import { timestamp } from '../../src/authority/record.ts';
import { certificateKind } from '../../src/resources/certificate.ts';
import { API_GROUP } from '../../src/resources/resource.ts';
import type { CertificateObject } from '../api/resources.ts';
import { issuedCertificates } from '../api/resources.ts';
import { claimedOwner } from '../kube/labels.ts';
import type { OwnerRecord } from '../kube/records.ts';
import { type Stored, secrets } from '../kube/resource.ts';
import { contentOf, holds } from '../kube/secret-content.ts';
import { findCondition } from '../runtime/conditions.ts';
import { announceNews, type ConditionChange, conditionsOf } from './status.ts';
import type { Surroundings, World } from './world.ts';

/** The condition that names certificates whose private key is lost. */
export const ABANDONED = 'Abandoned';

/** How many are shown at a time: the message of a condition is bounded. */
const SHOWN = 8;

/** What is to be said of certificates whose private key is lost. */
export interface LostOnes {
  readonly condition: ConditionChange;
  /** When the first of them ends. */
  readonly until: Date | undefined;
}

/** As `abandonedIn`; what is new of it is announced. */
export async function lostOnes(
  ...[object, records, current, world, surroundings]: Parameters<typeof abandonedIn>
): Promise<LostOnes> {
  const abandoned = await abandonedIn(object, records, current, world, surroundings);
  const condition = abandonedCondition(object, abandoned, world.clock.now());
  if (!('absent' in condition)) announceNews(world, object, condition);
  const [first] = abandoned.map(({ record }) => record.notAfter).sort();
  return { condition, until: first === undefined ? undefined : new Date(first) };
}

/**
 * The certificates of a demand whose private key no Secret holds.
 * @param current the serial that the Secret of the Certificate holds with its key
 */
async function abandonedIn(
  object: Stored<CertificateObject>,
  records: readonly OwnerRecord[],
  current: string | undefined,
  world: World,
  surroundings: Surroundings,
): Promise<readonly OwnerRecord[]> {
  const notIn = (held: ReadonlySet<string | undefined>) => {
    const all = records.map(({ record }) => record);
    const serials = abandonedOf(all, ({ serial }) => held.has(serial), world.clock.now()).map(({ serial }) => serial);
    return records.filter(({ record }) => serials.includes(record.serial));
  };
  const suspects = notIn(new Set([current]));
  if (suspects.length === 0) return [];
  return notIn(new Set([current, ...(await heldElsewhere(object, suspects, world, surroundings))]));
}

/** What is to be said of them: until when they are valid, and how a person ends that. */
function abandonedCondition(
  object: Stored<CertificateObject>,
  abandoned: readonly OwnerRecord[],
  now: Date,
): ConditionChange {
  if (abandoned.length === 0) return { type: ABANDONED, absent: true };
  // The same words as long as the condition stands: else every look would write another time.
  const at = findCondition(conditionsOf(object), ABANDONED)?.lastTransitionTime ?? timestamp(now);
  const shown = abandoned.slice(0, SHOWN);
  const more = abandoned.length > SHOWN ? ` and ${abandoned.length - SHOWN} more` : '';
  const named = shown.map(({ record }) => `serial ${record.serial} (valid until ${record.notAfter})`).join(', ');
  const patch = JSON.stringify({ spec: { revocation: { at, reason: 'superseded' } } });
  const commands = shown.map(
    ({ ref }) =>
      `kubectl patch ${issuedCertificates.plural}.${API_GROUP} ${ref.name} --namespace ${ref.namespace} --type merge --patch '${patch}'`,
  );
  return {
    type: ABANDONED,
    status: 'True',
    reason: 'PrivateKeyLost',
    message: `no Secret of this ${certificateKind.kind} holds the private key of ${named}${more}; fix: unless a peer still uses it, revoke it: ${commands.join(' && ')}`,
  };
}

/** Serials that other Secrets of the demand hold, as where a Certificate was kept or renamed. */
async function heldElsewhere(
  { metadata: { namespace = '' }, spec }: Stored<CertificateObject>,
  records: readonly OwnerRecord[],
  { client }: World,
  surroundings: Surroundings,
): Promise<string[]> {
  const others = surroundings
    .secrets()
    .filter((each) => each.metadata.namespace === namespace && claimedOwner(each) === spec.demandId)
    .filter(({ metadata }) => metadata.name !== spec.secretName);
  const found = await Promise.all(others.map(({ metadata }) => client.get(secrets, metadata)));
  const contents = found.flatMap((secret) => (secret ? [contentOf(secret)] : []));
  return records
    .filter((record) => contents.some((content) => holds(content, record)))
    .map(({ record }) => record.serial);
}

import { VcsPkiError } from '../../src/errors.ts';
import { type CertificateObject, certificates } from '../api/resources.ts';
import { claimedOwner } from '../kube/labels.ts';
import { newest, type OwnerRecord } from '../kube/records.ts';
import { type Stored, secrets } from '../kube/resource.ts';
import { contentOf } from '../kube/secret-content.ts';
import { serialOf } from './status.ts';
import type { Surroundings, World } from './world.ts';

type Candidate = Stored<CertificateObject>;

/** Other living Certificates of the same demand, as far as is known. */
export function rivalsOf({ metadata, spec }: Candidate, { certificates: all }: Surroundings): Candidate[] {
  return all().filter(
    (other) =>
      other.spec.demandId === spec.demandId &&
      other.metadata.namespace === metadata.namespace &&
      other.metadata.uid !== metadata.uid &&
      other.metadata.deletionTimestamp === undefined,
  );
}

/**
 * Of several Certificates for one demand the one that is on record counts: its Secret holds the newest certificate on record;
 * else its status says one that is; else it is the older. Throws OWNER_TAKEN for the others.
 */
export async function refuseRival(
  object: Candidate,
  rivals: readonly Candidate[],
  records: readonly OwnerRecord[],
  world: World,
): Promise<void> {
  const found = await Promise.all(rivals.map(({ metadata }) => world.client.get(certificates, metadata)));
  const living = found.flatMap((rival, index) =>
    rival && rival.metadata.uid === rivals[index]?.metadata.uid && !rival.metadata.deletionTimestamp ? [rival] : [],
  );
  if (living.length === 0) return;
  const candidates = [object, ...living];
  const held = await Promise.all(candidates.map((candidate) => holdsNewest(candidate, records, world)));
  const holders = candidates.filter((_, index) => held[index]);
  const recorded = (holders.length > 0 ? holders : candidates).filter((candidate) => isOnRecord(candidate, records));
  const [counts] = [recorded, holders, candidates].find((some) => some.length > 0)?.sort(olderFirst) ?? [];
  if (counts && counts !== object) throw taken(object, counts);
}

async function holdsNewest(
  { metadata: { namespace = '' }, spec }: Candidate,
  records: readonly OwnerRecord[],
  { client }: World,
): Promise<boolean> {
  const record = newest(records.filter((each) => !each.record.revocation));
  const secret = record && (await client.get(secrets, { namespace, name: spec.secretName }));
  if (!secret || claimedOwner(secret) !== spec.demandId) return false;
  const { certificate } = contentOf(secret);
  return certificate !== undefined && (record.certificate?.der.equals(certificate.der) ?? false);
}

function isOnRecord(candidate: Candidate, records: readonly OwnerRecord[]): boolean {
  const serial = serialOf(candidate);
  return records.some(({ record }) => record.serial === serial);
}

function olderFirst({ metadata: a }: Candidate, { metadata: b }: Candidate): number {
  const age = compare(a.creationTimestamp ?? '', b.creationTimestamp ?? '');
  return age === 0 ? compare(a.uid, b.uid) : age;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function taken({ metadata, spec }: Candidate, rival: Candidate): VcsPkiError {
  return new VcsPkiError('OWNER_TAKEN', {
    at: `Certificate ${metadata.namespace}/${metadata.name}: spec.demandId`,
    value: spec.demandId,
    message: `Certificate ${rival.metadata.name} has the demandId ${spec.demandId} already`,
    fix: 'delete one of the two',
  });
}

import { type Done, performOne } from '../../src/authority/perform.ts';
import { type Decision, isValid, type MaterialState, planCertificate, renewalTime } from '../../src/authority/plan.ts';
import { type CertificateRecord, timestamp } from '../../src/authority/record.ts';
import { materialStateOf } from '../../src/authority/recorded.ts';
import { VcsPkiError } from '../../src/errors.ts';
import { type CertificateStatus, certificateKind, demandOf } from '../../src/resources/certificate.ts';
import { parseResource } from '../../src/resources/resource.ts';
import type { Demand } from '../../src/topology/demands.ts';
import { type Certificate, isIssuedBy } from '../../src/x509/certificate.ts';
import { type CertificateObject, certificates } from '../api/resources.ts';
import { KubeMaterial } from '../kube/kube-material.ts';
import { newest, type OwnerRecord, recordsOfOwner } from '../kube/records.ts';
import { keyOf, refOf, type Stored } from '../kube/resource.ts';
import { recordLost, vouchedBy } from '../kube/secret-content.ts';
import type { Outcome } from '../runtime/controller.ts';
import { type LostOnes, lostOnes } from './abandoned.ts';
import { type OpenIssuer, openIssuerIfReady } from './issuer.ts';
import { announceDone, placeIn } from './place.ts';
import { type Declared, finalized, ownerOf, remove } from './removal.ts';
import { refuseRival, rivalsOf } from './rivals.ts';
import { LOOK_AGAIN_MS, reportFailure, writeStatus } from './status.ts';
import type { Surroundings, World } from './world.ts';

/** Brings one Certificate to what it declares: on record, in its Secret, said in its status; or off, when it is removed. */
export async function reconcileCertificate(
  key: string,
  world: World,
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<Outcome> {
  const object = await world.client.get(certificates, refOf(key));
  if (!object) return { kind: 'done' };
  const { namespace = '', deletionTimestamp } = object.metadata;
  try {
    const resource = parseResource(certificateKind, object, namespace);
    const records = await recordsOfOwner(world.client, namespace, ownerOf(resource));
    const rivals = rivalsOf(object, surroundings);
    if (deletionTimestamp !== undefined) return await remove({ object, resource, records }, rivals.length > 0, world);
    await refuseRival(object, rivals, records, world);
    return await keepIssued({ object: await finalized(object, world), resource, records }, world, surroundings, signal);
  } catch (error) {
    return await reportFailure(world, certificates, object, error);
  }
}

async function keepIssued(
  { object, resource, records }: Declared,
  world: World,
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<Outcome> {
  const { namespace = '' } = object.metadata;
  const demand = demandOf(resource);
  refuseLost({ object, resource, records }, world.clock.now());
  const issuer = await openIssuerIfReady(world, namespace, demand.issuer);
  const opened = issuer instanceof VcsPkiError ? undefined : issuer;
  const wasIssued = (certificate: Certificate) => opened !== undefined && isIssuedBy(certificate, opened.certificate);
  const material = new KubeMaterial({
    ...world,
    namespace,
    secretName: () => resource.spec.secretName,
    root: async () => opened?.root,
    issueIn: vouchedBy(records, { wasIssued }),
  });
  const known = newest(records);
  const state = await stateOf(demand, known, material, opened);
  if (known?.damage && isValid(known.record, world.clock.now())) throw known.damage;

  const issuerNotAfter = opened && timestamp(opened.certificate.notAfter);
  const decision = decide(demand, known, issuerNotAfter, state, world.clock.now());
  const kept = state === 'key missing' || state === 'key altered' ? undefined : known?.record.serial;
  let all = records;
  try {
    if (decision.kind !== 'wait') await carryOut(decision, { object, demand, known, issuer, material }, world, signal);
    if (decision.kind === 'issue') all = await recordsOfOwner(world.client, namespace, ownerOf(resource));
  } catch (error) {
    const lost = await lostOnes(object, records, kept, world, surroundings);
    return await reportFailure(world, certificates, object, error, [lost.condition]);
  }
  const { record } = newest(all) ?? {};
  if (!record) throw new TypeError('what was issued is on record');
  const lost = await lostOnes(object, all, decision.kind === 'issue' ? record.serial : kept, world, surroundings);
  return settle(object, demand, record, issuerNotAfter, lost, world);
}

interface Work {
  readonly object: Stored<CertificateObject>;
  readonly demand: Demand;
  readonly known: OwnerRecord | undefined;
  readonly issuer: OpenIssuer | VcsPkiError;
  readonly material: KubeMaterial;
}

async function carryOut(
  { kind, issue, reason }: Exclude<Decision, { kind: 'wait' }>,
  { object, demand, known, issuer, material }: Work,
  world: World,
  signal: AbortSignal,
): Promise<void> {
  if (issuer instanceof VcsPkiError) throw issuer;
  const { namespace = '' } = object.metadata;
  const announce = (done: Done) => announceDone(world, object, done);
  if (kind === 'restore') {
    const recorded = { certificate: certificateIn(known), chain: issuer.chain };
    const step = { kind: 'restore', owner: { demand: demand.id }, issue, reason } as const;
    return await performOne(step, placeIn(world, namespace, { material, recorded }), announce);
  }
  // A key that never came on record may be of another type than is wanted now.
  world.pending.delete(`${namespace}/${demand.id}/${issue}`);
  const step = { kind: 'issue', issuer: issuer.id, orders: [{ demand, issue, reason }] } as const;
  const place = placeIn(world, namespace, { material, open: async () => issuer });
  await performOne(step, place, announce, { signal });
}

/** As `planCertificate`; that the key is lost is said whatever else is a reason, for the record before is judged by it later. */
function decide(
  demand: Demand,
  known: OwnerRecord | undefined,
  issuerNotAfter: string | undefined,
  state: MaterialState | undefined,
  now: Date,
): Decision {
  const decision = planCertificate(demand, known?.record, issuerNotAfter, state, now);
  if (decision.kind !== 'issue' || !known || known.record.revocation) return decision;
  if (known.damage) return { ...decision, reason: 'the record before cannot be read' };
  const lost = state === 'key missing' || state === 'key altered' ? `its private ${state}` : '';
  return decision.reason.endsWith(lost) ? decision : { ...decision, reason: `${decision.reason}, ${lost}` };
}

/** Says what there is, and when to look again. */
async function settle(
  object: Stored<CertificateObject>,
  demand: Demand,
  record: CertificateRecord,
  issuerNotAfter: string | undefined,
  lost: LostOnes,
  world: World,
): Promise<Outcome> {
  const { serial, notBefore, notAfter, issuance } = record;
  const now = world.clock.now();
  const expired = now >= new Date(notAfter);
  const status: CertificateStatus = {
    issue: issuance.issue,
    serial,
    notBefore,
    notAfter,
    renewalTime: timestamp(renewalTime(record, demand.renewBeforeDays)),
    reason: issuance.reason,
  };
  const condition = expired
    ? { status: 'False', reason: 'Expired', message: `ended on ${notAfter} with its issuer; fix: name another issuer` }
    : { status: 'True', reason: 'Issued', message: `valid until ${notAfter}; issued because: ${issuance.reason}` };
  await writeStatus(world, certificates, object, status, [
    { type: 'Ready', status: expired ? 'False' : 'True', reason: condition.reason, message: condition.message },
    lost.condition,
  ]);
  const next = planCertificate(demand, record, issuerNotAfter, 'whole', now);
  const again = new Date(now.getTime() + LOOK_AGAIN_MS);
  const until = next.kind === 'wait' && next.until > now ? next.until : again;
  return { kind: 'wait', until: lost.until && lost.until < until ? lost.until : until };
}

/** What the Secret holds of the newest certificate on record. Fails with OBJECT_TAKEN where the Secret is not ours, before anything is issued for it. */
async function stateOf(
  demand: Demand,
  known: OwnerRecord | undefined,
  material: KubeMaterial,
  issuer: OpenIssuer | undefined,
): Promise<MaterialState | undefined> {
  const owner = { demand: demand.id };
  await material.look(owner);
  if (!known?.certificate) return undefined;
  const { issue, specification } = known.record.issuance;
  const { certificate } = known;
  const keyOnAppliance = 'request' in specification.key;
  const recorded = { owner, issue, certificate, keyOnAppliance };
  if (issuer?.id !== specification.issuer) return materialStateOf(material, recorded);
  const { chain } = issuer;
  return materialStateOf(material, recorded, () => material.isWhole(owner, issue, { certificate, chain }));
}

/** D36: what was issued and has not ended is on record, or the ledger has lost it. */
function refuseLost({ object, resource, records }: Declared, now: Date): void {
  const { serial, notAfter } = resource.status ?? {};
  if (serial === undefined || notAfter === undefined || now >= new Date(notAfter)) return;
  if (records.some(({ record }) => record.serial === serial)) return;
  throw recordLost(`Certificate ${keyOf(object.metadata)}: status.serial`, ownerOf(resource));
}

function certificateIn(known: OwnerRecord | undefined): Certificate {
  if (known?.certificate) return known.certificate;
  throw known?.damage ?? new TypeError('what is restored is on record');
}

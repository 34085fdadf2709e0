import { issueCertificates } from '../../src/authority/issue.ts';
import { generationOf } from '../../src/authority/issuer.ts';
import { type Owner, ownerText } from '../../src/authority/owner.ts';
import { type Decision, isValid, type MaterialState, planCertificate, renewalTime } from '../../src/authority/plan.ts';
import { type CertificateRecord, specificationOf, timestamp } from '../../src/authority/record.ts';
import { crlStateOf, materialStateOf } from '../../src/authority/recorded.ts';
import { VcsPkiError } from '../../src/errors.ts';
import {
  type CertificateResource,
  type CertificateStatus,
  certificateKind,
  demandOf,
} from '../../src/resources/certificate.ts';
import { issuedCertificateName } from '../../src/resources/issued-certificate.ts';
import { parseResource } from '../../src/resources/resource.ts';
import type { Demand } from '../../src/topology/demands.ts';
import type { DemandId } from '../../src/topology/ids.ts';
import { type Certificate, isIssuedBy, serialHex } from '../../src/x509/certificate.ts';
import { keyId } from '../../src/x509/keys.ts';
import { type CertificateObject, certificateAuthorities, certificates } from '../api/resources.ts';
import { KubeMaterial } from '../kube/kube-material.ts';
import { newest, type OwnerRecord, recordsOfOwner, revokeRecord, topologyOf } from '../kube/records.ts';
import { keyOf, refOf, type Stored, secrets } from '../kube/resource.ts';
import { recordLost, vouchedBy } from '../kube/secret-content.ts';
import type { Outcome } from '../runtime/controller.ts';
import { abandonedCondition, abandonedIn } from './abandoned.ts';
import { authorityPlace, type OpenIssuer, openIssuerIfReady } from './issuer.ts';
import { compromisedIn } from './keys.ts';
import { refuseRival, rivalsOf } from './rivals.ts';
import { announceNews, type ConditionChange, LOOK_AGAIN_MS, reportFailure, writeStatus } from './status.ts';
import type { Surroundings, World } from './world.ts';

/** Keeps a removed Certificate until its revocation is published. */
export const FINALIZER = 'vcs-pki.dev/revoke';

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

interface Declared {
  readonly object: Stored<CertificateObject>;
  readonly resource: CertificateResource;
  /** All of its owner. */
  readonly records: readonly OwnerRecord[];
}

function ownerOf({ spec }: CertificateResource): Owner {
  return { demand: spec.demandId as DemandId };
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
  let made: OwnerRecord | undefined;
  try {
    made = await carryOut(decision, { object, demand, known, issuer, material }, world, signal);
  } catch (error) {
    const lost = await lostOnes(object, records, kept, world, surroundings);
    return await reportFailure(world, certificates, object, error, [lost.condition]);
  }
  const all = made ? [...records, made] : records;
  const lost = await lostOnes(object, all, made?.record.serial ?? kept, world, surroundings);
  return settle(object, demand, recordIn(all), issuerNotAfter, lost, world);
}

interface Work {
  readonly object: Stored<CertificateObject>;
  readonly demand: Demand;
  readonly known: OwnerRecord | undefined;
  readonly issuer: OpenIssuer | VcsPkiError;
  readonly material: KubeMaterial;
}

/** Issues or restores; resolves with the record of what was issued. */
async function carryOut(
  decision: Decision,
  { object, demand, known, issuer, material }: Work,
  world: World,
  signal: AbortSignal,
): Promise<OwnerRecord | undefined> {
  if (decision.kind === 'wait') return undefined;
  if (issuer instanceof VcsPkiError) throw issuer;
  const { namespace = '' } = object.metadata;
  const { issue, reason } = decision;
  if (decision.kind === 'restore') {
    await material.store({ demand: demand.id }, issue, { certificate: certificateIn(known), chain: issuer.chain });
    world.announce(object, { type: 'Normal', reason: 'Restored', note: `restored its Secret: ${reason}` });
    return undefined;
  }
  // A key that never came on record may be of another type than is wanted now.
  world.pending.delete(`${namespace}/${demand.id}/${issue}`);
  const ports = { ...world, material, compromised: compromisedIn(world, namespace) };
  let made: OwnerRecord | undefined;
  const issued = ({ certificate }: { certificate: Certificate }) => {
    made = recordFor(demand, certificate, issuer, namespace, issue, reason);
    world.announce(object, { type: 'Normal', reason: 'Issued', note: `issued ${made.record.serial}: ${reason}` });
  };
  const order = { demand, issue, reason };
  await issueCertificates([order], issuer, topologyOf(namespace), ports, issued, signal);
  return made;
}

interface LostOnes {
  readonly condition: ConditionChange;
  /** When the first of them ends. */
  readonly until: Date | undefined;
}

async function lostOnes(
  ...[object, records, current, world, surroundings]: Parameters<typeof abandonedIn>
): Promise<LostOnes> {
  const abandoned = await abandonedIn(object, records, current, world, surroundings);
  const condition = abandonedCondition(object, abandoned, world.clock.now());
  if (!('absent' in condition)) announceNews(world, object, condition);
  const [first] = abandoned.map(({ record }) => record.notAfter).sort();
  return { condition, until: first === undefined ? undefined : new Date(first) };
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

/** Revokes everything that was issued and is valid, where that is wanted, and lets go when the published lists say so. */
async function remove({ object, resource, records }: Declared, hasRival: boolean, world: World): Promise<Outcome> {
  const { namespace = '', finalizers = [] } = object.metadata;
  if (!finalizers.includes(FINALIZER)) return { kind: 'done' };
  const { onRemoval, secretName } = resource.spec;
  const owner = ownerOf(resource);
  // Another Certificate of the same demand goes on with what is on record.
  if (onRemoval === 'revoke' && !hasRival) {
    const valid = records.filter(({ record }) => isValid(record, world.clock.now()));
    const revocation = { at: timestamp(world.clock.now()), reason: 'cessationOfOperation' } as const;
    for (const { ref, record } of valid) {
      await revokeRecord(world.client, ref, revocation);
      const note = `revoked ${record.serial}: no longer declared`;
      world.announce(object, { type: 'Normal', reason: 'Revoked', note });
    }
    const revoked = await recordsOfOwner(world.client, namespace, owner);
    const waits = await unlisted(revoked, namespace, world);
    if (waits.length > 0) {
      const condition = { type: 'Ready', status: 'False', reason: 'Removing', message: waits.join('; ') } as const;
      await writeStatus(world, certificates, object, resource.status ?? {}, [condition]);
      return { kind: 'wait', until: new Date(world.clock.now().getTime() + LOOK_AGAIN_MS) };
    }
    await deleteSecret(namespace, secretName, owner, records, world);
  }
  const kept = finalizers.filter((finalizer) => finalizer !== FINALIZER);
  await world.client.patch(certificates, object.metadata, { metadata: { finalizers: kept } });
  return { kind: 'done' };
}

/** In words, what the published lists do not say yet of certificates that have not ended. */
async function unlisted(records: readonly OwnerRecord[], namespace: string, world: World): Promise<string[]> {
  const lasting = records.filter(({ record }) => new Date(record.notAfter) > world.clock.now());
  const waits: string[] = [];
  const issuers = new Map(lasting.map(({ issuer }) => [ownerText(issuer), issuer]));
  for (const issuer of issuers.values()) {
    const { authority } = issuer;
    const own = lasting.filter((each) => ownerText(each.issuer) === ownerText(issuer));
    const revoked = own.flatMap(({ record: { revocation, ...record } }) =>
      revocation ? [{ ...record, revocation }] : [],
    );
    const { material } = authorityPlace(world, namespace, issuer, vouchedBy([]));
    const state = await crlStateOf(await material.crl(issuer), revoked, authority);
    const missing = typeof state === 'string' ? revoked.map(({ serial }) => serial) : state.missing;
    if (missing.length === 0) continue;
    const wait = `waits until the list of ${authority} names serial ${missing.join(', ')}`;
    const isThere = await world.client.get(certificateAuthorities, { namespace, name: authority });
    const gone = `, but CertificateAuthority ${authority} is gone; fix: declare it again, or set onRemoval to keep`;
    waits.push(isThere ? wait : `${wait}${gone}`);
  }
  return waits;
}

async function deleteSecret(
  namespace: string,
  name: string,
  owner: Owner,
  records: readonly OwnerRecord[],
  world: World,
): Promise<void> {
  const secret = await world.client.get(secrets, { namespace, name });
  if (!secret) return;
  try {
    vouchedBy(records)(secret, name, owner);
  } catch {
    return;
  }
  await world.client.delete(secrets, { namespace, name }, { resourceVersion: secret.metadata.resourceVersion });
}

async function finalized(object: Stored<CertificateObject>, world: World): Promise<Stored<CertificateObject>> {
  const { finalizers = [] } = object.metadata;
  if (finalizers.includes(FINALIZER)) return object;
  return world.client.patch(certificates, object.metadata, { metadata: { finalizers: [...finalizers, FINALIZER] } });
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

function recordIn(records: readonly OwnerRecord[]): CertificateRecord {
  const known = newest(records);
  if (known) return known.record;
  throw new TypeError('what was issued is on record');
}

function recordFor(
  demand: Demand,
  certificate: Certificate,
  issuer: OpenIssuer,
  namespace: string,
  issue: number,
  reason: string,
): OwnerRecord {
  const serial = serialHex(certificate.serialNumber);
  return {
    ref: { namespace, name: issuedCertificateName(generationOf(issuer), serial) },
    issuer: generationOf(issuer),
    record: {
      serial,
      notBefore: timestamp(certificate.notBefore),
      notAfter: timestamp(certificate.notAfter),
      issuance: {
        owner: { demand: demand.id },
        topology: topologyOf(namespace),
        issue,
        reason,
        specification: specificationOf(demand),
      },
    },
    certificate,
    keyId: keyId(certificate.subjectPublicKeyInfo),
    damage: undefined,
  };
}

import { issueCertificates } from '../../src/authority/issue.ts';
import { type MaterialState, planCertificate, planRemoved, renewalTime } from '../../src/authority/plan.ts';
import {
  type CertificateRecord,
  type LedgerEntry,
  latestByOwner,
  recordOf,
  specificationOf,
  timestamp,
} from '../../src/authority/record.ts';
import { crlStateOf, materialStateOf } from '../../src/authority/recorded.ts';
import { revokeCertificate } from '../../src/authority/revoke.ts';
import { VcsPkiError } from '../../src/errors.ts';
import {
  type CertificateResource,
  type CertificateStatus,
  certificateKind,
  demandOf,
} from '../../src/resources/certificate.ts';
import { parseResource } from '../../src/resources/resource.ts';
import type { Demand } from '../../src/topology/demands.ts';
import { type Certificate, serialHex } from '../../src/x509/certificate.ts';
import { type CertificateObject, certificates } from '../api/resources.ts';
import { entriesOfOwner, KubeLedger, topologyOf } from '../kube/kube-ledger.ts';
import { KubeMaterial } from '../kube/kube-material.ts';
import { refuseTaken } from '../kube/labels.ts';
import { refOf, type Stored, secrets } from '../kube/resource.ts';
import type { Outcome } from '../runtime/controller.ts';
import { authorityPlace, GENERATION, type OpenIssuer, openIssuerIfReady } from './issuer.ts';
import { LOOK_AGAIN_MS, reportFailure, writeStatus } from './status.ts';
import type { World } from './world.ts';

/** Keeps a removed Certificate until its revocation is published. */
export const FINALIZER = 'vcs-pki.dev/revoke';

/** Other Certificates, possibly a little out of date. */
export type Others = () => readonly Stored<CertificateObject>[];

/** Brings one Certificate to what it declares: on record, in its Secret, said in its status; or off, when it is removed. */
export async function reconcileCertificate(
  key: string,
  world: World,
  others: Others,
  signal: AbortSignal,
): Promise<Outcome> {
  const object = await world.client.get(certificates, refOf(key));
  if (!object) return { kind: 'done' };
  try {
    const resource = parseResource(certificateKind, object, object.metadata.namespace ?? '');
    const rivals = others().filter((other) => isRival(other, object));
    if (object.metadata.deletionTimestamp) return await remove(object, resource, rivals, world);
    for (const rival of rivals) if (isOlder(rival, object)) throw taken(resource, rival);
    return await keepIssued(await finalized(object, world), resource, world, signal);
  } catch (error) {
    return await reportFailure(world, certificates, object, error);
  }
}

async function keepIssued(
  object: Stored<CertificateObject>,
  resource: CertificateResource,
  world: World,
  signal: AbortSignal,
): Promise<Outcome> {
  const { namespace = '' } = object.metadata;
  const demand = demandOf(resource);
  const issuer = await openIssuerIfReady(world, namespace, demand.issuer);
  const opened = issuer instanceof VcsPkiError ? undefined : issuer;
  const material = new KubeMaterial({
    ...world,
    namespace,
    secretName: () => resource.spec.secretName,
    root: async () => opened?.root,
  });
  const entries = await entriesOfOwner(world.client, namespace, demand.id);
  const known = latest(entries, demand.id);
  const state = await stateOf(demand, known, entries, material, opened);
  const record =
    known && state === 'key missing' && isAbandoned(known, resource)
      ? await revokeAbandoned(object, known, world)
      : known;

  const issuerNotAfter = opened && timestamp(opened.certificate.notAfter);
  const decision = planCertificate(demand, record, issuerNotAfter, state, world.clock.now());
  let current = record;
  if (decision.kind !== 'wait') {
    if (issuer instanceof VcsPkiError) throw issuer;
    const { generation, reason } = decision;
    if (decision.kind === 'restore') {
      const certificate = await certificateOf(record, entries);
      await material.store(demand.id, generation, { certificate, chain: issuer.chain });
      world.announce(object, { type: 'Normal', reason: 'Restored', note: `restored its Secret: ${reason}` });
    } else {
      // A key that never came on record may be of another type than is wanted now.
      world.pending.delete(`${namespace}/${demand.id}/${generation}`);
      const topology = topologyOf(namespace);
      const ports = { ...world, material, compromised: async () => undefined };
      const issued = ({ certificate }: { certificate: Certificate }) => {
        current = recordFor(demand, certificate, topology, generation, reason);
        world.announce(object, { type: 'Normal', reason: 'Issued', note: `issued ${current.serial}: ${reason}` });
      };
      await issueCertificates([{ demand, generation, reason }], issuer, topology, ports, issued, signal);
    }
  }
  if (!current) throw new TypeError(`${demand.id}: nothing is on record after it was issued`);
  return settle(object, demand, current, issuerNotAfter, world);
}

/** Says what there is, and when to look again. */
async function settle(
  object: Stored<CertificateObject>,
  demand: Demand,
  record: CertificateRecord,
  issuerNotAfter: string | undefined,
  world: World,
): Promise<Outcome> {
  const { serial, notBefore, notAfter, issuance } = record;
  const now = world.clock.now();
  const expired = now >= new Date(notAfter);
  const status: CertificateStatus = {
    generation: issuance.generation,
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
  ]);
  const next = planCertificate(demand, record, issuerNotAfter, 'whole', now);
  const again = new Date(now.getTime() + LOOK_AGAIN_MS);
  return { kind: 'wait', until: next.kind === 'wait' && next.until > now ? next.until : again };
}

/** Revokes what was issued, where that is wanted, and lets go when the published list says so. */
async function remove(
  object: Stored<CertificateObject>,
  resource: CertificateResource,
  rivals: readonly Stored<CertificateObject>[],
  world: World,
): Promise<Outcome> {
  const { namespace = '', finalizers = [] } = object.metadata;
  if (!finalizers.includes(FINALIZER)) return { kind: 'done' };
  const { demandId, onRemoval, secretName } = resource.spec;
  // Another Certificate of the same demand goes on with what is on record.
  if (onRemoval === 'revoke' && rivals.length === 0) {
    const entries = await entriesOfOwner(world.client, namespace, demandId);
    const record = latest(entries, demandId);
    if (record && !(await isPublishedAsRevoked(object, record, world))) {
      const { issuer } = record.issuance.specification;
      const message = `waits until the list of ${issuer} names serial ${record.serial}; fix, if ${issuer} is gone: declare it again, or set onRemoval to keep`;
      const status = resource.status ?? {};
      await writeStatus(world, certificates, object, status, [
        { type: 'Ready', status: 'False', reason: 'Removing', message },
      ]);
      return { kind: 'wait', until: new Date(world.clock.now().getTime() + LOOK_AGAIN_MS) };
    }
    await deleteSecret(namespace, secretName, demandId, world);
  }
  const kept = finalizers.filter((finalizer) => finalizer !== FINALIZER);
  await world.client.patch(certificates, object.metadata, { metadata: { finalizers: kept } });
  return { kind: 'done' };
}

/** True when the newest certificate is on the published list, or ended before that was made; revokes it if that is still to do. */
async function isPublishedAsRevoked(
  object: Stored<CertificateObject>,
  record: CertificateRecord,
  world: World,
): Promise<boolean> {
  const { namespace = '' } = object.metadata;
  const { owner, specification } = record.issuance;
  const { ledger, material } = authorityPlace(world, namespace, specification.issuer, async () => undefined);
  const recorded = { authorities: new Map(), certificates: new Map([[owner, record]]) };
  for (const { record: wanted, reason } of planRemoved([], recorded, world.clock.now())) {
    await revokeCertificate({ ledger }, wanted.serial, 'cessationOfOperation', world.clock);
    world.announce(object, { type: 'Normal', reason: 'Revoked', note: `revoked ${wanted.serial}: ${reason}` });
  }
  const entries = await entriesOfOwner(world.client, namespace, owner);
  const revoked = entries.filter(({ serial }) => serial === record.serial);
  const list = await material.crl(specification.issuer, GENERATION);
  const state = crlStateOf(list, revoked, `the list of ${specification.issuer}`);
  return typeof state !== 'string' && state.missing.length === 0;
}

async function deleteSecret(namespace: string, name: string, owner: string, world: World): Promise<void> {
  const secret = await world.client.get(secrets, { namespace, name });
  if (!secret) return;
  try {
    refuseTaken(secret, name, owner);
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

/** What the Secret holds of the certificate on record. Fails with OBJECT_TAKEN where the Secret is not ours, before anything is issued for it. */
async function stateOf(
  demand: Demand,
  record: CertificateRecord | undefined,
  entries: readonly LedgerEntry[],
  material: KubeMaterial,
  issuer: OpenIssuer | undefined,
): Promise<MaterialState | undefined> {
  if (!record) {
    await material.load(demand.id, 1);
    return undefined;
  }
  const { generation, specification } = record.issuance;
  const certificate = await certificateOf(record, entries);
  const keyOnAppliance = specification.key.startsWith('request ');
  const recorded = { owner: demand.id, generation, certificate, keyOnAppliance };
  if (issuer?.id !== specification.issuer) return materialStateOf(material, recorded);
  const { chain } = issuer;
  return materialStateOf(material, recorded, () => material.isWhole(demand.id, generation, { certificate, chain }));
}

/** A crash came between record and Secret, and the key went with the process. A key that was lost later may be in use on its peer. */
function isAbandoned(record: CertificateRecord, { status }: CertificateResource): boolean {
  return record.revocation === undefined && status?.serial !== record.serial;
}

async function revokeAbandoned(
  object: Stored<CertificateObject>,
  record: CertificateRecord,
  { client, clock, announce }: World,
): Promise<CertificateRecord> {
  const { namespace = '' } = object.metadata;
  const { serial } = record;
  const authority = record.issuance.specification.issuer;
  const revocation = { at: timestamp(clock.now()), reason: 'cessationOfOperation' } as const;
  await new KubeLedger({ client, namespace, authority, generation: GENERATION }).revoke(serial, revocation);
  const note = `${serial} was issued but never reached its Secret, and its key is lost: revoked`;
  announce(object, { type: 'Warning', reason: 'Abandoned', note });
  return { ...record, revocation };
}

function latest(entries: readonly LedgerEntry[], owner: string): CertificateRecord | undefined {
  return latestByOwner(entries.flatMap((entry) => recordOf(entry) ?? [])).get(owner);
}

async function certificateOf(record: CertificateRecord | undefined, entries: readonly LedgerEntry[]): Promise<Buffer> {
  const der = await entries.find(({ serial }) => serial === record?.serial)?.certificate();
  if (der) return der;
  throw new TypeError(`record ${record?.serial} has no certificate`);
}

function recordFor(
  demand: Demand,
  certificate: Certificate,
  topology: string,
  generation: number,
  reason: string,
): CertificateRecord {
  return {
    serial: serialHex(certificate.serialNumber),
    notBefore: timestamp(certificate.notBefore),
    notAfter: timestamp(certificate.notAfter),
    issuance: { owner: demand.id, topology, generation, reason, specification: specificationOf(demand) },
  };
}

function isRival(other: Stored<CertificateObject>, { metadata, spec }: Stored<CertificateObject>): boolean {
  return (
    other.spec.demandId === spec.demandId &&
    other.metadata.namespace === metadata.namespace &&
    other.metadata.uid !== metadata.uid
  );
}

/** Of two Certificates for one demand the older counts; of the same second, the first by name. */
function isOlder({ metadata: a }: Stored<CertificateObject>, { metadata: b }: Stored<CertificateObject>): boolean {
  const [first = '', second = ''] = [a.creationTimestamp, b.creationTimestamp];
  return first === second ? a.name < b.name : first < second;
}

function taken({ metadata, spec }: CertificateResource, rival: Stored<CertificateObject>): VcsPkiError {
  return new VcsPkiError('OWNER_TAKEN', {
    at: `Certificate ${metadata.namespace}/${metadata.name}: spec.demandId`,
    value: spec.demandId,
    message: `Certificate ${rival.metadata.name} has the demandId ${spec.demandId} already`,
    fix: 'delete one of the two',
  });
}

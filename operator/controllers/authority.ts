import { createPublicKey, type KeyObject } from 'node:crypto';
import { createAuthority } from '../../src/authority/issue.ts';
import { generationOf, type Issuer, localSigner } from '../../src/authority/issuer.ts';
import { ownerText } from '../../src/authority/owner.ts';
import { refusePathTooLong } from '../../src/authority/path-length.ts';
import { authorityDifferences, planAuthority, planCrl } from '../../src/authority/plan.ts';
import type { CertificateRecord } from '../../src/authority/record.ts';
import { crlStateOf, materialStateOf } from '../../src/authority/recorded.ts';
import { crlSignedAt, readPublished, signCrl } from '../../src/authority/revocation-list.ts';
import { nextUpdateDue } from '../../src/authority/schedule.ts';
import { VcsPkiError } from '../../src/errors.ts';
import {
  authorityOf,
  type CertificateAuthorityResource,
  type CertificateAuthorityStatus,
  certificateAuthorityKind,
} from '../../src/resources/certificate-authority.ts';
import { parseResource } from '../../src/resources/resource.ts';
import type { Crl } from '../../src/x509/crl.ts';
import { generatePrivateKey, keyId, keyIdentifier, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { type AuthorityObject, certificateAuthorities } from '../api/resources.ts';
import type { KubeLedger } from '../kube/kube-ledger.ts';
import { authoritySecretName, type KubeMaterial } from '../kube/kube-material.ts';
import { newest, recordsOfOwner, topologyOf } from '../kube/records.ts';
import { refOf, type Stored } from '../kube/resource.ts';
import { recordLost, vouchedBy } from '../kube/secret-content.ts';
import type { Outcome } from '../runtime/controller.ts';
import { activeGeneration, authorityPlace, issuerOf, type OpenIssuer, openIssuerIfReady } from './issuer.ts';
import { compromisedIn } from './keys.ts';
import {
  announceNews,
  LOOK_AGAIN_MS,
  type NewCondition,
  reasonOf,
  reportFailure,
  wordsOf,
  writeStatus,
} from './status.ts';
import type { World } from './world.ts';

/** After the clock was found to have run ahead: publish though the last list is from the future. To be removed by whoever set it. */
export const CLOCK_CORRECTION = 'vcs-pki.dev/after-clock-correction';

/** As the definition of CertificateAuthority bounds it. */
const PENDING_LIMIT = 8;

/** Brings one CertificateAuthority to what it declares: key and certificate, then its revocation list. A deleted one leaves everything. */
export async function reconcileAuthority(key: string, world: World): Promise<Outcome> {
  const object = await world.client.get(certificateAuthorities, refOf(key));
  if (!object || object.metadata.deletionTimestamp) return { kind: 'done' };
  const outcome = await keepAuthority(object, world);
  return outcome === 'announced' ? reconcileAuthority(key, world) : outcome;
}

async function keepAuthority(object: Stored<AuthorityObject>, world: World): Promise<Outcome | 'announced'> {
  try {
    const authority = await establish(object, world);
    if (authority === 'announced') return authority;
    const list = await keepListCurrent(object, authority, world);
    const conditions = [readiness(authority, world.clock.now()), list.condition];
    await writeStatus(world, certificateAuthorities, object, { ...statusOf(authority), crl: list.status }, conditions);
    const expiry = new Date(authority.record.notAfter);
    const until = expiry > world.clock.now() && expiry < list.until ? expiry : list.until;
    return { kind: 'wait', until };
  } catch (error) {
    return await reportFailure(world, certificateAuthorities, object, error);
  }
}

interface Established {
  readonly resource: CertificateAuthorityResource;
  readonly issuer: Issuer;
  readonly record: CertificateRecord;
  /** Why what is declared cannot be compared with what was issued. */
  readonly damage: VcsPkiError | undefined;
  readonly material: KubeMaterial;
}

/**
 * Creates the authority, or finds it as it is on record; a lost certificate is put back, a lost key is not replaced.
 * `announced`: a key was made and its id is in the status now; to be looked at again from the start.
 */
async function establish(object: Stored<AuthorityObject>, world: World): Promise<Established | 'announced'> {
  const { namespace = '' } = object.metadata;
  const resource = parseResource(certificateAuthorityKind, object, namespace);
  const authority = authorityOf(resource);
  const owner = activeGeneration(authority.id);
  const at = `Secret ${namespace}/${authoritySecretName(owner)}`;
  let opened: Promise<OpenIssuer | VcsPkiError> | undefined;
  const parentIfReady = async () => {
    if (authority.issuer !== undefined) opened ??= openIssuerIfReady(world, namespace, authority.issuer);
    return opened;
  };
  const parent = async () => {
    const issuer = await parentIfReady();
    if (issuer instanceof VcsPkiError) throw issuer;
    return issuer;
  };
  const records = await recordsOfOwner(world.client, namespace, owner);
  const known = newest(records);
  const pendingKeyIds = known ? [] : (resource.status?.pendingKeyIds ?? []);
  const issueIn = vouchedBy(records, {
    pendingKeyIds,
    wasIssued: (certificate) => pendingKeyIds.includes(keyId(certificate.subjectPublicKeyInfo)),
  });
  const root = async () => (await parent())?.root;
  const { ledger, material } = authorityPlace(world, namespace, owner, issueIn, root);

  if (!known) {
    const created = await create({ object, resource, ledger, material }, parent, world);
    return created === 'announced' ? created : establish(object, world);
  }

  const { record, certificate, damage } = known;
  if (!certificate) throw damage ?? recordLost(at, owner);
  const differences = damage ? [] : authorityDifferences(authority, record);
  if (differences.length > 0) throw changed(`${namespace}/${authority.id}`, differences);
  const { issue } = record.issuance;
  const recorded = { owner, issue, certificate, keyOnAppliance: false };
  const state = await materialStateOf(material, recorded, async (kept) => {
    const above = await parentIfReady();
    if (above instanceof VcsPkiError) return kept.certificate?.der.equals(certificate.der) ?? false;
    return material.isWhole(owner, issue, { certificate, chain: above?.chain ?? [] });
  });
  if (state === 'key altered') throw keyAltered(at, authority.id);
  if (state === 'key missing') throw keyMissing(at, authority.id);
  const decision = planAuthority(authority, { material: state });
  if (decision.kind === 'restore') {
    const chain = (await parent())?.chain ?? [];
    await material.store(owner, issue, { certificate, chain });
    world.announce(object, { type: 'Normal', reason: 'Restored', note: `restored its Secret: ${decision.reason}` });
  }
  const { key, chain = [] } = await material.load(owner, issue);
  if (!key) throw keyMissing(at, authority.id);
  const issuer = { ...issuerOf(resource, certificate, chain), signer: localSigner(key), ledger };
  return { resource, issuer, record, damage, material };
}

interface ToCreate {
  readonly object: Stored<AuthorityObject>;
  readonly resource: CertificateAuthorityResource;
  readonly ledger: KubeLedger;
  readonly material: KubeMaterial;
}

/**
 * Makes an authority that has no record: its key in memory, the id of that in the status, the key in its Secret, the record, the
 * certificate. After a crash it goes on from what the status vouches for (I14); no other key is taken.
 */
async function create(
  { object, resource, ledger, material }: ToCreate,
  parent: () => Promise<OpenIssuer | undefined>,
  world: World,
): Promise<'announced' | 'created'> {
  const { namespace = '', name } = object.metadata;
  const authority = authorityOf(resource);
  const owner = activeGeneration(name);
  const { serial, pendingKeyIds = [] } = resource.status ?? {};
  if (serial !== undefined) throw recordLost(`CertificateAuthority ${namespace}/${name}`, owner);
  const kept = await material.load(owner, 1);
  const issuer = await parent();
  if (issuer) refusePathTooLong(issuer, ownerText(owner));
  const pending = `${namespace}/${ownerText(owner)}`;
  const key = kept.key ?? announcedKey(world.pending.get(pending), pendingKeyIds);
  if (!key) {
    const made = await generatePrivateKey(authority.key);
    world.pending.set(pending, made);
    const ids = [...pendingKeyIds, keyId(subjectPublicKeyInfo(made))].slice(-PENDING_LIMIT);
    const status = { ...resource.status, pendingKeyIds: ids };
    await writeStatus(world, certificateAuthorities, object, status, [], { fenced: true });
    return 'announced';
  }
  await material.key(owner, 1, async () => key);
  const reason = issuer ? `to be signed by ${issuer.id}` : 'self-signed root';
  const context = { reason, topology: topologyOf(namespace), pathLength: resource.spec.pathLength };
  const ports = { ...world, material, compromised: compromisedIn(world, namespace) };
  await createAuthority(authority, { generation: owner.generation, ledger, key }, issuer, context, ports);
  world.pending.delete(pending);
  world.announce(object, { type: 'Normal', reason: 'Created', note: `created authority: ${reason}` });
  return 'created';
}

/** A key that this process made, once the status says so: only then may it be written. */
function announcedKey(key: KeyObject | undefined, announced: readonly string[]): KeyObject | undefined {
  return key && announced.includes(keyId(subjectPublicKeyInfo(createPublicKey(key)))) ? key : undefined;
}

interface CurrentList {
  readonly status: CertificateAuthorityStatus['crl'];
  readonly condition: NewCondition;
  /** When to look again. */
  readonly until: Date;
}

/** Signs the list where it is due or lacks a revocation. One that may not be published is a condition of its own: the old one still serves. */
async function keepListCurrent(
  object: Stored<AuthorityObject>,
  { resource, issuer, material }: Established,
  world: World,
): Promise<CurrentList> {
  const { crl: settings } = authorityOf(resource);
  const bytes = await material.crl(generationOf(issuer));
  const published = readPublished(bytes, issuer.id);
  const state = await crlStateOf(bytes, issuer.ledger.revoked(), issuer.id);
  const decision = planCrl({ crl: settings }, { crl: state }, 0, world.clock.now());
  if (decision.kind !== 'sign' && published) return current(published, issuer, material, settings);
  const afterClockCorrection = object.metadata.annotations?.[CLOCK_CORRECTION] !== undefined;
  try {
    const crl = await signCrl(issuer, { validDays: settings.validDays, afterClockCorrection }, { ...world, material });
    const reason = decision.kind === 'sign' ? decision.reason : 'no list yet';
    const note = `signed revocation list ${crl.crlNumber} with ${crl.size} entries: ${reason}`;
    world.announce(object, { type: 'Normal', reason: 'ListSigned', note });
    return current(crl, issuer, material, settings);
  } catch (error) {
    if (!(error instanceof VcsPkiError) || error.code !== 'CRL_REFUSED' || !published) throw error;
    const note = `${wordsOf(error)}; after a clock correction annotate the authority with ${CLOCK_CORRECTION}`;
    const condition = { type: FRESH, status: 'False', reason: reasonOf(error.code), message: note } as const;
    announceNews(world, object, condition);
    const until = new Date(world.clock.now().getTime() + LOOK_AGAIN_MS);
    return { ...current(published, issuer, material, settings), condition, until };
  }
}

const FRESH = 'CRLFresh';

function current(
  crl: Crl,
  issuer: Issuer,
  material: KubeMaterial,
  settings: Parameters<typeof nextUpdateDue>[0],
): CurrentList {
  const nextUpdate = crl.nextUpdate ?? crl.thisUpdate;
  const until = nextUpdateDue(settings, crlSignedAt(crl));
  return {
    status: {
      number: `${crl.crlNumber ?? 0n}`,
      thisUpdate: seconds(crl.thisUpdate),
      nextUpdate: seconds(nextUpdate),
      entries: crl.size,
      configMaps: material.crlConfigMaps(generationOf(issuer)),
    },
    condition: {
      type: FRESH,
      status: 'True',
      reason: 'Published',
      message: `valid until ${seconds(nextUpdate)}; the next one is due at ${seconds(until)}`,
    },
    until,
  };
}

function readiness({ record: { notAfter, revocation }, damage }: Established, now: Date): NewCondition {
  const refuse = (reason: string, what: string): NewCondition => ({
    type: 'Ready',
    status: 'False',
    reason,
    message: `its certificate ${what}; fix: create another authority, trust it, then make it the issuer`,
  });
  if (revocation) return refuse('Revoked', `was revoked on ${revocation.at} (${revocation.reason})`);
  if (now >= new Date(notAfter)) return refuse('Expired', `ended on ${notAfter}`);
  if (damage) return { type: 'Ready', status: 'False', reason: reasonOf(damage.code), message: wordsOf(damage) };
  return { type: 'Ready', status: 'True', reason: 'Issuing', message: `signs certificates until ${notAfter}` };
}

function statusOf({ issuer, record }: Established): Partial<CertificateAuthorityStatus> {
  return {
    serial: record.serial,
    notAfter: record.notAfter,
    keyIdentifier: keyIdentifier(issuer.certificate.subjectPublicKeyInfo).toString('hex'),
    secretName: authoritySecretName(generationOf(issuer)),
  };
}

function seconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

function keyMissing(at: string, authority: string): VcsPkiError {
  return new VcsPkiError('AUTHORITY_MISSING', {
    at,
    message: `the key of authority ${authority} is not there`,
    fix: 'restore the Secret from a backup; a lost key is never replaced silently',
  });
}

function keyAltered(at: string, authority: string): VcsPkiError {
  return new VcsPkiError('KEY_MISMATCH', {
    at,
    message: `its key is not the one that the certificate of ${authority} was issued for`,
    fix: 'restore the Secret from a backup',
  });
}

function changed(name: string, differences: readonly string[]): VcsPkiError {
  return new VcsPkiError('AUTHORITY_CHANGED', {
    at: `CertificateAuthority ${name}`,
    value: differences.join(', '),
    message: `exists already and can't be changed: ${differences.join(', ')}`,
    fix: 'declare a new authority under a name and common name of its own, trust it, then make it the issuer',
  });
}

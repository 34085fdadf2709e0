import { generationOf, type Issuer, localSigner } from '../../src/authority/issuer.ts';
import { performOne } from '../../src/authority/perform.ts';
import { authorityDifferences, planAuthority } from '../../src/authority/plan.ts';
import type { CertificateRecord } from '../../src/authority/record.ts';
import { materialStateOf } from '../../src/authority/recorded.ts';
import { VcsPkiError } from '../../src/errors.ts';
import {
  authorityOf,
  type CertificateAuthorityResource,
  type CertificateAuthorityStatus,
  certificateAuthorityKind,
} from '../../src/resources/certificate-authority.ts';
import { parseResource } from '../../src/resources/resource.ts';
import { keyId, keyIdentifier } from '../../src/x509/keys.ts';
import { type AuthorityObject, certificateAuthorities } from '../api/resources.ts';
import { authoritySecretName, type KubeMaterial } from '../kube/kube-material.ts';
import { newest, recordsOfOwner } from '../kube/records.ts';
import { refOf, type Stored } from '../kube/resource.ts';
import { recordLost, vouchedBy } from '../kube/secret-content.ts';
import type { Outcome } from '../runtime/controller.ts';
import { createAnnounced } from './authority-creation.ts';
import { keepListCurrent } from './authority-list.ts';
import { activeGeneration, authorityPlace, issuerOf, type OpenIssuer, openIssuerIfReady } from './issuer.ts';
import { announceDone, placeIn } from './place.ts';
import { type NewCondition, reasonOf, reportFailure, wordsOf, writeStatus } from './status.ts';
import type { World } from './world.ts';

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
    const created = await createAnnounced({ object, resource, ledger, material }, parent, world);
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
    const place = placeIn(world, namespace, { material, recorded: { certificate, chain } });
    const step = { kind: 'restore', owner, issue, reason: decision.reason } as const;
    await performOne(step, place, (done) => announceDone(world, object, done));
  }
  const { key, chain = [] } = await material.load(owner, issue);
  if (!key) throw keyMissing(at, authority.id);
  const issuer = { ...issuerOf(resource, certificate, chain), signer: localSigner(key), ledger };
  return { resource, issuer, record, damage, material };
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

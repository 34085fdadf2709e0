import { createPublicKey, type KeyObject } from 'node:crypto';
import { ownerText } from '../../src/authority/owner.ts';
import { refusePathTooLong } from '../../src/authority/path-length.ts';
import { performOne } from '../../src/authority/perform.ts';
import { planAuthority } from '../../src/authority/plan.ts';
import { authorityOf, type CertificateAuthorityResource } from '../../src/resources/certificate-authority.ts';
import { generatePrivateKey, keyId, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { type AuthorityObject, certificateAuthorities } from '../api/resources.ts';
import type { KubeLedger } from '../kube/kube-ledger.ts';
import type { KubeMaterial } from '../kube/kube-material.ts';
import type { Stored } from '../kube/resource.ts';
import { recordLost } from '../kube/secret-content.ts';
import { activeGeneration, type OpenIssuer } from './issuer.ts';
import { announceDone, placeIn } from './place.ts';
import { writeStatus } from './status.ts';
import type { World } from './world.ts';

/** As the definition of CertificateAuthority bounds it. */
const PENDING_LIMIT = 8;

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
export async function createAnnounced(
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
  const { reason = '' } = planAuthority(authority, undefined);
  const { pathLength } = resource.spec;
  const { generation } = owner;
  await performOne(
    { kind: 'create authority', authority, generation, pathLength, reason },
    placeIn(world, namespace, { material, ledger, open: async () => issuer }),
    (done) => announceDone(world, object, done),
  );
  world.pending.delete(pending);
  return 'created';
}

/** A key that this process made, once the status says so: only then may it be written. */
function announcedKey(key: KeyObject | undefined, announced: readonly string[]): KeyObject | undefined {
  return key && announced.includes(keyId(subjectPublicKeyInfo(createPublicKey(key)))) ? key : undefined;
}

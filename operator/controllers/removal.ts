import { type Owner, ownerText } from '../../src/authority/owner.ts';
import { isValid } from '../../src/authority/plan.ts';
import { timestamp } from '../../src/authority/record.ts';
import { crlStateOf } from '../../src/authority/recorded.ts';
import type { CertificateResource } from '../../src/resources/certificate.ts';
import type { DemandId } from '../../src/topology/ids.ts';
import { type CertificateObject, certificateAuthorities, certificates } from '../api/resources.ts';
import { type OwnerRecord, recordsOfOwner, revokeRecord } from '../kube/records.ts';
import { type Stored, secrets } from '../kube/resource.ts';
import { vouchedBy } from '../kube/secret-content.ts';
import type { Outcome } from '../runtime/controller.ts';
import { authorityPlace } from './issuer.ts';
import { LOOK_AGAIN_MS, writeStatus } from './status.ts';
import type { World } from './world.ts';

/** Keeps a removed Certificate until its revocation is published. */
export const FINALIZER = 'vcs-pki.dev/revoke';

export interface Declared {
  readonly object: Stored<CertificateObject>;
  readonly resource: CertificateResource;
  /** All of its owner. */
  readonly records: readonly OwnerRecord[];
}

export function ownerOf({ spec }: CertificateResource): Owner {
  return { demand: spec.demandId as DemandId };
}

export async function finalized(object: Stored<CertificateObject>, world: World): Promise<Stored<CertificateObject>> {
  const { finalizers = [] } = object.metadata;
  if (finalizers.includes(FINALIZER)) return object;
  return world.client.patch(certificates, object.metadata, { metadata: { finalizers: [...finalizers, FINALIZER] } });
}

/** Revokes everything that was issued and is valid, where that is wanted, and lets go when the published lists say so. */
export async function remove(
  { object, resource, records }: Declared,
  hasRival: boolean,
  world: World,
): Promise<Outcome> {
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

import { type CompromisedKeys, compromiseReasons } from '../../src/authority/compromised-key.ts';
import { timestamp } from '../../src/authority/record.ts';
import { keyId } from '../../src/x509/keys.ts';
import { type IssuedCertificateObject, issuedCertificates } from '../api/resources.ts';
import { keyIdOfRecord, recordsWhere, revokeRecord, unlessChanged } from '../kube/records.ts';
import type { Stored } from '../kube/resource.ts';
import type { Outcome } from '../runtime/controller.ts';
import { LOOK_AGAIN_MS } from './status.ts';
import type { World } from './world.ts';

/**
 * I12, in one namespace: every certificate of a key of which one was revoked for compromise is revoked, whichever authority
 * signed it. Records of the version before are given the id of their key first, by which they are found.
 */
export async function reconcileKeys(namespace: string, world: World): Promise<Outcome> {
  const { client, clock, announce } = world;
  for (const object of await recordsWhere(client, namespace, { keyId: '' })) await addKeyId(object, world);
  const compromised = new Set<string>();
  for (const reason of compromiseReasons)
    for (const object of await recordsWhere(client, namespace, { 'revocation.reason': reason }))
      compromised.add(keyIdOfRecord(object) ?? '');
  compromised.delete('');
  for (const keyId of compromised) {
    for (const object of await recordsWhere(client, namespace, { keyId, 'revocation.reason': '' })) {
      const { serial, notAfter } = object.spec;
      if (clock.now() >= new Date(notAfter)) continue;
      await revokeRecord(client, object.metadata, { at: timestamp(clock.now()), reason: 'keyCompromise' });
      const note = `revoked ${serial}: another certificate of its key was revoked for compromise`;
      announce(object, { type: 'Warning', reason: 'KeyCompromised', note });
    }
  }
  return { kind: 'wait', until: new Date(clock.now().getTime() + LOOK_AGAIN_MS) };
}

/** The serial of a certificate in the namespace that says that this key is compromised. */
export function compromisedIn({ client }: Pick<World, 'client'>, namespace: string): CompromisedKeys {
  return async (subjectPublicKeyInfo) => {
    const id = keyId(subjectPublicKeyInfo);
    // In this order: a record that is given its key id between the two looks is seen by the second.
    const unmarked = await recordsWhere(client, namespace, { keyId: '' });
    const known = await recordsWhere(client, namespace, { keyId: id });
    const ofKey = [...known, ...unmarked.filter((object) => keyIdOfRecord(object) === id)];
    return ofKey.find(({ spec }) => spec.revocation && compromiseReasons.has(spec.revocation.reason))?.spec.serial;
  };
}

/** What is unreadable has no key that could be told; somebody else may be quicker. */
async function addKeyId(object: Stored<IssuedCertificateObject>, { client }: World): Promise<void> {
  const keyId = keyIdOfRecord(object);
  if (keyId === undefined) return;
  await unlessChanged(client.update(issuedCertificates, { ...object, spec: { ...object.spec, keyId } }));
}

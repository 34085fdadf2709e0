import { describe, expect, it } from 'vitest';
import { keyId, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { ecKey, signedCertificate } from '../../test/contract/signed-certificate.ts';
import { type IssuedCertificateObject, issuedCertificates } from '../api/resources.ts';
import type { KubeApi } from '../kube/client.ts';
import { MemoryApi } from '../kube/testing/memory-api.ts';
import { compromisedIn, reconcileKeys } from './keys.ts';

const now = new Date('2028-03-01T00:00:00Z');
const clock = { now: () => now };
const namespace = 'test';
const key = ecKey();
const id = keyId(subjectPublicKeyInfo(key));

const record = (serial: string, more: Partial<IssuedCertificateObject['spec']> = {}): IssuedCertificateObject => ({
  metadata: { namespace, name: `root-ca-1-${serial.toLowerCase()}` },
  spec: {
    authority: 'root-ca',
    authorityGeneration: 1,
    serial,
    certificate: signedCertificate(BigInt(`0x${serial}`), 'expc1.example.com', now, key).der.toString('base64'),
    notBefore: '2028-03-01T00:00:00Z',
    notAfter: '2028-03-31T00:00:00Z',
    owner: 'core/expc1/server',
    generation: 1,
    reason: 'no certificate yet',
    specification: '{}',
    ...more,
  },
});
const compromised = { at: '2028-02-29T00:00:00Z', reason: 'keyCompromise' } as const;

describe('I12: in Kubernetes, a key that was revoked for compromise', () => {
  const worldOf = (client: KubeApi) => ({
    client,
    clock,
    random: { bytes: () => Buffer.alloc(0) },
    pending: new Map(),
    announce: () => undefined,
  });

  it('is known, whether or not its record has the id of the key', async () => {
    for (const keyId of [id, undefined]) {
      const client = new MemoryApi(clock);
      await client.create(issuedCertificates, record('4A01', { revocation: compromised, ...(keyId && { keyId }) }));
      expect(await compromisedIn({ client }, namespace)(subjectPublicKeyInfo(key))).toBe('4A01');
      expect(await compromisedIn({ client }, namespace)(subjectPublicKeyInfo(ecKey()))).toBeUndefined();
    }
  });

  it('is known also while its record is being given that id', async () => {
    const client = new MemoryApi(clock);
    await client.create(issuedCertificates, record('4A01', { revocation: compromised }));
    // One request at a time, and the keys are looked after between any two.
    let turn: Promise<unknown> = Promise.resolve();
    const list = (...[type, options]: Parameters<KubeApi['list']>) => {
      const found = turn.then(() => client.list(type, options));
      turn = found.then(() => reconcileKeys(namespace, worldOf(client)));
      return found;
    };
    const busy = { ...client, list } as KubeApi;
    expect(await compromisedIn({ client: busy }, namespace)(subjectPublicKeyInfo(key))).toBe('4A01');
  });

  it('takes every other certificate of it along, once', async () => {
    const client = new MemoryApi(clock);
    await client.create(issuedCertificates, record('4A01', { revocation: compromised }));
    await client.create(issuedCertificates, record('4A02'));
    await client.create(issuedCertificates, record('4A03', { notAfter: '2028-02-29T00:00:00Z' }));
    await reconcileKeys(namespace, worldOf(client));
    const { items } = await client.list(issuedCertificates, { namespace });
    expect(items.map(({ spec }) => [spec.serial, spec.keyId, spec.revocation?.reason])).toEqual([
      ['4A01', id, 'keyCompromise'],
      ['4A02', id, 'keyCompromise'],
      ['4A03', id, undefined],
    ]);
    const written = client.writes.length;
    await reconcileKeys(namespace, worldOf(client));
    expect(client.writes).toHaveLength(written);
  });
});

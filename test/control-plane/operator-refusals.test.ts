import { createPublicKey, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import * as resources from '../../operator/api/resources.ts';
import { reconcileAuthority } from '../../operator/controllers/authority.ts';
import { reconcileCertificate } from '../../operator/controllers/certificate.ts';
import { conditionsOf } from '../../operator/controllers/status.ts';
import type { Surroundings, World } from '../../operator/controllers/world.ts';
import { names } from '../../operator/kube/labels.ts';
import { configMaps, type KubeObject, type ResourceType, secrets } from '../../operator/kube/resource.ts';
import { FakeScheduler } from '../../operator/runtime/testing/fake-scheduler.ts';
import { issuedCertificateName } from '../../src/resources/issued-certificate.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { createRequest } from '../../src/x509/request.ts';
import { keyWithExponent } from '../../src/x509/testing/weak-keys.ts';
import { ecKey, signedCertificate } from '../contract/signed-certificate.ts';
import { controlPlaneAvailable } from '../support/control-plane.ts';
import { CountingClient, pemBlocks, type Site } from '../support/operator.ts';
import { Stage } from '../support/stage.ts';

const authorities: ResourceType<resources.DeclaredObject> = resources.certificateAuthorities;
const certificates: ResourceType<resources.DeclaredObject> = resources.certificates;
const records: ResourceType<resources.DeclaredObject> = resources.issuedCertificates;
const DAY = 24 * 3_600_000;
const never = new AbortController().signal;

describe.runIf(controlPlaneAvailable)('what the operator refuses on a Kubernetes API server', () => {
  const stage = Stage.forTheseTests();
  let site: Site;
  let clock: FakeScheduler;
  let world: World;
  let told: string[];
  beforeEach(() => {
    ({ site } = stage);
    clock = new FakeScheduler(new Date('2028-02-10T12:00:00Z'));
    told = [];
    world = worldOf(stage.client);
  });

  function worldOf(client: World['client']): World {
    return {
      client,
      clock,
      random: { bytes: randomBytes },
      pending: new Map(),
      announce: (_, { note }) => told.push(note),
    };
  }

  /** As one turn of the operator's queue would. */
  async function reconcile(type: ResourceType<resources.DeclaredObject>, name: string, by = world): Promise<void> {
    const key = `${site.namespace}/${name}`;
    if (type === authorities) {
      await reconcileAuthority(key, by);
      return;
    }
    const { namespace } = site;
    const known = (await site.admin.list(resources.certificates, { namespace })).items;
    const seen = (await site.admin.list(secrets, { namespace })).items;
    const surroundings: Surroundings = { certificates: () => known, secrets: () => seen };
    await reconcileCertificate(key, by, surroundings, never);
  }

  /** root-ca and, below it, issuing-ca. */
  async function authoritiesMade(root: object = {}): Promise<void> {
    await site.authority('root-ca', { crl: { everyDays: 30, validDays: 90 }, ...root });
    await site.authority('issuing-ca', { issuerRef: { name: 'root-ca' }, lifetimeDays: 1000 });
    for (const name of ['root-ca', 'issuing-ca']) await reconcile(authorities, name);
    await site.ready(authorities, 'root-ca', 'issuing-ca');
  }

  async function leafMade(): Promise<void> {
    await authoritiesMade();
    await site.certificate('expc1', { issuerRef: { name: 'issuing-ca' } });
    await reconcile(certificates, 'expc1');
    await site.ready(certificates, 'expc1');
  }

  async function change(type: ResourceType, name: string, what: object): Promise<void> {
    await site.patch<KubeObject>(type, name, { ...what });
  }

  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const keyPem = (key = ecKey()) => base64(`${key.export({ type: 'pkcs8', format: 'pem' })}`);
  const certificatePem = (key = ecKey()) =>
    base64(
      encodePem('CERTIFICATE', signedCertificate(0x4a01n, 'Test root-ca', clock.now(), key, ['a.example.com']).der),
    );

  /** A Secret that says of itself that it is the operator's. */
  async function plant(name: string, owner: string, data: Record<string, string>, type = 'Opaque'): Promise<void> {
    const metadata = {
      namespace: site.namespace,
      name,
      labels: { [names.managedBy]: 'vcs-pki', [names.authority]: name.replace(/-ca$/, '') },
      annotations: { [names.owner]: owner, [names.issue]: '1', [names.serial]: '4A01' },
    };
    await site.admin.create(secrets, { metadata, type, data });
  }

  async function recordOf(owner: string) {
    const [spec] = await site.records(owner);
    return { spec: spec!, name: issuedCertificateName({ ...spec!, generation: 1 }, spec!.serial) };
  }

  const request = async (key: ReturnType<typeof ecKey>, ...dnsNames: string[]) =>
    encodePem(
      'CERTIFICATE REQUEST',
      await createRequest(key, { subject: { commonName: 'expc1.example.com' }, dnsNames, purposes: [] }),
    );

  /** What leads to each refusal, who then says so, and in which condition. */
  const refusals: Record<
    string,
    {
      prepare: () => Promise<void>;
      of: readonly [ResourceType<resources.DeclaredObject>, string];
      reason: string;
      type?: string;
    }
  > = {
    'a list that would lose an entry': {
      async prepare() {
        await leafMade();
        const { name } = await recordOf('core/expc1/server');
        await site.edit(records, name, { revocation: { at: '2028-02-01T00:00:00Z', reason: 'superseded' } });
        await reconcile(authorities, 'issuing-ca');
        await site.admin.delete(records, { namespace: site.namespace, name });
        clock.advance(2 * DAY);
      },
      of: [authorities, 'issuing-ca'],
      type: 'CRLFresh',
      reason: 'CrlRefused',
    },
    'a list that would go back in time': {
      async prepare() {
        await authoritiesMade();
        clock.setClock(new Date('2028-02-01T12:00:00Z'));
        await site.edit(authorities, 'root-ca', { crl: { validDays: 91 } });
      },
      of: [authorities, 'root-ca'],
      type: 'CRLFresh',
      reason: 'CrlRefused',
    },
    "another's Secret under the name of a leaf's": {
      async prepare() {
        await authoritiesMade();
        await site.admin.create(secrets, {
          metadata: { namespace: site.namespace, name: 'expc1' },
          data: { a: 'AA==' },
        });
        await site.certificate('expc1');
      },
      of: [certificates, 'expc1'],
      reason: 'ObjectTaken',
    },
    "another's Secret under the name of an authority's": {
      async prepare() {
        const metadata = { namespace: site.namespace, name: 'root-ca-ca' };
        await site.admin.create(secrets, { metadata, data: { 'tls.key': keyPem() } });
        await site.authority('root-ca');
      },
      of: [authorities, 'root-ca'],
      reason: 'ObjectTaken',
    },
    "another's ConfigMap under the name of a list": {
      async prepare() {
        await authoritiesMade();
        const metadata = { namespace: site.namespace, name: 'root-ca-crl' };
        await site.admin.delete(configMaps, metadata);
        await site.admin.create(configMaps, { metadata, data: {} });
      },
      of: [authorities, 'root-ca'],
      reason: 'ObjectTaken',
    },
    'I14: a Secret planted as that of a leaf, with a key': {
      async prepare() {
        await authoritiesMade();
        await plant('expc1', 'core/expc1/server', { 'tls.key': keyPem() });
        await site.certificate('expc1');
      },
      of: [certificates, 'expc1'],
      reason: 'ObjectTaken',
    },
    'I14: a Secret planted as that of a leaf, with key and certificate': {
      async prepare() {
        await authoritiesMade();
        const key = ecKey();
        const data = { 'tls.key': keyPem(key), 'tls.crt': certificatePem(key) };
        await plant('expc1', 'core/expc1/server', data, 'kubernetes.io/tls');
        await site.certificate('expc1');
      },
      of: [certificates, 'expc1'],
      reason: 'ObjectTaken',
    },
    'I14: a Secret planted in the place of that of an issued leaf': {
      async prepare() {
        await leafMade();
        await site.admin.delete(secrets, { namespace: site.namespace, name: 'expc1' });
        const key = ecKey();
        await plant('expc1', 'core/expc1/server', { 'tls.key': keyPem(key), 'tls.crt': certificatePem(key) });
      },
      of: [certificates, 'expc1'],
      reason: 'ObjectTaken',
    },
    "I14: another's Secret with the certificate on record and a key of its own": {
      async prepare() {
        await leafMade();
        const metadata = { namespace: site.namespace, name: 'expc1' };
        const { data } = (await site.secret('expc1'))!;
        await site.admin.delete(secrets, metadata);
        await site.admin.create(secrets, { metadata, data: { ...data, 'tls.key': keyPem() } });
      },
      of: [certificates, 'expc1'],
      reason: 'ObjectTaken',
    },
    'I14: a Secret planted as that of an authority, with a key': {
      async prepare() {
        await plant('root-ca-ca', 'authority/root-ca', { 'tls.key': keyPem() });
        await site.authority('root-ca');
      },
      of: [authorities, 'root-ca'],
      reason: 'ObjectTaken',
    },
    'I14: a Secret planted as that of an authority, with key and certificate': {
      async prepare() {
        const key = ecKey();
        const data = { 'tls.key': keyPem(key), 'tls.crt': certificatePem(key), 'ca.crt': certificatePem(key) };
        await plant('root-ca-ca', 'authority/root-ca', data);
        await site.authority('root-ca');
      },
      of: [authorities, 'root-ca'],
      reason: 'ObjectTaken',
    },
    'I14: a Secret planted as that of an authority, with what cannot be read': {
      async prepare() {
        await plant('root-ca-ca', 'authority/root-ca', { 'tls.key': base64('a key with a passphrase') });
        await site.authority('root-ca');
      },
      of: [authorities, 'root-ca'],
      reason: 'ObjectTaken',
    },
    'I14: a Secret planted in the place of that of an authority': {
      async prepare() {
        await authoritiesMade();
        await site.admin.delete(secrets, { namespace: site.namespace, name: 'issuing-ca-ca' });
        const key = ecKey();
        const data = { 'tls.key': keyPem(key), 'tls.crt': certificatePem(key), 'ca.crt': certificatePem(key) };
        await plant('issuing-ca-ca', 'authority/issuing-ca', data);
      },
      of: [authorities, 'issuing-ca'],
      reason: 'ObjectTaken',
    },
    'I14: a leaf of an authority with a planted Secret': {
      async prepare() {
        await authoritiesMade();
        const { metadata, data } = (await site.secret('issuing-ca-ca'))!;
        await site.admin.patch<KubeObject>(secrets, metadata, { data: { ...data, 'tls.key': keyPem() } });
        await site.certificate('expc1', { issuerRef: { name: 'issuing-ca' } });
      },
      of: [certificates, 'expc1'],
      reason: 'IssuerNotReady',
    },
    'the second of two with one demandId': {
      async prepare() {
        await leafMade();
        await site.certificate('a', { issuerRef: { name: 'issuing-ca' }, demandId: 'core/expc1/server' });
      },
      of: [certificates, 'a'],
      reason: 'OwnerTaken',
    },
    'another subject of an authority': {
      async prepare() {
        await authoritiesMade();
        await site.admin.delete(authorities, { namespace: site.namespace, name: 'root-ca' });
        await site.authority('root-ca', { subject: { commonName: 'Other' } });
      },
      of: [authorities, 'root-ca'],
      reason: 'AuthorityChanged',
    },
    'a lost key of an authority': {
      async prepare() {
        await authoritiesMade();
        await site.admin.delete(secrets, { namespace: site.namespace, name: 'root-ca-ca' });
      },
      of: [authorities, 'root-ca'],
      reason: 'AuthorityMissing',
    },
    'D36: lost records of an authority': {
      async prepare() {
        await authoritiesMade();
        for (const { metadata } of (await site.admin.list(records, { namespace: site.namespace })).items)
          await site.admin.delete(records, metadata);
      },
      of: [authorities, 'root-ca'],
      reason: 'LedgerLostEntries',
    },
    'D36: lost records and Secret of an authority': {
      async prepare() {
        await authoritiesMade();
        for (const { metadata } of (await site.admin.list(records, { namespace: site.namespace })).items)
          await site.admin.delete(records, metadata);
        await site.admin.delete(secrets, { namespace: site.namespace, name: 'root-ca-ca' });
      },
      of: [authorities, 'root-ca'],
      reason: 'LedgerLostEntries',
    },
    'D36: a lost record of a leaf': {
      async prepare() {
        await leafMade();
        const { name } = await recordOf('core/expc1/server');
        await site.admin.delete(records, { namespace: site.namespace, name });
      },
      of: [certificates, 'expc1'],
      reason: 'LedgerLostEntries',
    },
    'D36: a lost record of a leaf that was restored without its status': {
      async prepare() {
        await leafMade();
        const { name } = await recordOf('core/expc1/server');
        await site.admin.delete(records, { namespace: site.namespace, name });
        const { metadata, spec } = (await site.admin.get(certificates, { namespace: site.namespace, name: 'expc1' }))!;
        await site.admin.patch(certificates, metadata, { metadata: { finalizers: null } });
        await site.admin.delete(certificates, metadata);
        await site.admin.create(certificates, { metadata: { namespace: site.namespace, name: 'expc1' }, spec });
      },
      of: [certificates, 'expc1'],
      reason: 'LedgerLostEntries',
    },
    'another key beside the certificate of an authority': {
      async prepare() {
        await authoritiesMade();
        await change(secrets, 'root-ca-ca', { data: { 'tls.key': keyPem() } });
      },
      of: [authorities, 'root-ca'],
      reason: 'KeyMismatch',
    },
    'a list number that is none': {
      async prepare() {
        await authoritiesMade();
        await change(secrets, 'root-ca-ca', { data: { 'crl-number': base64('9'.repeat(60)) } });
        await site.edit(authorities, 'root-ca', { crl: { validDays: 91 } });
      },
      of: [authorities, 'root-ca'],
      reason: 'LedgerCorrupt',
    },
    'a request for surplus names': {
      async prepare() {
        await authoritiesMade();
        await site.certificate('expc1', { request: await request(ecKey(), 'expc1.example.com', 'a.example.com') });
      },
      of: [certificates, 'expc1'],
      reason: 'RequestSurplusNames',
    },
    'D29: a request of a weak key': {
      async prepare() {
        await authoritiesMade();
        await site.certificate('expc1', { request: await request(keyWithExponent(3), 'expc1.example.com') });
      },
      of: [certificates, 'expc1'],
      reason: 'KeyWeak',
    },
    'I12: a request of a compromised key': {
      async prepare() {
        await authoritiesMade();
        await site.certificate('expc1', { request: await request(ecKey(), 'expc1.example.com') });
        await reconcile(certificates, 'expc1');
        const { name } = await recordOf('core/expc1/server');
        await site.edit(records, name, { revocation: { at: '2028-02-01T00:00:00Z', reason: 'keyCompromise' } });
      },
      of: [certificates, 'expc1'],
      reason: 'KeyCompromised',
    },
    'an issuer that is not there': {
      async prepare() {
        await site.certificate('expc1');
      },
      of: [certificates, 'expc1'],
      reason: 'IssuerNotReady',
    },
    'an issuer of an authority that is not there': {
      async prepare() {
        await site.authority('issuing-ca', { issuerRef: { name: 'root-ca' } });
      },
      of: [authorities, 'issuing-ca'],
      reason: 'IssuerNotReady',
    },
    'a record that cannot be read': {
      async prepare() {
        await leafMade();
        const { name, spec } = await recordOf('core/expc1/server');
        await site.admin.delete(records, { namespace: site.namespace, name });
        const damaged = { ...spec, specification: '{"subject":' };
        await site.admin.create(records, { metadata: { namespace: site.namespace, name }, spec: damaged });
      },
      of: [certificates, 'expc1'],
      reason: 'LedgerCorrupt',
    },
    'an authority below one with path length 0': {
      async prepare() {
        await site.authority('root-ca', { pathLength: 0 });
        await reconcile(authorities, 'root-ca');
        await site.authority('issuing-ca', { issuerRef: { name: 'root-ca' } });
      },
      of: [authorities, 'issuing-ca'],
      reason: 'PathLengthExceeded',
    },
    'an authority two below one with path length 1': {
      async prepare() {
        await authoritiesMade({ pathLength: 1 });
        await site.authority('lowest-ca', { issuerRef: { name: 'issuing-ca' }, lifetimeDays: 900 });
      },
      of: [authorities, 'lowest-ca'],
      reason: 'PathLengthExceeded',
    },
  };

  it.each(Object.entries(refusals))('%s: said once, and then nothing more is written', async (_, refusal) => {
    const { prepare, of, reason, type = 'Ready' } = refusal;
    await prepare();
    const before = await everything();
    await reconcile(...of);
    const [kind, name] = of;
    const status = await site.status(kind, name);
    const condition = status.conditions.find((each) => each.type === type);
    expect(condition).toMatchObject({ status: 'False', reason });
    expect(condition?.message).toContain('fix: ');
    expect(told).toContain(condition?.message);
    expect(await everything(), 'nothing but conditions and finalizers').toEqual(before);

    told = [];
    const counting = new CountingClient(stage.client);
    await reconcile(...of, { ...worldOf(counting), pending: world.pending });
    expect(counting.writes).toEqual([]);
    expect(told).toEqual([]);
  });

  /** What Secrets, ConfigMaps and records there are, and what they hold. */
  async function everything(): Promise<unknown> {
    const held: string[] = [];
    for (const type of [secrets, configMaps, records])
      for (const object of (await site.admin.list<KubeObject>(type, { namespace: site.namespace })).items)
        held.push(JSON.stringify(object));
    return held.sort();
  }

  it('RFC 5280 4.2.1.9: what is refused below a path length names authority and value', async () => {
    await authoritiesMade({ pathLength: 1 });
    await site.authority('lowest-ca', { issuerRef: { name: 'issuing-ca' }, lifetimeDays: 900 });
    await reconcile(authorities, 'lowest-ca');
    const { conditions } = await site.status(authorities, 'lowest-ca');
    expect(conditions[0]?.message).toContain('the certificate of Test root-ca has path length 1');
    expect(await site.records('authority/lowest-ca')).toEqual([]);
    expect(await site.secret('lowest-ca-ca')).toBeUndefined();
  });

  it('I14: the key of an authority is announced before it is written, and forgotten when it is on record', async () => {
    await site.authority('root-ca');
    const seen: string[] = [];
    const announced = async () => {
      const object = await site.admin.get(resources.certificateAuthorities, {
        namespace: site.namespace,
        name: 'root-ca',
      });
      return JSON.stringify(Object(object?.status).pendingKeyIds ?? []);
    };
    const client = new CountingClient(stage.client);
    const watched = Object.assign(client, {
      create: async (type: ResourceType<KubeObject>, object: KubeObject) => {
        seen.push(`${type.kind} ${(await announced()) === '[]' ? 'without' : 'after'} an announcement`);
        return stage.client.create(type, object);
      },
    });
    await reconcile(authorities, 'root-ca', worldOf(watched as World['client']));
    expect(seen[0]).toBe('Secret after an announcement');
    expect(await announced()).toBe('[]');
    const object = await site.admin.get(authorities, { namespace: site.namespace, name: 'root-ca' });
    expect(conditionsOf(object!).map(({ status }) => status)).toEqual(['True', 'True']);
  });

  it('I14: a key that was announced by a process that died is taken up; one that another planted meanwhile is not', async () => {
    await site.authority('root-ca');
    const dying = new CountingClient(stage.client);
    const dead = new Error('dead');
    Object.assign(dying, { create: () => Promise.reject(dead) });
    await expect(reconcile(authorities, 'root-ca', worldOf(dying))).rejects.toBe(dead);
    await plant('root-ca-ca', 'authority/root-ca', { 'tls.key': keyPem() });
    await reconcile(authorities, 'root-ca');
    await site.condition(authorities, 'root-ca', { status: 'False', reason: 'ObjectTaken' });
    // I15: what is printed as the fix: it is moved away.
    await site.admin.delete(secrets, { namespace: site.namespace, name: 'root-ca-ca' });
    await reconcile(authorities, 'root-ca');
    await site.ready(authorities, 'root-ca');
    const { data } = (await site.secret('root-ca-ca'))!;
    const key = createPublicKey(Buffer.from(data!['tls.key']!, 'base64').toString());
    expect(pemBlocks(data!['tls.crt'])).toHaveLength(1);
    expect(key.asymmetricKeyType).toBe('ec');
  });

  it('I2, I3: two operators that create an authority at once make one of it', async () => {
    for (let round = 0; round < 5; round++) {
      const name = `root-${round}`;
      await site.authority(name);
      const both = [worldOf(stage.client), worldOf(stage.client)];
      for (let turn = 0; turn < 3; turn++)
        await Promise.allSettled(both.map((each) => reconcile(authorities, name, each)));
      await site.ready(authorities, name);
    }
    await site.checkInvariants();
  });
});

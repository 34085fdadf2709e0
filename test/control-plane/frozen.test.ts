import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as resources from '../../operator/api/resources.ts';
import { type Operator, startOperator } from '../../operator/index.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { configMaps, type ResourceType, type SecretObject, secrets } from '../../operator/kube/resource.ts';
import { FakeScheduler } from '../../operator/runtime/testing/fake-scheduler.ts';
import { RecordedLog } from '../../operator/runtime/testing/recorded-log.ts';
import type { IssuedCertificateSpec } from '../../src/resources/issued-certificate.ts';
import { serialHex } from '../../src/x509/certificate.ts';
import { type ControlPlane, controlPlaneAvailable, startControlPlane } from '../support/control-plane.ts';
import { frozenFolder } from '../support/frozen.ts';
import { eventually, installDefinitions, operatorClient, Site } from '../support/operator.ts';

const authorities: ResourceType<resources.DeclaredObject> = resources.certificateAuthorities;
const certificates: ResourceType<resources.DeclaredObject> = resources.certificates;
const records: ResourceType<resources.DeclaredObject> = resources.issuedCertificates;

/** Serial numbers that the operator of version 1ffa36d issued and that are in use, by Certificate. */
const IN_USE = {
  appliance: '7C969F364D51790846D0869E58CDAF78',
  expc1: '67381A79C89B9AED356A74B119D7F6A7',
  expc2: '54C1271D118B30BC61B119DED10842F9',
  expe1: '4BBB9BDD6E5A9AF600A94DC69C417947',
  expe2: '434DCFA3B00D51895F8133A82160A2CA',
  short: '4D0251E71ED6441979F51B5AF3900C46',
};
/** Of expe2 by hand, and of expc3, which was removed. */
const REVOKED = ['5E8FCA94314EDFDCAE882C76CE5210E3', '71A933709205651B113B13C90D9D8909'];
/** Both authorities among them, what was replaced, and lab1, which was removed and kept. */
const RECORDS = 13;
const LAST_NUMBER = 1794191400001n;

/** Two hours after that operator was stopped. */
const SAME_DAY = new Date('2026-11-09T12:00:00Z');
/** `short` is to be renewed on the 15th. */
const RENEWAL_DUE = new Date('2026-11-16T12:00:00Z');

describe.runIf(controlPlaneAvailable)('a namespace in which the operator of version 1ffa36d worked', () => {
  const clock = new FakeScheduler(SAME_DAY);
  const log = new RecordedLog();
  let plane: ControlPlane;
  let site: Site;
  let client: KubeClient;
  let operator: Operator | undefined;

  beforeAll(async () => {
    plane = await startControlPlane();
    await installDefinitions(plane, 'default', definitionsOf1ffa36d());
    const namespace = await plane.createNamespace();
    await restore(secrets, namespace);
    await restore(configMaps, namespace);
    for (const type of [records, authorities, certificates]) await restore(type, namespace);
    await installDefinitions(plane, 'default');
    site = new Site(plane.client, namespace);
    client = await operatorClient(plane, namespace);
    operator = await startOperator({ client, namespace, scheduler: clock, random: { bytes: randomBytes }, log });
  });
  afterAll(async () => {
    await operator?.stop();
    client?.close();
    await site?.close();
    await plane?.stop();
  });

  it('is taken over as it is: all Ready, nothing issued, nothing revoked, the list not shortened (I4)', async () => {
    // What does not go into the certificates, so that Ready is what the present operator says (I9).
    for (const name of Object.keys(IN_USE)) await site.edit(certificates, name, { peers: ['of-another-name'] });
    const statuses = await site.ready(certificates, ...Object.keys(IN_USE));
    expect(statuses.map(({ serial }) => serial)).toEqual(Object.values(IN_USE));
    await site.ready(authorities, 'root-ca', 'issuing-ca');
    const before = dumped(records).map(({ spec }) => spec as IssuedCertificateSpec);
    const facts = (specs: readonly IssuedCertificateSpec[]) =>
      specs.map(({ serial, certificate, revocation }) => ({ serial, certificate, revocation }));
    expect(facts(await recorded())).toEqual(facts(before));
    expect(before).toHaveLength(RECORDS);
    for (const { metadata, data } of dumped(secrets)) {
      const kept = (await site.secret(metadata.name))?.data;
      for (const name of ['tls.crt', 'tls.key', 'ca.crt'])
        expect(kept?.[name], `${name} of ${metadata.name}`).toBe(data?.[name]);
    }
    expect(await listed()).toEqual(REVOKED);
  });

  it('goes on: a list that is due has a higher number (I3), and a certificate is renewed on its day without a revocation', async () => {
    clock.advance(RENEWAL_DUE.getTime() - clock.now().getTime());
    await eventually('it is renewed', async () => (await site.status(certificates, 'short')).issue === 3);
    await eventually('a list is signed', async () => (await site.list('issuing-ca'))!.crlNumber! > LAST_NUMBER);
    await site.ready(certificates, ...Object.keys(IN_USE));
    expect(await listed()).toEqual(REVOKED);
    expect(await recorded()).toHaveLength(RECORDS + 1);
  });

  it('revokes what is revoked in the ledger, and what is removed: the list has them beside those before', async () => {
    const revocation = { at: '2026-11-16T12:00:00Z', reason: 'keyCompromise' };
    await site.edit(records, `issuing-ca-1-${IN_USE.expc2.toLowerCase()}`, { revocation });
    await site.isListed('issuing-ca', IN_USE.expc2);
    await plane.client.delete(certificates, { namespace: site.namespace, name: 'expc1' });
    await site.isListed('issuing-ca', IN_USE.expc1);
    expect(await listed()).toEqual([...REVOKED, IN_USE.expc2, IN_USE.expc1].sort());
    await eventually('expc2 has another', async () => {
      const { serial } = await site.status(certificates, 'expc2');
      return serial !== IN_USE.expc2;
    });
    await site.checkInvariants();
    await site.checkSecrecy(log.lines);
  });

  /** As a backup tool does: with labels, annotations, finalizers and status, but under a new uid. */
  async function restore(type: ResourceType<resources.DeclaredObject>, namespace: string): Promise<void> {
    for (const { metadata, status, ...object } of dumped(type)) {
      const { name, labels = {}, annotations = {}, finalizers = [] } = metadata;
      const ref = { namespace, name };
      await plane.client.create(type, { ...object, metadata: { ...ref, labels, annotations, finalizers } });
      if (status) await plane.client.applyStatus(type, { metadata: ref, status }, { fieldManager: 'backup' });
    }
  }

  async function recorded(): Promise<IssuedCertificateSpec[]> {
    const { items } = await plane.client.list(resources.issuedCertificates, { namespace: site.namespace });
    return items.map(({ spec }) => spec);
  }

  async function listed(): Promise<string[]> {
    return [...(await site.list('issuing-ca'))!.entries()].map(({ serialNumber }) => serialHex(serialNumber)).sort();
  }
});

function dumped({ plural }: ResourceType): (resources.DeclaredObject & SecretObject)[] {
  return JSON.parse(readFileSync(join(frozenFolder, 'namespace', `${plural}.json`), 'utf8')).items;
}

function definitionsOf1ffa36d(): string[] {
  const folder = join(frozenFolder, 'namespace/definitions');
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import * as resources from '../../operator/api/resources.ts';
import { CLOCK_CORRECTION } from '../../operator/controllers/authority-list.ts';
import type { KubeApi, KubeClient } from '../../operator/kube/client.ts';
import { configMaps, type ResourceType, secrets } from '../../operator/kube/resource.ts';
import { systemScheduler } from '../../operator/runtime/scheduler.ts';
import { FakeScheduler } from '../../operator/runtime/testing/fake-scheduler.ts';
import type { RecordedLog } from '../../operator/runtime/testing/recorded-log.ts';
import { crlSignedAt } from '../../src/authority/revocation-list.ts';
import { main } from '../../src/cli/main.ts';
import { certificateManifest } from '../../src/resources/certificate.ts';
import { authorityManifest } from '../../src/resources/certificate-authority.ts';
import type { IssuedCertificateSpec } from '../../src/resources/issued-certificate.ts';
import { demands } from '../../src/topology/demands.ts';
import { parseTopology } from '../../src/topology/topology.ts';
import { readCertificate, serialHex } from '../../src/x509/certificate.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { createRequest } from '../../src/x509/request.ts';
import { ecKey } from '../contract/signed-certificate.ts';
import { controlPlaneAvailable } from '../support/control-plane.ts';
import { eventually, MortalClient, pemBlocks, type Site } from '../support/operator.ts';
import { Stage } from '../support/stage.ts';
import { run, tool } from '../support/tools.ts';
import { collaborationEdge } from '../support/topologies.ts';

const authorities: ResourceType<resources.DeclaredObject> = resources.certificateAuthorities;
const certificates: ResourceType<resources.DeclaredObject> = resources.certificates;
const records: ResourceType<resources.DeclaredObject> = resources.issuedCertificates;
const DAY = 24 * 3_600_000;

describe.runIf(controlPlaneAvailable)('the operator on a Kubernetes API server', () => {
  const stage = Stage.forTheseTests();
  const start = stage.start.bind(stage);
  const stop = stage.stop.bind(stage);
  const established = () => stage.established();
  let site: Site;
  let client: KubeClient;
  let log: RecordedLog;
  beforeEach(() => {
    ({ site, client, log } = stage);
  });

  describe('authorities and certificates', () => {
    it('what a topology declares comes into being, and says so', async () => {
      const topology = parseTopology(collaborationEdge(), 'test');
      for (const authority of topology.authorities) {
        const { spec } = authorityManifest(authority, authority.issuer ? 0 : 1);
        await site.admin.create(authorities, { metadata: { name: authority.id, namespace: site.namespace }, spec });
      }
      for (const demand of demands(topology)) {
        const { metadata, spec } = certificateManifest(demand);
        await site.admin.create(certificates, { metadata: { name: metadata.name, namespace: site.namespace }, spec });
      }
      await start();
      await site.ready(authorities, 'root-ca', 'issuing-ca');
      const all = demands(topology).map(({ id }) => id.replaceAll('/', '-'));
      expect(all).toHaveLength(4);
      const statuses = await site.ready(certificates, ...all);
      for (const status of statuses) expect(status).toMatchObject({ issue: 1, reason: 'no certificate yet' });
      for (const demand of demands(topology)) {
        const secret = await site.secret(demand.id.replaceAll('/', '-'));
        expect(secret?.type).toBe('kubernetes.io/tls');
        const certificate = readCertificate(pemBlocks(secret?.data?.['tls.crt'])[0]!, demand.id);
        expect(certificate.dnsNames).toEqual(demand.names);
        expect(certificate.crlUrls).toEqual(['http://pki.example.com/crl/issuing-ca.crl']);
      }
      expect(await site.status(authorities, 'issuing-ca')).toMatchObject({
        crl: { entries: 0, configMaps: ['issuing-ca-crl'] },
      });
      await eventually('events say why', async () => {
        const root = (await site.events('root-ca')).join();
        const leaf = (await site.events('core-expc1-server')).join();
        return root.includes('created authority: self-signed root') && leaf.includes('no certificate yet');
      });
      await site.checkInvariants();
      await site.checkSecrecy(log.lines);
    });

    it('openssl accepts Secret and revocation list, and refuses what was revoked', async (context) => {
      const openssl = tool('openssl');
      if (openssl === undefined) return context.skip('needs openssl');
      await established();
      const folder = await mkdtemp(join(tmpdir(), 'vcs-pki-operator-'));
      try {
        const verify = async () => {
          const { data = {} } = (await site.secret('expc1'))!;
          const text = (name: string) => Buffer.from(data[name] ?? '', 'base64').toString();
          const lists = await Promise.all(['root-ca', 'issuing-ca'].map((name) => site.list(name)));
          const crls = lists.map((list) => encodePem('X509 CRL', list!.der)).join('');
          const [root] = pemBlocks(data['ca.crt']);
          await writeFile(join(folder, 'root.pem'), encodePem('CERTIFICATE', root!));
          for (const [name, content] of Object.entries({
            'leaf.pem': text('tls.crt'),
            'crls.pem': crls,
            key: text('tls.key'),
          }))
            await writeFile(join(folder, name), content);
          const flags = ['-crl_check_all', '-CAfile', 'root.pem', '-untrusted', 'leaf.pem', '-CRLfile', 'crls.pem'];
          return run(openssl, ['verify', '-x509_strict', ...flags, 'leaf.pem'], { cwd: folder });
        };
        expect(await verify()).toMatchObject({ code: 0 });
        const { serial } = await site.status(certificates, 'expc1');
        const name = `issuing-ca-1-${serial?.toLowerCase()}`;
        await stop();
        await site.edit(records, name, { revocation: { at: '2026-01-01T00:00:00Z', reason: 'keyCompromise' } });
        await start();
        await site.isListed('issuing-ca', serial!);
        const leaf = (await site.records('core/expc1/server'))[0]!.certificate;
        await writeFile(join(folder, 'old.pem'), encodePem('CERTIFICATE', Buffer.from(leaf, 'base64')));
        await verify();
        const flags = ['-crl_check_all', '-CAfile', 'root.pem', '-untrusted', 'leaf.pem', '-CRLfile', 'crls.pem'];
        const refused = await run(openssl, ['verify', ...flags, 'old.pem'], { cwd: folder });
        expect(refused.stderr).toContain('certificate revoked');
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });

    it('whatever order they are declared in', async () => {
      await start();
      await site.certificate('expc1', { issuerRef: { name: 'issuing-ca' } });
      await site.condition(certificates, 'expc1', {
        status: 'False',
        reason: 'IssuerNotReady',
        message: 'does not exist',
      });
      await site.authority('issuing-ca', { issuerRef: { name: 'root-ca' } });
      await site.condition(authorities, 'issuing-ca', { status: 'False', reason: 'IssuerNotReady' });
      await site.authority('root-ca');
      await site.ready(authorities, 'root-ca', 'issuing-ca');
      await site.ready(certificates, 'expc1');
      await site.checkInvariants();
    });

    it('names that changed are reissued with a new key; the certificate before stays valid', async () => {
      await established();
      const before = await site.secret('expc1');
      await site.edit(certificates, 'expc1', { dnsNames: ['expc1.example.com', 'chat.example.com'] });
      const [status] = await site.ready(certificates, 'expc1');
      expect(status).toMatchObject({ issue: 2, reason: 'names added: chat.example.com' });
      const after = await site.secret('expc1');
      expect(after?.data?.['tls.key']).not.toBe(before?.data?.['tls.key']);
      expect(readCertificate(pemBlocks(after?.data?.['tls.crt'])[0]!, 'expc1').dnsNames).toContain('chat.example.com');
      expect((await site.records('core/expc1/server')).map(({ revocation }) => revocation)).toEqual([
        undefined,
        undefined,
      ]);
      await site.checkInvariants();
    });

    it('I9: what does not go into the certificate never reissues it', async () => {
      await established();
      const before = await site.secret('expc1');
      await site.edit(certificates, 'expc1', { renewBeforeDays: 10, peers: ['expc1', 'other'], onRemoval: 'keep' });
      await site.ready(certificates, 'expc1');
      expect((await site.secret('expc1'))?.data).toEqual(before?.data);
      expect(await site.records('core/expc1/server')).toHaveLength(1);
    });

    it('another issuer takes over', async () => {
      await established();
      await site.edit(certificates, 'expc1', { issuerRef: { name: 'root-ca' } });
      const [status] = await site.ready(certificates, 'expc1');
      expect(status?.reason).toBe('issuer issuing-ca -> root-ca');
      await site.checkInvariants();
    });

    it('a request of an appliance is signed without a key; one for surplus names is refused and says why', async () => {
      const request = async (...dnsNames: string[]) =>
        encodePem(
          'CERTIFICATE REQUEST',
          await createRequest(ecKey(), { subject: { commonName: 'expc1.example.com' }, dnsNames, purposes: [] }),
        );
      await site.authority('root-ca');
      await site.certificate('expc1', { request: await request('expc1.example.com', 'surplus.example.com') });
      await start();
      const refused = { status: 'False', reason: 'RequestSurplusNames', message: 'surplus.example.com' } as const;
      await site.condition(certificates, 'expc1', refused);
      expect(await site.secret('expc1')).toBeUndefined();
      expect(await site.records('core/expc1/server')).toEqual([]);
      await site.edit(certificates, 'expc1', { request: await request('expc1.example.com') });
      await site.ready(certificates, 'expc1');
      const secret = await site.secret('expc1');
      expect(secret).toMatchObject({ type: 'Opaque' });
      expect(Object.keys(secret?.data ?? {}).sort()).toEqual(['ca.crt', 'tls.crt']);
      await site.checkInvariants();
    });

    it('the second of two Certificates for one demand is refused, until the first is gone', async () => {
      await site.authority('root-ca');
      await site.certificate('expc1');
      await start();
      await site.ready(certificates, 'expc1');
      await site.certificate('second', { demandId: 'core/expc1/server', secretName: 'other' });
      await site.condition(certificates, 'second', { status: 'False', reason: 'OwnerTaken', message: 'expc1' });
      await site.edit(certificates, 'expc1', { onRemoval: 'keep' });
      await site.admin.delete(certificates, { namespace: site.namespace, name: 'expc1' });
      await site.ready(certificates, 'second');
    });

    it('a Secret that others made is left alone, and nothing is issued for it', async () => {
      const { namespace } = site;
      const data = { 'tls.key': Buffer.from('theirs').toString('base64') };
      await site.admin.create(secrets, { metadata: { namespace, name: 'expc1' }, data });
      await site.authority('root-ca');
      await site.certificate('expc1');
      await start();
      await site.condition(certificates, 'expc1', {
        status: 'False',
        reason: 'ObjectTaken',
        message: 'never overwritten',
      });
      expect((await site.secret('expc1'))?.data).toEqual(data);
      expect(await site.records('core/expc1/server')).toEqual([]);
    });
  });

  describe('what happens to Secrets and lists', () => {
    it('an altered certificate is put back', async () => {
      await established();
      for (const secret of ['expc1', 'issuing-ca-ca', 'root-ca-ca']) {
        for (const name of ['tls.crt', 'ca.crt']) {
          const whole = (await site.secret(secret))!;
          await site.patch(secrets, secret, { data: { [name]: Buffer.from('altered').toString('base64') } });
          await eventually(`${name} of ${secret} is back`, async () => {
            const { metadata, data = {} } = (await site.secret(secret))!;
            return metadata.resourceVersion !== whole.metadata.resourceVersion && data[name] === whole.data?.[name];
          });
        }
      }
      await site.ready(authorities, 'root-ca', 'issuing-ca');
      await site.ready(certificates, 'expc1');
      expect(await site.records('core/expc1/server')).toHaveLength(1);
      await site.checkInvariants();
    });

    it.each(['altered', 'deleted'])(
      'an %s key leads to a new certificate; the one before may be in use and is not revoked',
      async (what) => {
        await established();
        const { metadata } = (await site.secret('expc1'))!;
        const stranger = Buffer.from(ecKey().export({ type: 'pkcs8', format: 'pem' })).toString('base64');
        if (what === 'deleted') await site.admin.delete(secrets, metadata);
        else await site.patch(secrets, 'expc1', { data: { 'tls.key': stranger } });
        const status = await eventually('it is reissued', async () => {
          const seen = await site.status(certificates, 'expc1');
          return seen.issue === 2 && seen;
        });
        expect(status.reason).toMatch(/^its private key (missing|altered)$/);
        expect((await site.records('core/expc1/server'))[0]?.revocation).toBeUndefined();
        await site.checkInvariants();
      },
    );

    it('a lost key of an authority is never replaced; its certificates stay as they are, and all goes on when it is restored', async () => {
      await established();
      const { namespace } = site;
      const lost = (await site.secret('issuing-ca-ca'))!;
      await site.admin.delete(secrets, lost.metadata);
      await site.condition(authorities, 'issuing-ca', {
        status: 'False',
        reason: 'AuthorityMissing',
        message: 'backup',
      });
      await site.condition(certificates, 'expc1', { status: 'True' });
      await site.certificate('expc2', { issuerRef: { name: 'issuing-ca' } });
      await site.condition(certificates, 'expc2', { status: 'False', reason: 'IssuerNotReady' });
      const { name, labels = {}, annotations = {} } = lost.metadata;
      await site.admin.create(secrets, { ...lost, metadata: { namespace, name, labels, annotations } });
      await site.ready(authorities, 'issuing-ca');
      await site.ready(certificates, 'expc1', 'expc2');
      await site.checkInvariants();
    });

    it('D36: an authority whose records are gone does not start anew', async () => {
      await site.authority('root-ca');
      const operator = await start();
      await site.ready(authorities, 'root-ca');
      await stop(operator);
      for (const { metadata } of (await site.admin.list(records, { namespace: site.namespace })).items)
        await site.admin.delete(records, metadata);
      await start();
      await site.condition(authorities, 'root-ca', {
        status: 'False',
        reason: 'LedgerLostEntries',
        message: 'restore',
      });
    });

    it('an authority that was declared anew with another subject is refused; with the same, it goes on', async () => {
      await established();
      const { serial } = await site.status(authorities, 'root-ca');
      await site.admin.delete(authorities, { namespace: site.namespace, name: 'root-ca' });
      await site.authority('root-ca', { subject: { commonName: 'Other' } });
      await site.condition(authorities, 'root-ca', { status: 'False', reason: 'AuthorityChanged', message: 'Other' });
      await site.admin.delete(authorities, { namespace: site.namespace, name: 'root-ca' });
      await site.authority('root-ca', { crl: { everyDays: 30, validDays: 90 } });
      expect((await site.ready(authorities, 'root-ca'))[0]?.serial).toBe(serial);
      await site.checkInvariants();
    });

    it('a revocation by hand is on the list at once, and the certificate is replaced', async () => {
      await established();
      const { serial } = await site.status(certificates, 'expc1');
      const revocation = { at: '2026-11-21T10:00:00Z', reason: 'keyCompromise' };
      await site.edit(records, `issuing-ca-1-${serial?.toLowerCase()}`, { revocation });
      const list = await site.isListed('issuing-ca', serial!);
      expect(list.find(BigInt(`0x${serial}`))?.reason).toBe('keyCompromise');
      const status = await eventually('it is replaced', async () => {
        const seen = await site.status(certificates, 'expc1');
        return seen.serial !== serial && seen;
      });
      expect(status.reason).toBe(`serial ${serial} was revoked (keyCompromise)`);
      await site.checkInvariants();
    });

    it('an authority that was revoked signs no more certificates, but its list', async () => {
      await established();
      const { serial } = await site.status(authorities, 'issuing-ca');
      const revocation = { at: '2026-11-21T10:00:00Z', reason: 'cACompromise' };
      await site.edit(records, `root-ca-1-${serial?.toLowerCase()}`, { revocation });
      await site.isListed('root-ca', serial!);
      await site.edit(authorities, 'issuing-ca', { crl: { validDays: 9 } });
      await site.condition(authorities, 'issuing-ca', { status: 'False', reason: 'Revoked' });
      await site.condition(authorities, 'issuing-ca', { type: 'CRLFresh', status: 'True' });
    });

    it('I3: a list that was deleted is signed anew, under a higher number', async () => {
      await established();
      const { namespace } = site;
      const before = await site.list('root-ca');
      await site.admin.delete(configMaps, { namespace, name: 'root-ca-crl' });
      const after = await eventually('it is back', () => site.list('root-ca'));
      expect(after.crlNumber).toBeGreaterThan(before!.crlNumber!);
      await site.checkInvariants();
    });
  });

  describe('removal', () => {
    it('revokes, publishes, takes the Secret away, and only then lets go', async () => {
      await established();
      const { serial } = await site.status(certificates, 'expc1');
      await site.admin.delete(certificates, { namespace: site.namespace, name: 'expc1' });
      await eventually(
        'it is gone',
        async () => !(await site.admin.get(certificates, { namespace: site.namespace, name: 'expc1' })),
      );
      const list = await site.list('issuing-ca');
      expect(list?.find(BigInt(`0x${serial}`))?.reason).toBe('cessationOfOperation');
      expect(await site.secret('expc1')).toBeUndefined();
      expect(await site.events('expc1')).toContain(`Revoked: revoked ${serial}: no longer declared`);
      await site.checkInvariants();
    });

    it('keeps what was issued where that is wanted, and goes on with it when it is declared again', async () => {
      await established();
      await site.edit(certificates, 'expc1', { onRemoval: 'keep' });
      const [{ serial } = {}] = await site.ready(certificates, 'expc1');
      await site.admin.delete(certificates, { namespace: site.namespace, name: 'expc1' });
      await eventually(
        'it is gone',
        async () => !(await site.admin.get(certificates, { namespace: site.namespace, name: 'expc1' })),
      );
      expect(await site.secret('expc1')).toBeDefined();
      expect((await site.list('issuing-ca'))?.size).toBe(0);
      await site.certificate('expc1', { issuerRef: { name: 'issuing-ca' } });
      expect((await site.ready(certificates, 'expc1'))[0]?.serial).toBe(serial);
      expect(await site.records('core/expc1/server')).toHaveLength(1);
    });

    it('waits for a list that nobody signs, and says what to do', async () => {
      // Both go while it is away: it would sign the list as long as it does not know that the authority is gone.
      await stop(await established());
      await site.admin.delete(authorities, { namespace: site.namespace, name: 'issuing-ca' });
      await site.admin.delete(certificates, { namespace: site.namespace, name: 'expc1' });
      await start();
      await site.condition(certificates, 'expc1', {
        reason: 'Removing',
        message: 'declare it again, or set onRemoval to keep',
      });
      await site.edit(certificates, 'expc1', { onRemoval: 'keep' });
      await eventually(
        'it is gone',
        async () => !(await site.admin.get(certificates, { namespace: site.namespace, name: 'expc1' })),
      );
      expect(await site.secret('expc1')).toBeDefined();
    });

    it('what is declared again after its removal gets another certificate', async () => {
      await established();
      const { serial } = await site.status(certificates, 'expc1');
      await site.admin.delete(certificates, { namespace: site.namespace, name: 'expc1' });
      await eventually(
        'it is gone',
        async () => !(await site.admin.get(certificates, { namespace: site.namespace, name: 'expc1' })),
      );
      await site.certificate('expc1', { issuerRef: { name: 'issuing-ca' } });
      const [status] = await site.ready(certificates, 'expc1');
      expect(status).toMatchObject({ issue: 2, reason: `serial ${serial} was revoked (cessationOfOperation)` });
      await site.checkInvariants();
    });
  });

  describe('the clock', () => {
    const daily = { crl: { dailyUpdateUtc: '02:30' } };

    /** Moves on to a moment and resolves with the list that is signed then. */
    async function listAt(clock: FakeScheduler, moment: Date) {
      clock.advance(moment.getTime() - clock.now().getTime());
      return eventually(`a list of ${moment.toISOString()}`, async () => {
        const list = await site.list('root-ca');
        return list && crlSignedAt(list).getTime() === moment.getTime() && list;
      });
    }

    it('a list every day for a month with a leap day; two missed days are made good at once; certificates renew on their day', async () => {
      const clock = new FakeScheduler(new Date('2028-02-10T12:00:00Z'));
      await site.authority('root-ca', daily);
      await site.certificate('expc1', { lifetimeDays: 30, renewBeforeDays: 10 });
      const operator = await start(clock);
      await site.ready(authorities, 'root-ca');
      const [{ renewalTime, serial } = {}] = await site.ready(certificates, 'expc1');
      expect(renewalTime).toBe('2028-03-01T11:50:00Z');
      await eventually('the first list is seen', async () => site.lists.length === 1);
      for (let day = 0; day < 31; day++) {
        const list = await listAt(clock, new Date(Date.UTC(2028, 1, 11 + day, 2, 30)));
        expect(list.nextUpdate!.getTime() - clock.now().getTime()).toBe(7 * DAY);
      }
      expect(clock.now().toISOString()).toBe('2028-03-12T02:30:00.000Z');
      expect(site.lists.map(({ crl }) => crlSignedAt(crl).toISOString())).toContain('2028-02-29T02:30:00.000Z');
      const renewed = await eventually('it is renewed', async () => {
        const status = await site.status(certificates, 'expc1');
        return status.serial !== serial && status;
      });
      expect(renewed.reason).toBe('renewal was due on 2028-03-01');
      await eventually('every list is seen', async () => site.lists.length === 32);

      await stop(operator);
      clock.advance(2.5 * DAY);
      await start(clock);
      await listAt(clock, new Date('2028-03-14T14:30:00Z'));
      await listAt(clock, new Date('2028-03-15T02:30:00Z'));
      await eventually('both are seen, and no more', async () => site.lists.length === 34);
      await site.checkInvariants();
    });

    it('I5: a clock that went back publishes nothing older, unless it is told that it was corrected', async () => {
      const clock = new FakeScheduler(new Date('2028-02-10T12:00:00Z'));
      await site.authority('root-ca', daily);
      await site.certificate('expc1');
      const first = await start(clock);
      await site.ready(certificates, 'expc1');
      const { serial } = await site.status(certificates, 'expc1');
      await stop(first);
      const before = await site.list('root-ca');
      const corrected = new FakeScheduler(new Date('2028-02-09T12:00:00Z'));
      await start(corrected);
      await site.admin.delete(certificates, { namespace: site.namespace, name: 'expc1' });
      await site.condition(authorities, 'root-ca', {
        type: 'CRLFresh',
        status: 'False',
        reason: 'CrlRefused',
        message: CLOCK_CORRECTION,
      });
      expect((await site.list('root-ca'))?.crlNumber).toBe(before?.crlNumber);
      await site.patch(authorities, 'root-ca', { metadata: { annotations: { [CLOCK_CORRECTION]: 'true' } } });
      await site.isListed('root-ca', serial!);
      await site.condition(authorities, 'root-ca', { type: 'CRLFresh', status: 'True' });
      await site.checkInvariants();
    });

    it('a certificate that ends with its issuer is not renewed again and again, and says when it has ended', async () => {
      const clock = new FakeScheduler(new Date('2028-02-10T12:00:00Z'));
      await site.authority('root-ca', { lifetimeDays: 20 });
      await site.certificate('expc1');
      await start(clock);
      await site.ready(certificates, 'expc1');
      clock.advance(21 * DAY);
      await site.condition(certificates, 'expc1', { status: 'False', reason: 'Expired' });
      await site.condition(authorities, 'root-ca', { status: 'False', reason: 'Expired' });
      expect(await site.records('core/expc1/server')).toHaveLength(1);
    });
  });

  describe('an operator that is killed between any two writes', () => {
    const revoked = (all: readonly IssuedCertificateSpec[]) =>
      all.flatMap(({ serial, revocation }) => (revocation ? [serial] : []));
    const gone = async (name: string) => !(await site.admin.get(certificates, { namespace: site.namespace, name }));
    const issued = async (count: number) => {
      const object = await site.admin.get(certificates, { namespace: site.namespace, name: 'expc1' });
      const status = await site.status(certificates, 'expc1');
      const [ready] = status.conditions.filter(({ type }) => type === 'Ready');
      const current = ready?.observedGeneration === object?.metadata.generation;
      return current && ready?.status === 'True' && (status.issue ?? 0) >= count;
    };
    const scenarios = {
      'creation of authorities and a certificate': {
        prepare: async () => {},
        change: async () => {
          await site.authority('root-ca', { crl: { everyDays: 30, validDays: 90 } });
          await site.authority('issuing-ca', { issuerRef: { name: 'root-ca' }, lifetimeDays: 1000 });
          await site.certificate('expc1', { issuerRef: { name: 'issuing-ca' } });
        },
        done: () => issued(1),
        writes: 18,
        standing: 1,
      },
      'a change of names': {
        prepare: established,
        change: () => site.edit(certificates, 'expc1', { dnsNames: ['expc1.example.com', 'chat.example.com'] }),
        done: () => issued(2),
        writes: 3,
        // The one before stays valid.
        standing: 2,
      },
      removal: {
        prepare: established,
        change: async () => {
          await site.admin.delete(certificates, { namespace: site.namespace, name: 'expc1' });
        },
        done: () => gone('expc1'),
        writes: 6,
        standing: 0,
      },
    };

    for (const [what, { prepare, change, done, writes, standing }] of Object.entries(scenarios)) {
      for (const moment of ['before', 'after'] as const) {
        it(`${what}, each write lost ${moment === 'before' ? 'before it took effect' : 'but for its effect'}`, async () => {
          let survived = false;
          let n = 0;
          while (!survived) {
            n += 1;
            await stage.renew();
            ({ site, client } = stage);
            await prepare();
            await stop();
            await change();

            const mortal = new MortalClient(client, n, moment);
            const first = await start(systemScheduler, mortal);
            await eventually('it is done or dead', async () => mortal.dead || (await done()));
            // Status and events may still be on their way.
            survived = !mortal.dead && mortal.writes < n;
            await stop(first);

            await start();
            await eventually(`it is done after a death at write ${n}`, done);
            await site.ready(authorities, 'root-ca', 'issuing-ca');
            const unrevoked = (await site.records('core/expc1/server')).filter(({ revocation }) => !revocation);
            const lost = await eventually('what is abandoned is shown', async () => {
              const shown = await site.abandoned('expc1');
              return unrevoked.length === standing + shown.length && { shown };
            });
            expect(lost.shown.length, `after a death at write ${n}`).toBeLessThanOrEqual(1);
            if (standing > 0) expect(await site.records().then(revoked), `after a death at write ${n}`).toEqual([]);
            if (standing > 0) {
              const [kept] = pemBlocks((await site.secret('expc1'))?.data?.['tls.crt']);
              expect(unrevoked.at(-1)?.serial).toBe(serialHex(readCertificate(kept!, 'expc1').serialNumber));
            }
            await site.checkInvariants();
          }
          expect(n).toBeGreaterThan(writes);
          await site.checkSecrecy(log.lines);
        });
      }
    }
  });

  it('an API server that is killed and started again meanwhile', async () => {
    await established();
    const names = ['expc2', 'expc3', 'expc4', 'expc5'];
    for (const name of names.slice(0, 2)) await site.certificate(name, { issuerRef: { name: 'issuing-ca' } });
    await stage.plane.restartApiServer();
    for (const name of names.slice(2)) await site.certificate(name, { issuerRef: { name: 'issuing-ca' } });
    await site.ready(certificates, 'expc1', ...names);
    await site.checkInvariants();
    for (const name of names)
      expect((await site.records(`core/${name}/server`)).filter(({ revocation }) => !revocation)).toHaveLength(1);
  });

  it('vcs-pki operator works until it is told to stop', async () => {
    const stopping = new AbortController();
    const lines: string[] = [];
    await site.authority('root-ca');
    await site.certificate('expc1');
    const ended = main(['operator', '--namespace', site.namespace, '--kubeconfig', stage.plane.kubeconfig.path], {
      signal: stopping.signal,
      progress: (line) => lines.push(line),
    });
    await site.ready(certificates, 'expc1');
    stopping.abort();
    expect(await ended).toBe(0);
    const { serial } = await site.status(certificates, 'expc1');
    expect(lines).toContain(`Certificate ${site.namespace}/expc1: issued ${serial}: no certificate yet`);
    await site.checkSecrecy(lines);
  });

  it('vcs-pki operator needs a namespace', async () => {
    const lines: string[] = [];
    expect(await main(['operator'], { progress: (line) => lines.push(line) })).toBe(2);
    expect(lines.join()).toContain('--namespace');
  });

  it('an API server that is not there yet is waited for, and that is said once', async () => {
    const clock = new FakeScheduler();
    let refused = 0;
    const list: KubeApi['list'] = async (type, options) => {
      refused += 1;
      if (refused <= 3) throw new Error('connect ECONNREFUSED');
      return client.list(type, options);
    };
    const starting = start(
      clock,
      Object.assign(new MortalClient(client, Number.POSITIVE_INFINITY, 'before'), { list }),
    );
    for (let attempt = 1; attempt <= 3; attempt++) {
      await clock.armed();
      clock.advance(5_000);
    }
    await starting;
    expect(log.lines.filter((line) => line.includes('waiting for the API server'))).toHaveLength(1);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import * as resources from '../../operator/api/resources.ts';
import { ABANDONED } from '../../operator/controllers/abandoned.ts';
import { FINALIZER } from '../../operator/controllers/removal.ts';
import { type KubeObject, type ResourceType, secrets } from '../../operator/kube/resource.ts';
import { readCertificate, serialHex } from '../../src/x509/certificate.ts';
import { controlPlaneAvailable } from '../support/control-plane.ts';
import { eventually, pemBlocks, type Site } from '../support/operator.ts';
import { Stage } from '../support/stage.ts';

const certificates: ResourceType<resources.DeclaredObject> = resources.certificates;
const underIssuing = { issuerRef: { name: 'issuing-ca' } };
/** What is declared of expc1, whatever the Certificate is called. */
const sameDemand = {
  ...underIssuing,
  demandId: 'core/expc1/server',
  subject: { commonName: 'expc1.example.com' },
  dnsNames: ['expc1.example.com'],
};

describe.runIf(controlPlaneAvailable)(
  'I11: a certificate whose key may be lost is shown, never revoked by a guess',
  () => {
    const stage = Stage.forTheseTests();
    let site: Site;
    beforeEach(() => {
      ({ site } = stage);
    });

    async function revoked(): Promise<string[]> {
      return (await site.records()).flatMap(({ serial, revocation }) => (revocation ? [serial] : []));
    }

    async function serialIn(secret: string): Promise<string | undefined> {
      const [der] = pemBlocks((await site.secret(secret))?.data?.['tls.crt']);
      return der && serialHex(readCertificate(der, secret).serialNumber);
    }

    /** Takes a Certificate away and leaves what it had: Secret, records. */
    async function keptWithout(name: string): Promise<string> {
      await site.edit(certificates, name, { onRemoval: 'keep' });
      const [{ serial = '' } = {}] = await site.ready(certificates, name);
      await stage.remove(name);
      return serial;
    }

    it('20 certificates restored without their Secrets: nothing is revoked, all are reissued, every one before is shown', async () => {
      const names = Array.from({ length: 20 }, (_, index) => `expc${index + 1}`);
      await stage.established(...names);
      const before = new Map((await site.records()).map(({ owner, serial }) => [owner, serial]));
      await stage.stop();
      const restored = (await site.admin.list(certificates, { namespace: site.namespace })).items;
      for (const { metadata, spec } of restored) {
        const { namespace, name } = metadata;
        const object = await site.admin.patch(certificates, metadata, { metadata: { finalizers: null } });
        await site.admin.delete(certificates, object.metadata);
        await site.admin.delete(secrets, { namespace: site.namespace, name });
        await site.admin.create(certificates, { metadata: { namespace: namespace ?? '', name }, spec });
      }
      await stage.start();
      await site.ready(certificates, ...names);
      expect(await revoked()).toEqual([]);
      for (const name of names) {
        const [first, second, ...others] = await site.records(`core/${name}/server`);
        expect(others).toEqual([]);
        expect(first?.serial).toBe(before.get(`core/${name}/server`));
        expect(second?.reason).toBe('its private key missing');
        expect(await serialIn(name)).toBe(second?.serial);
        expect(await site.abandoned(name)).toEqual([first?.serial]);
      }
      expect((await site.list('issuing-ca'))?.size).toBe(0);
      await site.checkInvariants();
    });

    it('I15: what is printed revokes it as printed; then nothing is shown any more', async () => {
      await stage.established();
      const { serial } = await site.status(certificates, 'expc1');
      await site.admin.delete(secrets, { namespace: site.namespace, name: 'expc1' });
      const { conditions } = await site.condition(certificates, 'expc1', { type: ABANDONED, status: 'True' });
      const { message = '' } = conditions.find(({ type }) => type === ABANDONED) ?? {};
      const [record] = (await site.records('core/expc1/server')).filter((each) => each.serial === serial);
      expect(message).toContain(`serial ${serial} (valid until ${record?.notAfter})`);

      const printed =
        /kubectl patch (?<plural>\w+)\.(?<group>[\w.-]+) (?<name>\S+) --namespace (?<namespace>\S+) --type merge --patch '(?<patch>[^']+)'/;
      const { plural = '', group = '', name = '', namespace = '', patch = '' } = printed.exec(message)?.groups ?? {};
      const type = { group, version: 'v1alpha1', plural, kind: 'IssuedCertificate', namespaced: true };
      expect(namespace).toBe(site.namespace);
      await site.patch<KubeObject>(type, name, JSON.parse(patch));

      const list = await site.isListed('issuing-ca', serial!);
      expect(list.find(BigInt(`0x${serial}`))?.reason).toBe('superseded');
      await eventually('nothing is abandoned', async () => {
        const status = await site.status(certificates, 'expc1');
        return status.conditions.every(({ type: each }) => each !== ABANDONED);
      });
      await site.ready(certificates, 'expc1');
      const told = (await site.events('expc1')).filter((line) => line.startsWith('PrivateKeyLost'));
      expect(told).toHaveLength(1);
      await site.checkInvariants();
    });

    it('it is shown until it ends, also while nothing can be issued in its place', async () => {
      await stage.established();
      await stage.stop();
      const { serial } = await site.status(certificates, 'expc1');
      await site.admin.delete(secrets, { namespace: site.namespace, name: 'issuing-ca-ca' });
      await site.admin.delete(secrets, { namespace: site.namespace, name: 'expc1' });
      await stage.start();
      await site.condition(certificates, 'expc1', { status: 'False', reason: 'IssuerNotReady' });
      expect(await site.abandoned('expc1')).toEqual([serial]);
    });

    it('what was renewed, or reissued for other names, is not abandoned', async () => {
      await stage.established();
      await site.edit(certificates, 'expc1', { dnsNames: ['expc1.example.com', 'chat.example.com'] });
      await site.ready(certificates, 'expc1');
      await site.edit(certificates, 'expc1', { lifetimeDays: 300 });
      await site.ready(certificates, 'expc1');
      expect(await site.records('core/expc1/server')).toHaveLength(3);
      expect(await site.abandoned('expc1')).toEqual([]);
    });

    it('names that change while the key is lost: the reason says both, and the one before is shown', async () => {
      await stage.established();
      await stage.stop();
      const { serial } = await site.status(certificates, 'expc1');
      await site.admin.delete(secrets, { namespace: site.namespace, name: 'expc1' });
      await site.edit(certificates, 'expc1', { dnsNames: ['expc1.example.com', 'chat.example.com'] });
      await stage.start();
      const [status] = await site.ready(certificates, 'expc1');
      expect(status?.reason).toBe('names added: chat.example.com, its private key missing');
      expect(await site.abandoned('expc1')).toEqual([serial]);
    });

    it('a Certificate renamed together with its Secret gets another certificate; that of the Secret before stays valid', async () => {
      await stage.established();
      const { serial } = await site.status(certificates, 'expc1');
      await site.certificate('renamed', sameDemand);
      await site.condition(certificates, 'renamed', { status: 'False', reason: 'OwnerTaken', message: 'expc1' });
      await stage.remove('expc1');
      await site.ready(certificates, 'renamed');
      expect(await revoked()).toEqual([]);
      expect(await serialIn('expc1')).toBe(serial);
      expect(await site.records('core/expc1/server')).toHaveLength(2);
      expect(await site.abandoned('renamed')).toEqual([]);
      await site.checkInvariants();
    });

    it.each(['with its Secret', 'without its Secret', 'under another secretName'])(
      'kept and declared again %s',
      async (how) => {
        await stage.established();
        const serial = await keptWithout('expc1');
        if (how === 'without its Secret')
          await site.admin.delete(secrets, { namespace: site.namespace, name: 'expc1' });
        const secretName = how === 'under another secretName' ? 'other' : 'expc1';
        await site.certificate('expc1', { ...underIssuing, secretName });
        const [status] = await site.ready(certificates, 'expc1');
        expect(await revoked()).toEqual([]);
        expect(status?.serial === serial).toBe(how === 'with its Secret');
        expect(await site.abandoned('expc1')).toEqual(how === 'without its Secret' ? [serial] : []);
        await site.checkInvariants();
      },
    );

    it('a rival with the demandId of what was kept gets a certificate of its own', async () => {
      await stage.established();
      const serial = await keptWithout('expc1');
      await site.certificate('rival', sameDemand);
      await site.ready(certificates, 'rival');
      expect(await revoked()).toEqual([]);
      expect(await serialIn('expc1')).toBe(serial);
      expect(await site.abandoned('rival')).toEqual([]);
    });

    it('of two with the demandId of what was kept, the one with its Secret counts', async () => {
      await stage.established();
      const serial = await keptWithout('expc1');
      await stage.stop();
      await site.certificate('a', sameDemand);
      await site.certificate('b', { ...sameDemand, secretName: 'expc1' });
      await stage.start();
      await site.condition(certificates, 'a', { status: 'False', reason: 'OwnerTaken', message: 'b' });
      expect((await site.ready(certificates, 'b'))[0]?.serial).toBe(serial);
      expect(await site.records('core/expc1/server')).toHaveLength(1);
    });

    describe('of two Certificates with one demandId the one on record counts', () => {
      const rival = { ...underIssuing, demandId: 'core/b/server' };

      /** Declares `a` with the name and the age that would have made it win, beside `b`. */
      async function declareRival(spec: object = {}): Promise<void> {
        await site.certificate('a', { ...rival, ...spec });
        await site.condition(certificates, 'a', { status: 'False', reason: 'OwnerTaken', message: 'Certificate b' });
      }

      it('though the other has the smaller name within the same second', async () => {
        await stage.established('b');
        const before = await site.status(certificates, 'b');
        await stage.stop();
        const [object] = (await site.admin.list(certificates, { namespace: site.namespace })).items;
        const { metadata, spec } = object!;
        // Declared again within one second of its rival, as it is after a restore: with its Secret and record, and no status.
        await site.admin.patch(certificates, metadata, { metadata: { finalizers: null } });
        await site.admin.delete(certificates, metadata);
        await site.certificate('a', rival);
        await site.admin.create(certificates, { metadata: { namespace: site.namespace, name: 'b' }, spec });
        await stage.start();
        await site.condition(certificates, 'a', { status: 'False', reason: 'OwnerTaken', message: 'Certificate b' });
        expect((await site.ready(certificates, 'b'))[0]?.serial).toBe(before.serial);
        expect(await site.secret('a')).toBeUndefined();
        expect(await site.records('core/b/server')).toHaveLength(1);
        const { finalizers } = (await site.admin.get(certificates, { namespace: site.namespace, name: 'a' }))!.metadata;
        expect(finalizers).toBeUndefined();
      });

      it('also without its Secret, by its own status', async () => {
        await stage.established('b');
        await stage.stop();
        await site.admin.delete(secrets, { namespace: site.namespace, name: 'b' });
        await site.certificate('a', rival);
        await stage.start();
        await site.condition(certificates, 'a', { status: 'False', reason: 'OwnerTaken', message: 'Certificate b' });
        await site.ready(certificates, 'b');
        expect(await revoked()).toEqual([]);
      });

      it('also where both name one Secret', async () => {
        await stage.established('b');
        await declareRival({ secretName: 'b' });
        const { serial } = await site.status(certificates, 'b');
        expect(await serialIn('b')).toBe(serial);
        expect(await site.records('core/b/server')).toHaveLength(1);
      });

      it('and where neither is, one alone is issued, the same one after every start', async () => {
        await site.authority('root-ca');
        const both = { issuerRef: { name: 'root-ca' }, demandId: 'core/b/server' };
        await site.certificate('b', both);
        await site.certificate('a', both);
        await stage.start();
        const winner = await eventually('one is ready', async () => {
          for (const name of ['a', 'b']) {
            const { conditions } = await site.status(certificates, name);
            if (conditions.some(({ type, status }) => type === 'Ready' && status === 'True')) return name;
          }
          return undefined;
        });
        const loser = winner === 'a' ? 'b' : 'a';
        await site.condition(certificates, loser, { status: 'False', reason: 'OwnerTaken' });
        await stage.stop();
        await stage.start();
        await site.ready(certificates, winner);
        expect(await site.records('core/b/server')).toHaveLength(1);
      });
    });

    it('two that are removed at once revoke what was issued, though each is a rival of the other', async () => {
      await stage.established('b');
      const { serial } = await site.status(certificates, 'b');
      await site.certificate('a', { ...underIssuing, demandId: 'core/b/server' });
      await site.condition(certificates, 'a', { status: 'False', reason: 'OwnerTaken' });
      await stage.stop();
      const { metadata } = (await site.admin.get(certificates, { namespace: site.namespace, name: 'a' }))!;
      await site.admin.patch(certificates, metadata, { metadata: { finalizers: [FINALIZER] } });
      for (const name of ['a', 'b']) await site.admin.delete(certificates, { namespace: site.namespace, name });
      await stage.start();
      await site.isListed('issuing-ca', serial!);
    });
  },
);

import { createPrivateKey } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import * as resources from '../../operator/api/resources.ts';
import { KubeLedger } from '../../operator/kube/kube-ledger.ts';
import { KubeMaterial } from '../../operator/kube/kube-material.ts';
import { names } from '../../operator/kube/labels.ts';
import { configMaps, type KubeObject, type ResourceType, type Stored, secrets } from '../../operator/kube/resource.ts';
import { systemScheduler } from '../../operator/runtime/scheduler.ts';
import { FakeScheduler } from '../../operator/runtime/testing/fake-scheduler.ts';
import { localSigner } from '../../src/authority/issuer.ts';
import type { RevokedEntry } from '../../src/authority/record.ts';
import { signCrl } from '../../src/authority/revocation-list.ts';
import { type IssuedCertificateSpec, issuedCertificateName } from '../../src/resources/issued-certificate.ts';
import type { AuthorityId } from '../../src/topology/ids.ts';
import { readCertificate, serialHex } from '../../src/x509/certificate.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { createRequest } from '../../src/x509/request.ts';
import { ecKey } from '../contract/signed-certificate.ts';
import { controlPlaneAvailable } from '../support/control-plane.ts';
import { eventually, issueByMarks, pemBlocks, type Site } from '../support/operator.ts';
import { Stage } from '../support/stage.ts';

const authorities: ResourceType<resources.DeclaredObject> = resources.certificateAuthorities;
const certificates: ResourceType<resources.DeclaredObject> = resources.certificates;
const records: ResourceType<resources.DeclaredObject> = resources.issuedCertificates;
const OWNER = 'core/expc1/server';
const DAY = 24 * 3_600_000;

const ISSUING = { authority: 'issuing-ca' as AuthorityId, generation: 1 };

describe.runIf(controlPlaneAvailable)('the ledger of the operator on a Kubernetes API server', () => {
  const stage = Stage.forTheseTests();
  let site: Site;
  beforeEach(() => {
    ({ site } = stage);
  });

  const nameOf = ({ authority, serial }: Pick<IssuedCertificateSpec, 'authority' | 'serial'>) =>
    issuedCertificateName({ authority, generation: 1 }, serial);

  async function revokeByHand(record: Pick<IssuedCertificateSpec, 'authority' | 'serial'>, reason: string) {
    await site.edit(records, nameOf(record), { revocation: { at: '2026-11-21T10:00:00Z', reason } });
  }

  async function listed(authority: string): Promise<string[]> {
    const list = await site.list(authority);
    return [...(list?.entries() ?? [])].map(({ serialNumber }) => serialNumber.toString(16).toUpperCase());
  }

  /** Puts a record there as something else than the operator would have written it: the definition lets nothing change. */
  async function rewritten(record: IssuedCertificateSpec, change: object, metadata: object = {}): Promise<void> {
    const ref = { namespace: site.namespace, name: nameOf(record) };
    const { labels, annotations } = (await site.admin.get(records, ref))!.metadata;
    await site.admin.delete(records, ref);
    const marks = { ...(labels && { labels }), ...(annotations && { annotations }) };
    await site.admin.create(records, { metadata: { ...ref, ...marks, ...metadata }, spec: { ...record, ...change } });
  }

  async function kept(type: ResourceType, name: string): Promise<Stored<KubeObject>> {
    return (await site.admin.get(type, { namespace: site.namespace, name }))!;
  }

  describe('removal', () => {
    it('revokes every certificate of the owner under every authority, and lets go when every list says so', async () => {
      await stage.established();
      await site.edit(certificates, 'expc1', { dnsNames: ['expc1.example.com', 'chat.example.com'] });
      await site.ready(certificates, 'expc1');
      await site.edit(certificates, 'expc1', { issuerRef: { name: 'root-ca' } });
      await site.ready(certificates, 'expc1');
      const issued = await site.records(OWNER);
      expect(issued.map(({ authority }) => authority)).toEqual(['issuing-ca', 'issuing-ca', 'root-ca']);
      await stage.remove('expc1');
      const [first, second, third] = issued.map(({ serial }) => serial);
      expect((await listed('issuing-ca')).sort()).toEqual([first, second].sort());
      expect(await listed('root-ca')).toEqual([third]);
      for (const { revocation } of await site.records(OWNER)) expect(revocation?.reason).toBe('cessationOfOperation');
      expect(await site.secret('expc1')).toBeUndefined();
      await site.checkInvariants();
    });

    it('waits for the list of an authority that is gone, and names it', async () => {
      await stage.established();
      await site.edit(certificates, 'expc1', { issuerRef: { name: 'root-ca' } });
      await site.ready(certificates, 'expc1');
      const [first, second] = await site.records(OWNER);
      await stage.stop();
      await site.admin.delete(authorities, { namespace: site.namespace, name: 'issuing-ca' });
      await site.admin.delete(certificates, { namespace: site.namespace, name: 'expc1' });
      await stage.start();
      await site.isListed('root-ca', second!.serial);
      const message = `waits until the list of issuing-ca names serial ${first?.serial}, but CertificateAuthority issuing-ca is gone; fix: declare it again, or set onRemoval to keep`;
      await eventually('it waits for nothing else', async () => {
        const { conditions } = await site.status(certificates, 'expc1');
        return conditions.some((each) => each.reason === 'Removing' && each.message === message);
      });
      // I15: what is printed as the fix.
      await site.authority('issuing-ca', { issuerRef: { name: 'root-ca' }, lifetimeDays: 1000 });
      await eventually(
        'it is gone',
        async () => !(await site.admin.get(certificates, { namespace: site.namespace, name: 'expc1' })),
      );
      expect(await listed('issuing-ca')).toEqual([first?.serial]);
    });

    it('does not wait for what has ended', async () => {
      const clock = new FakeScheduler(new Date('2028-02-10T12:00:00Z'));
      await site.authority('root-ca');
      await site.authority('short-ca', { issuerRef: { name: 'root-ca' }, lifetimeDays: 5 });
      await site.certificate('expc1', { issuerRef: { name: 'short-ca' } });
      await stage.start(clock);
      await site.ready(certificates, 'expc1');
      await stage.stop();
      await site.admin.delete(authorities, { namespace: site.namespace, name: 'short-ca' });
      clock.advance(6 * DAY);
      await stage.start(clock);
      await stage.remove('expc1');
      expect((await site.records(OWNER))[0]?.revocation).toBeUndefined();
    });
  });

  describe('I12: a key that was revoked for compromise', () => {
    const key = ecKey();
    const requestOf = async (owner = key, organization = 'Example') => {
      const subject = { commonName: 'expc1.example.com', organization };
      const der = await createRequest(owner, { subject, dnsNames: ['expc1.example.com'], purposes: [] });
      return encodePem('CERTIFICATE REQUEST', der);
    };
    const refused = { status: 'False', reason: 'KeyCompromised', message: 'not certified again' } as const;

    it('every certificate of it is revoked, whichever authority signed it, and no request of it is signed again', async () => {
      await site.authority('root-ca', { crl: { everyDays: 30, validDays: 90 } });
      await site.authority('other-ca');
      await site.certificate('expc1', { request: await requestOf() });
      await site.certificate('expc2', {
        request: await requestOf(),
        subject: { commonName: 'expc1.example.com' },
        dnsNames: ['expc1.example.com'],
        issuerRef: { name: 'other-ca' },
      });
      await site.certificate('bystander');
      await stage.start();
      await site.ready(certificates, 'expc1', 'expc2', 'bystander');
      const [[first], [second]] = [await site.records(OWNER), await site.records('core/expc2/server')];
      expect(first?.keyId).toMatch(/^[0-9a-f]{64}$/);
      expect(second?.keyId).toBe(first?.keyId);
      await revokeByHand(first!, 'aACompromise');
      const list = await site.isListed('other-ca', second!.serial);
      expect(list.find(BigInt(`0x${second!.serial}`))?.reason).toBe('keyCompromise');
      await site.isListed('root-ca', first!.serial);
      for (const name of ['expc1', 'expc2']) await site.condition(certificates, name, refused);
      // The same key in another request is the same key.
      await site.edit(certificates, 'expc1', { request: await requestOf(key, 'Another') });
      await site.condition(certificates, 'expc1', refused);
      await site.edit(certificates, 'expc1', { request: await requestOf(ecKey()) });
      await site.ready(certificates, 'expc1');
      expect((await site.records('core/bystander/server'))[0]?.revocation).toBeUndefined();
      expect(await site.records('core/expc2/server')).toHaveLength(1);
      await site.checkInvariants();
    });

    it('one that is revoked for another reason may be certified again', async () => {
      await site.authority('root-ca');
      await site.certificate('expc1', { request: await requestOf() });
      await stage.start();
      await site.ready(certificates, 'expc1');
      const [first] = await site.records(OWNER);
      await revokeByHand(first!, 'superseded');
      await eventually('it is issued again', async () => (await site.records(OWNER)).length === 2);
    });

    it('records of the version before are given the id of their key, and count', async () => {
      await site.authority('root-ca');
      await site.authority('other-ca');
      await site.certificate('expc1', { request: await requestOf() });
      await site.certificate('expc2', {
        request: await requestOf(),
        subject: { commonName: 'expc1.example.com' },
        dnsNames: ['expc1.example.com'],
        issuerRef: { name: 'other-ca' },
      });
      await stage.start();
      await site.ready(certificates, 'expc1', 'expc2');
      await stage.stop();
      const before = await site.records();
      for (const record of before) await rewritten(record, { keyId: undefined });
      expect((await site.records()).filter(({ keyId }) => keyId !== undefined)).toEqual([]);
      const [first] = await site.records(OWNER);
      await revokeByHand(first!, 'keyCompromise');
      await stage.start();
      const [second] = await site.records('core/expc2/server');
      await site.isListed('other-ca', second!.serial);
      await eventually('every record has one', async () =>
        (await site.records()).every(
          ({ serial, keyId }) => keyId === before.find((each) => each.serial === serial)?.keyId,
        ),
      );
      for (const name of ['expc1', 'expc2']) await site.condition(certificates, name, refused);
    });

    it('also where the authority that signed the compromised one is gone', async () => {
      await site.authority('root-ca');
      await site.authority('other-ca');
      const declared = { subject: { commonName: 'expc1.example.com' }, dnsNames: ['expc1.example.com'] };
      await site.certificate('expc1', { request: await requestOf() });
      await site.certificate('expc2', { ...declared, request: await requestOf(), issuerRef: { name: 'other-ca' } });
      await stage.start();
      await site.ready(certificates, 'expc1', 'expc2');
      await site.admin.delete(authorities, { namespace: site.namespace, name: 'root-ca' });
      const [first] = await site.records(OWNER);
      const [second] = await site.records('core/expc2/server');
      await revokeByHand(first!, 'keyCompromise');
      await site.isListed('other-ca', second!.serial);
    });
  });

  describe('what cannot be read', () => {
    it.each([
      ['a specification that is no JSON', { specification: '{"subject":' }, 'spec.specification'],
      ['a specification that says something else', { specification: '[1]' }, 'spec.specification'],
      ['a certificate that is none', { certificate: 'AAAA' }, 'spec.certificate'],
      ['a certificate that is no base64', { certificate: '!!!!' }, 'spec.certificate'],
    ])('%s: its owner alone says so; lists and other owners go on', async (_, damage, field) => {
      await stage.established('expc1', 'expc2', 'expc3');
      const [record] = await site.records(OWNER);
      const [removed] = await site.records('core/expc2/server');
      await stage.remove('expc2');
      await stage.stop();
      await rewritten((await site.records('core/expc2/server'))[0]!, damage);
      await rewritten(record!, damage);
      await stage.start();
      const says = { status: 'False', reason: 'LedgerCorrupt', message: `${nameOf(record!)}: ${field}` } as const;
      await site.condition(certificates, 'expc1', says);
      const secret = await site.secret('expc1');
      await site.edit(certificates, 'expc3', { dnsNames: ['expc3.example.com', 'chat.example.com'] });
      await site.ready(certificates, 'expc3');
      await site.edit(authorities, 'issuing-ca', { crl: { validDays: 9 } });
      await site.ready(authorities, 'issuing-ca');
      expect(await listed('issuing-ca')).toEqual([removed?.serial]);
      // I15: the fixes that are printed.
      await rewritten(record!, {});
      await site.edit(certificates, 'expc1', { renewBeforeDays: 29 });
      const [again] = await site.ready(certificates, 'expc1');
      expect(again?.serial).toBe(record?.serial);
      expect((await site.secret('expc1'))?.data).toEqual(secret?.data);
      expect(stage.log.lines.join('\n')).not.toMatch(
        /ZodError|SyntaxError|TypeError|RangeError|Unexpected|invalid_type/,
      );
    });

    it('a record that cannot be read and is revoked by hand is on the list, and another certificate is issued', async () => {
      await stage.established();
      const [record] = await site.records(OWNER);
      await stage.stop();
      await rewritten(record!, { specification: 'nothing' });
      await stage.start();
      await site.condition(certificates, 'expc1', { status: 'False', reason: 'LedgerCorrupt', message: 'fix' });
      await revokeByHand(record!, 'superseded');
      await site.isListed('issuing-ca', record!.serial);
      const [status] = await site.ready(certificates, 'expc1');
      expect(status).toMatchObject({ issue: 2, reason: `serial ${record!.serial} was revoked (superseded)` });
      expect(await site.abandoned('expc1')).toEqual([]);
    });

    it('the record of an authority: it says so, and goes on signing its list', async () => {
      await stage.established();
      const record = (await site.records('authority/issuing-ca'))[0]!;
      await stage.stop();
      await rewritten(record, { specification: 'nothing' });
      await site.edit(authorities, 'issuing-ca', { crl: { validDays: 9 } });
      await stage.start();
      await site.condition(authorities, 'issuing-ca', { status: 'False', reason: 'LedgerCorrupt', message: 'backup' });
      await site.condition(authorities, 'issuing-ca', { type: 'CRLFresh', status: 'True' });
      const list = await site.list('issuing-ca');
      expect(list!.nextUpdate!.getTime() - list!.thisUpdate.getTime()).toBeGreaterThan(9 * DAY);
    });

    it('a serial number or a moment that no list can carry keeps no other off it', async () => {
      await stage.established();
      const [record] = await site.records(OWNER);
      const odd = { ...record!, revocation: { at: '2026-11-21T10:00:00Z', reason: 'superseded' as const } };
      const dates = { at: '0001-01-01T00:00:00Z', reason: 'superseded' as const };
      const serials = ['00', `00${record!.serial}`, 'FF'.repeat(20), '4A01'];
      for (const [index, serial] of serials.entries()) {
        const revocation = serial === '4A01' ? dates : odd.revocation;
        const spec = { ...odd, serial, owner: `core/odd${index}/server`, revocation };
        await site.admin.create(records, { metadata: { namespace: site.namespace, name: nameOf(spec) }, spec });
      }
      await stage.remove('expc1');
      expect((await listed('issuing-ca')).sort()).toEqual(['4A01', record!.serial].sort());
    });

    const garbage = Buffer.from('garbage').toString('base64');
    it.each([
      ['junk', (file: string) => ({ binaryData: { [file]: garbage } })],
      ['empty', (file: string) => ({ binaryData: { [file]: '' } })],
      ['gone from its ConfigMap', (file: string) => ({ binaryData: { [file]: null } })],
      ['in parts of which none is there', () => ({ binaryData: null, data: { parts: 'issuing-ca-crl-0123456789-0' } })],
    ])('I3, I4: a published list that is %s is signed anew, under a higher number', async (_, damage) => {
      await stage.established('expc1', 'expc2');
      const { serial } = await site.status(certificates, 'expc2');
      await stage.remove('expc2');
      const before = await site.list('issuing-ca');
      await site.patch<KubeObject>(configMaps, 'issuing-ca-crl', damage('issuing-ca.crl'));
      const after = await eventually('it is signed anew', async () => {
        const object = await site.admin.get(configMaps, { namespace: site.namespace, name: 'issuing-ca-crl' });
        const der = object?.binaryData?.['issuing-ca.crl'];
        return der !== undefined && der !== '' && der !== garbage && (await site.list('issuing-ca'));
      });
      expect(after.crlNumber).toBeGreaterThan(before!.crlNumber!);
      expect(after.find(BigInt(`0x${serial}`))).toBeDefined();
      await site.ready(authorities, 'issuing-ca');
    });

    it.each(['truncated', 'missing'])(
      'I3, I4: a list of several MB of which one part is %s is signed anew',
      async (harm) => {
        await stage.established();
        const { serial } = await site.status(certificates, 'expc1');
        await stage.remove('expc1');
        await stage.stop();
        const { number, parts } = await publishLargeList();
        const { metadata } = await kept(configMaps, parts[1]!);
        if (harm === 'missing') await site.admin.delete(configMaps, metadata);
        else await site.admin.patch<KubeObject>(configMaps, metadata, { binaryData: { 'issuing-ca.crl': 'AAAA' } });
        await stage.start();
        const list = await site.isListed('issuing-ca', serial!);
        expect(list.size).toBe(1);
        expect(list.crlNumber).toBeGreaterThan(number);
        await eventually('the old parts are gone', async () => {
          const { items } = await site.admin.list(configMaps, { namespace: site.namespace });
          return items.every((each) => !parts.includes(each.metadata.name));
        });
        await site.ready(authorities, 'issuing-ca');
      },
    );

    /** A list with 60,000 entries more than are on record, as the authority itself would have signed it. */
    async function publishLargeList(): Promise<{ number: bigint; parts: readonly string[] }> {
      const { namespace } = site;
      const { data } = (await site.secret('issuing-ca-ca'))!;
      const key = createPrivateKey(Buffer.from(data!['tls.key']!, 'base64').toString());
      const ledger = new KubeLedger({ client: stage.client, namespace, of: ISSUING });
      const revocation = { at: '2026-11-21T10:00:00Z', reason: 'superseded' } as const;
      const more = Array.from({ length: 60_000 }, (_, index) => ({
        serial: serialHex((0x4an << 120n) + BigInt(index)),
        notAfter: '2099-01-01T00:00:00Z',
        revocation,
        certificate: async () => undefined,
      }));
      const material = new KubeMaterial({
        client: stage.client,
        namespace,
        secretName: (owner) => owner,
        root: async () => undefined,
        pending: new Map(),
        issueIn: issueByMarks,
      });
      const crl = await signCrl(
        {
          id: ISSUING.authority,
          generation: 1,
          certificate: readCertificate(pemBlocks(data!['tls.crt'])[0]!, 'issuing-ca'),
          chain: [],
          signer: localSigner(key),
          ledger: withMore(ledger, more),
          endpoints: {},
        },
        { validDays: 7 },
        { clock: systemScheduler, material },
      );
      const parts = material.crlConfigMaps(ISSUING);
      expect(parts.length).toBeGreaterThan(2);
      return { number: crl.crlNumber!, parts };
    }

    function withMore(ledger: KubeLedger, more: readonly RevokedEntry[]): KubeLedger {
      const revoked = ledger.revoked.bind(ledger);
      return Object.assign(ledger, {
        async *revoked() {
          yield* revoked();
          yield* more;
        },
      });
    }
  });

  describe('nothing is read from a label', () => {
    it.each([
      ['removed', () => null],
      [
        'those of another authority and owner',
        () => ({ [names.managedBy]: 'Helm', [names.authority]: 'root-ca', [names.ownerHash]: '00' }),
      ],
    ])('labels of every record %s: the same list, the same owners, nothing reissued', async (_, labels) => {
      await stage.established('expc1', 'expc2', 'expc3');
      await stage.remove('expc2');
      const before = await site.records();
      const list = await listed('issuing-ca');
      expect(list).toHaveLength(1);
      const relabel = async () => {
        for (const { metadata } of (await site.admin.list(records, { namespace: site.namespace })).items)
          await site.patch(records, metadata.name, { metadata: { labels: labels() } });
      };
      await relabel();
      await stage.stop();
      await stage.start();
      await site.edit(authorities, 'issuing-ca', { crl: { validDays: 9 } });
      await site.ready(authorities, 'root-ca', 'issuing-ca');
      await site.edit(certificates, 'expc1', { renewBeforeDays: 29 });
      await site.ready(certificates, 'expc1', 'expc3');
      expect(await listed('issuing-ca')).toEqual(list);
      expect(await site.records()).toEqual(before);
      // A revocation by hand still reaches list and owner.
      const [record] = await site.records('core/expc3/server');
      await revokeByHand(record!, 'superseded');
      await site.isListed('issuing-ca', record!.serial);
      await eventually('it is replaced', async () => (await site.status(certificates, 'expc3')).issue === 2);
      await stage.remove('expc1');
      await site.checkInvariants();
    });

    it.each(['while it runs', 'while it is away'])(
      'labels and annotations of Secrets and ConfigMaps removed %s: all goes on, and they are put back',
      async (when) => {
        await stage.established('expc1', 'expc2');
        const before = await site.records();
        if (when === 'while it is away') await stage.stop();
        const strip = async (type: ResourceType, name: string) => {
          await site.patch<KubeObject>(type, name, { metadata: { labels: null, annotations: null } });
        };
        const marked = ['root-ca-ca', 'issuing-ca-ca', 'expc1', 'expc2'];
        for (const name of marked) await strip(secrets, name);
        for (const name of ['root-ca-crl', 'issuing-ca-crl']) await strip(configMaps, name);
        if (when === 'while it is away') await stage.start();
        for (const name of marked)
          await eventually(`${name} is marked again`, async () => {
            const { labels, annotations } = (await site.secret(name))!.metadata;
            return labels?.[names.managedBy] === 'vcs-pki' && annotations?.[names.owner] !== undefined;
          });
        await site.edit(authorities, 'issuing-ca', { crl: { validDays: 9 } });
        await site.ready(authorities, 'root-ca', 'issuing-ca');
        await site.ready(certificates, 'expc1', 'expc2');
        expect((await kept(configMaps, 'issuing-ca-crl')).metadata.labels?.[names.managedBy]).toBe('vcs-pki');
        expect(await site.records()).toEqual(before);
        await site.checkInvariants();
      },
    );

    it("another's ConfigMap with the label of a part is not deleted", async () => {
      await stage.established();
      const labels = { [names.authority]: 'issuing-ca', [names.part]: 'issuing-ca-crl' };
      const metadata = { namespace: site.namespace, name: 'theirs', labels };
      await site.admin.create(configMaps, { metadata, data: { theirs: '1' } });
      await stage.remove('expc1');
      expect(await site.admin.get(configMaps, metadata)).toBeDefined();
    });
  });
});

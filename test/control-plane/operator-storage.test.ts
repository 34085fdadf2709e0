import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CustomObjectsApi, type KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { definitionFiles } from '../../operator/api/definition-files.ts';
import * as resources from '../../operator/api/resources.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { loadKubeConfig } from '../../operator/kube/credentials.ts';
import { KubeLedger } from '../../operator/kube/kube-ledger.ts';
import { KubeMaterial } from '../../operator/kube/kube-material.ts';
import { recordsWhere, topologyOf } from '../../operator/kube/records.ts';
import type { KubeObject, ResourceType, Stored } from '../../operator/kube/resource.ts';
import { configMaps, namespaces, secrets } from '../../operator/kube/resource.ts';
import { type AuthorityGeneration, ownerFromText } from '../../src/authority/owner.ts';
import { pathLengthBelow } from '../../src/authority/plan.ts';
import { certificateManifest } from '../../src/resources/certificate.ts';
import { authorityManifest } from '../../src/resources/certificate-authority.ts';
import { resourceName } from '../../src/resources/resource.ts';
import { demands } from '../../src/topology/demands.ts';
import type { AuthorityId } from '../../src/topology/ids.ts';
import { parseTopology } from '../../src/topology/topology.ts';
import type { Certificate } from '../../src/x509/certificate.ts';
import { ledgerContract } from '../contract/ledger.ts';
import { materialContract } from '../contract/material.ts';
import { ecKey, signedCertificate } from '../contract/signed-certificate.ts';
import { type ControlPlane, controlPlaneAvailable, startControlPlane } from '../support/control-plane.ts';
import { deployedObjects, installDefinitions, issueByMarks, operatorClient } from '../support/operator.ts';
import { collaborationEdge } from '../support/topologies.ts';

/** As whoever declares them sees these kinds: with any spec. */
const certificateAuthorities: ResourceType<resources.DeclaredObject> = resources.certificateAuthorities;
const certificates: ResourceType<resources.DeclaredObject> = resources.certificates;
const issuedCertificates: ResourceType<resources.DeclaredObject> = resources.issuedCertificates;

it('the committed definitions are what src/resources says', async () => {
  const folder = fileURLToPath(new URL('../../operator/deploy/crds/', import.meta.url));
  const files = definitionFiles();
  expect((await readdir(folder)).sort()).toEqual([...files.keys()].sort());
  for (const [name, content] of files) expect(await readFile(`${folder}${name}`, 'utf8')).toBe(content);
});

const ISSUING: AuthorityGeneration = { authority: 'issuing-ca' as AuthorityId, generation: 1 };
const PEER = ownerFromText('core/expc1/server');

describe.runIf(controlPlaneAvailable)('on a Kubernetes API server', () => {
  let plane: ControlPlane;
  let namespace: string;
  let admin: KubeClient;
  let operator: KubeClient;
  let config: KubeConfig;

  beforeAll(async () => {
    plane = await startControlPlane();
    admin = plane.client;
    namespace = await plane.createNamespace();
    await installDefinitions(plane, namespace);
    operator = await operatorClient(plane, namespace);
    config = await loadKubeConfig({ file: plane.kubeconfig.path });
    return async () => {
      operator.close();
    };
  });
  afterAll(() => plane?.stop());

  const material = () =>
    new KubeMaterial({
      client: operator,
      namespace,
      secretName: resourceName,
      root: async () => undefined,
      pending: new Map(),
      issueIn: issueByMarks,
    });

  describe('contracts', () => {
    ledgerContract('in Kubernetes', async () => {
      await emptied();
      const ledger = () => new KubeLedger({ client: operator, namespace, of: ISSUING });
      await material().key(ISSUING, 1, async () => ecKey());
      return { topology: topologyOf(namespace), open: async () => ledger() };
    });

    materialContract('in Kubernetes', async () => {
      await emptied();
      return { open: async () => material() };
    });

    it('records are found by what is in them, exactly', async () => {
      await emptied();
      const owners = ['core/expc1/server', 'a,b=c', 'a\\', 'spec.owner=a', 'core/expc1/server,spec.serial=4A02'];
      for (const [index, owner] of owners.entries()) {
        const serial = `4A0${index}`;
        const spec = { ...sampleRecord, owner, serial, ...(index > 0 && { keyId: '00'.repeat(32) }) };
        await admin.create(issuedCertificates, { metadata: { namespace, name: `record-${index}` }, spec });
      }
      for (const owner of owners) {
        const found = await recordsWhere(operator, namespace, { owner });
        expect(found.map(({ spec }) => spec.owner)).toEqual([owner]);
      }
      const withoutKey = await recordsWhere(operator, namespace, { keyId: '', 'revocation.reason': '' });
      expect(withoutKey.map(({ spec }) => spec.owner)).toEqual(['core/expc1/server']);
      expect(await recordsWhere(operator, namespace, { authority: 'issuing-ca', authorityGeneration: '2' })).toEqual(
        [],
      );
    });

    it('parts of a large list that are no longer part of it are removed', async () => {
      await emptied();
      await material().publishCrl(ISSUING, Buffer.alloc(3_000_000, 1), undefined);
      await material().publishCrl(ISSUING, Buffer.alloc(2_000_000, 2), Buffer.alloc(3_000_000, 1));
      const last = material();
      await last.crl(ISSUING);
      const { items } = await admin.list(configMaps, { namespace });
      const held = items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('issuing-ca-crl'));
      expect(last.crlConfigMaps(ISSUING)).toHaveLength(3);
      expect(held.sort()).toEqual(['issuing-ca-crl', ...last.crlConfigMaps(ISSUING)].sort());
    });

    it('a Secret or ConfigMap that others made is never overwritten', async () => {
      await emptied();
      const theirs = { 'tls.crt': Buffer.from('theirs').toString('base64') };
      await admin.create(secrets, { metadata: { namespace, name: 'core-expc1-server' }, data: theirs });
      await admin.create(configMaps, { metadata: { namespace, name: 'issuing-ca-crl' }, data: { theirs: '1' } });
      const issued = { certificate: certificate(1n), chain: [] };
      await expect(material().store(PEER, 1, issued)).rejects.toMatchObject({ code: 'OBJECT_TAKEN' });
      await expect(material().publishCrl(ISSUING, Buffer.from('x'), undefined)).rejects.toMatchObject({
        code: 'OBJECT_TAKEN',
      });
      expect((await admin.get(secrets, { namespace, name: 'core-expc1-server' }))?.data).toEqual(theirs);
    });

    it('a Secret that was changed since it was read is not written over', async () => {
      await emptied();
      const issued = { certificate: certificate(1n), chain: [] };
      await material().store(PEER, 1, issued);
      const late = material();
      await late.load(PEER, 1);
      await material().store(PEER, 2, issued);
      await expect(late.store(PEER, 1, issued)).rejects.toMatchObject({ reason: 'Conflict' });
    });

    it('I6: a Secret with a key is not reused where the key stays on the appliance', async () => {
      await emptied();
      const first = material();
      const key = await first.key(PEER, 1, async () => ecKey());
      await first.store(PEER, 1, { certificate: certificate(1n), chain: [] });
      const withoutKey = material().store(PEER, 2, { certificate: certificate(2n), chain: [] });
      await expect(withoutKey).rejects.toMatchObject({ status: 422 });
      expect((await material().load(PEER, 1)).key?.equals(key)).toBe(true);
    });

    it('the Role lets the operator delete no record, and touch nothing in other namespaces', async () => {
      const forbidden = { status: 403 };
      await expect(operator.delete(issuedCertificates, { namespace, name: 'any' })).rejects.toMatchObject(forbidden);
      await expect(operator.list(secrets, { namespace: 'default' })).rejects.toMatchObject(forbidden);
      await expect(operator.list(certificates)).rejects.toMatchObject(forbidden);
    });
  });

  it('what operator/deploy installs is accepted, in a namespace that admits restricted pods alone', async () => {
    const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const place = await plane.createNamespace();
    await admin.apply(namespaces, { metadata: { name: place, labels: restricted } });
    const [kustomization] = deployedObjects('kustomization.yaml');
    const listed = z.object({ resources: z.array(z.string()) }).parse(kustomization).resources;
    expect(listed.filter((file) => file.startsWith('crds/')).sort()).toEqual(
      [...definitionFiles().keys()].map((name) => `crds/${name}`).sort(),
    );
    const objects = listed.flatMap(deployedObjects).filter(({ kind }) => kind !== 'CustomResourceDefinition');
    await plane.applyManifest(objects.map((each) => ({ ...each, metadata: { ...each.metadata, namespace: place } })));
    const [deployment] = deployedObjects('deployment.yaml');
    const schema = z.object({ spec: z.object({ template: z.looseObject({ spec: z.looseObject({}) }) }) });
    const { template } = schema.parse(deployment).spec;
    const metadata = { name: 'operator', namespace: place };
    await plane.applyManifest([{ ...template, apiVersion: 'v1', kind: 'Pod', metadata }]);
    const careless = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'a', image: 'a' }] } };
    await expect(
      plane.applyManifest([{ ...careless, metadata: { ...metadata, name: 'other' } }]),
    ).rejects.toMatchObject({
      status: 403,
    });
  });

  describe('definitions', () => {
    const topology = parseTopology(collaborationEdge(), 'test');

    it('take every manifest of a topology under strict validation', async () => {
      const api = config.makeApiClient(CustomObjectsApi);
      const manifests = [
        ...topology.authorities.map((each) => ({
          plural: certificateAuthorities.plural,
          body: authorityManifest(each, pathLengthBelow(topology, each)),
        })),
        ...demands(topology).map((demand) => ({ plural: certificates.plural, body: certificateManifest(demand) })),
      ];
      for (const { plural, body } of manifests) {
        const accepted = await api.createNamespacedCustomObject({
          group: 'vcs-pki.dev',
          version: 'v1alpha1',
          namespace,
          plural,
          body,
          dryRun: 'All',
          fieldValidation: 'Strict',
        });
        expect(accepted.spec).toEqual(JSON.parse(JSON.stringify(body.spec)));
      }
    });

    it('fill in what may be left out', async () => {
      const spec = { subject: { commonName: 'Root' } };
      const made = await admin.create(certificateAuthorities, { metadata: { namespace, name: 'defaults' }, spec });
      expect(made.spec).toEqual({
        ...spec,
        keyType: 'rsa-4096',
        lifetimeDays: 3650,
        crl: { dailyUpdateUtc: '02:00', everyDays: 1 },
      });
    });

    const authority = {
      subject: { commonName: 'Root' },
      keyType: 'ec-p256',
      lifetimeDays: 10,
      crl: { everyDays: 2, validDays: 6 },
    };
    const leaf = {
      demandId: 'core/expc1/server',
      subject: { commonName: 'expc1.example.com' },
      dnsNames: ['expc1.example.com'],
      usages: ['serverAuth'],
      keyType: 'ec-p256',
      issuerRef: { name: 'root' },
      renewBeforeDays: 30,
      secretName: 'core-expc1',
      peers: ['expc1'],
    };
    const record = sampleRecord;
    const revocation = { at: '2028-03-01T00:00:00Z', reason: 'superseded' };
    const keyId = '00'.repeat(32);

    const changes: [string, ResourceType<resources.DeclaredObject>, object, object, string][] = [
      ['subject', certificateAuthorities, authority, { subject: { commonName: 'R' } }, 'the subject of an authority'],
      ['keyType', certificateAuthorities, authority, { keyType: 'ec-p384' }, 'the key of an authority'],
      ['issuerRef', certificateAuthorities, authority, { issuerRef: { name: 'x' } }, 'the issuer of an authority'],
      ['validDays', certificateAuthorities, authority, { crl: { everyDays: 3, validDays: 8 } }, 'three update periods'],
      ['demandId', certificates, leaf, { demandId: 'core/expc2/server' }, 'demandId cannot change'],
      ['secretName', certificates, leaf, { secretName: 'other' }, 'secretName cannot change'],
      ['request for a key', certificates, leaf, { keyType: null, request: 'x' }, 'where the key is cannot change'],
      ['key and request', certificates, leaf, { request: 'x' }, 'give either keyType or request'],
      ['neither key nor request', certificates, leaf, { keyType: null }, 'give either keyType or request'],
      ...Object.entries({
        authority: 'other',
        authorityGeneration: 2,
        serial: '4A02',
        certificate: 'BBBB',
        notBefore: '2028-02-28T02:00:00Z',
        notAfter: '2029-03-29T02:00:00Z',
        owner: 'core/expc2/server',
        generation: 2,
        reason: 'another',
        specification: '{"a":1}',
      }).map(([field, value]): [string, ResourceType<resources.DeclaredObject>, object, object, string] => [
        `record: ${field}`,
        issuedCertificates,
        record,
        { [field]: value },
        'a record of the ledger cannot change',
      ]),
      [
        'I4: a revocation taken back',
        issuedCertificates,
        { ...record, revocation },
        { revocation: null },
        'a revocation is never taken back',
      ],
      [
        'I12: the id of a key changed',
        issuedCertificates,
        { ...record, keyId },
        { keyId: 'ff'.repeat(32) },
        'added once',
      ],
      ['I12: the id of a key taken back', issuedCertificates, { ...record, keyId }, { keyId: null }, 'added once'],
      ['the id of a key that is none', issuedCertificates, record, { keyId: 'FF'.repeat(32) }, 'keyId'],
      [
        'I4: a revocation changed',
        issuedCertificates,
        { ...record, revocation },
        { revocation: { ...revocation, reason: 'unspecified' } },
        'a revocation is never taken back',
      ],
    ];
    it.each(changes)('refuse: %s', async (_, type, spec, change, message) => {
      const made = await declared(type, spec);
      await expect(admin.patch(type, ref(made), { spec: change })).rejects.toThrow(message);
    });

    it.each([
      ['lifetimeDays of an authority', certificateAuthorities, authority, { lifetimeDays: 20 }],
      ['names of a certificate', certificates, leaf, { dnsNames: ['a.example.com'], issuerRef: { name: 'other' } }],
      ['the first revocation of a record', issuedCertificates, record, { revocation }],
      ['the id of its key, added to a record', issuedCertificates, record, { keyId }],
    ] satisfies [string, ResourceType<resources.DeclaredObject>, object, object][])(
      'let change: %s',
      async (_, type, spec, change) => {
        const made = await declared(type, spec);
        expect(await admin.patch(type, ref(made), { spec: change })).toMatchObject({ spec: change });
      },
    );

    it.each([
      ['an authority whose name cannot be an id', certificateAuthorities, authority, 'root.ca', 'lower-case letters'],
      ['both key and request', certificates, { ...leaf, request: 'x' }, 'both', 'either keyType or request'],
      ['neither', certificates, { ...leaf, keyType: undefined }, 'neither', 'either keyType or request'],
    ] satisfies [string, ResourceType<resources.DeclaredObject>, object, string, string][])(
      'refuse to create %s',
      async (_, type, spec, name, message) => {
        const attempt = admin.create(type, { metadata: { namespace, name }, spec });
        await expect(attempt).rejects.toThrow(message);
      },
    );

    async function declared(
      type: ResourceType<resources.DeclaredObject>,
      spec: object,
    ): Promise<Stored<resources.DeclaredObject>> {
      await admin.delete(type, { namespace, name: 'tried' });
      return admin.create(type, { metadata: { namespace, name: 'tried' }, spec });
    }

    const ref = ({ metadata: { resourceVersion } }: Stored) => ({ namespace, name: 'tried', resourceVersion });
  });

  async function emptied(): Promise<void> {
    for (const type of [secrets, configMaps, issuedCertificates] as const)
      for (const { metadata } of (await admin.list<KubeObject>(type, { namespace })).items)
        if (metadata.name !== 'kube-root-ca.crt') await admin.delete(type, metadata);
  }
});

const sampleRecord = {
  authority: 'root',
  authorityGeneration: 1,
  serial: '4A01',
  certificate: 'AAAA',
  notBefore: '2028-02-29T02:00:00Z',
  notAfter: '2028-03-29T02:00:00Z',
  owner: 'core/expc1/server',
  generation: 1,
  reason: 'no certificate yet',
  specification: '{}',
};

function certificate(serial: bigint): Certificate {
  return signedCertificate(serial, 'expc1.example.com', new Date('2028-02-29T02:00:00Z'), ecKey());
}

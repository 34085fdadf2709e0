import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { certificates } from '../../operator/api/resources.ts';
import { startOperator } from '../../operator/index.ts';
import type { KubeObject } from '../../operator/kube/resource.ts';
import { secrets } from '../../operator/kube/resource.ts';
import { RecordedLog } from '../../operator/runtime/testing/recorded-log.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { type ControlPlane, controlPlaneAvailable, startControlPlane } from '../support/control-plane.ts';
import { eventually, installDefinitions, operatorClient, pemBlocks } from '../support/operator.ts';
import { Project } from '../support/project.ts';
import { certificatesIn, declareTellingly, facts } from '../support/same-certificates.ts';

describe.runIf(controlPlaneAvailable)('one declaration gives the same certificates', () => {
  let plane: ControlPlane;
  const project = new Project();

  beforeAll(async () => {
    plane = await startControlPlane();
  });
  afterAll(async () => {
    project.remove();
    await plane.stop();
  });

  it('by vcs-pki apply, and by the operator from the manifests that the same synthesis wrote', async () => {
    declareTellingly(project);
    const { code, stderr } = await project.cli(['apply']);
    expect(code, stderr).toBe(0);
    const expected = [...certificatesIn(project)].map(([demand, certificate]) => [demand, facts(certificate)]);

    const namespace = await plane.createNamespace();
    await installDefinitions(plane, namespace);
    const manifests = [...project.files('cdktf.out/stacks/collaboration-edge/manifests').values()];
    const objects: KubeObject[] = manifests.map((yaml) => parse(Buffer.from(yaml, 'base64').toString()));
    await plane.applyManifest(objects.map((object) => ({ ...object, metadata: { ...object.metadata, namespace } })));
    const client = await operatorClient(plane, namespace);
    const operator = await startOperator({ client, namespace, random: { bytes: randomBytes }, log: new RecordedLog() });
    try {
      const issued = await eventually('every certificate is in its Secret', async () => {
        const { items } = await plane.client.list(certificates, { namespace });
        const found = await Promise.all(
          items.map(async ({ metadata, spec }) => {
            const secret = await plane.client.get(secrets, { namespace, name: metadata.name });
            return [spec.demandId, secret?.data?.['tls.crt']] as const;
          }),
        );
        return found.length === expected.length && found.every(([, pem]) => pem !== undefined) && found;
      });
      const actual = issued.map(([demand, pem]) => [demand, facts(readCertificate(pemBlocks(pem)[0]!, demand))]);
      expect(actual.sort()).toEqual(expected.sort());
    } finally {
      await operator.stop();
      client.close();
    }
  });
});

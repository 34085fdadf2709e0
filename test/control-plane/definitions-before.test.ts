import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { definitionFiles } from '../../operator/api/definition-files.ts';
import * as resources from '../../operator/api/resources.ts';
import { startOperator } from '../../operator/index.ts';
import type { KubeObject, ResourceType } from '../../operator/kube/resource.ts';
import { secrets } from '../../operator/kube/resource.ts';
import { RecordedLog } from '../../operator/runtime/testing/recorded-log.ts';
import { type ControlPlane, controlPlaneAvailable, startControlPlane } from '../support/control-plane.ts';
import { installDefinitions, operatorClient, Site } from '../support/operator.ts';

const authorities: ResourceType<resources.DeclaredObject> = resources.certificateAuthorities;
const certificates: ResourceType<resources.DeclaredObject> = resources.certificates;

describe.runIf(controlPlaneAvailable)('where the definitions of the version before are installed still', () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane();
  });
  afterAll(() => plane?.stop());

  it('conditions and log say what to install, nothing is written, and all goes on when that is done', async () => {
    await plane.applyManifest([...definitionFiles().values()].map((content) => asBefore(parse(content))));
    await operating(async ({ site, log }) => {
      const { conditions } = await site.condition(authorities, 'root-ca', refused);
      expect(conditions[0]?.message).toContain('on a server of Kubernetes 1.32 or later');
      await site.condition(certificates, 'expc1', refused);
      expect(log.lines.filter((line) => line.startsWith('error: CertificateAuthority'))).toHaveLength(1);
      expect((await site.admin.list(secrets, { namespace: site.namespace })).items).toEqual([]);
      // I15: what is printed as the fix.
      await installDefinitions(plane, site.namespace);
      await site.ready(authorities, 'root-ca');
      await site.ready(certificates, 'expc1');
      await site.checkInvariants();
    });
  });

  it('that of authorities alone: no key is made that could not be announced', async () => {
    await installDefinitions(plane, 'default');
    const before = [...definitionFiles()].filter(([name]) => name.startsWith('certificateauthorities'));
    await plane.applyManifest(before.map(([, content]) => asBefore(parse(content))));
    await operating(async ({ site }) => {
      await site.condition(authorities, 'root-ca', refused);
      expect((await site.admin.list(secrets, { namespace: site.namespace })).items).toEqual([]);
      await installDefinitions(plane, site.namespace);
      await site.ready(certificates, 'expc1');
    });
  });

  const refused = { status: 'False', reason: 'KubeRefused', message: 'kubectl apply -f operator/deploy/crds' } as const;

  /** An operator in a namespace that declares root-ca and expc1. */
  async function operating(test: (seen: { site: Site; log: RecordedLog }) => Promise<void>): Promise<void> {
    const site = await Site.in(plane);
    const { namespace } = site;
    const client = await operatorClient(plane, namespace);
    const log = new RecordedLog();
    await site.authority('root-ca');
    await site.certificate('expc1');
    const operator = await startOperator({ client, namespace, random: { bytes: randomBytes }, log });
    try {
      await test({ site, log });
    } catch (error) {
      throw new Error(log.lines.join('\n'), { cause: error });
    } finally {
      await operator.stop();
      client.close();
      await site.close();
    }
  }
});

interface Definition extends KubeObject {
  readonly spec: {
    readonly versions: readonly {
      readonly selectableFields?: unknown;
      readonly schema: {
        readonly openAPIV3Schema: { readonly properties: Record<'spec' | 'status', { properties: object }> };
      };
    }[];
  };
}

/** The definition without what was added to it: fields by which to list, and optional fields. */
function asBefore(definition: Definition): KubeObject {
  const versions = definition.spec.versions.map(({ selectableFields: _, ...version }) => {
    const { spec, status } = version.schema.openAPIV3Schema.properties;
    for (const part of [spec, status]) {
      const {
        keyId: _keyId,
        pendingKeyIds: _pending,
        ...properties
      } = Object.assign({}, part.properties) as Record<string, unknown>;
      part.properties = properties;
      const rules: { rule: string }[] | undefined = Reflect.get(part, 'x-kubernetes-validations');
      if (rules)
        Reflect.set(
          part,
          'x-kubernetes-validations',
          rules.filter(({ rule }) => !rule.includes('keyId')),
        );
    }
    return version;
  });
  return { ...definition, spec: { ...definition.spec, versions } } as KubeObject;
}

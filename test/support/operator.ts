import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { definitionFiles } from '../../operator/api/definition-files.ts';
import { KubeClient } from '../../operator/kube/client.ts';
import { loadKubeConfig } from '../../operator/kube/credentials.ts';
import type { KubeObject } from '../../operator/kube/resource.ts';
import { systemScheduler } from '../../operator/runtime/scheduler.ts';
import type { ControlPlane } from './control-plane.ts';

/** Installs the custom resource definitions and waits until they are served. */
export async function installDefinitions(plane: ControlPlane, namespace: string): Promise<void> {
  for (const content of definitionFiles().values()) {
    const definition: KubeObject & { spec: { names: { kind: string; plural: string } } } = parse(content);
    await plane.applyManifest([definition]);
    const { kind, plural } = definition.spec.names;
    const type = { group: 'vcs-pki.dev', version: 'v1alpha1', plural, kind, namespaced: true };
    for (let served = false; !served; ) {
      served = await plane.client.list(type, { namespace }).then(
        () => true,
        () => false,
      );
    }
  }
}

/** The documents of a file in operator/deploy. */
export function deployedObjects(file: string): KubeObject[] {
  const path = fileURLToPath(new URL(`../../operator/deploy/${file}`, import.meta.url));
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS());
}

/** A client that may do what the operator's Role in `namespace` allows, and nothing else. */
export async function operatorClient(plane: ControlPlane, namespace: string): Promise<KubeClient> {
  const objects = deployedObjects('rbac.yaml').map((object) => ({
    ...object,
    metadata: { ...object.metadata, namespace },
    ...('subjects' in object && { subjects: [{ kind: 'ServiceAccount', name: 'vcs-pki', namespace }] }),
  }));
  await plane.applyManifest(objects);
  const config = await loadKubeConfig({ file: plane.kubeconfig.path });
  const user = `system:serviceaccount:${namespace}:vcs-pki`;
  for (const each of config.users) Object.assign(each, { impersonateUser: user });
  return new KubeClient(config, systemScheduler);
}

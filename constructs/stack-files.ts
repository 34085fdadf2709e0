import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { pathLengthBelow } from '../src/authority/plan.ts';
import { VcsPkiError } from '../src/errors.ts';
import { certificateManifest } from '../src/resources/certificate.ts';
import { authorityManifest } from '../src/resources/certificate-authority.ts';
import type { Demand } from '../src/topology/demands.ts';
import type { Topology } from '../src/topology/schema.ts';
import { issuersFirst } from '../src/topology/topology.ts';
import { LAUNCHER } from './terraform.ts';

const LAUNCHER_SOURCE = `// Starts the vcs-pki of the project that this folder lies in. Written at synthesis.
import { main } from 'vcs-pki/cli';

process.exitCode = await main(JSON.parse(process.argv[2]));
`;

/** Nothing in a manifest stands twice under one name; looking for that costs more than the rest. */
const YAML = { aliasDuplicateObjects: false };

/** Writes topology.json, the launcher of the provisioners and manifests/*.yaml into a stack's folder; removes manifests of what is gone. */
export function writeStackFiles(folder: string, topology: Topology, demands: readonly Demand[]): void {
  writeFileSync(join(folder, 'topology.json'), `${JSON.stringify(topology, undefined, 2)}\n`);
  writeFileSync(join(folder, LAUNCHER), LAUNCHER_SOURCE);
  const manifests = join(folder, 'manifests');
  mkdirSync(manifests, { recursive: true });
  const files = new Map<string, string>();
  for (const authority of issuersFirst(topology.authorities)) {
    const manifest = authorityManifest(authority, pathLengthBelow(topology, authority));
    files.set(`authority-${manifest.metadata.name}.yaml`, stringify(manifest, YAML));
  }
  for (const demand of demands) {
    const manifest = certificateManifest(demand);
    const file = `certificate-${manifest.metadata.name}.yaml`;
    if (files.has(file)) {
      throw new VcsPkiError('INPUT_INVALID', {
        at: `${topology.name}: ${demand.id}`,
        value: manifest.metadata.name,
        message: `has the same name as another certificate, ${manifest.metadata.name}, when it is a Kubernetes resource`,
        fix: 'give the peer another peerId',
      });
    }
    files.set(file, stringify(manifest, YAML));
  }
  for (const name of readdirSync(manifests)) if (!files.has(name)) rmSync(join(manifests, name));
  for (const [name, content] of files) writeFileSync(join(manifests, name), content);
}

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, LocalBackend, TerraformStack } from 'cdktf';
import {
  CertificateAuthority,
  Domain,
  PkiStorage,
  type PkiStorageProps,
  Product,
  Release,
  TraversalZone,
  TrustList,
  VcsCluster,
  type VcsClusterProps,
} from '../../constructs/index.ts';

export interface Synthesized {
  /** cdk.tf.json. */
  readonly terraform: {
    readonly resource: { readonly null_resource: Readonly<Record<string, NullResource>> };
  };
  /** topology.json. */
  readonly topology: unknown;
  /** Content of every file of the stack, by path. */
  readonly files: ReadonlyMap<string, string>;
}

export interface NullResource {
  readonly for_each?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly triggers: Readonly<Record<string, string>>;
  readonly depends_on: readonly string[];
}

/** `now: undefined` leaves the moment to the environment. */
export interface StorageProps extends Omit<PkiStorageProps, 'now'> {
  readonly now?: Date | undefined;
}

/** A temporary folder to synthesize stacks in, at a fixed moment; no program, no Terraform. */
export class Synthesis {
  readonly folder = mkdtempSync(join(tmpdir(), 'vcs-pki-synth-'));
  readonly lockFile = join(this.folder, 'vcs-pki.lock.json');
  now = new Date('2026-11-21T12:00:00Z');

  /** A stack named edge that declares what `declare` says. */
  synth(declare: (stack: TerraformStack) => void, storage: StorageProps = {}): Synthesized {
    const app = new App({ outdir: join(this.folder, 'cdktf.out') });
    declare(this.stack(app, 'edge', storage));
    app.synth();
    return this.read('edge');
  }

  stack(app: App, id: string, storage: StorageProps = {}): TerraformStack {
    const stack = new TerraformStack(app, id);
    new LocalBackend(stack, { path: 'terraform.tfstate' });
    const { now, ...rest } = { lockFile: this.lockFile, now: this.now, ...storage };
    new PkiStorage(stack, 'Storage', { ...rest, ...(now && { now }) });
    return stack;
  }

  read(stack: string): Synthesized {
    const folder = join(this.folder, 'cdktf.out/stacks', stack);
    const files = new Map<string, string>();
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) files.set(path.slice(folder.length + 1), readFileSync(path, 'utf8'));
    }
    return {
      terraform: JSON.parse(files.get('cdk.tf.json') ?? ''),
      topology: JSON.parse(files.get('topology.json') ?? ''),
      files,
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface EdgeProps extends Partial<VcsClusterProps> {
  readonly corePeers?: readonly string[];
  readonly domains?: readonly string[];
}

/** An Expressway-C cluster Core and an Expressway-E Edge under one root, as short as can be. `props` are those of Core. */
export function collaborationEdge(stack: TerraformStack, props: EdgeProps = {}) {
  const { corePeers = ['expc1', 'expc2'], domains = ['example.com'], ...core } = props;
  const root = new CertificateAuthority(stack, 'RootCa', { subject: { commonName: 'Root CA' } });
  const common = { release: Release.X8_1, issuer: root };
  const inside = new VcsCluster(stack, 'Core', {
    ...common,
    product: Product.EXPRESSWAY_C,
    clusterName: 'expc.example.com',
    ...core,
  });
  for (const host of corePeers) inside.addPeer(`${host}.example.com`);
  const outside = new VcsCluster(stack, 'Edge', { ...common, product: Product.EXPRESSWAY_E });
  outside.addPeer('expe1.example.com');
  for (const [index, name] of domains.entries())
    new Domain(stack, `Domain${index}`, { name, unifiedCommunications: true });
  const zone = new TraversalZone(stack, 'Uc', { client: inside, server: outside, unifiedCommunications: true });
  const trust = new TrustList(stack, 'Trust', { authorities: [root], appliesTo: [inside, outside] });
  return { root, inside, outside, zone, trust };
}

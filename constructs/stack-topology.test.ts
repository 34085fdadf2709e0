import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, type TerraformStack } from 'cdktf';
import { Construct } from 'constructs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { formatLockFile, type LockFile } from '../src/authority/lock-file.ts';
import { ownerFromText } from '../src/authority/owner.ts';
import { certificateKind, demandOf } from '../src/resources/certificate.ts';
import { authorityOf, certificateAuthorityKind } from '../src/resources/certificate-authority.ts';
import { parseResource } from '../src/resources/resource.ts';
import { demands } from '../src/topology/demands.ts';
import { topologyDigest } from '../src/topology/digest.ts';
import type { AuthorityId, DemandId } from '../src/topology/ids.ts';
import { parseTopology } from '../src/topology/topology.ts';
import type { Serial } from '../src/x509/certificate.ts';
import { collaborationEdge, type NullResource, Synthesis, type Synthesized } from '../test/support/synthesis.ts';
import { CertificateAuthority, PkiStorage, Product, Release, TrustList, VcsCluster } from './index.ts';

let synthesis: Synthesis;
beforeEach(() => {
  synthesis = new Synthesis();
});
afterEach(() => {
  synthesis.remove();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const resources = ({ terraform }: Synthesized): Readonly<Record<string, NullResource>> =>
  terraform.resource.null_resource;
const certificates = (synthesized: Synthesized) => resources(synthesized).root_ca_certificates?.for_each ?? {};

describe('what Terraform is given', () => {
  it('is one resource per authority, with one entry per certificate by demand id', () => {
    const synthesized = synthesis.synth((stack) => collaborationEdge(stack));
    expect(Object.keys(resources(synthesized)).sort()).toEqual([
      'delivery',
      'root_ca_authority',
      'root_ca_certificates',
    ]);
    expect(certificates(synthesized)).toEqual({
      'core/expc1/server': {
        common_name: 'expc1.example.com',
        names: 'expc1.example.com expc.example.com',
        usages: 'serverAuth clientAuth',
        key: 'rsa-2048',
        issuer: 'root-ca',
        lifetime_days: '365',
        generation: '1',
        reason: 'no certificate yet',
        on_removal: 'revoke',
      },
      'core/expc2/server': expect.objectContaining({ common_name: 'expc2.example.com' }),
      'edge/expe1/server': expect.objectContaining({ names: 'expe1.example.com example.com' }),
    });
    expect(resources(synthesized).delivery?.depends_on).toEqual([
      'null_resource.root_ca_authority',
      'null_resource.root_ca_certificates',
    ]);
  });

  it('never evaluates what would be a template of Terraform in a name', () => {
    const organization = `Example \${upper("x")} %{ if true }`;
    const synthesized = synthesis.synth((stack) => {
      const root = new CertificateAuthority(stack, 'RootCa', { subject: { commonName: 'Root', organization } });
      const cluster = new VcsCluster(stack, 'Core', {
        product: Product.VCS_CONTROL,
        release: Release.X7_2,
        issuer: root,
        subject: { organization },
      });
      cluster.addPeer('vcs.example.com');
      new TrustList(stack, 'Trust', { authorities: [root], appliesTo: [cluster] });
    });
    expect(resources(synthesized).root_ca_authority?.triggers.subject).toBe(
      `{"commonName":"Root","organization":"Example $\${upper(\\"x\\")} %%{ if true }"}`,
    );
    expect(synthesized.topology).toMatchObject({ clusters: [{ subject: { organization } }] });
  });

  it('has names that Terraform takes, also for an authority that begins with a digit', () => {
    const synthesized = synthesis.synth((stack) => {
      new CertificateAuthority(stack, '2026Root', { subject: { commonName: 'Root' } });
    });
    expect(Object.keys(resources(synthesized)).sort()).toEqual([
      '_2026_root_authority',
      '_2026_root_certificates',
      'delivery',
    ]);
  });

  it('is the same, byte for byte, when it is synthesized twice', () => {
    const first = synthesis.synth((stack) => collaborationEdge(stack));
    const second = synthesis.synth((stack) => collaborationEdge(stack));
    expect(second.files).toEqual(first.files);
    expect(first.files.size).toBeGreaterThan(6);
  });

  it('is found under its folder by paths that do not name the machine', () => {
    vi.spyOn(process, 'cwd').mockReturnValue(synthesis.folder);
    const { topology } = synthesis.synth((stack) => collaborationEdge(stack), { lockFile: 'own.lock.json' });
    expect(topology).toMatchObject({ storage: { directory: '../../../pki', lockFile: '../../../own.lock.json' } });
  });
});

describe('what Terraform runs', () => {
  interface Provisioner {
    readonly 'local-exec': { readonly command: string; readonly when?: string };
  }
  const commandsOf = (synthesized: Synthesized, when?: 'destroy'): string[] =>
    Object.values(JSON.parse(synthesized.files.get('cdk.tf.json') ?? '').resource.null_resource)
      .flatMap((one) => (one as { provisioner?: Provisioner[] }).provisioner ?? [])
      .map((provisioner) => provisioner['local-exec'])
      .filter((command) => command.when === when)
      .map(({ command }) => command);

  it('I11: when something is destroyed: nothing, unless the stack says revokeOnDestroy', () => {
    const plain = synthesis.synth((stack) => collaborationEdge(stack));
    expect(commandsOf(plain, 'destroy')).toEqual([]);
    expect(plain.terraform.resource.null_resource).not.toHaveProperty('revoke_on_destroy');
    const willing = synthesis.synth((stack) => collaborationEdge(stack), { revokeOnDestroy: true });
    const [command, ...others] = commandsOf(willing, 'destroy');
    expect(others).toEqual([]);
    expect(command).toContain('"revoke", "--all"');
    expect(willing.terraform.resource.null_resource.revoke_on_destroy?.triggers).toEqual({
      workspace: `\${terraform.workspace}`,
    });
  });

  it('names the declaration that was planned, and the workspace', () => {
    const synthesized = synthesis.synth((stack) => collaborationEdge(stack));
    const digest = topologyDigest(parseTopology(synthesized.topology, 'test'));
    const commands = commandsOf(synthesized);
    expect(commands.length).toBeGreaterThan(2);
    for (const command of commands) {
      expect(command).toContain(`"--declaration", "${digest}"`);
      expect(command).toContain('"--workspace", terraform.workspace');
    }
  });

  it('is one more attempt at the last step, where the lock file says that it did not come to its end', () => {
    const digestOf = () =>
      synthesis.synth((stack) => collaborationEdge(stack)).terraform.resource.null_resource.delivery?.triggers
        .certificates;
    const write = (delivery?: LockFile['delivery']) =>
      writeFileSync(
        synthesis.lockFile,
        formatLockFile({
          version: 2,
          topology: 'edge',
          authorities: {},
          certificates: {},
          ...(delivery && { delivery }),
        }),
      );
    write();
    const first = digestOf();
    write({ attempt: 0, unfinished: true });
    const second = digestOf();
    expect(second).not.toBe(first);
    write({ attempt: 1 });
    expect(digestOf()).toBe(second);
  });
});

describe('what is reissued, and why, comes from the lock file', () => {
  const issued = (demand: string, issue: number, reason: string, more: object = {}) => ({
    serial: '5A01' as Serial,
    notBefore: '2026-11-01T00:00:00Z',
    notAfter: '2027-11-01T00:00:00Z',
    issuance: {
      owner: ownerFromText(demand),
      topology: 'edge',
      issue,
      reason,
      specification: {
        subject: { commonName: 'expc1.example.com' },
        names: ['expc1.example.com', 'expc.example.com'],
        usages: ['serverAuth' as const, 'clientAuth' as const],
        key: { type: 'rsa-2048' },
        issuer: 'root-ca' as AuthorityId,
        lifetimeDays: 365,
      },
    },
    ...more,
  });
  function writeLock(certificate: LockFile['certificates'][DemandId]): void {
    const lock = { topology: 'edge', authorities: {}, certificates: { 'core/expc1/server': certificate } };
    writeFileSync(synthesis.lockFile, formatLockFile({ ...lock, version: 2 }));
  }
  const planned = (props = {}) =>
    certificates(synthesis.synth((stack) => collaborationEdge(stack, props)))['core/expc1/server'];

  it('keeps generation and reason of what serves', () => {
    writeLock(issued('core/expc1/server', 3, 'names added: expc.example.com'));
    expect(planned()).toMatchObject({ generation: '3', reason: 'names added: expc.example.com' });
  });

  it('I9: an upgrade that only moves the common name among the names changes nothing before the next renewal', () => {
    writeLock(issued('core/expc1/server', 3, 'no certificate yet'));
    const synthesized = synthesis.synth((stack) => collaborationEdge(stack, { release: Release.X14_0 }));
    expect(certificates(synthesized)['core/expc1/server']).toMatchObject({
      common_name: 'expc1.example.com',
      generation: '3',
    });
    expect(certificates(synthesized)['core/expc2/server']).toMatchObject({ common_name: 'expc.example.com' });
    writeLock(issued('core/expc1/server', 3, 'no certificate yet', { notAfter: '2026-11-22T00:00:00Z' }));
    expect(planned({ release: Release.X14_0 })).toMatchObject({ common_name: 'expc.example.com', generation: '4' });
  });

  it('counts on where the certificate would say something else', () => {
    writeLock(issued('core/expc1/server', 3, 'no certificate yet'));
    expect(planned({ clusterName: 'other.example.com' })).toMatchObject({
      generation: '4',
      reason: 'names added: other.example.com, names removed: expc.example.com',
    });
    expect(planned({ lifetimeDays: 90 })).toMatchObject({ generation: '4', reason: 'lifetime 365 -> 90 days' });
    expect(planned({ subject: { organization: 'Example' } })).toMatchObject({
      generation: '4',
      reason: 'organization none -> Example',
    });
  });

  it('counts on after a revocation', () => {
    const revocation = { at: '2026-11-10T00:00:00Z', reason: 'keyCompromise' as const };
    writeLock(issued('core/expc1/server', 1, 'no certificate yet', { revocation }));
    expect(planned()).toMatchObject({ generation: '2', reason: 'serial 5A01 was revoked (keyCompromise)' });
  });

  it('renews from the day on which it is due, by the moment that PkiStorage or VCS_PKI_NOW gives', () => {
    writeLock(issued('core/expc1/server', 1, 'no certificate yet'));
    synthesis.now = new Date('2027-07-02T23:59:59Z');
    expect(planned()).toMatchObject({ generation: '1' });
    synthesis.now = new Date('2027-07-03T00:00:00Z');
    expect(planned()).toMatchObject({ generation: '2', reason: 'renewal was due on 2027-07-03' });
    vi.stubEnv('VCS_PKI_NOW', '2027-07-03T00:00:00Z');
    const declare = (stack: TerraformStack) => void collaborationEdge(stack);
    expect(certificates(synthesis.synth(declare, { now: undefined }))['core/expc1/server']).toEqual(planned());
  });

  it('I9: a change outside the certificate changes no trigger of it', () => {
    writeLock(issued('core/expc1/server', 1, 'no certificate yet'));
    const before = planned();
    expect(planned({ renewBeforeDays: 30, crlUpdateTimeUtc: '07:00', revocationChecking: false })).toEqual(before);
  });

  it('I9: where things are stored is in no trigger at all', () => {
    const before = resources(synthesis.synth((stack) => collaborationEdge(stack)));
    const after = resources(synthesis.synth((stack) => collaborationEdge(stack), { directory: '/elsewhere' }));
    expect(after).toEqual(before);
  });

  it('refreshes the lists of a stack that is seldom applied, but not at every plan', () => {
    const window = (now: string) => {
      synthesis.now = new Date(now);
      return resources(synthesis.synth((stack) => collaborationEdge(stack))).delivery?.triggers.lists_refreshed_from;
    };
    const first = window('2026-11-21T12:00:00Z');
    expect(window('2026-11-21T18:00:00Z')).toBe(first);
    expect(window('2026-11-25T12:00:00Z')).not.toBe(first);
  });

  it('refuses a lock file that is none, or that is of another topology', () => {
    writeFileSync(synthesis.lockFile, '<<<<<<< HEAD');
    expect(() => planned()).toThrow(/vcs-pki\.lock\.json: is not JSON; fix: restore it from Git/);
    const lock = { version: 2 as const, topology: 'other', authorities: {}, certificates: {} };
    writeFileSync(synthesis.lockFile, formatLockFile(lock));
    expect(() => planned()).toThrow(/is the lock file of topology other, not of edge; fix: give edge a lock file/);
  });
});

describe('errors at synthesis', () => {
  it('name the construct whose rule is broken, the value and the fix', () => {
    expect(() =>
      synthesis.synth((stack) => collaborationEdge(stack, { chatNodeAliases: ['*.chat.example.com'] })),
    ).toThrow(
      /edge\/Core \(core\/expc1\/server\): X8\.1 does not accept wildcard certificates \(\w+, \*\.chat\.example\.com\); fix: list the names/,
    );
    expect(() => synthesis.synth((stack) => collaborationEdge(stack, { key: 'rsa-8192' }))).toThrow(
      /edge\/Core \(cluster core\): .*8192 bits \(KEY_8192, rsa-8192\); fix: use rsa-4096/,
    );
  });

  it('find the construct by its kind: a cluster in a scope of its own, beside a zone of the same name', () => {
    expect(() =>
      synthesis.synth((stack) => {
        collaborationEdge(stack);
        const site = new Construct(stack, 'Site');
        new VcsCluster(site, 'Uc', { product: Product.VCS_CONTROL, release: Release.X8_1 }).addPeer('vcs.example.com');
      }),
    ).toThrow(/edge\/Site\/Uc \(cluster uc\): self-signed certificates/);
  });

  it('name what is declared twice, or by nobody', () => {
    const second = (corePeers: readonly string[]) => () =>
      synthesis.synth((stack) => {
        const { outside } = collaborationEdge(stack, { corePeers });
        outside.addPeer('expc1.example.com');
      });
    expect(second(['expc1'])).toThrow(
      /clusters edge: peers: must not list expc1\.example\.com twice; fix: .*cluster core/,
    );
    expect(second([])).toThrow(/clusters\[0\]\.peers: must list a peer; fix: add one/);
  });

  it('refuse two certificates that would be one resource in Kubernetes', () => {
    expect(() =>
      synthesis.synth((stack) => {
        const { root } = collaborationEdge(stack, { corePeers: ['a-b'] });
        const twin = new VcsCluster(stack, 'CoreA', {
          product: Product.VCS_CONTROL,
          release: Release.X8_1,
          issuer: root,
        });
        twin.addPeer('b.example.com');
        new TrustList(stack, 'Trust2', { authorities: [root], appliesTo: [twin] });
      }),
    ).toThrow(/core-a\/b\/server: has the same name as another certificate, core-a-b-server/);
  });

  it('refuse two stacks with one lock file', () => {
    const app = new App({ outdir: join(synthesis.folder, 'cdktf.out') });
    for (const id of ['east', 'west']) collaborationEdge(synthesis.stack(app, id));
    expect(() => app.synth()).toThrow(
      /has the same lock file as stack west; fix: give it its own: new PkiStorage\(stack, 'Storage', \{ lockFile: 'east\.lock\.json' \}\)/,
    );
  });

  it('refuse two stacks of one name in one PKI directory, and take them in two', () => {
    const both = (directory: string) => () => {
      const app = new App({ outdir: join(synthesis.folder, 'cdktf.out') });
      collaborationEdge(synthesis.stack(app, 'Edge', { lockFile: join(synthesis.folder, 'a') }));
      collaborationEdge(synthesis.stack(app, 'edge', { lockFile: join(synthesis.folder, 'b'), directory }));
      app.synth();
    };
    expect(both('pki')).toThrow(/is known as edge in the same PKI directory as another stack; fix: rename/);
    expect(both('pki2')).not.toThrow();
  });

  it('refuse a moment that is none', () => {
    const declare = (stack: TerraformStack) => void collaborationEdge(stack);
    expect(() => synthesis.synth(declare, { now: new Date('tomorrow') })).toThrow(
      /edge: now of PkiStorage: is no moment; fix: write it like/,
    );
    vi.stubEnv('VCS_PKI_NOW', 'tomorrow');
    expect(() => synthesis.synth(declare, { now: undefined })).toThrow(/VCS_PKI_NOW: is no moment; fix: write it like/);
  });

  it('refuse a second PkiStorage in a stack', () => {
    expect(() => synthesis.synth((stack) => void new PkiStorage(stack, 'Storage2', {}))).toThrow(
      expect.objectContaining({ at: 'edge/Storage2', code: 'INPUT_INVALID' }),
    );
  });
});

describe('manifests', () => {
  it('say what the topology demands: read back, they are its authorities and demands', () => {
    const { files, topology } = synthesis.synth((stack) => collaborationEdge(stack, { onRemoval: 'keep' }));
    const declared = parseTopology(topology, 'topology.json');
    const manifests = [...files].filter(([path]) => path.startsWith('manifests/'));
    const read = (prefix: string) =>
      manifests.filter(([path]) => path.startsWith(`manifests/${prefix}`)).map(([, yaml]): unknown => parse(yaml));
    const certificates = read('certificate-').map((value) => demandOf(parseResource(certificateKind, value, 'test')));
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    expect(certificates.sort(byId)).toEqual(demands(declared).sort(byId));
    const authorities = read('authority-').map((value) =>
      authorityOf(parseResource(certificateAuthorityKind, value, 'test')),
    );
    expect(authorities).toEqual(declared.authorities);
  });

  it('of what is no longer declared are removed', () => {
    synthesis.synth((stack) => collaborationEdge(stack));

    const { files } = synthesis.synth((stack) => collaborationEdge(stack, { corePeers: ['expc1'] }));
    expect([...files.keys()].filter((path) => path.startsWith('manifests/')).sort()).toEqual([
      'manifests/authority-root-ca.yaml',
      'manifests/certificate-core-expc1-server.yaml',
      'manifests/certificate-edge-expe1-server.yaml',
    ]);
  });
});

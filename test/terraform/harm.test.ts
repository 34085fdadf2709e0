import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type NullProvider, startNullProvider } from '../support/null-provider.ts';
import { describeWithTool } from '../support/tools.ts';
import { succeeded, TerraformProject } from './terraform-project.ts';

/** One authority that can be exchanged, one cluster of three peers. What a test edits is marked. */
const PROGRAM = `
import { App, LocalBackend, TerraformStack } from 'cdktf';
import { CertificateAuthority, Product, Release, TrustList, VcsCluster } from 'vcs-pki/constructs';

const app = new App();
const stack = new TerraformStack(app, 'edge');
new LocalBackend(stack, { path: '../../../edge.tfstate' });
const key = 'ec-p256';
const root = new CertificateAuthority(stack, 'RootCa', { key, subject: { commonName: 'Root CA' } });
const issuing = new CertificateAuthority(stack, 'IssuingCa', {
  issuer: root,
  key,
  lifetimeDays: 1825,
  subject: { commonName: 'Issuing CA' },
});
const second = new CertificateAuthority(stack, 'SecondCa', {
  issuer: root,
  key,
  lifetimeDays: 1825,
  subject: { commonName: 'Second CA' },
});
const core = new VcsCluster(stack, 'Core', {
  product: Product.EXPRESSWAY_C,
  release: Release.X8_1,
  clusterName: 'expc.example.com',
  issuer: issuing,
  key,
});
for (const peer of ['expc1', 'expc2', 'expc3']) core.addPeer(\`\${peer}.example.com\`);
new TrustList(stack, 'Trust', { authorities: [root, issuing, second], appliesTo: [core] });
app.synth();
`;
const PEERS = ['expc1', 'expc2', 'expc3'];
const TO_SECOND = ['issuer: issuing,', 'issuer: second,'] as const;
const TO_ELSEWHERE = ['issuer: issuing,', 'issuer: elsewhere,'] as const;

describeWithTool('terraform', 'what Terraform does never revokes what is in service (I11)', (path) => {
  let provider: NullProvider;
  let stack: TerraformProject;

  beforeAll(async () => {
    provider = await startNullProvider();
  });
  afterAll(() => provider.stop());

  beforeEach(async () => {
    stack = new TerraformProject(path, provider, '2026-11-21T12:00:00Z');
    writeFileSync(stack.project.program, PROGRAM);
    await stack.synth();
    await stack.init('edge');
    return () => stack.project.remove();
  });

  const apply = async () => succeeded(await stack.apply({ stack: 'edge' }));
  const applied = async () => {
    await apply();
    await stack.expectNoChanges('edge');
  };
  const revoked = () => ['issuing-ca', 'second-ca'].map((id) => stack.crl(id).size);
  const verifies = async () =>
    expect((await stack.cli('prove', join(stack.project.folder, 'cdktf.out/stacks/edge'))).code).toBe(0);

  it('a cluster that moves to an authority elsewhere keeps its certificates until the new ones have come', async () => {
    await applied();
    stack.project.edit(
      'const core =',
      `const elsewhere = new ExternalAuthority(stack, 'Elsewhere', { certificateFiles: ['pki/authorities/second-ca/cacert.pem', 'pki/authorities/root-ca/cacert.pem'] });
const core =`,
    );
    stack.project.edit('import { CertificateAuthority,', 'import { CertificateAuthority, ExternalAuthority,');
    stack.project.edit(...TO_ELSEWHERE);
    stack.project.edit('authorities: [root, issuing, second]', 'authorities: [root, issuing, second, elsewhere]');
    await stack.synth();
    await apply();
    expect(revoked()).toEqual([0, 0]);
    await verifies();
    await stack.expectNoChanges('edge');
  });

  it('a move to another authority with -target revokes nothing, and the next whole apply neither', async () => {
    await applied();
    stack.project.edit(...TO_SECOND);
    await stack.synth();
    const target = '-target=null_resource.issuing_ca_certificates';
    succeeded(await stack.terraform(['apply', '-auto-approve', '-input=false', target], { stack: 'edge' }));
    expect(revoked()).toEqual([0, 0]);
    await verifies();
    await stack.synth();
    await applied();
    expect(revoked()).toEqual([0, 0]);
  });

  it('a PKI directory belongs to the workspace that applied first: another is refused, and nothing is written', async () => {
    await applied();
    const before = stack.project.files('pki');
    succeeded(await stack.terraform(['workspace', 'new', 'second'], { stack: 'edge' }));
    const refused = await stack.apply({ stack: 'edge' });
    expect(refused.code).toBe(1);
    expect(unwrapped(refused.stderr)).toContain('belongs to Terraform workspace default, and this is workspace second');
    expect(unwrapped(refused.stderr)).toContain('terraform workspace select default');
    expect(stack.project.files('pki')).toEqual(before);
    await stack.terraform(['destroy', '-auto-approve', '-input=false'], { stack: 'edge' });
    expect(stack.project.files('pki')).toEqual(before);
    succeeded(await stack.terraform(['workspace', 'select', 'default'], { stack: 'edge' }));
    await stack.expectNoChanges('edge');
  });

  it('a saved plan whose declaration has moved on is refused: it never named what it would revoke', async () => {
    await applied();
    stack.project.edit("'expc3'", "'expc3', 'expc4'");
    await stack.synth();
    expect((await stack.plan({ stack: 'edge' })).code).toBe(2);
    stack.project.edit("'expc1', ", '');
    await stack.synth();
    const before = stack.project.files('pki');
    const late = await stack.terraform(['apply', '-input=false', 'plan'], { stack: 'edge' });
    expect(late.code).toBe(1);
    expect(unwrapped(late.stderr)).toContain('PLAN_OUTDATED');
    expect(stack.project.files('pki')).toEqual(before);
    await applied();
    expect(revoked()).toEqual([1, 0]);
    expect(stack.hasCertificate('core/expc4/server', 1)).toBe(true);
  });

  it('certificates whose commands were killed are issued by the last step of the next apply', async () => {
    // As Terraform leaves it: the resources are in the state before their commands have ended.
    await apply();
    const { folder } = stack.project;
    const kept = readFileSync(join(folder, 'edge.tfstate'));
    for (const name of ['pki', 'vcs-pki.lock.json']) rmSync(join(folder, name), { recursive: true });
    const state = JSON.parse(kept.toString());
    state.resources = state.resources.filter(({ name }: { name: string }) => name !== 'delivery');
    writeFileSync(join(folder, 'edge.tfstate'), JSON.stringify(state));
    await stack.synth();
    await applied();
    for (const peer of PEERS) expect(stack.hasCertificate(`core/${peer}/server`, 1)).toBe(true);
    await verifies();
  });

  it('an apply whose process group was killed is made good by the next, wherever it was', {
    timeout: 600_000,
  }, async () => {
    for (const lines of [1, 4, 8]) {
      stack.project.edit("'expc1'", `'killed${lines}', 'expc1'`);
      await stack.synth();
      await killedAfter(lines);
      await stack.synth();
      await apply();
      await stack.expectNoChanges('edge');
      for (const peer of [...PEERS, `killed${lines}`])
        expect(stack.hasCertificate(`core/${peer}/server`, 1), `${peer}, killed after line ${lines}`).toBe(true);
      expect(existsSync(join(stack.project.folder, `pki/bundles/edge/core/killed${lines}/server.pem`))).toBe(true);
      expect(revoked()).toEqual([0, 0]);
    }
  });

  it('a last step that was begun and not ended is planned once more', async () => {
    await applied();
    const lockFile = join(stack.project.folder, 'vcs-pki.lock.json');
    const lock = JSON.parse(readFileSync(lockFile, 'utf8'));
    writeFileSync(lockFile, JSON.stringify({ ...lock, delivery: { attempt: 0, unfinished: true } }));
    await stack.synth();
    expect((await stack.plan({ stack: 'edge' })).stdout).toContain('null_resource.delivery must be replaced');
    await applied();
  });

  /** Runs an apply and kills it with all that it started once it has said so many lines. */
  async function killedAfter(lines: number): Promise<void> {
    const cwd = join(stack.project.folder, 'cdktf.out/stacks/edge');
    const child = spawn(path, ['apply', '-auto-approve', '-input=false', '-no-color'], {
      cwd,
      env: { ...process.env, ...stack.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let seen = 0;
    child.stdout.on('data', (data: Buffer) => {
      seen += data
        .toString()
        .split('\n')
        .filter((line) => /Creating|Creation complete|Provisioning/.test(line)).length;
      if (seen >= lines && child.pid !== undefined && child.exitCode === null) {
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
      }
    });
    child.stderr.resume();
    await once(child, 'close');
  }

  /** Terraform draws its errors into a box of limited width. */
  function unwrapped(output: string): string {
    return output.replace(/\s*\n[│\s]*/g, ' ');
  }
});

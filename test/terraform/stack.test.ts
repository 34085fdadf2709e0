import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseIndex } from '../../src/store/index-txt.ts';
import { serialHex } from '../../src/x509/certificate.ts';
import { type NullProvider, startNullProvider } from '../support/null-provider.ts';
import { describeWithTool, run } from '../support/tools.ts';
import { planned, succeeded, TerraformProject } from './terraform-project.ts';

const EDGE_ISSUER = "clusterName: 'expe.example.com',\n  key: 'ec-p256',\n  issuer: issuing";
const FIRST_DAY = '2026-11-21T12:00:00Z';

describeWithTool('terraform', 'a stack from its first apply to destroy', (path) => {
  let provider: NullProvider;
  let stack: TerraformProject;
  const temporary: string[] = [];

  beforeAll(async () => {
    provider = await startNullProvider();
    stack = new TerraformProject(path, provider, FIRST_DAY);
    const { project } = stack;
    // EC keys, because tests make many; and one cluster that keeps what is removed.
    project.edit(
      "subject: { commonName: 'Example UC Root CA'",
      "key: 'ec-p256',\n  subject: { commonName: 'Example UC Root CA'",
    );
    project.edit(
      "subject: { commonName: 'Example UC Issuing CA'",
      "key: 'ec-p256',\n  subject: { commonName: 'Example UC Issuing CA'",
    );
    project.edit(
      "clusterName: 'expc.example.com'",
      "clusterName: 'expc.example.com',\n  key: 'ec-p256',\n  onRemoval: 'keep'",
    );
    project.edit("clusterName: 'expe.example.com'", "clusterName: 'expe.example.com',\n  key: 'ec-p256'");
  });
  afterAll(async () => {
    stack.project.remove();
    for (const folder of temporary) rmSync(folder, { recursive: true, force: true });
    await provider.stop();
  });

  const serial = (demand: string, generation: number) => serialHex(stack.certificate(demand, generation).serialNumber);
  const isListed = (hex: string) => stack.crl('issuing-ca').find(BigInt(`0x${hex}`)) !== undefined;

  it('init and apply make every certificate, and then plan shows no changes', async () => {
    await stack.synth();
    await stack.init();
    // Terraform's own log at its most talkative: no key may be in it either (I1).
    succeeded(await stack.apply({ env: { TF_LOG: 'TRACE' } }));
    for (const demand of ['core/expc1/server', 'core/expc2/server', 'edge/expe1/server', 'edge/expe2/server'])
      expect(stack.certificate(demand, 1).notBefore < new Date(FIRST_DAY)).toBe(true);
    expect(stack.crl('issuing-ca').size).toBe(0);
    expect(existsSync(join(stack.project.folder, 'pki/bundles/collaboration-edge/RUNBOOK.txt'))).toBe(true);
    await stack.expectNoChanges();
  });

  it('issues for added peers, and for nobody else', async () => {
    const before = serial('core/expc1/server', 1);
    stack.project.edit(
      "addPeer('expc2.example.com');",
      "addPeer('expc2.example.com');\ncore.addPeer('expc3.example.com');",
    );
    stack.project.edit(
      "addPeer('expe2.example.com');",
      "addPeer('expe2.example.com');\nedge.addPeer('expe3.example.com');",
    );
    await stack.synth();
    const { code, stdout } = await stack.plan();
    expect(code).toBe(2);
    expect(planned(stdout)).toEqual([
      'null_resource.delivery must be replaced',
      'null_resource.issuing_ca_certificates["core/expc3/server"] will be created',
      'null_resource.issuing_ca_certificates["edge/expe3/server"] will be created',
    ]);
    succeeded(await stack.apply());
    expect(serial('core/expc1/server', 1)).toBe(before);
    expect(stack.hasCertificate('core/expc1/server', 2)).toBe(false);
    expect(stack.hasCertificate('core/expc3/server', 1)).toBe(true);
    await stack.expectNoChanges();
  });

  it('revokes for a removed peer: its serial is on the published list. One with onRemoval: keep stays valid', async () => {
    const { crlNumber } = stack.crl('issuing-ca');
    stack.project.edit("core.addPeer('expc3.example.com');\n", '');
    stack.project.edit("edge.addPeer('expe3.example.com');\n", '');
    await stack.synth();
    const { stdout } = await stack.plan();
    expect(planned(stdout)).toEqual([
      'null_resource.delivery must be replaced',
      'null_resource.issuing_ca_certificates["core/expc3/server"] will be destroyed',
      'null_resource.issuing_ca_certificates["edge/expe3/server"] will be destroyed',
    ]);
    succeeded(await stack.apply());
    expect(isListed(serial('edge/expe3/server', 1))).toBe(true);
    expect(isListed(serial('core/expc3/server', 1))).toBe(false);
    expect(stack.crl('issuing-ca').size).toBe(1);
    expect(stack.crl('issuing-ca').crlNumber! > crlNumber!).toBe(true);
    await stack.expectNoChanges();
  });

  it('shows in the plan which names a changed domain brings into which certificates', async () => {
    stack.project.edit("name: 'example.com'", "name: 'example.org'");
    await stack.synth();
    const { stdout } = await stack.plan();
    expect(planned(stdout)).toEqual([
      'null_resource.delivery must be replaced',
      'null_resource.issuing_ca_certificates["edge/expe1/server"] must be replaced',
      'null_resource.issuing_ca_certificates["edge/expe2/server"] must be replaced',
    ]);
    expect(stdout).toContain(
      '"expe1.example.com expe.example.com example.com" -> "expe1.example.com expe.example.com example.org"',
    );
    expect(stdout).toContain('"no certificate yet" -> "names added: example.org, names removed: example.com"');
  });

  it('leaves nothing half done when issuing is refused, says why, and goes on with the next apply', async () => {
    const key = join(stack.project.folder, 'pki/authorities/issuing-ca/private/cakey.pem');
    renameSync(key, `${key}.away`);
    const before = stack.files();
    const { code, stderr, stdout } = await stack.apply();
    expect(code).toBe(1);
    expect(unwrapped(stderr + stdout)).toContain(
      'the key of authority issuing-ca is not there fix: restore it from a backup',
    );
    expect(stack.files()).toEqual(before);

    // The certificate of a peer that is removed now is revoked, though terraform runs no destroy command for what failed.
    renameSync(`${key}.away`, key);
    stack.project.edit("edge.addPeer('expe2.example.com');\n", '');
    await stack.synth();
    succeeded(await stack.apply());
    expect(stack.certificate('edge/expe1/server', 2).dnsNames).toEqual([
      'expe1.example.com',
      'expe.example.com',
      'example.org',
    ]);
    expect(isListed(serial('edge/expe2/server', 1))).toBe(true);
    expect(stack.hasCertificate('edge/expe2/server', 2)).toBe(false);
    // What was replaced is not revoked.
    expect(isListed(serial('edge/expe1/server', 1))).toBe(false);
    await stack.expectNoChanges();
  });

  it('restores a certificate file that is gone by `vcs-pki apply`, which asks nothing of terraform', async () => {
    const file = join(stack.project.folder, 'pki/certificates/core/expc1/server/1/cert.pem');
    const content = readFileSync(file);
    rmSync(file);
    succeeded(await stack.cli('apply', stack.project.stack));
    expect(readFileSync(file)).toEqual(content);
    await stack.expectNoChanges();
  });

  it('does not revoke what another authority is to replace', async () => {
    stack.project.edit(
      'const core =',
      `const second = new CertificateAuthority(stack, 'SecondCa', {
  issuer: root,
  key: 'ec-p256',
  subject: { commonName: 'Example UC Second CA' },
  lifetimeDays: 1825,
});

const core =`,
    );
    stack.project.edit(EDGE_ISSUER, EDGE_ISSUER.replace('issuing', 'second'));
    stack.project.edit('authorities: [root, issuing]', 'authorities: [root, issuing, second]');
    await stack.synth();
    const { stdout } = await stack.plan();
    expect(planned(stdout)).toEqual([
      'null_resource.delivery must be replaced',
      'null_resource.issuing_ca_certificates["edge/expe1/server"] will be destroyed',
      'null_resource.second_ca_authority will be created',
      'null_resource.second_ca_certificates["edge/expe1/server"] will be created',
    ]);
    succeeded(await stack.apply());
    expect(stack.certificate('edge/expe1/server', 3).issuer.commonName).toBe('Example UC Second CA');
    expect(isListed(serial('edge/expe1/server', 2))).toBe(false);
    await stack.expectNoChanges();
  });

  it('renews when it is due, saying so in the plan, without revoking', async () => {
    stack.now = '2027-08-01T12:00:00Z';
    const listed = stack.crl('issuing-ca').size;
    await stack.synth();
    const { stdout } = await stack.plan();
    expect(planned(stdout)).toEqual([
      'null_resource.delivery must be replaced',
      'null_resource.issuing_ca_certificates["core/expc1/server"] must be replaced',
      'null_resource.issuing_ca_certificates["core/expc2/server"] must be replaced',
      'null_resource.second_ca_certificates["edge/expe1/server"] must be replaced',
    ]);
    expect(stdout).toContain('"no certificate yet" -> "renewal was due on 2027-07-23"');
    expect((await stack.terraform(['show', '-json', 'plan'])).stdout).toContain('resource_changes');
    succeeded(await stack.apply());
    expect(stack.certificate('core/expc1/server', 2).notAfter > new Date('2028-07-01')).toBe(true);
    expect(stack.certificate('edge/expe1/server', 4).notAfter > new Date('2028-07-01')).toBe(true);
    const list = stack.crl('issuing-ca');
    expect(list.size).toBe(listed);
    expect(list.nextUpdate! > new Date(stack.now), 'the list was refreshed with it').toBe(true);
    await stack.expectNoChanges();
  });

  it('synthesizes the same on another machine, which has the lock file but no PKI directory', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'vcs-pki-elsewhere-'));
    temporary.push(elsewhere);
    const folder = join(elsewhere, 'a/longer/path');
    const taken = ['examples', 'package.json', 'cdktf.json', 'node_modules', 'vcs-pki.lock.json'];
    for (const name of taken)
      cpSync(join(stack.project.folder, name), join(folder, name), { recursive: true, verbatimSymlinks: true });
    const program = join(folder, relative(stack.project.folder, stack.project.program));
    succeeded(
      await run(process.execPath, ['--import', 'tsx', program], { cwd: folder, env: { VCS_PKI_NOW: stack.now } }),
    );
    const made = stack.project.files('cdktf.out');
    // What terraform itself has put into the folder of the stack.
    for (const name of made.keys()) if (/\.terraform|\/plan$/.test(name)) made.delete(name);
    const there = stack.project.files(relative(stack.project.folder, join(folder, 'cdktf.out')));
    expect([...there.keys()].sort()).toEqual([...made.keys()].sort());
    expect(there).toEqual(made);
  });

  it('destroy revokes nothing, and leaves authorities, certificates and lock file', async () => {
    const before = new Map(stack.files());
    succeeded(await stack.terraform(['destroy', '-auto-approve', '-input=false']));
    expect((await stack.terraform(['state', 'list'])).stdout).toBe('');
    expect(new Map(stack.files())).toEqual(before);
  });

  it('revokeOnDestroy: destroy revokes what is declared, if that was applied before, and keeps what is to be kept', async () => {
    const revokedByDestroy = stack.certificate('edge/expe1/server', 4).serialNumber;
    stack.project.edit(
      "const root = new CertificateAuthority(stack, 'RootCa'",
      "new PkiStorage(stack, 'Storage', { revokeOnDestroy: true });\nconst root = new CertificateAuthority(stack, 'RootCa'",
    );
    stack.project.edit('Product,', 'PkiStorage,\n  Product,');
    await stack.synth();
    succeeded(await stack.terraform(['destroy', '-auto-approve', '-input=false']));
    expect(stack.crl('second-ca').find(revokedByDestroy), 'not applied yet').toBeUndefined();

    succeeded(await stack.apply());
    await stack.expectNoChanges();
    expect((await stack.terraform(['show', '-json'])).stdout).toContain('core/expc1/server');
    succeeded(await stack.terraform(['destroy', '-auto-approve', '-input=false']));
    expect((await stack.terraform(['state', 'list'])).stdout).toBe('');
    expect(stack.crl('second-ca').find(revokedByDestroy)).toBeDefined();
    expect(isListed(serial('core/expc1/server', 2))).toBe(false);
    for (const kept of [
      'pki/authorities/root-ca/private/cakey.pem',
      'pki/authorities/issuing-ca/private/cakey.pem',
      'pki/authorities/issuing-ca/cacert.pem',
      'vcs-pki.lock.json',
    ])
      expect(existsSync(join(stack.project.folder, kept)), kept).toBe(true);
    const lock = JSON.parse(stack.project.read('vcs-pki.lock.json'));
    expect(lock.certificates['edge/expe1/server'].revocation.reason).toBe('cessationOfOperation');
  });

  it('I1: no private key is in state, plans, logs or anything that was printed', async () => {
    const keys = [...stack.project.files('pki')].filter(([name]) => name.endsWith('key.pem'));
    expect(keys.length).toBeGreaterThan(8);
    const everywhere = new Map([['printed', stack.printed]]);
    for (const [name, content] of stack.project.files('.')) {
      if (/terraform\.tfstate|^cdktf\.out|\.lock\.json$|\.log$/.test(name) && !name.includes('/providers/'))
        everywhere.set(name, Buffer.from(content, 'base64').toString());
    }
    expect([...everywhere.keys()]).toContain('terraform.tfstate.backup');
    const secrets = keys.map(([, content]) => Buffer.from(content, 'base64').toString().split('\n')[1]!);
    for (const [name, text] of everywhere) {
      expect(text.includes('PRIVATE KEY'), name).toBe(false);
      for (const secret of secrets) expect(text.includes(secret), name).toBe(false);
    }
  });

  /** Terraform draws its errors into a box of limited width. */
  function unwrapped(output: string): string {
    return output.replace(/\s*\n[│\s]*/g, ' ');
  }
});

describeWithTool('terraform', 'two stacks on one PKI directory', (path) => {
  let provider: NullProvider;
  let stacks: TerraformProject;

  beforeAll(async () => {
    provider = await startNullProvider();
    stacks = new TerraformProject(path, provider, FIRST_DAY);
    writeFileSync(stacks.project.program, TWO_STACKS);
  });
  afterAll(async () => {
    stacks.project.remove();
    await provider.stop();
  });

  it('applied at the same moment, have all their certificates, no serial twice (I2), and then plan no changes', async () => {
    await stacks.synth();
    for (const stack of ['east', 'west']) await stacks.init(stack);
    for (const result of await Promise.all([stacks.apply({ stack: 'east' }), stacks.apply({ stack: 'west' })]))
      succeeded(result);

    const serials = ['east', 'west'].flatMap((stack) =>
      ['1', '2', '3'].map((peer) => {
        const certificate = stacks.certificate(`${stack}/${stack}${peer}/server`, 1);
        return serialHex(certificate.serialNumber);
      }),
    );
    expect(new Set(serials).size).toBe(6);
    expect(index('issuing-ca')).toEqual(serials.sort());
    expect(index('root-ca'), 'the root itself and one issuing authority').toHaveLength(2);
    for (const stack of ['east', 'west']) {
      const lock = JSON.parse(stacks.project.read(`${stack}.lock.json`));
      expect(Object.keys(lock.certificates)).toEqual(['1', '2', '3'].map((peer) => `${stack}/${stack}${peer}/server`));
      await stacks.expectNoChanges(stack);
    }
  });

  it('each revokes its own alone', async () => {
    stacks.project.edit("'west3'", '');
    await stacks.synth();
    succeeded(await stacks.apply({ stack: 'west' }));
    expect(stacks.crl('issuing-ca').size).toBe(1);
    await stacks.expectNoChanges('east');
  });

  /** Serial numbers of the ledger, sorted. */
  function index(authority: string): string[] {
    return parseIndex(stacks.project.read(`pki/authorities/${authority}/index.txt`), authority)
      .map((entry) => entry.serial)
      .sort();
  }
});

const TWO_STACKS = `
import { App, LocalBackend, TerraformStack } from 'cdktf';
import { CertificateAuthority, PkiStorage, Product, Release, TrustList, VcsCluster } from 'vcs-pki/constructs';

const app = new App();
const peersOf = { east: ['east1', 'east2', 'east3'], west: ['west1', 'west2', 'west3'] };
for (const [name, peers] of Object.entries(peersOf)) {
  const stack = new TerraformStack(app, name);
  new LocalBackend(stack, { path: \`../../../\${name}.tfstate\` });
  new PkiStorage(stack, 'Storage', { lockFile: \`\${name}.lock.json\` });
  const root = new CertificateAuthority(stack, 'RootCa', { key: 'ec-p256', subject: { commonName: 'Root CA' } });
  const issuing = new CertificateAuthority(stack, 'IssuingCa', {
    issuer: root,
    key: 'ec-p256',
    lifetimeDays: 1825,
    subject: { commonName: 'Issuing CA' },
  });
  const cluster = new VcsCluster(stack, name, {
    product: Product.VCS_CONTROL,
    release: Release.X8_1,
    clusterName: \`\${name}.example.com\`,
    issuer: issuing,
    key: 'ec-p256',
  });
  for (const peer of peers) cluster.addPeer(\`\${peer}.example.com\`);
  new TrustList(stack, 'Trust', { authorities: [root, issuing], appliesTo: [cluster] });
}
app.synth();
`;

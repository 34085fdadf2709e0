import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { serialHex } from '../../src/x509/certificate.ts';
import { frozenCopy } from '../support/frozen.ts';
import { type NullProvider, startNullProvider } from '../support/null-provider.ts';
import { describeWithTool } from '../support/tools.ts';
import { planned, succeeded, TerraformProject } from './terraform-project.ts';

/** Serial numbers that version 1ffa36d issued and that are in use, by certificate. */
const IN_USE = {
  'core/expc1/server': '51A804EF9F16BE7FD7AF1BFDBCFC7DA5',
  'core/expc2/server': '7208F3DD30CE1F4112D7C548E244CA0E',
  'core/expc3/server': '6E97C90578B0887116184A9CDA9101AE',
  'edge/expe1/server': '778F9E9A0C7C028D68E9CD3FB3C7B09D',
};
/** Of edge/expe2, which was removed. */
const REVOKED = '50F7E362EEB0C399BDC7C63680006C3A';
/** Of edge/expe2 too, before a name was added: that version left it valid when it removed the peer. */
const LEFT_VALID = '4039D0CAF4058BB4827FE74B1501B392';

/** Three hours after the last apply of that version. */
const SAME_DAY = '2026-11-09T12:00:00Z';
const RENEWAL_DUE = '2027-09-01T12:00:00Z';

describeWithTool('terraform', "a user's project of version 1ffa36d, with its state", (path) => {
  let provider: NullProvider;
  let stack: TerraformProject;

  beforeAll(async () => {
    provider = await startNullProvider();
  });
  afterAll(() => provider.stop());
  beforeEach(async () => {
    stack = new TerraformProject(path, provider, SAME_DAY);
    frozenCopy('terraform', stack.project.folder);
    await stack.synth();
    await stack.init();
  });
  afterEach(() => stack.project.remove());

  /** What the plan does to certificates and authorities; the delivery at the end is free to run again. */
  async function plannedForCertificates(): Promise<string[]> {
    const { code, stdout, stderr } = await stack.plan();
    expect(code, stderr).not.toBe(1);
    return planned(stdout).filter((line) => !line.startsWith('null_resource.delivery '));
  }

  const applied = async () => succeeded(await stack.apply());
  const serials = (): Record<string, string> => {
    const { certificates } = JSON.parse(stack.project.read('vcs-pki.lock.json'));
    return Object.fromEntries(Object.keys(IN_USE).map((id) => [id, certificates[id].serial]));
  };
  const revoked = () => [...stack.crl('issuing-ca').entries()].map(({ serialNumber }) => serialHex(serialNumber));
  const certificates = () =>
    [...stack.project.files('pki')].filter(([file]) => /(cert|chain|key|newcerts\/.*)\.pem$/.test(file)).sort();

  it('plans nothing for any certificate or authority, and applies without one changed (I9)', async () => {
    const before = certificates();
    expect(await plannedForCertificates()).toEqual([]);
    await applied();
    expect(certificates()).toEqual(before);
    expect(serials()).toEqual(IN_USE);
    expect(revoked()).toEqual([REVOKED]);
    await stack.expectNoChanges();
  });

  it('revokes for a peer that is removed now: its serial is on the list beside the one before', async () => {
    stack.project.edit("core.addPeer('expc3.example.com');\n", '');
    await stack.synth();
    expect(await plannedForCertificates()).toEqual([
      'null_resource.issuing_ca_certificates["core/expc3/server"] will be destroyed',
    ]);
    await applied();
    expect(revoked().sort()).toEqual([REVOKED, LEFT_VALID, IN_USE['core/expc3/server']].sort());
  });

  it('renews when it is due, without revoking what is declared', async () => {
    stack.now = RENEWAL_DUE;
    await stack.synth();
    expect(await plannedForCertificates()).toEqual(
      Object.keys(IN_USE).map((id) => `null_resource.issuing_ca_certificates["${id}"] must be replaced`),
    );
    await applied();
    for (const [id, serial] of Object.entries(serials())) expect(Object.values(IN_USE), id).not.toContain(serial);
    expect(revoked().sort()).toEqual([REVOKED, LEFT_VALID].sort());
    await stack.expectNoChanges();
  });
});

import { afterAll, describe, expect, it } from 'vitest';
import { readCrl } from '../../src/x509/crl.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { Project } from '../support/project.ts';

const project = new Project();
afterAll(() => project.remove());

function crl() {
  return readCrl(Buffer.from(project.files('pki/published').get('issuing-ca.crl') ?? '', 'base64'), 'issuing-ca');
}

function everything(): Map<string, string> {
  return new Map([...project.files('pki'), ['vcs-pki.lock.json', project.read('vcs-pki.lock.json')]]);
}

/** Actions of the plan that a run printed: `issue core/expc1/server`. */
function actions(out: string): string[] {
  return out
    .split('\n')
    .map((line) => /^(create|issue|revoke|restore|sign CRL) +(authority \S+|\S+)/.exec(line))
    .flatMap((match) => (match ? [`${match[1]} ${match[2]}`] : []));
}

describe('the story of a new user', () => {
  it('the first run issues everything and says where it is', async () => {
    const { code, stdout, stderr } = await project.cli(['apply']);
    expect(code, stderr).toBe(0);
    expect(actions(stdout)).toEqual([
      'create authority root-ca',
      'create authority issuing-ca',
      'issue core/expc1/server',
      'issue core/expc2/server',
      'issue edge/expe1/server',
      'issue edge/expe2/server',
      'sign CRL authority root-ca',
      'sign CRL authority issuing-ca',
    ]);
    expect(stdout).toContain('4 of 4 TLS links verify');
    for (const place of ['pki/bundles/collaboration-edge', 'vcs-pki.lock.json', 'pki/published'])
      expect(stdout).toContain(place);
    expect(stdout + stderr).not.toContain('PRIVATE KEY');
  });

  it('the second run says so and changes no byte', async () => {
    const before = everything();
    const { code, stdout } = await project.cli(['apply']);
    expect(code).toBe(0);
    expect(stdout).toContain('nothing to do');
    expect(everything()).toEqual(before);
  });

  it('a peer added is the only one issued', async () => {
    project.edit(
      "core.addPeer('expc2.example.com');",
      "core.addPeer('expc2.example.com');\ncore.addPeer('expc3.example.com');",
    );
    const { stdout } = await project.cli(['apply']);
    expect(actions(stdout)).toEqual(['issue core/expc3/server']);
    expect(project.read('pki/bundles/collaboration-edge/RUNBOOK.txt')).toContain(
      'load server.pem, with its key where the folder has one, on expc3.example.com',
    );
  });

  it('a domain added reissues the certificates whose names change, and says which name', async () => {
    project.edit(
      'new TraversalZone(',
      "new Domain(stack, 'Second', { name: 'example.org', unifiedCommunications: true });\nnew TraversalZone(",
    );
    const { stdout } = await project.cli(['apply']);
    expect(actions(stdout)).toEqual(['issue edge/expe1/server', 'issue edge/expe2/server']);
    expect(stdout).toContain('names added: example.org');
    expect(crl().size).toBe(0);
  });

  it('a peer removed is revoked, and the list signed again with a higher number', async () => {
    const before = crl().crlNumber!;
    project.edit("core.addPeer('expc3.example.com');\n", '');
    const { stdout } = await project.cli(['apply']);
    expect(actions(stdout)).toEqual(['revoke core/expc3/server', 'sign CRL authority issuing-ca']);
    expect(crl().size).toBe(1);
    expect(crl().crlNumber! > before).toBe(true);
    expect(project.read('pki/bundles/collaboration-edge/RUNBOOK.txt')).toContain('core/expc3: is no longer declared');
  });

  it('a certificate file that was altered is found and restored; a lost key leads to a new certificate', async () => {
    const { rmSync, writeFileSync } = await import('node:fs');
    writeFileSync(`${project.folder}/pki/certificates/core/expc1/server/1/cert.pem`, 'scribble');
    rmSync(`${project.folder}/pki/certificates/core/expc2/server/1/key.pem`);
    const { stdout } = await project.cli(['plan', '--output', 'json']);
    expect(JSON.parse(stdout).actions).toMatchObject([
      { action: 'restore', certificate: 'core/expc1/server', reason: 'certificate altered' },
      { action: 'issue', certificate: 'core/expc2/server', issue: 2, reason: 'its private key missing' },
    ]);
    expect((await project.cli(['apply'])).code).toBe(0);
    expect((await project.cli(['plan'])).stdout).toContain('nothing to do');
  });

  it('a peer that comes back goes on counting', async () => {
    project.edit(
      "core.addPeer('expc2.example.com');",
      "core.addPeer('expc2.example.com');\ncore.addPeer('expc3.example.com');",
    );
    const { stdout } = await project.cli(['apply']);
    expect(stdout).toMatch(/issue +core\/expc3\/server .* was revoked \(cessationOfOperation\)/);
    expect(JSON.parse(project.read('vcs-pki.lock.json')).certificates['core/expc3/server'].issuance.issue).toBe(2);
  });

  it('a certificate revoked by hand is on the list in every bundle at once, and issued anew by the next run', async () => {
    const { code, stdout } = await project.cli([
      'revoke',
      'edge/expe2/server',
      '--reason',
      'keyCompromise',
      '--output',
      'json',
    ]);
    expect(code).toBe(0);
    const { serial } = JSON.parse(stdout);
    const [, issuing] = decodePem(project.read('pki/bundles/collaboration-edge/core/expc1/crl.pem'), 'crl.pem');
    expect(readCrl(issuing!.der, 'crl.pem').find(BigInt(`0x${serial}`))?.reason).toBe('keyCompromise');
    expect((await project.cli(['prove'])).code).toBe(3);
    expect(actions((await project.cli(['apply'])).stdout)).toEqual(['issue edge/expe2/server']);
    expect((await project.cli(['prove'])).code).toBe(0);
  });

  it('renews on the day that the calendar names, without revoking what it replaces', async () => {
    const revoked = crl().size;
    const { stdout: calendar } = await project.cli(['check', '--view', 'calendar', '--output', 'json']);
    const { entries }: { entries: { kind: string; where: string; at: string }[] } = JSON.parse(calendar);
    const { at: due } = entries.find(({ kind, where }) => kind === 'renewal' && where === 'core/expc1/server')!;
    const { stdout, stderr, code } = await project.cli(['apply'], { VCS_PKI_NOW: due });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(new RegExp(`issue +core/expc1/server .* renewal was due on ${due.slice(0, 10)}`));
    expect(crl().size).toBe(revoked);
  });
});

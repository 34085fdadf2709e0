import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { diskFileSystem } from '../../src/store/file-system.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { runCli } from '../support/cli.ts';
import { describeWithTool, run } from '../support/tools.ts';
import { collaborationEdge } from '../support/topologies.ts';

describeWithTool('openssl', "requirement 69: the user's openssl works in the directory of an authority", (openssl) => {
  const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-openssl-'));
  const authority = join(folder, 'pki/authorities/issuing-ca');
  afterAll(() => rmSync(folder, { recursive: true }));

  const vcsPki = (...args: string[]) => runCli(args, { fs: diskFileSystem, now: () => new Date(), cwd: folder });
  const ca = async (...args: string[]) => {
    const result = await run(openssl, ['ca', '-config', 'openssl.cnf', ...args], { cwd: authority });
    expect(result.code, result.stderr).toBe(0);
    return result.stdout + result.stderr;
  };
  /** `openssl ca -status` ends with 1 whatever it finds. */
  const status = async (serial: string) =>
    (await run(openssl, ['ca', '-config', 'openssl.cnf', '-status', serial], { cwd: authority })).stderr;
  const serialOf = (id: string) =>
    JSON.parse(readFileSync(join(folder, 'vcs-pki.lock.json'), 'utf8')).certificates[id].serial as string;
  const published = () => readCrl(readFileSync(join(folder, 'pki/published/issuing-ca.crl')), 'issuing-ca');
  const lists = (serial: string) => published().find(BigInt(`0x${serial}`)) !== undefined;

  beforeAll(async () => {
    writeFileSync(join(folder, 'topology.json'), JSON.stringify(collaborationEdge()));
    const { code, progress } = await vcsPki('apply', 'topology.json');
    expect(code, progress).toBe(0);
  });

  it('tells the status of our certificates', async () => {
    expect(await status(serialOf('core/expc1/server'))).toContain('Valid');
  });

  it('revokes one, and ours lists it and issues another', async () => {
    const serial = serialOf('core/expc1/server');
    await ca('-revoke', `newcerts/${serial}.pem`, '-crl_reason', 'keyCompromise');
    const { out, code } = await vcsPki('apply', 'topology.json');
    expect(code).toBe(0);
    expect(out).toContain(`serial ${serial} was revoked (keyCompromise)`);
    expect(lists(serial)).toBe(true);
    expect(serialOf('core/expc1/server')).not.toBe(serial);
  });

  it('signs a list, and ours takes a higher number afterwards', async () => {
    await ca('-gencrl', '-out', 'crl.pem');
    const text = await run(openssl, ['crl', '-in', 'crl.pem', '-noout', '-crlnumber'], { cwd: authority });
    const theirs = BigInt(text.stdout.trim().split('=')[1] ?? '');
    expect((await vcsPki('crl', 'topology.json')).code).toBe(0);
    expect(published().crlNumber! > theirs).toBe(true);
  });

  it('signs a request, and ours keeps it, revokes it by its serial and never by plan', async () => {
    const made = await run(
      openssl,
      [
        'req',
        '-new',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        'foreign.key',
        '-out',
        'foreign.csr',
        '-subj',
        '/CN=foreign.example.com',
      ],
      { cwd: authority },
    );
    expect(made.code, made.stderr).toBe(0);
    await ca('-batch', '-in', 'foreign.csr', '-out', 'foreign.pem', '-notext');
    const show = await run(openssl, ['x509', '-in', 'foreign.pem', '-noout', '-serial'], { cwd: authority });
    const serial = show.stdout.trim().split('=')[1] ?? '';
    expect((await vcsPki('apply', 'topology.json')).out).toContain('nothing to do');
    expect(lists(serial)).toBe(false);
    expect((await vcsPki('revoke', serial, 'topology.json', '--reason', 'superseded')).code).toBe(0);
    expect(lists(serial)).toBe(true);
    expect(await status(serial)).toContain('Revoked');
  });

  it('peers may share a common name: unique_subject is off', async () => {
    expect(readFileSync(join(authority, 'index.txt.attr'), 'utf8')).toBe('unique_subject = no\n');
    const names = readFileSync(join(authority, 'index.txt'), 'utf8').match(/CN=expc1\.example\.com/g);
    expect(names).toHaveLength(2);
  });
});

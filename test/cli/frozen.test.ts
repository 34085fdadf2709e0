import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { diskFileSystem } from '../../src/store/file-system.ts';
import { serialHex } from '../../src/x509/certificate.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { decodePem } from '../../src/x509/pem.ts';
import { runCli } from '../support/cli.ts';
import { frozenCopy } from '../support/frozen.ts';
import { describeWithTool, run } from '../support/tools.ts';

/** Serial numbers that version 1ffa36d issued and that are in use, by certificate. */
const IN_USE = {
  'core/expc1/server': '6FFA9AE6C3DBA2DD29D64F2523ECB1F7',
  'core/expc2/server': '7392F89863A1680F02506AC1BC8006FC',
  'core/expc3/server': '4FD563AD0A60AF5D92367B212C487FF0',
  'edge/expe1/server': '70FD5C45B6B5644BA1916C9CA6893D9F',
  'edge/expe2/server': '7165C4E097E60AA901E421304D9ACA33',
  'lab/lab1/server': '6C797C1A59F1B210E980E454A391E0E5',
  'branch/branch1/server': '11',
};
/** Of core/expc4, which was removed; of edge/expe2 by hand; by openssl. */
const REVOKED = [
  '436F1F53DFC2789C1F5A83D9771CA9F7',
  '554FB65AD011AFE4FE5D74504EDBDA28',
  '6A700C220A41E7FC7841D2A79D317AE3',
];
/** The last list that it published. */
const LAST_NUMBER = 1794798000001n;

/** The last run of that version was two hours before. */
const SAME_DAY = '2026-11-16T12:00:00Z';
const LATER = '2026-11-20T12:00:00Z';
const RENEWAL_DUE = '2027-09-01T12:00:00Z';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

class Opened {
  readonly folder = frozenCopy('directory');

  constructor() {
    folders.push(this.folder);
  }

  /** Runs the present vcs-pki at a moment. Fails where it does. */
  async run(now: string, ...args: string[]): Promise<string> {
    const world = { fs: diskFileSystem, now: () => new Date(now), cwd: this.folder };
    const { code, out, progress } = await runCli(args, world);
    expect(code, progress + out).toBe(0);
    return out;
  }

  apply(now: string): Promise<string> {
    return this.run(now, 'apply', 'topology.json');
  }

  /** What the plan would do, but for signing lists. */
  async planned(now: string): Promise<object[]> {
    const { actions } = JSON.parse(await this.run(now, 'plan', 'topology.json', '--output', 'json'));
    return actions.filter(({ action }: { action: string }) => action !== 'sign CRL');
  }

  serials(): Record<string, string> {
    const { certificates } = JSON.parse(this.read('vcs-pki.lock.json'));
    return Object.fromEntries(Object.keys(IN_USE).map((id) => [id, certificates[id].serial]));
  }

  /** Every certificate and key that was handed out or kept for the record, by path. */
  certificates(): Map<string, string> {
    const paths = readdirSync(this.folder, { recursive: true, encoding: 'utf8' });
    return new Map(
      paths
        .filter((path) => /^pki\/(certificates\/.*|authorities\/.*\/(newcerts\/.*|cacert|cakey))\.pem$/.test(path))
        .sort()
        .map((path) => [path, this.read(path)]),
    );
  }

  list() {
    return readCrl(readFileSync(join(this.folder, 'pki/published/issuing-ca.crl')), 'issuing-ca');
  }

  revoked(): string[] {
    return [...this.list().entries()].map(({ serialNumber }) => serialHex(serialNumber)).sort();
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8');
  }
}

describe('a PKI directory of version 1ffa36d', () => {
  it('asks for no certificate, revocation or repair: on the same day and a few days later at most for new lists', async () => {
    const opened = new Opened();
    expect(await opened.planned(SAME_DAY)).toEqual([]);
    expect(await opened.planned(LATER)).toEqual([]);
  });

  it('is applied without a byte of a certificate or key changed; what was revoked stays revoked (I4)', async () => {
    const opened = new Opened();
    const before = opened.certificates();
    expect(before.size).toBeGreaterThan(50);
    await opened.apply(LATER);
    expect(opened.certificates()).toEqual(before);
    expect(opened.serials()).toEqual(IN_USE);
    expect(opened.revoked()).toEqual(REVOKED);
    expect(await opened.run(LATER, 'plan', 'topology.json')).toContain('nothing to do');
  });

  it('renews one certificate by command, and all on their day, without revoking those before', async () => {
    const opened = new Opened();
    await opened.run(LATER, 'issue', 'core/expc2/server', 'topology.json', '--renew');
    const { 'core/expc2/server': renewed, ...others } = opened.serials();
    expect({ 'core/expc2/server': IN_USE['core/expc2/server'], ...others }).toEqual(IN_USE);
    expect(renewed).not.toBe(IN_USE['core/expc2/server']);
    const owners = (await opened.planned(RENEWAL_DUE)).map((action) => Object(action).certificate);
    expect(owners).toEqual(expect.arrayContaining(['core/expc1/server', 'edge/expe2/server', 'lab/lab1/server']));
    await opened.apply(RENEWAL_DUE);
    expect(opened.serials()['core/expc1/server']).not.toBe(IN_USE['core/expc1/server']);
    expect(opened.revoked()).toEqual(REVOKED);
  });

  it('revokes all certificates of a peer by its name and one by its serial: the list has them and all before, under a higher number (I3, I4)', async () => {
    const opened = new Opened();
    expect(opened.list().crlNumber).toBe(LAST_NUMBER);
    // The certificate of lab2, which was kept when lab2 was removed.
    const kept = '594306441D0066B28D3F761F90BC308A';
    await opened.run(LATER, 'revoke', 'edge/expe1/server', 'topology.json', '--reason', 'keyCompromise');
    await opened.run(LATER, 'revoke', kept, 'topology.json');
    const earlier = '6E75D0FD40B99D063AA4E3240881A9A4';
    expect(opened.revoked()).toEqual([...REVOKED, IN_USE['edge/expe1/server'], earlier, kept].sort());
    expect(opened.list().crlNumber! > LAST_NUMBER).toBe(true);
    expect(opened.list().find(BigInt(`0x${REVOKED[0]}`))?.reason).toBe('keyCompromise');
  });

  it('revokes for a peer that is removed now', async () => {
    const opened = new Opened();
    const topology = JSON.parse(opened.read('topology.json'));
    topology.clusters[0].peers = topology.clusters[0].peers.filter(({ id }: { id: string }) => id !== 'expc2');
    writeFileSync(join(opened.folder, 'topology.json'), JSON.stringify(topology));
    await opened.apply(LATER);
    expect(opened.revoked()).toEqual([...REVOKED, IN_USE['core/expc2/server']].sort());
  });

  it('signs the lists that are due, with higher numbers (I3)', async () => {
    const opened = new Opened();
    await opened.run(LATER, 'crl', 'topology.json', '--due');
    expect(opened.list().crlNumber! > LAST_NUMBER).toBe(true);
    expect(opened.revoked()).toEqual(REVOKED);
  });

  it('proves, and shows what is in use', async () => {
    const opened = new Opened();
    await opened.run(SAME_DAY, 'prove', 'topology.json');
    const inventory = await opened.run(SAME_DAY, 'check', 'topology.json', '--view', 'inventory', '--output', 'json');
    for (const serial of Object.values(IN_USE)) expect(inventory).toContain(`"${serial}"`);
  });

  it('knows what was confirmed, and takes more', async () => {
    const opened = new Opened();
    const standings = await opened.run(SAME_DAY, 'confirm', 'topology.json');
    expect(standings).toMatch(/^core\/expc2 .* served /m);
    expect(standings).toMatch(/^edge\/expe1 .* installed /m);
    await opened.run(LATER, 'confirm', 'edge/expe1', 'topology.json');
    expect(await opened.run(LATER, 'confirm', 'topology.json')).toMatch(/^edge\/expe1 .* served /m);
  });

  it('still waits for the request in progress, and takes the answer to it', async () => {
    const opened = new Opened();
    expect(await opened.run(SAME_DAY, 'request', 'topology.json')).toContain('branch/branch2/server');
    await opened.run(SAME_DAY, 'import', '--target', 'topology.json', 'elsewhere/branch2.pem');
    expect(JSON.parse(opened.read('vcs-pki.lock.json')).certificates['branch/branch2/server'].serial).toBe('12');
    expect(await opened.run(SAME_DAY, 'request', 'topology.json')).not.toContain('branch/branch2/server');
  });
});

describeWithTool('openssl', 'openssl on what version 1ffa36d left', (openssl) => {
  it('signs the same list in the folder of the authority, before and after the present version worked there (69)', async () => {
    const opened = new Opened();
    const cwd = join(opened.folder, 'pki/authorities/issuing-ca');
    const listed = async () => {
      const made = await run(openssl, ['ca', '-config', 'openssl.cnf', '-gencrl', '-out', 'crl.pem'], { cwd });
      expect(made.code, made.stderr).toBe(0);
      const [block] = decodePem(readFileSync(join(cwd, 'crl.pem'), 'utf8'), 'crl.pem');
      return [...readCrl(block!.der, 'crl.pem').entries()].map(({ serialNumber }) => serialHex(serialNumber)).sort();
    };
    expect(await listed()).toEqual(REVOKED);
    await opened.run(LATER, 'revoke', IN_USE['core/expc1/server'], 'topology.json');
    expect(await listed()).toEqual([...REVOKED, IN_USE['core/expc1/server']].sort());
  });

  it('opens server.p12 of a bundle with the password of its time', async () => {
    const opened = new Opened();
    const p12 = 'pki/bundles/frozen/core/expc1/server.p12';
    const read = await run(openssl, ['pkcs12', '-in', p12, '-passin', 'file:pkcs12-password', '-nokeys', '-clcerts'], {
      cwd: opened.folder,
    });
    expect(read.code, read.stderr).toBe(0);
    const shown = await run(openssl, ['x509', '-noout', '-serial'], { input: read.stdout });
    expect(shown.stdout).toBe(`serial=${IN_USE['core/expc1/server']}\n`);
  });
});

import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { diskFileSystem } from '../../src/store/file-system.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { runCli } from '../support/cli.ts';
import { describeWithTool, run } from '../support/tools.ts';

/** Later than openssl, whose certificates are valid from the second on in which they are made. */
const NOW = new Date(Date.now() + 3600 * 1000);
const PASSPHRASE = 'a strong passphrase of the guide';

const CONFIG = `[ca]
default_ca = CA_default
[CA_default]
dir = DIR
database = $dir/index.txt
serial = $dir/serial
new_certs_dir = $dir/newcerts
default_md = sha256
default_days = 365
default_crl_days = 30
policy = policy_anything
copy_extensions = copy
[policy_anything]
commonName = supplied
organizationName = optional
countryName = optional
emailAddress = optional
[req]
distinguished_name = dn
[dn]
[v3_ca]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always,issuer
basicConstraints = critical,CA:true
`;

describeWithTool('openssl', 'an authority that openssl has run is adopted with its whole history', (openssl) => {
  const folders: string[] = [];
  afterAll(async () => {
    for (const path of folders) await rm(path, { recursive: true, force: true });
  });

  /** The directory of a guide: X8.1 (requirement 69) has all inside demoCA, X7.2 certificate and key beside it and a long serial. */
  async function demoCa(guide: 'X7.2' | 'X8.1', ...exponent: readonly '-3'[]) {
    const path = await mkdtemp(join(tmpdir(), 'vcs-pki-adopt-'));
    folders.push(path);
    const old = guide === 'X7.2';
    const demo = join(path, 'demoCA');
    const work = old ? path : demo;
    await mkdir(join(demo, 'newcerts'), { recursive: true });
    await mkdir(join(demo, 'certs'));
    await mkdir(join(demo, 'private'));
    await writeFile(join(demo, 'index.txt'), '');
    await writeFile(join(demo, 'serial'), old ? '1000\n' : '10\n');
    await writeFile(join(work, 'openssl.cfg'), CONFIG.replace('DIR', old ? './demoCA' : '.'));
    await writeFile(join(path, 'passphrase'), `${PASSPHRASE}\n`);
    const key = old ? 'ca.key' : 'private/cakey.pem';
    const certificate = old ? 'ca.crt' : 'cacert.pem';
    const pass = ['-passin', `file:${join(path, 'passphrase')}`];
    const must = async (...args: string[]) => {
      const result = await run(openssl, args, { cwd: work });
      expect(result.code, `${args.join(' ')}\n${result.stderr}`).toBe(0);
      return result.stdout;
    };
    await must('genrsa', '-aes256', ...exponent, '-passout', `file:${join(path, 'passphrase')}`, '-out', key, '2048');
    await must(
      ...[
        'req',
        '-new',
        '-x509',
        '-config',
        'openssl.cfg',
        '-extensions',
        'v3_ca',
        '-key',
        key,
        ...pass,
        '-days',
        '3650',
      ],
      ...['-subj', '/C=NO/O=Example/CN=A Person/emailAddress=pki@example.com', '-out', certificate],
    );
    const serials: string[] = [];
    for (const name of ['vcs1', 'vcs2', 'vcs3']) {
      await must(
        'req',
        '-new',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-config',
        'openssl.cfg',
        '-subj',
        `/CN=${name}.example.com`,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
      );
      await must(
        ...[
          'ca',
          '-batch',
          '-config',
          'openssl.cfg',
          '-cert',
          certificate,
          '-keyfile',
          key,
          ...pass,
          '-in',
          `${name}.csr`,
        ],
        ...(old ? ['-outdir', '.', '-out', `${name}.pem`] : ['-out', `certs/${name}.pem`]),
      );
      const issued = old ? `${name}.pem` : `certs/${name}.pem`;
      serials.push((await must('x509', '-in', issued, '-noout', '-serial')).trim().split('=')[1] ?? '');
    }
    const revoke = old ? 'vcs2.pem' : 'certs/vcs2.pem';
    await must(
      'ca',
      '-config',
      'openssl.cfg',
      '-cert',
      certificate,
      '-keyfile',
      key,
      ...pass,
      '-revoke',
      revoke,
      '-crl_reason',
      'keyCompromise',
    );
    await must(
      'ca',
      '-config',
      'openssl.cfg',
      '-cert',
      certificate,
      '-keyfile',
      key,
      ...pass,
      '-gencrl',
      '-out',
      'crl.pem',
    );
    return { path, demo, work, serials };
  }

  async function project(change: object = {}, ...above: readonly { readonly id: string }[]) {
    const path = await mkdtemp(join(tmpdir(), 'vcs-pki-adopting-'));
    folders.push(path);
    const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });
    const topology = {
      name: 'adopting',
      authorities: [
        {
          id: 'old-ca',
          key: 'rsa-2048',
          subject: { commonName: 'A Person', organization: 'Example', country: 'NO' },
          ...change,
        },
        ...above,
      ],
      clusters: [
        {
          id: 'core',
          product: 'vcs-control',
          release: 'X8.1',
          issuer: 'old-ca',
          key: 'ec-p256',
          peers: [peer('vcs9')],
        },
      ],
      trustLists: [{ id: 'trust', authorities: ['old-ca', ...above.map(({ id }) => id)], appliesTo: ['core'] }],
    };
    await writeFile(join(path, 'topology.json'), JSON.stringify(topology));
    await writeFile(join(path, 'passphrase'), PASSPHRASE);
    const vcsPki = (...args: string[]) => {
      return runCli([...args, '--ca-passphrase-file', 'passphrase'], {
        fs: diskFileSystem,
        now: () => NOW,
        cwd: path,
      });
    };
    const place = join(path, 'pki/authorities/old-ca');
    const published = async () => readCrl(await readFile(join(path, 'pki/published/old-ca.crl')), 'old-ca');
    return { path, place, vcsPki, published };
  }

  describe.each(['X7.2', 'X8.1'] as const)('the demoCA of the %s guide', (guide) => {
    it('keeps what was issued and revoked; goes on with serials and list numbers; revokes nothing by plan', async () => {
      const { demo, serials } = await demoCa(guide);
      const before = await readFile(join(demo, 'index.txt'), 'utf8');
      const { path, place, vcsPki, published } = await project();
      const adopted = await vcsPki('adopt', guide === 'X7.2' ? join(demo, '..') : demo, 'old-ca');
      expect(adopted, adopted.progress).toMatchObject({ code: 0 });
      expect(adopted.out).toContain('adopted old-ca with 3 certificates, 1 of them revoked');
      expect(await readFile(join(demo, 'index.txt'), 'utf8')).toBe(before);
      const applied = await vcsPki('apply');
      expect(applied, applied.progress).toMatchObject({ code: 0 });
      expect(applied.out).not.toMatch(/^revoke/m);
      const list = await published();
      expect(list.size).toBe(1);
      expect(list.find(BigInt(`0x${serials[1]}`))?.reason).toBe('keyCompromise');
      expect((list.crlNumber ?? 0n) > 1n).toBe(true);
      // openssl's own verdict on old and new, with the new list.
      const bundle = join(path, 'pki/bundles/adopting/core/vcs9');
      const verify = (certificate: string) =>
        run(openssl, [
          'verify',
          '-attime',
          String(Math.trunc(NOW.getTime() / 1000)),
          '-crl_check',
          '-CAfile',
          join(bundle, 'ca.pem'),
          '-CRLfile',
          join(bundle, 'crl.pem'),
          certificate,
        ]);
      expect(await verify(join(bundle, 'server.pem'))).toMatchObject({ code: 0 });
      expect(await verify(join(place, 'newcerts', `${serials[0]}.pem`))).toMatchObject({ code: 0 });
      expect((await verify(join(place, 'newcerts', `${serials[1]}.pem`))).stderr).toContain('certificate revoked');
      // And openssl goes on in the copy.
      const again = await run(
        openssl,
        ['ca', '-config', 'openssl.cnf', '-passin', `file:${join(path, 'passphrase')}`, '-gencrl', '-out', 'x.pem'],
        { cwd: place },
      );
      expect(again.code, again.stderr).toBe(0);
      expect((await vcsPki('plan')).out).toContain('nothing to do');
    });

    it('requirement 76, D36: refuses an index that was emptied, and takes it in when told, with what the list still revokes', async () => {
      const { demo, serials } = await demoCa(guide);
      await writeFile(join(demo, 'index.txt'), '');
      const { vcsPki, published } = await project();
      const from = guide === 'X7.2' ? join(demo, '..') : demo;
      const refused = await vcsPki('adopt', from, 'old-ca');
      expect(refused.code).toBe(1);
      expect(refused.progress).toContain('error LEDGER_LOST_ENTRIES');
      expect(refused.progress).toContain('lacks 3 certificates that were issued');
      const adopted = await vcsPki('adopt', from, 'old-ca', '--rebuild-index');
      expect(adopted, adopted.progress).toMatchObject({ code: 0 });
      expect((await vcsPki('apply')).code).toBe(0);
      expect((await published()).find(BigInt(`0x${serials[1]}`))?.reason).toBe('keyCompromise');
    });
  });

  it('D29: refuses one whose key is weak, which openssl signs with, and changes nothing', async () => {
    const { demo } = await demoCa('X8.1', '-3');
    const { path, vcsPki } = await project();
    const refused = await vcsPki('adopt', demo, 'old-ca');
    expect(refused.code).toBe(1);
    expect(refused.progress).toMatch(/^error KEY_WEAK: .*cacert\.pem: its key is weak: its public exponent is 3,/m);
    expect(refused.progress).toContain('fix: declare a new authority');
    expect(await diskFileSystem.readDirectory(join(path, 'pki'))).toEqual([]);
  });

  it.each<[string, object, string]>([
    [
      'another name',
      { subject: { commonName: 'Somebody Else' } },
      'the certificate has CN A Person, and the declaration Somebody Else',
    ],
    ['another key', { key: 'ec-p256' }, 'its key is rsa-2048, and the declaration says ec-p256'],
  ])('refuses a declaration with %s, and leaves nothing behind', async (_, change, words) => {
    const { demo } = await demoCa('X8.1');
    const { path, vcsPki } = await project(change);
    const refused = await vcsPki('adopt', demo, 'old-ca');
    expect(refused.code).toBe(1);
    expect(refused.progress).toContain('error ADOPTION_REFUSED');
    expect(refused.progress).toContain(words);
    expect((await run('ls', [join(path, 'pki/authorities')])).stdout).toBe('');
  });

  describe('an authority that another one has signed', () => {
    /** A demoCA whose certificate "Old Root" has signed. */
    async function subordinate(serial = '51') {
      const { path, demo } = await demoCa('X8.1');
      const rooted = await mkdtemp(join(tmpdir(), 'vcs-pki-adopt-root-'));
      folders.push(rooted);
      const pass = ['-passin', `file:${join(path, 'passphrase')}`];
      const must = async (...args: string[]) => {
        const result = await run(openssl, args, { cwd: rooted });
        expect(result.code, `${args.join(' ')}\n${result.stderr}`).toBe(0);
      };
      await mkdir(join(rooted, 'newcerts'));
      await writeFile(join(rooted, 'index.txt'), '');
      await writeFile(join(rooted, 'serial'), '50\n');
      await writeFile(join(rooted, 'extensions'), CONFIG.slice(CONFIG.indexOf('[v3_ca]')).replace('[v3_ca]\n', ''));
      const old = ['-subj', '/CN=Old Root', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '3650'];
      await must('req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...old);
      const key = join(demo, 'private/cakey.pem');
      await must(
        ...['x509', '-x509toreq', '-in', join(demo, 'cacert.pem'), '-signkey', key, ...pass, '-out', 'sub.csr'],
      );
      await must(
        ...['x509', '-req', '-in', 'sub.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', `0x${serial}`],
        ...['-days', '3000', '-extfile', 'extensions', '-out', join(demo, 'cacert.pem')],
      );
      return { demo, rooted };
    }
    const root = { id: 'old-root', key: 'rsa-2048', subject: { commonName: 'Old Root' } };
    const signedBy = (issuer: string) => ({ id: 'old-ca', issuer });

    it('is adopted after it, and chains up to it', async () => {
      const { demo, rooted } = await subordinate();
      const { path, vcsPki } = await project(signedBy('old-root'), root);
      const above = await vcsPki('adopt', rooted, 'old-root');
      expect(above, above.progress).toMatchObject({ code: 0 });
      const adopted = await vcsPki('adopt', demo, 'old-ca');
      expect(adopted, adopted.progress).toMatchObject({ code: 0 });
      const applied = await vcsPki('apply');
      expect(applied, applied.progress).toMatchObject({ code: 0 });
      const bundle = join(path, 'pki/bundles/adopting/core/vcs9');
      const at = ['-attime', String(Math.trunc(NOW.getTime() / 1000))];
      const verified = await run(openssl, [
        ...['verify', ...at, '-crl_check_all', '-CAfile', join(bundle, 'ca.pem'), '-CRLfile', join(bundle, 'crl.pem')],
        join(bundle, 'server.pem'),
      ]);
      expect(verified, verified.stderr).toMatchObject({ code: 0 });
    });

    it('is on record with its issuer: what it issued itself may have its serial number, and a root made with -selfsign stands in its own index', async () => {
      const { demo, rooted } = await subordinate('10');
      const serialOf = async (certificate: string) =>
        (await run(openssl, ['x509', '-in', certificate, '-noout', '-serial'])).stdout.trim().replace('serial=', '');
      const lines: string[] = [];
      for (const certificate of [join(rooted, 'ca.pem'), join(demo, 'cacert.pem')]) {
        const serial = await serialOf(certificate);
        lines.push(`V\t360101000000Z\t\t${serial}\tunknown\t/CN=An Authority\n`);
        await copyFile(certificate, join(rooted, 'newcerts', `${serial}.pem`));
      }
      await writeFile(join(rooted, 'index.txt'), lines.join(''));
      const { path, vcsPki } = await project(signedBy('old-root'), root);
      for (const args of [['adopt', rooted, 'old-root'], ['adopt', demo, 'old-ca'], ['apply']]) {
        const done = await vcsPki(...args);
        expect(done, done.progress).toMatchObject({ code: 0 });
      }
      const indexOf = (id: string) => readFile(join(path, 'pki/authorities', id, 'index.txt'), 'utf8');
      expect(await indexOf('old-root')).toBe(lines.join(''));
      expect((await indexOf('old-ca')).match(/\t10\t/g)).toHaveLength(1);
      expect((await vcsPki('plan')).out).not.toMatch(/^(issue|create|revoke) /m);
    });

    it('is refused as a root, and under an authority that did not sign it', async () => {
      const { demo, rooted } = await subordinate();
      const alone = await project();
      expect((await alone.vcsPki('adopt', demo, 'old-ca')).progress).toContain(
        'error ADOPTION_REFUSED: authorities old-ca: its certificate was signed by CN=Old Root, and the declaration has no issuer',
      );
      const namesake = await project(signedBy('old-root'), root);
      // Another authority of that name is on record.
      await run(openssl, [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=Old Root', '-days', '3650'],
        ...['-keyout', join(rooted, 'ca.key'), '-out', join(rooted, 'ca.pem')],
      ]);
      expect((await namesake.vcsPki('adopt', rooted, 'old-root')).code).toBe(0);
      expect((await namesake.vcsPki('adopt', demo, 'old-ca')).progress).toContain(
        'was signed by CN=Old Root, and not by the authority that is on record as old-root',
      );
    });

    it('a self-signed one is refused where an issuer is declared', async () => {
      const { demo } = await demoCa('X8.1');
      const { vcsPki } = await project(signedBy('old-root'), root);
      expect((await vcsPki('adopt', demo, 'old-ca')).progress).toContain(
        'its certificate is self-signed, and the declaration has it signed by old-root',
      );
    });
  });

  it('does not go on without a list or a certificate that it cannot read, and passes over folders', async () => {
    const { demo } = await demoCa('X8.1');
    const { vcsPki } = await project();
    await rm(join(demo, 'crl.pem'));
    await mkdir(join(demo, 'crl.pem'));
    expect((await vcsPki('adopt', demo, 'old-ca')).progress).toContain('crl.pem: is a directory, not a file');
    await rm(join(demo, 'crl.pem'), { recursive: true });
    await run('mkfifo', [join(demo, 'certs/pipe.pem')]);
    expect((await vcsPki('adopt', demo, 'old-ca')).progress).toContain('pipe.pem: is a pipe or a device');
    await rm(join(demo, 'certs/pipe.pem'));
    await mkdir(join(demo, 'certs/old.pem'));
    const adopted = await vcsPki('adopt', demo, 'old-ca');
    expect(adopted, adopted.progress).toMatchObject({ code: 0 });
  });

  it('refuses the wrong key, the wrong passphrase, a second time, and what is no such directory', async () => {
    const { demo, path } = await demoCa('X8.1');
    const { vcsPki, path: own } = await project();
    await run(openssl, ['genrsa', '-out', join(path, 'other.key'), '2048']);
    expect((await vcsPki('adopt', demo, 'old-ca', '--key', join(path, 'other.key'))).progress).toContain(
      'error KEY_MISMATCH',
    );
    await writeFile(join(own, 'passphrase'), 'wrong');
    expect((await vcsPki('adopt', demo, 'old-ca')).progress).toContain('error KEY_PASSPHRASE_WRONG');
    await writeFile(join(own, 'passphrase'), PASSPHRASE);
    expect((await vcsPki('adopt', join(demo, 'newcerts'), 'old-ca')).progress).toContain('has no index.txt');
    expect((await vcsPki('adopt', demo, 'old-ca')).code).toBe(0);
    expect((await vcsPki('adopt', demo, 'old-ca')).progress).toContain('authority old-ca exists already');
    expect((await vcsPki('adopt', demo, 'new-ca')).progress).toContain('error OWNER_UNKNOWN: new-ca');
  });
});

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { opensslRecipe } from '../../src/delivery/recipe.ts';
import { diskFileSystem } from '../../src/store/file-system.ts';
import { demands } from '../../src/topology/demands.ts';
import type { TopologyInput } from '../../src/topology/schema.ts';
import { parseTopology } from '../../src/topology/topology.ts';
import { type Ran, runCli } from '../support/cli.ts';
import { describeWithTool, run } from '../support/tools.ts';

const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });
/** A little later than openssl is run, whose certificates are valid from that second on. */
const NOW = new Date(Date.now() + 3600 * 1000);

/** The success case of X15.5 (2.3): a public authority for Expressway-E, an internal one for both stores of -C. */
function topologyWith(authority: string, change: Partial<TopologyInput> = {}): TopologyInput {
  const key = 'ec-p256' as const;
  return {
    name: 'elsewhere',
    authorities: [{ id: 'ca', key, subject: { commonName: 'Internal CA' } }],
    externalAuthorities: [{ id: 'public', certificates: [authority], publiclyTrusted: true }],
    clusters: [
      {
        id: 'core',
        product: 'expressway-c',
        release: 'X15.5',
        issuer: 'ca',
        key,
        clusterName: 'expc.example.com',
        peers: [peer('expc1')],
        clientCertificate: { issuer: 'ca', key },
      },
      {
        id: 'edge',
        product: 'expressway-e',
        release: 'X15.5',
        issuer: 'public',
        key,
        usages: ['serverAuth'],
        clusterName: 'expe.example.com',
        lifetimeDays: 199,
        peers: [peer('expe1'), peer('expe2')],
      },
    ],
    domains: [{ name: 'example.com', unifiedCommunications: true }],
    zones: [{ kind: 'traversal', id: 'uc', client: 'core', server: 'edge', unifiedCommunications: true }],
    trustLists: [{ id: 'trust', authorities: ['ca', 'public'], appliesTo: ['core', 'edge'] }],
    ...change,
  };
}

describeWithTool('openssl', 'certificates that an authority elsewhere signs', (openssl) => {
  const folders: string[] = [];
  let authority: { folder: string; pem: string };

  async function folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'vcs-pki-elsewhere-'));
    folders.push(path);
    return path;
  }

  beforeAll(async () => {
    const path = await folder();
    const made = await run(openssl, [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', '-subj', '/O=Public/CN=Public Root'],
      ...[
        '-addext',
        'keyUsage=critical,keyCertSign,cRLSign',
        '-keyout',
        join(path, 'ca.key'),
        '-out',
        join(path, 'ca.pem'),
      ],
    ]);
    expect(made.code, made.stderr).toBe(0);
    authority = { folder: path, pem: await readFile(join(path, 'ca.pem'), 'utf8') };
  });

  afterAll(async () => {
    for (const path of folders) await rm(path, { recursive: true, force: true });
  });

  interface Project {
    readonly path: string;
    readonly requests: string;
    vcsPki(...args: string[]): Promise<Ran>;
    /** Lets days go by. */
    later(days: number): void;
    declare(change: Partial<TopologyInput>): Promise<void>;
  }

  async function project(change: Partial<TopologyInput> = {}): Promise<Project> {
    const path = await folder();
    const declare = (what: Partial<TopologyInput>) =>
      writeFile(join(path, 'topology.json'), JSON.stringify(topologyWith(authority.pem, what)));
    await declare(change);
    let now = NOW;
    const vcsPki = (...args: string[]) => {
      return runCli(args, { fs: diskFileSystem, now: () => now, cwd: path });
    };
    const later = (days: number) => {
      now = new Date(now.getTime() + days * 24 * 3600 * 1000);
    };
    return { path, requests: join(path, 'pki', 'requests', 'edge'), vcsPki, later, declare };
  }

  /** Signs a request as the public authority would; by default as it should be. */
  async function sign(request: string, out: string, extensions?: string, serial?: string): Promise<string> {
    const names =
      (await run(openssl, ['req', '-in', request, '-noout', '-text'])).stdout.match(/DNS:[^\n]+/)?.[0] ?? '';
    const config = join(authority.folder, 'extensions.cnf');
    const given = extensions ?? `subjectAltName=${names}\nextendedKeyUsage=serverAuth`;
    await writeFile(config, `${given}\nbasicConstraints=CA:FALSE\n`);
    const signed = await run(openssl, [
      ...[
        'x509',
        '-req',
        '-in',
        request,
        '-CA',
        join(authority.folder, 'ca.pem'),
        '-CAkey',
        join(authority.folder, 'ca.key'),
      ],
      ...['-days', '199', '-sha256', '-extfile', config, '-out', out],
      ...(serial === undefined ? [] : ['-set_serial', serial.replace(/^(-?)/, '$10x')]),
    ]);
    expect(signed.code, signed.stderr).toBe(0);
    return out;
  }

  it('requirements 21, 32 and 34: apply makes key and request once, and waits', async () => {
    const { path, requests, vcsPki } = await project();
    const first = await vcsPki('apply');
    expect(first, first.progress).toMatchObject({ code: 0 });
    expect(first.out).toContain('request   edge/expe1/server');
    const csr = await run(openssl, [
      'req',
      '-in',
      join(requests, 'expe1/server/certcsr.pem'),
      '-noout',
      '-verify',
      '-text',
    ]);
    expect(csr.code, csr.stderr).toBe(0);
    expect(csr.stdout).toContain('DNS:expe1.example.com, DNS:expe.example.com, DNS:example.com');
    expect(csr.stdout).toMatch(/Extended Key Usage:\s*\n\s*TLS Web Server Authentication\n/);
    const before = await readFile(join(requests, 'expe1/server/request.json'), 'utf8');
    const second = await vcsPki('apply');
    expect(second.out).toContain('waiting since');
    expect(second.out).not.toMatch(/^request /m);
    expect(await readFile(join(requests, 'expe1/server/request.json'), 'utf8')).toBe(before);
    const bundle = await run('ls', [join(path, 'pki/bundles/elsewhere/core/expc1')]);
    expect(bundle.stdout.split('\n')).toEqual(
      expect.arrayContaining(['client.pem', 'client-privatekey.pem', 'server.pem']),
    );
  });

  it('requirements 50, 80 and 89: takes the certificate as PEM, DER or p7b, and every link verifies then', async () => {
    const { path, requests, vcsPki } = await project();
    await vcsPki('apply');
    const one = await sign(join(requests, 'expe1/server/certcsr.pem'), join(path, 'one.cer'));
    const two = await sign(join(requests, 'expe2/server/certcsr.pem'), join(path, 'two.pem'));
    await run(openssl, ['x509', '-in', one, '-outform', 'DER', '-out', join(path, 'one.der')]);
    await run(openssl, [
      ...['crl2pkcs7', '-nocrl', '-certfile', two, '-certfile', join(authority.folder, 'ca.pem')],
      ...['-outform', 'DER', '-out', join(path, 'two.p7b')],
    ]);
    const der = await vcsPki('import', 'one.der');
    expect(der, der.progress).toMatchObject({ code: 0, out: expect.stringContaining('imported edge/expe1/server') });
    const p7b = await vcsPki('import', 'two.p7b');
    expect(p7b, p7b.progress).toMatchObject({ code: 0, out: expect.stringContaining('2 of 2 TLS links verify') });
    expect((await vcsPki('apply')).out).toContain('nothing to do');
    const server = join(path, 'pki/bundles/elsewhere/edge/expe1/server.pem');
    const key = join(path, 'pki/bundles/elsewhere/edge/expe1/privatekey.pem');
    const [ofCertificate, ofKey] = await Promise.all([
      run(openssl, ['x509', '-in', server, '-noout', '-pubkey']),
      run(openssl, ['pkey', '-in', key, '-pubout']),
    ]);
    expect(ofCertificate.stdout).toBe(ofKey.stdout);
  });

  it('asks for a renewal in time, and proves on the certificate that is served until it comes back', async () => {
    const { path, requests, vcsPki, later } = await project();
    await vcsPki('apply');
    for (const peerId of ['expe1', 'expe2'])
      await sign(join(requests, peerId, 'server/certcsr.pem'), join(path, `${peerId}.pem`));
    await vcsPki('import', 'expe1.pem', 'expe2.pem');
    later(140);
    const due = await vcsPki('apply');
    expect(due, due.progress).toMatchObject({ code: 0, out: expect.stringMatching(/^request +edge\/expe1\/server/m) });
    expect(due.out).toContain('2 of 2 TLS links verify');
    later(80);
    const late = await vcsPki('apply');
    expect(late.code).toBe(3);
    expect(late.out).toContain('waiting since');
    expect(late.out).toMatch(/at step dates: expe\.example\.com \(expe1\.example\.com\) expired on/);
  });

  it('I2: a serial number counts within its authority alone', async () => {
    const { path, requests, vcsPki } = await project();
    await vcsPki('apply');
    const lock = JSON.parse(await readFile(join(path, 'vcs-pki.lock.json'), 'utf8'));
    const taken: string = lock.certificates['core/expc1/client'].serial;
    await sign(join(requests, 'expe1/server/certcsr.pem'), join(path, 'expe1.pem'), undefined, taken);
    await sign(join(requests, 'expe2/server/certcsr.pem'), join(path, 'expe2.pem'));
    const imported = await vcsPki('import', 'expe1.pem', 'expe2.pem');
    expect(imported, imported.progress).toMatchObject({
      code: 0,
      out: expect.stringContaining('2 of 2 TLS links verify'),
    });
    expect((await vcsPki('apply')).out).toContain('nothing to do');
  });

  it('I13: a serial number that the authority has used twice is refused, alone and in one go; the request stays', async () => {
    const { path, requests, vcsPki } = await project();
    await vcsPki('apply');
    await sign(join(requests, 'expe1/server/certcsr.pem'), join(path, 'one.pem'), undefined, '4A11');
    await sign(join(requests, 'expe2/server/certcsr.pem'), join(path, 'two.pem'), undefined, '4A11');
    const together = await vcsPki('import', 'one.pem', 'two.pem');
    expect(together, together.progress).toMatchObject({ code: 1, progress: expect.stringContaining('SERIAL_REUSED') });
    expect((await vcsPki('request')).out).toMatch(/expe1[\s\S]*expe2/);
    expect((await vcsPki('import', 'one.pem')).code).toBe(0);
    const again = await vcsPki('import', 'two.pem');
    expect(again, again.progress).toMatchObject({ code: 1, progress: expect.stringContaining('SERIAL_REUSED') });
    expect(again.progress).toContain('fix: ask public for a certificate with a serial number of its own');
    expect((await vcsPki('request')).out).toContain('edge/expe2/server');
    await sign(join(requests, 'expe2/server/certcsr.pem'), join(path, 'three.pem'), undefined, '4A12');
    expect((await vcsPki('import', 'three.pem')).code).toBe(0);
  });

  it('I13: a negative serial number is refused, and closes the ledger of no authority', async () => {
    const { path, requests, vcsPki } = await project();
    await vcsPki('apply');
    await sign(join(requests, 'expe1/server/certcsr.pem'), join(path, 'one.pem'), undefined, '-05');
    const refused = await vcsPki('import', 'one.pem');
    expect(refused, refused.progress).toMatchObject({
      code: 1,
      progress: expect.stringContaining('CERTIFICATE_UNFIT'),
    });
    expect(refused.progress).toContain('a serial number must be positive');
    expect((await vcsPki('plan')).code).not.toBe(1);
    await sign(join(requests, 'expe1/server/certcsr.pem'), join(path, 'two.pem'));
    expect((await vcsPki('import', 'two.pem')).code).toBe(0);
  });

  it('requirement 35: says whose certificate it is when they are mixed up (D01)', async () => {
    const { path, requests, vcsPki } = await project();
    await vcsPki('apply');
    await sign(join(requests, 'expe2/server/certcsr.pem'), join(path, 'server.pem'));
    const mixed = await vcsPki('import', 'server.pem', '--for', 'edge/expe1/server');
    expect(mixed.code).toBe(1);
    expect(mixed.progress).toContain(
      'error KEY_MISMATCH: edge/expe1/server: the certificate belongs to the request of edge/expe2/server, not to that of edge/expe1/server',
    );
  });

  it.each([
    [
      'a missing name',
      'subjectAltName=DNS:expe1.example.com,DNS:example.com\nextendedKeyUsage=serverAuth',
      'lacks expe.example.com',
    ],
    [
      'a missing usage',
      'subjectAltName=DNS:expe1.example.com,DNS:expe.example.com,DNS:example.com\nextendedKeyUsage=clientAuth',
      'lacks serverAuth',
    ],
  ])('refuses a certificate with %s, and changes nothing', async (_, extensions, words) => {
    const { path, requests, vcsPki } = await project();
    await vcsPki('apply');
    await sign(join(requests, 'expe1/server/certcsr.pem'), join(path, 'server.pem'), extensions);
    const lock = await readFile(join(path, 'vcs-pki.lock.json'), 'utf8');
    const refused = await vcsPki('import', 'server.pem');
    expect(refused.code).toBe(1);
    expect(refused.progress).toContain('error CERTIFICATE_UNFIT: edge/expe1/server: ');
    expect(refused.progress).toContain(words);
    expect(await readFile(join(path, 'vcs-pki.lock.json'), 'utf8')).toBe(lock);
    expect((await vcsPki('request')).out).toContain('edge/expe1/server');
  });

  it('refuses a certificate of another authority, and one that answers no request', async () => {
    const { path, requests, vcsPki } = await project();
    await vcsPki('apply');
    const foreign = await folder();
    await run(openssl, [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=expe1.example.com'],
      ...['-addext', 'basicConstraints=CA:FALSE', '-keyout', join(foreign, 'k'), '-out', join(path, 'foreign.pem')],
    ]);
    expect((await vcsPki('import', 'foreign.pem')).progress).toContain('it belongs to no request that is in progress');
    const config = join(foreign, 'c');
    await writeFile(config, 'basicConstraints=CA:FALSE\n');
    await run(openssl, [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=Other Root'],
      ...['-keyout', join(foreign, 'ca.key'), '-out', join(foreign, 'ca.pem')],
    ]);
    await run(openssl, [
      ...['x509', '-req', '-in', join(requests, 'expe1/server/certcsr.pem'), '-CA', join(foreign, 'ca.pem')],
      ...['-CAkey', join(foreign, 'ca.key'), '-extfile', config, '-days', '10', '-out', join(path, 'other.pem')],
    ]);
    expect((await vcsPki('import', 'other.pem')).progress).toContain('it was issued by CN=Other Root, not by public');
  });

  it('takes what is signed once more for the same request, and says of what it has that it has it', async () => {
    const { path, requests, vcsPki } = await project();
    await vcsPki('apply');
    const request = join(requests, 'expe1/server/certcsr.pem');
    await sign(request, join(path, 'first.pem'), undefined, '11');
    await sign(request, join(path, 'second.pem'), undefined, '12');
    expect((await vcsPki('import', 'first.pem')).out).toContain('imported edge/expe1/server, serial 11,');
    const again = await vcsPki('import', 'first.pem');
    expect(again, again.progress).toMatchObject({ code: 0 });
    expect(again.out).toContain('on record already: edge/expe1/server, serial 11,');
    expect((await vcsPki('import', 'second.pem')).out).toContain('imported edge/expe1/server, serial 12,');
    const bundle = join(path, 'pki/bundles/elsewhere/edge/expe1');
    const publicKeys = await Promise.all([
      run(openssl, ['x509', '-in', join(bundle, 'server.pem'), '-noout', '-pubkey']),
      run(openssl, ['pkey', '-in', join(bundle, 'privatekey.pem'), '-pubout']),
    ]);
    expect(publicKeys[0]?.stdout).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    expect(publicKeys[1]?.stdout).toBe(publicKeys[0]?.stdout);
    expect((await run(openssl, ['x509', '-in', join(bundle, 'server.pem'), '-noout', '-serial'])).stdout).toBe(
      'serial=12\n',
    );
  });

  it('takes what people saved beside the request, and leaves it there', async () => {
    const { requests, vcsPki } = await project();
    await vcsPki('apply');
    const folder = join(requests, 'expe1/server');
    await mkdir(join(folder, 'mails'));
    const saved = await sign(join(folder, 'certcsr.pem'), join(folder, 'server.cer'));
    const imported = await vcsPki('import', saved);
    expect(imported, imported.progress).toMatchObject({ code: 0 });
    expect((await run('ls', [folder])).stdout).toBe('mails\nserver.cer\n');
  });

  it.each([
    [
      'requirement 15: a wildcard (D18)',
      'DNS:*.example.com',
      '/CN=expe1.example.com',
      /appliances support no wildcard/,
    ],
    ['no common name (D22)', 'DNS:chat.example.com', '/O=Example', /it has no common name/],
  ])('refuses %s, and goes on waiting', async (_, surplus, subject, message) => {
    const { path, requests, vcsPki } = await project();
    await vcsPki('apply');
    const files = await folder();
    const names = 'DNS:expe1.example.com,DNS:expe.example.com,DNS:example.com';
    const config = join(files, 'c');
    await writeFile(config, `subjectAltName=${names},${surplus}\nextendedKeyUsage=serverAuth\n`);
    const signed = await run(openssl, [
      ...['x509', '-req', '-in', join(requests, 'expe1/server/certcsr.pem'), '-subj', subject, '-days', '199'],
      ...['-CA', join(authority.folder, 'ca.pem'), '-CAkey', join(authority.folder, 'ca.key')],
      ...['-extfile', config, '-out', join(path, 'unfit.pem')],
    ]);
    expect(signed.code, signed.stderr).toBe(0);
    const refused = await vcsPki('import', 'unfit.pem');
    expect(refused.progress).toMatch(/^error CERTIFICATE_UNFIT: edge\/expe1\/server: /);
    expect(refused.progress).toMatch(message);
    expect((await vcsPki('request')).out).toContain('edge/expe1/server');
  });

  it('requirements 83-88: takes a PFX with key and chain for the peer that is named', async () => {
    const { path, vcsPki } = await project();
    const files = await folder();
    const names = 'DNS:expe1.example.com,DNS:expe.example.com,DNS:example.com';
    await run(openssl, [
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=expe.example.com',
      '-addext',
      `subjectAltName=${names}`,
      '-keyout',
      join(files, 'key.pem'),
      '-out',
      join(files, 'csr.pem'),
    ]);
    await sign(join(files, 'csr.pem'), join(files, 'server.pem'));
    await run(openssl, [
      'pkcs12',
      '-export',
      '-inkey',
      join(files, 'key.pem'),
      '-in',
      join(files, 'server.pem'),
      '-certfile',
      join(authority.folder, 'ca.pem'),
      '-name',
      'VCS',
      '-passout',
      'pass:secret',
      '-out',
      join(path, 'cert_inf.pfx'),
    ]);
    await writeFile(join(path, 'password'), 'secret\n');
    expect((await vcsPki('import', 'cert_inf.pfx')).progress).toContain('error KEY_ENCRYPTED');
    expect((await vcsPki('import', 'cert_inf.pfx', '--password-file', 'password')).progress).toContain('say for whom');
    const imported = await vcsPki(
      'import',
      'cert_inf.pfx',
      '--password-file',
      'password',
      '--for',
      'edge/expe1/server',
    );
    expect(imported, imported.progress).toMatchObject({ code: 0 });
    const delivered = await readFile(join(path, 'pki/bundles/elsewhere/edge/expe1/privatekey.pem'), 'utf8');
    expect(delivered).toMatch(/^-----BEGIN PRIVATE KEY-----\n[\s\S]*\n-----END PRIVATE KEY-----\n$/);
  });

  it.each([
    ['a key of 1024 bits (D29)', '1024', '65537', '-sha256', /CERTIFICATE_UNFIT.* its key is RSA 1024, which is not/],
    ['a public exponent of 3 (D29)', '2048', '3', '-sha256', /KEY_WEAK.* its public exponent is 3, and must be odd/],
    ['SHA-1 (D30)', '2048', '65537', '-sha1', /CERTIFICATE_UNFIT.* signed with sha1WithRSAEncryption, which is too/],
  ])('refuses a PFX with %s', async (_, bits, exponent, digest, message) => {
    const { path, vcsPki } = await project();
    const config = join(path, 'c');
    await writeFile(config, 'subjectAltName=DNS:expe1.example.com,DNS:expe.example.com,DNS:example.com\n');
    const steps = [
      [
        ...['genpkey', '-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`],
        ...['-pkeyopt', `rsa_keygen_pubexp:${exponent}`, '-out', 'k'],
      ],
      ['req', '-new', '-key', 'k', '-subj', '/CN=expe.example.com', '-out', 'r'],
      ['x509', '-req', '-in', 'r', '-CA', join(authority.folder, 'ca.pem'), '-CAkey', join(authority.folder, 'ca.key')],
    ];
    const inPath = (args: readonly string[]) =>
      run(
        openssl,
        args.map((arg) => (arg === 'k' || arg === 'r' ? join(path, arg) : arg)),
      );
    await inPath(steps[0] ?? []);
    await inPath(steps[1] ?? []);
    const signed = await inPath([
      ...(steps[2] ?? []),
      digest,
      '-days',
      '99',
      '-extfile',
      config,
      '-out',
      join(path, 's.pem'),
    ]);
    expect(signed.code, signed.stderr).toBe(0);
    const refused = await vcsPki('import', 's.pem', 'k', '--for', 'edge/expe1/server');
    expect(refused.code).toBe(1);
    expect(refused.progress).toMatch(message);
    expect(refused.progress).toContain('edge/expe1/server: ');
    expect(await diskFileSystem.readDirectory(join(path, 'pki/authorities'))).toEqual([]);
    expect(await diskFileSystem.readDirectory(join(path, 'pki/certificates'))).toEqual([]);
  });

  it('requirement 38: takes no key for a peer whose request was made on the appliance', async () => {
    const { path, vcsPki, declare } = await project();
    const files = await folder();
    const names = 'DNS:expe1.example.com,DNS:expe.example.com,DNS:example.com';
    const request = async (key: string, out: string) =>
      run(openssl, [
        ...[
          'req',
          '-new',
          '-newkey',
          'rsa:2048',
          '-nodes',
          '-subj',
          '/CN=expe.example.com',
          '-keyout',
          key,
          '-out',
          out,
        ],
        ...['-addext', `subjectAltName=${names}`, '-addext', 'extendedKeyUsage=serverAuth'],
      ]);
    await request(join(files, 'appliance.key'), join(files, 'appliance.csr'));
    const made = await readFile(join(files, 'appliance.csr'), 'utf8');
    const clusters = topologyWith(authority.pem).clusters?.map((cluster) =>
      cluster.id === 'edge' ? { ...cluster, peers: [{ ...peer('expe1'), request: made }, peer('expe2')] } : cluster,
    );
    await declare({ clusters: clusters ?? [] });
    const applied = await vcsPki('apply');
    expect(applied, applied.progress).toMatchObject({ code: 0 });
    await request(join(path, 'other.key'), join(files, 'other.csr'));
    await sign(join(files, 'other.csr'), join(path, 'other.pem'));
    const refused = await vcsPki('import', 'other.pem', 'other.key', '--for', 'edge/expe1/server');
    expect(refused.progress).toContain('error REQUEST_IN_PROGRESS: edge/expe1/server');
    expect((await vcsPki('request')).out).toContain('edge/expe1/server');
  });

  it('requirement 38: takes no key while a request is in progress', async () => {
    const { path, vcsPki } = await project();
    await vcsPki('apply');
    const files = await folder();
    const names = 'DNS:expe1.example.com,DNS:expe.example.com,DNS:example.com';
    await run(openssl, [
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=expe.example.com',
      '-addext',
      `subjectAltName=${names}`,
      '-keyout',
      join(path, 'key.pem'),
      '-out',
      join(files, 'csr.pem'),
    ]);
    await sign(join(files, 'csr.pem'), join(path, 'server.pem'));
    const refused = await vcsPki('import', 'server.pem', 'key.pem', '--for', 'edge/expe1/server');
    expect(refused.progress).toContain('error REQUEST_IN_PROGRESS: edge/expe1/server');
    expect(refused.progress).toContain('fix: import the certificate for that request, or discard it first');
  });

  it('requirement 34: asks before a request is discarded, and makes another with another key then', async () => {
    const { requests, vcsPki } = await project();
    await vcsPki('apply');
    const publicKey = async () =>
      (await run(openssl, ['req', '-in', join(requests, 'expe1/server/certcsr.pem'), '-noout', '-pubkey'])).stdout;
    const before = await publicKey();
    const asked = await vcsPki('request', 'edge/expe1/server', '--discard');
    expect(asked.progress).toContain('error REQUEST_IN_PROGRESS');
    expect(await publicKey()).toBe(before);
    expect((await vcsPki('request', 'edge/expe1/server', '--discard', '--yes')).out).toBe(
      'discarded the request of edge/expe1/server\n',
    );
    await vcsPki('apply');
    expect(await publicKey()).not.toBe(before);
  });

  it('requirement 28: a name that is declared later leaves the request alone and says that it is out of date', async () => {
    const { requests, vcsPki, declare } = await project();
    await vcsPki('apply');
    const before = await readFile(join(requests, 'expe1/server/request.json'), 'utf8');
    await declare({
      domains: [
        { name: 'example.com', unifiedCommunications: true },
        { name: 'example.org', unifiedCommunications: true },
      ],
    });
    const { out } = await vcsPki('apply');
    expect(out).toContain('the request of edge/expe1/server is out of date (names added: example.org)');
    expect(await readFile(join(requests, 'expe1/server/request.json'), 'utf8')).toBe(before);
  });

  it('requirement 35: holds a request of the appliance against what it needs, because the authority signs as asked', async () => {
    const files = await folder();
    await run(openssl, [
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=expe.example.com',
      '-addext',
      'subjectAltName=DNS:expe1.example.com',
      '-keyout',
      join(files, 'k'),
      '-out',
      join(files, 'csr.pem'),
    ]);
    const request = await readFile(join(files, 'csr.pem'), 'utf8');
    const { clusters = [] } = topologyWith(authority.pem);
    const [core, edge] = clusters;
    if (!core || !edge) throw new Error('the topology has two clusters');
    const { vcsPki } = await project({ clusters: [core, { ...edge, peers: [{ ...peer('expe1'), request }] }] });
    const refused = await vcsPki('apply');
    expect(refused.progress).toContain(
      'error REQUEST_INCOMPLETE: edge/expe1/server: the request does not ask for example.com, serverAuth',
    );
  });
});

describeWithTool(
  'openssl',
  'requirements 18, 22 and 64-77: the recipe that replaces those of the guides',
  (openssl) => {
    it.each(['rsa-2048', 'ec-p384', 'ec-p521'] as const)(
      'makes by script what verifies for both purposes, with a %s key',
      async (key) => {
        const path = await mkdtemp(join(tmpdir(), 'vcs-pki-recipe-'));
        try {
          const topology = parseTopology(
            {
              name: 'recipe',
              authorities: [{ id: 'ca', subject: { commonName: 'CA' } }],
              clusters: [
                {
                  id: 'core',
                  product: 'expressway-c',
                  release: 'X8.1',
                  issuer: 'ca',
                  key,
                  clusterName: 'expc.example.com',
                  // As long as an organization can be (RFC 5280 A.1).
                  subject: { organization: 'Costs $5 # "really"'.padEnd(64, '!'), country: 'NO' },
                  peers: [peer('expc1'), peer('expc2')],
                },
              ],
            },
            'recipe',
          );
          const [demand] = demands(topology);
          if (!demand) throw new Error('the topology demands a certificate');
          await writeFile(join(path, 'recipe.sh'), opensslRecipe(demand));
          await writeFile(join(path, 'passphrase'), 'correct horse battery staple\n');
          const options = { cwd: path, env: { CA_PASSPHRASE_FILE: join(path, 'passphrase') } };
          const made = await run('sh', ['recipe.sh'], options);
          expect(made.code, made.stderr).toBe(0);
          const text = (await run(openssl, ['x509', '-in', join(path, 'server.pem'), '-noout', '-text'])).stdout;
          expect(text).toContain('DNS:expc1.example.com, DNS:expc.example.com');
          expect(text).toContain('TLS Web Server Authentication, TLS Web Client Authentication');
          expect(text).toMatch(/Signature Algorithm: sha256WithRSAEncryption/);
          expect(text).toContain('O = Costs $5 # \\"really\\"');
          // Requirement 76: signing again is what every renewal does; the index is not emptied for it.
          const again = await run('sh', ['recipe.sh', 'sign'], options);
          expect(again.code, again.stderr).toBe(0);
          expect((await readFile(join(path, 'ca/index.txt'), 'utf8')).trim().split('\n')).toHaveLength(2);
          // Requirement 74: a request in DER is converted with openssl req.
          await run(openssl, [
            'req',
            '-in',
            join(path, 'certcsr.pem'),
            '-outform',
            'DER',
            '-out',
            join(path, 'certcsr.der'),
          ]);
          await rm(join(path, 'certcsr.pem'));
          const der = await run('sh', ['recipe.sh', 'sign'], options);
          expect(der.code, der.stderr).toBe(0);
          const list = await run('sh', ['recipe.sh', 'list'], options);
          expect(list.code, list.stderr).toBe(0);
          await mkdir(join(path, 'empty'));
          expect((await run('sh', [join(path, 'recipe.sh'), 'nonsense'], { cwd: join(path, 'empty') })).code).toBe(2);
        } finally {
          await rm(path, { recursive: true, force: true });
        }
      },
    );
  },
);

import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { diskFileSystem } from '../../src/store/file-system.ts';
import type { TopologyInput } from '../../src/topology/schema.ts';
import { encodeSigned, encodeTbsCertificate } from '../../src/x509/certificate.ts';
import { extendedKeyUsage, subjectAlternativeName } from '../../src/x509/extensions.ts';
import { privateKeyPem, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { encodePkcs12 } from '../../src/x509/pkcs12.ts';
import { signatureAlgorithmFor, signBytes } from '../../src/x509/signature.ts';
import { certificatePolicies } from '../../src/x509/testing/extensions.ts';
import { type SampleParty, sampleCertificate, sampleParty } from '../../src/x509/testing/sample-certificate.ts';
import { type Ran, runCli } from '../support/cli.ts';
import { describeWithTool, run } from '../support/tools.ts';
import { collaborationEdge } from '../support/topologies.ts';

let folder: string;
let now: Date;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcs-pki-check-'));
  now = new Date('2026-11-21T12:00:00Z');
});
afterEach(() => rm(folder, { recursive: true }));

async function put(name: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), content);
}

function vcsPki(...args: string[]): Promise<Ran> {
  return runCli(args, { fs: diskFileSystem, now: () => now, cwd: folder });
}

interface Found {
  readonly code: string;
  readonly severity: string;
  readonly at: string;
  readonly diagnosis?: string;
}

async function findings(...args: string[]): Promise<Found[]> {
  const { out, progress } = await vcsPki('check', ...args, '--output', 'json');
  if (out === '') throw new Error(progress);
  return JSON.parse(out).findings;
}

/** On a release whose documents have ECDSA keys, so that nothing is found but what a test is about. */
async function declare(change: Partial<TopologyInput> = {}): Promise<void> {
  const { clusters = [], ...topology } = collaborationEdge();
  const recent = clusters.map((cluster) => ({ ...cluster, release: 'X14.3' }));
  await put('topology.json', JSON.stringify({ ...topology, clusters: recent, ...change }));
}

async function applied(): Promise<void> {
  await declare();
  const { code, progress } = await vcsPki('apply');
  expect(code, progress).toBe(0);
}

const bundle = 'pki/bundles/edge-test';

// ---- certificates of others ----------------------------------------------------------------------------------------

interface LeafContent {
  readonly names: readonly string[];
  readonly usages?: readonly ('serverAuth' | 'clientAuth')[];
  readonly policies?: readonly string[];
  readonly serial?: bigint;
  readonly from?: string;
  readonly to?: string;
}

function leaf(subject: SampleParty, issuer: SampleParty, content: LeafContent): string {
  const { names, usages = ['serverAuth', 'clientAuth'], policies = [], serial = 5n } = content;
  const algorithm = signatureAlgorithmFor(subjectPublicKeyInfo(issuer.key));
  const tbs = encodeTbsCertificate(
    {
      serialNumber: serial,
      issuer: issuer.name,
      subject: subject.name,
      notBefore: new Date(content.from ?? '2026-06-01T00:00:00Z'),
      notAfter: new Date(content.to ?? '2027-01-01T00:00:00Z'),
      subjectPublicKeyInfo: subjectPublicKeyInfo(subject.key),
      extensions: [
        subjectAlternativeName(names),
        extendedKeyUsage(usages),
        ...(policies.length > 0 ? [certificatePolicies(...policies)] : []),
      ],
    },
    algorithm,
  );
  return encodePem('CERTIFICATE', encodeSigned(tbs, algorithm, signBytes(issuer.key, tbs)));
}

const authority = sampleParty('Example Root');
const peer = sampleParty('expe1.example.com');
const NAME = ['expe1.example.com'];

describe('files', () => {
  it('several are looked at together: a renewal that lost a name and a usage (D27)', async () => {
    await put('old.pem', leaf(peer, authority, { names: [...NAME, 'example.com'] }));
    const renewed = { names: NAME, usages: ['serverAuth'] as const, serial: 6n, from: '2026-11-01T00:00:00Z' };
    await put('new.pem', leaf(peer, authority, renewed));
    expect(await findings('old.pem')).toEqual([]);
    expect(await findings('old.pem', 'new.pem')).toContainEqual(
      expect.objectContaining({
        code: 'RENEWAL_LOST',
        diagnosis: 'D27',
        at: 'new.pem',
        value: 'clientAuth, example.com',
      }),
    );
  });

  it('--release decides what a file is for (D14)', async () => {
    await put('server.pem', leaf(peer, authority, { names: NAME, usages: ['serverAuth'] }));
    const severity = async (release: string) =>
      (await findings('server.pem', '--release', release)).find(({ code }) => code === 'CLIENT_AUTH_MISSING');
    expect(await severity('X14.0')).toMatchObject({ severity: 'error' });
    expect(await severity('X15.5')).toMatchObject({ severity: 'warning' });
    expect((await vcsPki('check', 'server.pem', '--release', 'X14.0')).code).toBe(1);
    expect((await vcsPki('check', 'server.pem', '--release', 'X15.5')).code).toBe(0);
  });

  it('a PFX is opened with its password, which is shown nowhere (84)', async () => {
    const certificate = sampleCertificate(peer, authority);
    const pfx = await encodePkcs12(
      { key: peer.key, certificate, chain: [], friendlyName: 'expe1' },
      new Secret('correct horse'),
    );
    await put('peer.pfx', pfx);
    await put('password', 'correct horse\n');
    await put('wrong', 'incorrect\n');
    const opened = await vcsPki('check', 'peer.pfx', '--view', 'inventory', '--password-file', 'password');
    expect(opened.out).toContain('peer.pfx  in a file  expe1.example.com');
    expect(await findings('peer.pfx')).toContainEqual(expect.objectContaining({ diagnosis: 'D05' }));
    const refused = await vcsPki('check', 'peer.pfx', '--password-file', 'wrong');
    expect(refused).toMatchObject({
      code: 1,
      progress: expect.stringMatching(/^error KEY_PASSPHRASE_WRONG: peer\.pfx: /),
    });
    for (const { out, progress } of [opened, refused]) expect(out + progress).not.toMatch(/correct/);
  });

  it('an excerpt of a log names the fault and the line (D10)', async () => {
    const line =
      'Event="Inbound TLS Negotiation Error" Service="SIP" Dst-port="7001" Detail="self signed certificate in certificate chain"\n';
    await put('network.log', `nothing\n${line}`);
    expect(await findings('network.log')).toMatchObject([{ diagnosis: 'D10', at: 'network.log:2' }]);
    const { runs } = JSON.parse((await vcsPki('check', 'network.log', '--output', 'sarif')).out);
    expect(runs[0].results[0].locations).toEqual([
      { physicalLocation: { artifactLocation: { uri: 'network.log' }, region: { startLine: 2 } } },
    ]);
  });

  it('a place has its characters encoded in SARIF (RFC 3986 2.1)', async () => {
    await put('a b/größe.pem', 'garbage');
    const { runs } = JSON.parse((await vcsPki('check', 'a b', '--output', 'sarif')).out);
    expect(runs[0].results[0].locations).toEqual([
      { physicalLocation: { artifactLocation: { uri: 'a%20b/gr%C3%B6%C3%9Fe.pem' } } },
    ]);
  });

  it.each([
    ['missing.pem', /does not exist/],
    ['no/such/folder', /does not exist/],
    ['nonsense', /does not exist/],
    ['.', /has no files in it/],
  ])('I10: %s is one clear error', async (target, message) => {
    const { code, out, progress } = await vcsPki('check', target);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(progress).toMatch(/^error TARGET_UNUSABLE: .*\n {2}fix: \S.*\n$/);
    expect(progress).toMatch(message);
  });
});

describe('--view inventory of files (2.3)', () => {
  const root = encodePem('CERTIFICATE', sampleCertificate(authority, authority, { authority: true }));
  const rowOf = async (...targets: string[]) => {
    const { out } = await vcsPki('check', ...targets, '--view', 'inventory', '--output', 'json');
    return JSON.parse(out).certificates.find(({ holder }: { holder: string }) => holder === 'expe1.example.com');
  };

  it.each([
    ['domain validated', '2.23.140.1.2.1'],
    ['organization validated', '2.23.140.1.2.2'],
    ['extended validation', '2.23.140.1.1'],
  ])(
    'a certificate that says it is %s is from a public authority, and its renewals lack clientAuth',
    async (_, policy) => {
      await put('server.pem', leaf(peer, authority, { names: NAME, policies: [policy] }));
      expect(await rowOf('server.pem')).toMatchObject({
        where: 'server.pem',
        state: 'in a file',
        issuer: 'Example Root',
        origin: 'public',
        notAfter: '2027-01-01T00:00:00.000Z',
        serial: '05',
        sunset: { affected: 'yes' },
      });
    },
  );

  it('one whose root lies with it, and is in no public store, is internal', async () => {
    await put('server.pem', leaf(peer, authority, { names: NAME, policies: ['1.2.3.4'] }));
    await put('ca.pem', root);
    expect(await rowOf('server.pem', 'ca.pem')).toMatchObject({
      origin: 'internal',
      root: 'Example Root',
      sunset: { affected: 'no' },
    });
  });

  it('one whose authority is declared as publicly trusted is from a public authority', async () => {
    await declare({ externalAuthorities: [{ id: 'public', certificates: [root], publiclyTrusted: true }] });
    await put('server.pem', leaf(peer, authority, { names: NAME }));
    expect(await rowOf('topology.json', 'server.pem')).toMatchObject({ where: 'server.pem', origin: 'public' });
  });

  it('of one alone it can not be said', async () => {
    await put('server.pem', leaf(peer, authority, { names: NAME }));
    expect(await rowOf('server.pem')).toMatchObject({ origin: 'unknown', sunset: { affected: 'unknown' } });
  });

  it('an authority of the same name with another key is not its root', async () => {
    await put('server.pem', leaf(peer, authority, { names: NAME }));
    const namesake = sampleParty('Example Root');
    await put('ca.pem', encodePem('CERTIFICATE', sampleCertificate(namesake, namesake, { authority: true })));
    expect(await rowOf('server.pem', 'ca.pem')).toMatchObject({ origin: 'unknown' });
  });
});

it('--view calendar of files: certificates and lists', async () => {
  await applied();
  await put('server.pem', leaf(peer, authority, { names: NAME, policies: ['2.23.140.1.2.1'] }));
  const list = 'pki/published/issuing-ca.crl';
  const { out } = await vcsPki('check', 'server.pem', list, '--view', 'calendar', '--days', '120');
  expect(out).toBe(`WHEN        KIND                WHERE                         WHAT
2026-11-28  list end            pki/published/issuing-ca.crl  the revocation list of Example UC Issuing CA expires
2027-01-01  end                 server.pem                    expe1.example.com expires
2027-03-15  public authorities  server.pem                    they issue for 100 days at most: 4 renewals a year, each with an upload and a restart on 1 peer
2027-03-15  public authorities  server.pem                    the last of them stop issuing clientAuth, which 1 certificate of these has (FN74362)
`);
});

it('standard input is a log or PEM, whatever comes', async () => {
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  const check = (input: string, ...args: string[]) =>
    run(process.execPath, ['--import', 'tsx', main, 'check', '-', ...args], {
      input,
      env: { VCS_PKI_NOW: now.toISOString() },
    });
  const log = await check(
    'Event="Inbound TLS Negotiation Error" Detail="certificate has expired"\n',
    '--output',
    'sarif',
  );
  expect(log.code, log.stderr).toBe(1);
  // There is no such file for a viewer to open.
  expect(JSON.parse(log.stdout).runs[0].results[0].locations).toEqual([
    { logicalLocations: [{ fullyQualifiedName: 'standard input:1', kind: 'resource' }] },
  ]);
  const pem = await check(leaf(peer, authority, { names: NAME }), '--view', 'inventory');
  expect(pem.code, pem.stderr).toBe(0);
  expect(pem.stdout).toContain('standard input  in a file  expe1.example.com');
});

describe('what was delivered', () => {
  it('is sound as apply leaves it, with and without a PFX', async () => {
    await applied();
    expect(await findings()).toEqual([]);
    await put('password', 'for the PFX\n');
    expect((await vcsPki('apply', '--pkcs12-password-file', 'password')).code).toBe(0);
    expect(await findings()).toEqual([]);
  });

  it('is examined where it lies: a key without its last newline, a list that was changed (40, D03; D24)', async () => {
    await applied();
    const key = `${bundle}/core/expc1/privatekey.pem`;
    await put(key, (await readFile(join(folder, key), 'utf8')).trimEnd());
    const list = `${bundle}/edge/expe2/ca.pem`;
    const [first = ''] = (await readFile(join(folder, list), 'utf8')).split(/(?<=END CERTIFICATE-----\n)/);
    await put(list, first);
    const found = await findings();
    expect(found).toContainEqual(expect.objectContaining({ diagnosis: 'D03', at: key }));
    expect(found).toContainEqual(expect.objectContaining({ diagnosis: 'D24' }));
    expect(found.every((finding) => !('declaration' in finding))).toBe(true);
  });

  it('what the declaration accepts of it, or of what is given besides, is no error and shows with the reason', async () => {
    await applied();
    const key = `${bundle}/core/expc1/privatekey.pem`;
    await put(key, (await readFile(join(folder, key), 'utf8')).trimEnd());
    await put('old.pem', leaf(peer, authority, { names: NAME, to: '2026-07-01T00:00:00Z' }));
    expect((await vcsPki('check', '.', 'old.pem')).code).toBe(1);
    const accept = (code: string, at?: string) => ({ code, at, reason: 'kept for the audit' });
    await declare({ suppressions: [accept('KEY_NEWLINE_MISSING', key), accept('CERTIFICATE_EXPIRED')] });
    const { code, out } = await vcsPki('check', '.', 'old.pem');
    expect({ code, accepted: out.match(/accepted: kept for the audit/g)?.length }, out).toEqual({
      code: 0,
      accepted: 2,
    });
    await declare({ suppressions: [accept('KEY_NEWLINE_MISSING', `${bundle}/core/expc2/privatekey.pem`)] });
    expect((await vcsPki('check')).code).toBe(1);
  });

  it('is examined as the release of its cluster takes it (40)', async () => {
    await applied();
    const key = `${bundle}/core/expc1/privatekey.pem`;
    await put(key, (await readFile(join(folder, key), 'utf8')).trimEnd());
    const severities = async (...args: string[]) =>
      (await findings(...args)).filter(({ at }) => at === key).map((finding) => finding.severity);
    expect(await severities()).toEqual(['error']);
    // X7.2, whose guide does not ask for it.
    expect(await severities('--release', 'X7.2')).toEqual(['warning']);
  });

  it('what is wrong with it is said once, whatever is given besides', async () => {
    await applied();
    const key = `${bundle}/core/expc1/privatekey.pem`;
    await put(key, (await readFile(join(folder, key), 'utf8')).trimEnd());
    await put(`${bundle}/core/expc2/ca.pem`, await readFile(join(folder, 'pki/authorities/root-ca/cacert.pem')));
    await put('other.pem', leaf(peer, authority, { names: NAME }));
    const told = (await findings()).map(({ code, at }) => `${code} ${at}`);
    expect(told).toEqual(
      expect.arrayContaining([`KEY_NEWLINE_MISSING ${key}`, expect.stringMatching(/^TRUST_LISTS_DIFFER /)]),
    );
    expect((await findings('.', 'other.pem')).map(({ code, at }) => `${code} ${at}`).toSorted()).toEqual(
      told.toSorted(),
    );
  });

  it('is compared with what is given besides', async () => {
    await applied();
    now = new Date('2027-09-01T00:00:00Z');
    await put('old.pem', await readFile(join(folder, `${bundle}/core/expc1/server.pem`)));
    expect((await vcsPki('apply')).code).toBe(0);
    expect(await findings('.', 'old.pem')).toEqual([]);
  });
});

// ---- servers -------------------------------------------------------------------------------------------------------

describeWithTool('openssl', 'servers', () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.close();
      await once(server, 'close');
    }
  });

  async function serving(certificate: string, key: string): Promise<string> {
    const server = createServer({ cert: certificate, key });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port on the loopback interface');
    return `127.0.0.1:${address.port}`;
  }

  const ofPeer = async (id: string) =>
    serving(
      await readFile(join(folder, bundle, id, 'server.pem'), 'utf8'),
      await readFile(join(folder, bundle, id, 'privatekey.pem'), 'utf8'),
    );

  it('what one presents is examined like a file', async () => {
    const key = privateKeyPem(peer.key).reveal();
    const server = await serving(leaf(peer, authority, { names: NAME, to: '2026-10-01T00:00:00Z' }), key);
    const { code, out, progress } = await vcsPki('check', server);
    expect(code).toBe(1);
    expect(out).toMatch(new RegExp(`^error CERTIFICATE_EXPIRED ${server}: expired on 2026-10-01$`, 'm'));
    expect(progress).toBe(`probing ${server} ...\n`);
    const { runs } = JSON.parse((await vcsPki('check', server, '--output', 'sarif')).out);
    expect(runs[0].results[0].locations).toEqual([
      { logicalLocations: [{ fullyQualifiedName: server, kind: 'resource' }] },
    ]);
  });

  it('one that still presents the certificate before the last (29, D28)', async () => {
    await applied();
    const server = await ofPeer('core/expc1');
    expect((await findings('topology.json', server)).map(({ diagnosis }) => diagnosis)).not.toContain('D28');
    now = new Date('2026-12-01T00:00:00Z');
    expect((await vcsPki('issue', 'core/expc1/server', '--renew')).code).toBe(0);
    expect((await vcsPki('apply')).code).toBe(0);
    expect(await findings('topology.json', server)).toContainEqual(
      expect.objectContaining({ diagnosis: 'D28', at: server }),
    );
  });

  it('behind a name without a port one of 5061 and 443 is enough; of the other it says why not', async () => {
    const key = privateKeyPem(peer.key).reveal();
    const server = createServer({ cert: leaf(peer, authority, { names: NAME }), key });
    servers.push(server);
    // An address of the loopback network that nobody else uses, since these ports are fixed.
    server.listen(5061, '127.83.77.61');
    await once(server, 'listening');
    const { out } = await vcsPki('check', '127.83.77.61', '--output', 'json');
    expect(JSON.parse(out).notChecked).toContain('127.83.77.61:443: nothing listens at this port');
    expect((await vcsPki('check', '127.83.77.61', '--view', 'inventory')).out).toContain('127.83.77.61:5061  served');
  });

  it('I10: one that is not there is one clear error', async () => {
    const server = await serving(leaf(peer, authority, { names: NAME }), privateKeyPem(peer.key).reveal());
    const [gone] = servers.splice(0);
    gone?.close();
    if (gone) await once(gone, 'close');
    const { code, out, progress } = await vcsPki('check', server);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(progress).toContain(`error PROBE_FAILED: ${server}: nothing listens at this port\n  fix: `);
  });

  it.each(['0', '-1', 'soon', '1e9'])('I10: --timeout %s is wrong usage', async (timeout) => {
    const { code, progress } = await vcsPki('check', '127.0.0.1:1', '--timeout', timeout);
    expect(code).toBe(2);
    expect(progress).toContain('error USAGE: --timeout: must be a number of seconds up to 3600\n');
  });

  describe('confirm --probe', () => {
    const state = async () => {
      const lock = JSON.parse(await readFile(join(folder, 'vcs-pki.lock.json'), 'utf8'));
      return lock.peers?.['core/expc1']?.server?.state;
    };

    it('records that the newest certificate is in use', async () => {
      await applied();
      const confirmed = await vcsPki('confirm', 'core/expc1', `--probe=${await ofPeer('core/expc1')}`);
      expect(confirmed.code, confirmed.progress).toBe(0);
      expect(confirmed.out).toMatch(/^core\/expc1: server certificate [0-9A-F]+ is served\n$/);
      expect(await state()).toBe('served');
    });

    it('says that another is, and records nothing (D28); the client store is not what a server presents', async () => {
      const { clusters = [] } = collaborationEdge();
      const clientCertificate = { issuer: 'issuing-ca', key: 'ec-p256' } as const;
      await declare({ clusters: clusters.map((one) => ({ ...one, release: 'X15.5', clientCertificate })) });
      expect((await vcsPki('apply')).code).toBe(0);
      const { code, progress } = await vcsPki('confirm', 'core/expc1', `--probe=${await ofPeer('core/expc2')}`);
      expect(code).toBe(1);
      expect(progress).toMatch(
        /error CERTIFICATE_UNFIT: core\/expc1: it presents serial [0-9A-F]+; the certificate issued last has serial [0-9A-F]+ \(D28\)/,
      );
      expect(await state()).toBeUndefined();
    });

    it('asks the FQDN of the peer unless told', async () => {
      await declare();
      const { clusters = [], ...rest } = collaborationEdge();
      const unreachable = clusters.map((cluster) => ({
        ...cluster,
        peers: cluster.peers.map((one) => ({ ...one, domain: 'vcs-pki.invalid' })),
      }));
      await put('topology.json', JSON.stringify({ ...rest, clusters: unreachable }));
      const { code, progress } = await vcsPki('confirm', 'core/expc1', '--probe');
      expect(code).toBe(1);
      expect(progress).toContain('error PROBE_FAILED: expc1.vcs-pki.invalid:5061: ');
    });

    it.each([
      [['core/expc1', '--probe', '--installed'], 2, 'USAGE: --probe'],
      [['core/expc1', '--probe', '--serial', '05'], 2, 'USAGE: --probe'],
      [['core/expc1', '--probe', '--role', 'client'], 2, 'USAGE: --probe'],
      [['core/expc1', '--probe=https://expc1.example.com'], 2, 'USAGE: --probe'],
      [['core/expc9', '--probe'], 1, 'OWNER_UNKNOWN: core/expc9'],
    ])('I10: %s', async (args, code, error) => {
      await declare();
      const refused = await vcsPki('confirm', ...args);
      expect(refused.code).toBe(code);
      expect(refused.progress).toMatch(new RegExp(`^error ${error}`));
    });
  });
});

describe('I14: what is looked at is never run', () => {
  const hostile = () =>
    put('found/cdktf.json', JSON.stringify({ app: `${process.execPath} -e "require('fs').writeFileSync('ran', '')"` }));
  const ran = () =>
    readFile(join(folder, 'found/ran')).then(
      () => true,
      () => false,
    );

  it.each(['found', './found', 'found/.'])('check %s says so, and looks at the files', async (target) => {
    await hostile();
    await put('found/server.pem', 'no certificate');
    const { out, progress } = await vcsPki('check', target);
    expect(await ran()).toBe(false);
    expect(out + progress).toContain('names a program, which is not run');
  });

  it('nor does check where that file itself is looked at', async () => {
    await hostile();
    expect(await vcsPki('check', 'found/cdktf.json')).toMatchObject({
      code: 1,
      progress: expect.stringContaining('run vcs-pki check in its folder, without a target'),
    });
    expect(await ran()).toBe(false);
  });

  it.each(['plan', 'prove', 'apply', 'crl', 'confirm'])(
    'neither does %s on a folder, unless its cdktf.json is named',
    async (command) => {
      await hostile();
      const { code, progress } = await vcsPki(command, 'found');
      expect(code).toBe(1);
      expect(progress).toContain('error TARGET_UNUSABLE');
      expect(progress).toContain('found/cdktf.json');
      expect(await ran()).toBe(false);
      await vcsPki(command, 'found/cdktf.json');
      expect(await ran()).toBe(true);
    },
  );
});

describe('a program that synthesizes nothing', () => {
  it('is an error, though an older synthesis lies beside it', async () => {
    const { clusters = [], ...topology } = collaborationEdge();
    const stack = 'cdktf.out/stacks/edge-test';
    await put(`${stack}/topology.json`, JSON.stringify({ ...topology, clusters }));
    await put('cdktf.out/manifest.json', JSON.stringify({ stacks: { 'edge-test': {} } }));
    await put('hello.mjs', 'process.stdout.write("hello");');
    for (const command of ['plan', 'apply']) {
      const { code, progress } = await vcsPki(command, 'hello.mjs');
      expect(code).toBe(1);
      expect(progress).toContain('the program wrote no topology');
    }
    await put(
      'writes.mjs',
      `import { readFileSync, writeFileSync } from 'node:fs';
const path = '${stack}/topology.json';
writeFileSync(path, readFileSync(path));`,
    );
    expect((await vcsPki('plan', 'writes.mjs')).out).toContain('create    authority root-ca');
  });
});

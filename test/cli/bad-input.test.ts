import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MemoryFileSystem } from '../../src/store/testing/memory-file-system.ts';
import type { TopologyInput } from '../../src/topology/schema.ts';
import { generatePrivateKey, privateKeyPem } from '../../src/x509/keys.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { createRequest } from '../../src/x509/request.ts';
import { keyWithExponent, keyWithFactor } from '../../src/x509/testing/weak-keys.ts';
import { runCli } from '../support/cli.ts';
import { collaborationEdge } from '../support/topologies.ts';

const file = '/project/topology.json';
const now = new Date('2026-11-21T12:00:00Z');

async function vcsPki(fs: MemoryFileSystem, ...args: string[]) {
  return runCli(args, { fs, now: () => now });
}

async function directory(topology: TopologyInput = collaborationEdge()): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  await fs.makeDirectory('/project');
  await declare(fs, topology);
  return fs;
}

async function declare(fs: MemoryFileSystem, topology: unknown): Promise<void> {
  await fs.writeFile(file, Buffer.from(typeof topology === 'string' ? topology : JSON.stringify(topology)), 0o644);
}

/** Runs `vcs-pki apply` and expects one error, that names place and fix, and files that stay as they were. */
async function expectRefused(
  fs: MemoryFileSystem,
  code: string,
  parts: readonly (string | RegExp)[],
  ...args: string[]
): Promise<string> {
  const before = contents(fs);
  const { code: exit, out, progress } = await vcsPki(fs, ...(args.length > 0 ? args : ['apply', file]));
  expect(exit, out + progress).toBeGreaterThan(0);
  const error = progress.slice(progress.indexOf('error '));
  expect(error.match(/^error /gm)).toHaveLength(1);
  expect(error).toContain(`error ${code}: `);
  expect(error).toMatch(/\n {2}fix: \S/);
  expect(error).not.toContain('    at ');
  for (const part of parts) expect(error).toMatch(part);
  expect(contents(fs)).toEqual(before);
  return error;
}

function contents(fs: MemoryFileSystem): Record<string, string> {
  return Object.fromEntries([...fs.files()].map(([path, { content }]) => [path, content.toString('base64')]));
}

async function applied(topology?: TopologyInput): Promise<MemoryFileSystem> {
  const fs = await directory(topology);
  expect((await vcsPki(fs, 'apply', file)).code).toBe(0);
  return fs;
}

async function replace(fs: MemoryFileSystem, path: string, change: (text: string) => string): Promise<void> {
  const inode = fs.files().get(path);
  if (!inode) throw new Error(`${path} is not there; there are ${[...fs.files().keys()].join(' ')}`);
  await fs.writeFile(path, Buffer.from(change(inode.content.toString())), inode.mode);
}

const core = (change: object): TopologyInput => {
  const topology = collaborationEdge();
  return {
    ...topology,
    clusters: topology.clusters?.map((cluster) => (cluster.id === 'core' ? { ...cluster, ...change } : cluster)) ?? [],
  };
};

describe('I10: declarations that cannot be', () => {
  it.each<[string, unknown, string, (string | RegExp)[]]>([
    [
      'an unknown product',
      core({ product: 'vcs' }),
      'INPUT_INVALID',
      ['clusters[0].product', 'vcs-control', 'seen: vcs'],
    ],
    ['an unknown release', core({ release: 'X99' }), 'INPUT_INVALID', ['clusters[0].release', 'X7.2, X8.1']],
    ['no peers', core({ peers: [] }), 'INPUT_INVALID', ['clusters[0].peers', 'add one']],
    ['text that is not JSON', '{ "name": ', 'INPUT_UNREADABLE', ['topology.json', 'not JSON']],
    ['a line that is not JSON', '{\n"name": "edge",\n}', 'INPUT_UNREADABLE', ['not JSON in line 3']],
    ['JSON that is not ours', { apiVersion: 'v1', kind: 'Pod' }, 'INPUT_INVALID', ['name']],
    ['a wildcard name', core({ chatNodeAliases: ['*.example.com'] }), 'RULES_BROKEN', ['NAME_WILDCARD', 'one by one']],
    ['an 8192-bit key', core({ key: 'rsa-8192' }), 'RULES_BROKEN', ['KEY_8192', 'rsa-4096']],
    ['no issuer', core({ issuer: undefined }), 'RULES_BROKEN', ['SELF_SIGNED', 'CertificateAuthority']],
  ])('%s', async (_, topology, code, parts) => {
    await expectRefused(await directory(topology as TopologyInput), code, parts.map(pattern));
  });

  it('a link that would not verify: nothing is issued', async () => {
    const topology = collaborationEdge();
    const zones = topology.zones?.map((zone) => ({ ...zone, tlsVerifySubjectName: 'other.example.com' })) ?? [];
    const fs = await directory({ ...topology, zones } as TopologyInput);
    await expectRefused(fs, 'PROOF_FAILED', [/step name/, /other\.example\.com/, /expc\.example\.com/]);
    expect(await fs.readDirectory('/project')).toEqual(['topology.json']);
  });

  it('a target that is not there', async () => {
    await expectRefused(await directory(), 'TARGET_UNUSABLE', [/nowhere\.json/], 'apply', '/project/nowhere.json');
  });
});

describe('I10: a PKI directory that is not what it should be', () => {
  const authority = '/project/pki/authorities/issuing-ca';

  it('a corrupted index.txt', async () => {
    const fs = await applied();
    await replace(fs, `${authority}/index.txt`, (text) => text.replace('V\t', 'V '));
    await expectRefused(fs, 'LEDGER_CORRUPT', [/index\.txt:1/, /index\.txt\.old/]);
  });

  it('D36: an emptied index.txt', async () => {
    const fs = await applied();
    await replace(fs, `${authority}/index.txt`, () => '');
    await expectRefused(fs, 'LEDGER_LOST_ENTRIES', [/index\.txt/, /un-revoke/]);
    await expectRefused(fs, 'LEDGER_LOST_ENTRIES', [/index\.txt/], 'crl', file);
  });

  it('a truncated PEM', async () => {
    const fs = await applied();
    await replace(fs, `${authority}/private/cakey.pem`, (text) => text.slice(0, 100));
    await expectRefused(fs, 'KEY_UNREADABLE', [/cakey\.pem/, /no END line/]);
  });

  it('a truncated key of a peer: found by plan, replaced by apply with a new certificate', async () => {
    const fs = await applied();
    await replace(fs, '/project/pki/certificates/core/expc1/server/1/key.pem', (text) => text.slice(0, 60));
    expect((await vcsPki(fs, 'plan', file)).out).toMatch(/issue +core\/expc1\/server .*its private key altered/);
    expect((await vcsPki(fs, 'apply', file)).code).toBe(0);
    expect((await vcsPki(fs, 'apply', file)).out).toContain('nothing to do');
  });

  it('a key that does not match its authority', async () => {
    const fs = await applied();
    const key = privateKeyPem(await generatePrivateKey('ec-p256')).reveal();
    await replace(fs, `${authority}/private/cakey.pem`, () => key);
    await declare(fs, collaborationEdge({ corePeers: ['expc1', 'expc2', 'expc3'] }));
    await expectRefused(fs, 'KEY_MISMATCH', [/cakey\.pem/, /same backup/]);
  });

  it('an encrypted authority key without its passphrase, and with a wrong one', async () => {
    const fs = await directory();
    await fs.writeFile('/project/passphrase', Buffer.from('correct horse\n'), 0o600);
    await fs.writeFile('/project/wrong', Buffer.from('battery staple\n'), 0o600);
    expect((await vcsPki(fs, 'apply', file, '--ca-passphrase-file', '/project/passphrase')).code).toBe(0);
    expect(fs.files().get(`${authority}/private/cakey.pem`)?.content.toString()).toContain(
      'BEGIN ENCRYPTED PRIVATE KEY',
    );
    await expectRefused(fs, 'KEY_ENCRYPTED', [/cakey\.pem/, /passphrase/]);
    await expectRefused(
      fs,
      'KEY_PASSPHRASE_WRONG',
      [/cakey\.pem/],
      'crl',
      file,
      '--ca-passphrase-file',
      '/project/wrong',
    );
    expect((await vcsPki(fs, 'crl', file, '--ca-passphrase-file', '/project/passphrase')).code).toBe(0);
  });

  it.each([
    ['apply', '--ca-passphrase-file'],
    ['apply', '--pkcs12-password-file'],
    ['crl', '--ca-passphrase-file'],
    ['import', '--password-file'],
    ['adopt', '--ca-passphrase-file'],
    ['check', '--password-file'],
    ['show', '--password-file'],
  ])('%s with an empty file for %s', async (command, option) => {
    const args = { adopt: ['/project/demoCA', 'root-ca'], import: ['x.pem', '--target'] }[command] ?? [];
    for (const content of ['', '\n']) {
      const fs = await directory();
      await fs.writeFile('/project/secret', Buffer.from(content), 0o600);
      const message = [/secret: is empty/, /write the secret into it/];
      await expectRefused(fs, 'INPUT_UNREADABLE', message, command, ...args, file, option, '/project/secret');
    }
  });

  it('an option for a passphrase whose variable was empty', async () => {
    await expectRefused(
      await directory(),
      'USAGE',
      [/name of a file is empty/],
      'apply',
      file,
      '--ca-passphrase-file',
      '',
    );
  });

  it('a lock file of another authority', async () => {
    const fs = await applied();
    const other = await applied();
    await fs.writeFile('/project/vcs-pki.lock.json', other.files().get('/project/vcs-pki.lock.json')!.content, 0o644);
    await expectRefused(fs, 'LOCK_MISMATCH', [/another key for root-ca/]);
  });

  it('a lock file without its PKI directory', async () => {
    const fs = await directory();
    await fs.writeFile(
      '/project/vcs-pki.lock.json',
      (await applied()).files().get('/project/vcs-pki.lock.json')!.content,
      0o644,
    );
    await expectRefused(fs, 'LOCK_MISMATCH', [/has no root-ca/, /restore/]);
  });

  it('a lock file of another topology, and one that is no JSON', async () => {
    const fs = await applied();
    await declare(fs, { ...collaborationEdge(), name: 'other' });
    await expectRefused(fs, 'LOCK_MISMATCH', [/edge-test, not of other/]);
    await declare(fs, collaborationEdge());
    await replace(fs, '/project/vcs-pki.lock.json', (text) => text.slice(10));
    await expectRefused(fs, 'LOCK_INVALID', [/vcs-pki\.lock\.json/]);
  });

  it('an authority whose declaration changed', async () => {
    const fs = await applied();
    const topology = collaborationEdge();
    const authorities =
      topology.authorities?.map((each) => ({ ...each, subject: { ...each.subject, organization: 'Changed' } })) ?? [];
    await declare(fs, { ...topology, authorities });
    await expectRefused(fs, 'AUTHORITY_CHANGED', [/organization Example -> Changed/, /new authority/]);
  });

  it('another topology with the same ids in one PKI directory', async () => {
    const fs = await applied();
    await declare(fs, { ...collaborationEdge(), name: 'other', storage: { lockFile: 'other.lock.json' } });
    await expectRefused(fs, 'OWNER_TAKEN', [/core\/expc1\/server/, /edge-test/]);
  });

  it('a clock that has gone back: the published list is not replaced by one from before', async () => {
    const fs = await applied();
    const before = contents(fs)['/project/pki/published/issuing-ca.crl'];
    const earlier = { fs, now: () => new Date('2026-11-20T12:00:00Z') };
    const refused = await runCli(['crl', file], earlier);
    expect(refused.progress).toContain('CRL_REFUSED');
    expect(contents(fs)['/project/pki/published/issuing-ca.crl']).toBe(before);
    expect((await runCli(['crl', file, '--after-clock-correction'], earlier)).code).toBe(0);
  });
});

describe('requirements 31-35: requests of appliances', () => {
  async function withRequest(
    dnsNames: string[],
    tamper: (pem: string) => string = (pem) => pem,
    privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ): Promise<TopologyInput> {
    const der = await createRequest(privateKey, {
      subject: { commonName: 'expc1.example.com' },
      dnsNames,
      purposes: ['serverAuth', 'clientAuth'],
    });
    const request = tamper(encodePem('CERTIFICATE REQUEST', der));
    return core({ peers: [{ id: 'expc1', hostName: 'expc1', domain: 'example.com', request }] });
  }

  it('are signed without a key ever being here', async () => {
    const fs = await applied(await withRequest(['expc1.example.com', 'expc.example.com']));
    const files = [...fs.files().keys()];
    expect(files).toContain('/project/pki/bundles/edge-test/core/expc1/server.pem');
    expect(files).not.toContain('/project/pki/bundles/edge-test/core/expc1/privatekey.pem');
    expect(files).not.toContain('/project/pki/certificates/core/expc1/server/1/key.pem');
    expect(fs.files().get('/project/pki/bundles/edge-test/core/expc1/README.txt')?.content.toString()).toContain(
      'Do not discard the signing request',
    );
  });

  it('with surplus names are refused before anything is written', async () => {
    const fs = await directory(await withRequest(['expc1.example.com', 'evil.example.org']));
    await expectRefused(fs, 'REQUEST_SURPLUS_NAMES', [/core\/expc1\/server/, /evil\.example\.org/, /discard/]);
  });

  it.each([
    ['a public exponent of 3', () => keyWithExponent(3), 'public exponent 3'],
    ['a modulus with a small factor', () => keyWithFactor(4093n), 'modulus divisible by 4093'],
  ])('D29: of a key with %s are refused, and a finding of check', async (_, key, value) => {
    const names = ['expc1.example.com', 'expc.example.com'];
    const topology = await withRequest(names, undefined, key());
    const fs = await directory(topology);
    await expectRefused(fs, 'KEY_WEAK', [/core\/expc1\/server/, /4096/, /discard the request/]);
    const checked = await vcsPki(fs, 'check', file, '--output', 'json');
    expect(checked.code).toBe(1);
    expect(JSON.parse(checked.out).findings).toContainEqual(
      expect.objectContaining({ code: 'RSA_KEY_WEAK', at: 'request of core/expc1/server', value }),
    );
  });

  it('with a signature that does not verify are refused', async () => {
    const flipped = await withRequest(['expc1.example.com'], (pem) => {
      const lines = pem.trim().split('\n');
      const at = lines.length - 2;
      const line = lines[at] ?? '';
      lines[at] = `${line[0] === 'A' ? 'B' : 'A'}${line.slice(1)}`;
      return `${lines.join('\n')}\n`;
    });
    await expectRefused(await directory(flipped), 'REQUEST_SIGNATURE_INVALID', [/core\/expc1\/server/]);
  });
});

describe('command lines', () => {
  it.each([
    [['frobnicate'], 2],
    [['apply', '--frobnicate'], 2],
    [['apply', 'a', 'b'], 2],
    [['apply', file, '--output', 'xml'], 2],
    [['revoke'], 2],
    [['revoke', 'core/expc9/server', file], 1],
    [['revoke', 'core/expc1/server', file, '--reason', 'boredom'], 2],
    [['issue', 'core/expc9/server', file], 1],
    [['crl', file, '--authority', 'nobody'], 1],
    [['show', '/project/nowhere.pem'], 1],
    [['prove', file, '--at', 'tomorrow'], 2],
  ])('vcs-pki %j ends with %i and says what to do', async (args, expected) => {
    const fs = await applied();
    const { code, progress } = await vcsPki(fs, ...args);
    if (args[0] === 'frobnicate') expect(code).toBe(2);
    else {
      expect(progress).toContain('fix: ');
      expect(code).toBe(expected);
    }
  });
});

function pattern(part: string | RegExp): RegExp {
  return typeof part === 'string' ? new RegExp(part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : part;
}

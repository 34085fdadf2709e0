import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readEvidenceFolder } from '../../src/cli/check/files.ts';
import { diskFileSystem } from '../../src/store/file-system.ts';
import { MemoryFileSystem } from '../../src/store/testing/memory-file-system.ts';
import type { ReleaseName } from '../../src/topology/releases/releases.ts';
import type { TopologyInput } from '../../src/topology/schema.ts';
import { isApplianceLog } from '../../src/verify/diagnosis/appliance-log.ts';
import {
  authorityCertificate,
  days,
  derOf,
  ecdsaWithSha1,
  files,
  found,
  type Holder,
  holder,
  keyPem,
  newKey,
  type PeerChange,
  peerCertificate,
  request,
  revocationList,
} from '../../src/verify/diagnosis/testing/evidence.ts';
import {
  basicConstraints,
  crlDistributionPoints,
  extendedKeyUsage,
  type KeyPurpose,
  keyUsage,
  subjectAlternativeName,
} from '../../src/x509/extensions.ts';
import { encodeName } from '../../src/x509/name.ts';
import { runCli } from '../support/cli.ts';
import { seeded } from '../support/random.ts';

/** A false alarm is a defect: of 500 bundles in which nothing is wrong nothing is said, not even advice. */

const random = seeded(36);
const maybe = (): boolean => random(2) === 0;
const oneOf = <T>(items: readonly [T, ...T[]]): T => items[random(items.length)] ?? items[0];

type Bundle = Record<string, string | Buffer>;

const rsa = (modulusLength: number): KeyObject => generateKeyPairSync('rsa', { modulusLength }).privateKey;
const rsaKeys: readonly [KeyObject, ...KeyObject[]] = [rsa(4096), ...Array.from({ length: 12 }, () => rsa(2048))];

/** Releases on which one certificate serves both roles and ECDSA is not documented, and those on which it is. */
const early = ['X7.2', 'X8.1', 'X8.5.2', 'X8.9', 'X8.11', 'X12.5', 'X14.0', 'X14.2'] as const;
const late = ['X14.3', 'X15.2', 'X15.4', 'X15.5'] as const;

// ---- authorities ---------------------------------------------------------------------------------------------------

interface Authority extends Holder {
  readonly pem: string;
  readonly above: Authority | undefined;
}

let authorities = 0;
const nextName = (what: string): Buffer => {
  authorities += 1;
  return encodeName({
    commonName: `Example ${what} CA ${authorities}`,
    organization: maybe() ? 'Example' : 'Example Ltd',
  });
};

/** From the issuing authority to the root, over up to two intermediate ones. */
function authority(url: string | undefined): Authority {
  const rootHolder = holder(nextName('Root'));
  let issuer: Authority = { ...rootHolder, pem: authorityCertificate(rootHolder), above: undefined };
  for (let depth = random(3); depth > 0; depth -= 1) {
    const below = holder(nextName('Issuing'));
    const extensions = [
      basicConstraints({ authority: true, ...(maybe() && { pathLength: depth - 1 }) }),
      keyUsage(['keyCertSign', 'cRLSign', 'digitalSignature']),
      ...(url === undefined ? [] : [crlDistributionPoints([url])]),
    ];
    issuer = { ...below, pem: authorityCertificate(below, issuer, { extensions }), above: issuer };
  }
  return issuer;
}

function chainOf(issuer: Authority): Authority[] {
  return issuer.above ? [issuer, ...chainOf(issuer.above)] : [issuer];
}

/** Roots that nothing here chains to; old ones signed themselves with SHA-1 and have the serial number 0. */
function foreignRoots(): string[] {
  return Array.from({ length: random(3) }, () => {
    const root = holder(nextName('Foreign'));
    const old = maybe() ? { algorithm: ecdsaWithSha1, serial: 0n } : {};
    return authorityCertificate(root, root, { ...old, keyUsages: maybe() ? [] : ['keyCertSign'] });
  });
}

// ---- bundles -------------------------------------------------------------------------------------------------------

interface Site {
  readonly release: ReleaseName | undefined;
  /** Where lists are fetched, if they are. */
  readonly url: string | undefined;
  readonly lists: boolean;
  readonly twoStores: boolean;
}

function certificateFor(subject: Holder, issuer: Authority, names: string[], usages: KeyPurpose[], site: Site): string {
  const { url } = site;
  const pem = peerCertificate(subject, issuer, {
    begin: days(-1 - random(200)),
    end: days(10 + random(700)),
    extensions: [
      basicConstraints({ authority: false }),
      keyUsage(['digitalSignature', 'keyEncipherment']),
      extendedKeyUsage(usages),
      subjectAlternativeName(names),
      ...(url === undefined ? [] : [crlDistributionPoints([url])]),
    ],
  });
  // As `openssl ca` writes it, as Windows does, or plain.
  return oneOf([pem, pem.replaceAll('\n', '\r\n'), `Certificate:\n    Data:\n        Version: 3 (0x2)\n${pem}`]);
}

interface Holding {
  readonly names: string[];
  readonly commonName: string;
  readonly key: KeyObject;
}

interface Issuers {
  readonly server: Authority;
  readonly client: Authority;
}

/** What one peer presents; all of a cluster that shares its certificate (13). */
function presented({ names, commonName, key }: Holding, issuers: Issuers, site: Site): Bundle {
  const subject = holder(encodeName({ commonName, organization: 'Example', country: 'GB' }), key);
  const both: KeyPurpose[] = ['serverAuth', 'clientAuth'];
  const server = certificateFor(subject, issuers.server, names, site.twoStores ? ['serverAuth'] : both, site);
  const client = holder(subject.name, newKey());
  return {
    'server.pem': server,
    ...(random(4) === 0 && { 'server.cer': derOf(server.slice(server.indexOf('-----BEGIN'))) }),
    ...(site.twoStores && {
      'client.pem': certificateFor(client, issuers.client, names, maybe() ? ['clientAuth'] : both, site),
      'client-privatekey.pem': keyPem(client.key),
    }),
  };
}

async function peerBundle(
  folder: string,
  holding: Holding,
  certificates: Bundle,
  issuers: Issuers,
  foreign: readonly string[],
  site: Site,
): Promise<Bundle> {
  const { key, commonName, names } = holding;
  const chain = [...new Set([...chainOf(issuers.server), ...(site.twoStores ? chainOf(issuers.client) : [])])];
  const withKey = maybe();
  const bundle: Bundle = {
    ...certificates,
    'ca.pem': [...chain.map(({ pem }) => pem), ...foreign].join(''),
    'README.txt': 'Load ca.pem first, then server.pem.',
    ...(site.lists && { 'crl.pem': chain.map((one) => revocationList(one)).join('') }),
    ...(withKey && { 'privatekey.pem': keyPem(key) }),
    ...(!withKey && key.asymmetricKeyType === 'ec' && { 'request.csr': await request(key, commonName, names) }),
  };
  return Object.fromEntries(Object.entries(bundle).map(([name, content]) => [`${folder}/${name}`, content]));
}

/** An inner and an outer cluster of up to four peers each, or one of them. */
async function site(): Promise<{ bundles: Bundle[]; release: ReleaseName | undefined }> {
  const modern = maybe();
  const release = random(4) === 0 ? undefined : modern ? oneOf(late) : oneOf(early);
  const twoStores = (release === 'X15.5' || release === undefined) && maybe();
  const url = random(3) === 0 ? 'http://pki.example.com/ca.crl' : undefined;
  const about: Site = { release, url, lists: maybe(), twoStores };
  const server = authority(url);
  const issuers = { server, client: twoStores ? authority(url) : server };
  const foreign = foreignRoots();
  const aliases = Array.from({ length: random(3) }, (_, index) => `chat${index}.example.com`);
  const shared = random(5) === 0;
  const nested = maybe();
  const bundles: Bundle[] = [];
  for (const kind of oneOf<readonly string[]>([['expc'], ['expe'], ['expc', 'expe']])) {
    const count = 1 + random(4);
    const cluster = count > 1 ? [`${kind}.example.com`] : [];
    const more = [...cluster, ...(kind === 'expe' && maybe() ? ['example.com'] : []), ...aliases];
    const keyOf = () => (modern && release !== undefined && maybe() ? newKey() : oneOf(rsaKeys));
    const peers = Array.from({ length: count }, (_, index) => `${kind}${index + 1}.example.com`);
    const forAll = { names: [...more, ...peers], commonName: cluster[0] ?? `${kind}1.example.com`, key: keyOf() };
    const ofAll = presented(forAll, issuers, about);
    for (const peer of peers) {
      const own = { names: [peer, ...more], commonName: maybe() ? (cluster[0] ?? peer) : peer, key: keyOf() };
      const holding = shared ? forAll : own;
      const certificates = shared ? ofAll : presented(own, issuers, about);
      bundles.push(await peerBundle(nested ? `${kind}/${peer}` : peer, holding, certificates, issuers, foreign, about));
    }
  }
  return { bundles, release };
}

describe('nothing is said', () => {
  it('of 500 bundles of many shapes', async () => {
    let count = 0;
    while (count < 500) {
      const { bundles, release } = await site();
      count += bundles.length;
      const artefacts = await files(Object.assign({}, ...bundles));
      expect(found(artefacts, release)).toEqual([]);
    }
  });

  it.each(['X14.3', 'X15.4', 'X15.5'] as const)('of what vcs-pki apply writes for %s', async (release) => {
    const fs = new MemoryFileSystem();
    await fs.makeDirectory('/project');
    await fs.writeFile('/project/topology.json', Buffer.from(JSON.stringify(declared(release))), 0o644);
    const world = { fs, now: () => days(0) };
    const { code, progress } = await runCli(['apply', 'topology.json'], world);
    expect(code, progress).toBe(0);
    const written = [...fs.files()].filter(([path]) => path.startsWith('/project/pki/bundles/'));
    const texts = written.filter(([path]) => path.endsWith('.txt')).map(([, { content }]) => content.toString());
    expect(texts.filter((text) => isApplianceLog(text))).toEqual([]);
    const artefacts = await files(Object.fromEntries(written.map(([path, { content }]) => [path, content])));
    expect(new Set(artefacts.map(({ path }) => dirname(path))).size).toBeGreaterThan(17);
    expect(found(artefacts, release)).toEqual([]);
    expect(found(artefacts)).toEqual([]);
  });
});

describe('nothing is said of what lies about at a site', () => {
  const root = holder('Example Root');
  const issuing = holder('Example Issuing');
  const list = authorityCertificate(root) + authorityCertificate(issuing, root);
  const certificate = (host: string, names: readonly string[], change: PeerChange = {}) =>
    peerCertificate(holder(`${host}.example.com`), issuing, {
      names: names.map((one) => `${one}.example.com`),
      ...change,
    });
  const past = { begin: days(-400), end: days(-35) };

  it.each<readonly [string, Bundle]>([
    [
      'an archive of last year, by the recipe of that time',
      {
        'server.pem': certificate('expe1', ['expe1', 'expe']),
        'ca.pem': list,
        'archive/server.pem': certificate('expe1', [], { ...past, algorithm: ecdsaWithSha1, usages: [] }),
        'archive/crl.pem': revocationList(issuing, { thisUpdate: days(-60), nextUpdate: days(-50) }),
      },
    ],
    [
      'peers under the name of their cluster, of which one has an alias more',
      {
        'a/server.pem': certificate('expe', ['expe1', 'expe'], { begin: days(-300) }),
        'b/server.pem': certificate('expe', ['expe2', 'expe', 'chat']),
        'ca.pem': list,
      },
    ],
    [
      'single appliances, of which two serve one domain',
      {
        'a/server.pem': peerCertificate(holder('vcs1.example.com'), issuing, {
          names: ['vcs1.example.com', 'example.com'],
        }),
        'b/server.pem': peerCertificate(holder('vcs2.example.com'), issuing, {
          names: ['vcs2.example.com', 'example.com'],
        }),
        'c/server.pem': certificate('vcs3', ['vcs3']),
        'ca.pem': list,
      },
    ],
    [
      'an inner and an outer appliance with one chat node alias',
      {
        'a/server.pem': certificate('vcs1', ['vcs1', 'chat']),
        'b/server.pem': certificate('vcs2', ['vcs2', 'chat']),
        'c/server.pem': certificate('vcs3', ['vcs3']),
        'ca.pem': list,
      },
    ],
    [
      'the two stores of X15.5 in a folder each',
      {
        'server/server.pem': certificate('expe1', ['expe1'], { usages: ['serverAuth'] }),
        'client/client.pem': certificate('expe1', ['expe1'], { usages: ['clientAuth'] }),
        'ca.pem': list,
      },
    ],
    [
      'what certbot leaves, and the root',
      {
        'cert.pem': certificate('expe1', ['expe1']),
        'chain.pem': authorityCertificate(issuing, root),
        'root.pem': authorityCertificate(root),
      },
    ],
  ])('%s', async (_, contents) => {
    expect(found(await files(contents))).toEqual([]);
  });
});

describe('nothing is said of the whole PKI directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-healthy-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('with its authorities, which are directories of openssl ca, and chains without roots', async () => {
    writeFileSync(join(folder, 'topology.json'), JSON.stringify(declared('X15.5')));
    const world = { fs: diskFileSystem, now: () => days(0), cwd: folder };
    const { code, progress } = await runCli(['apply', 'topology.json'], world);
    expect(code, progress).toBe(0);
    const { artefacts } = await readEvidenceFolder(join(folder, 'pki'), 'pki', undefined);
    expect(artefacts.filter(({ kind }) => kind === 'openssl directory')).toHaveLength(2);
    expect(found(artefacts, 'X15.5')).toEqual([]);
  });
});

/** Three clusters of six peers, one of them with a certificate for all. */
function declared(release: ReleaseName): TopologyInput {
  const peers = (kind: string) =>
    Array.from({ length: 6 }, (_, index) => `${kind}${index + 1}`).map((hostName) => ({
      id: hostName,
      hostName,
      domain: 'example.com',
    }));
  const cluster = (kind: string) => ({
    id: kind,
    release,
    key: 'ec-p256' as const,
    issuer: 'issuing',
    clusterName: `${kind}.example.com`,
    peers: peers(kind),
    ...(release === 'X15.5' && { clientCertificate: { issuer: 'root', key: 'ec-p256' as const } }),
  });
  return {
    name: 'healthy',
    authorities: [
      { id: 'root', subject: { commonName: 'Root' }, key: 'ec-p256', crl: { everyDays: 30, validDays: 90 } },
      { id: 'issuing', issuer: 'root', subject: { commonName: 'Issuing' }, key: 'ec-p256' },
    ],
    clusters: [
      { ...cluster('expc'), product: 'expressway-c', chatNodeAliases: ['chat.example.com'] },
      { ...cluster('expe'), product: 'expressway-e' },
      { ...cluster('lab'), product: 'expressway-c', certificateModel: 'shared' },
    ],
    domains: [{ name: 'example.com', unifiedCommunications: true }],
    zones: [{ kind: 'traversal', id: 'uc', client: 'expc', server: 'expe', unifiedCommunications: true }],
    trustLists: [{ id: 'trust', authorities: ['root', 'issuing'], appliesTo: ['expc', 'expe', 'lab'] }],
  };
}

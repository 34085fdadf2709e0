// npm run bench: figures of this machine, side by side in one run. Ratios hold where absolute figures do not.
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign, webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, LocalBackend, TerraformStack } from 'cdktf';
import { CertificateAuthority } from '../../constructs/certificate-authority.ts';
import { Domain } from '../../constructs/domain.ts';
import { PkiStorage } from '../../constructs/pki-storage.ts';
import { TraversalZone } from '../../constructs/traversal-zone.ts';
import { TrustList } from '../../constructs/trust-list.ts';
import { Release, VcsCluster } from '../../constructs/vcs-cluster.ts';
import { createAuthority, issueCertificates } from '../../src/authority/issue.ts';
import { type Issuer, localSigner } from '../../src/authority/issuer.ts';
import { MemoryLedger } from '../../src/authority/testing/memory-ledger.ts';
import { MemoryMaterial } from '../../src/authority/testing/memory-material.ts';
import { type Demand, demands } from '../../src/topology/demands.ts';
import { findings } from '../../src/topology/findings.ts';
import type { DemandId } from '../../src/topology/ids.ts';
import { links } from '../../src/topology/links/links.ts';
import type { TopologyInput } from '../../src/topology/schema.ts';
import { parseTopology } from '../../src/topology/topology.ts';
import type { PathCertificate } from '../../src/verify/path/path-certificate.ts';
import { predictAuthority, predictCrl, predictLeaf } from '../../src/verify/predict.ts';
import { prove } from '../../src/verify/prove.ts';
import { tool } from '../support/tools.ts';
import { collaborationEdge } from '../support/topologies.ts';
import { benchPaths } from './paths.ts';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function rate(count: number, started: number): number {
  return (count * 1000) / (performance.now() - started);
}

async function benchIssuing(): Promise<void> {
  say('\nEC P-256 certificates per second, one core, keys made beforehand');
  const ours = await issueOurs(2000);
  const raw = signRaw(2000);
  const peculiar = await issueWithPeculiar(200);
  const openssl = tool('openssl');
  say(`  raw signatures       ${raw.toFixed(0)}`);
  say(`  vcs-pki              ${ours.toFixed(0)}   (${((100 * ours) / raw).toFixed(0)} % of raw signing)`);
  say(
    `  @peculiar/x509       ${peculiar.toFixed(0)}   vcs-pki is ${(ours / peculiar).toFixed(1)} times as fast (goal: 10)`,
  );
  if (!openssl) say('  skipped: openssl x509 -req needs openssl');
  else {
    const rateOfOpenssl = issueWithOpenssl(openssl, 30);
    say(
      `  openssl x509 -req    ${rateOfOpenssl.toFixed(0)}   vcs-pki is ${(ours / rateOfOpenssl).toFixed(0)} times as fast (one process each)`,
    );
  }
}

/** Through the whole engine: request for a key, serial, every extension, ledger record, material; both in memory. */
async function issueOurs(count: number): Promise<number> {
  const topology = parseTopology(collaborationEdge(), 'bench');
  const [root] = topology.authorities;
  const [demand] = demands(topology);
  if (!root || !demand) throw new Error('the example is empty');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const material = new MemoryMaterial();
  const ledger = new MemoryLedger();
  const ports = {
    clock: { now: () => new Date() },
    random: { bytes: (size: number) => randomBytes(size) },
    material,
    compromised: async () => undefined,
  };
  const certificate = await createAuthority(
    root,
    { generation: 1, ledger, key: privateKey },
    undefined,
    { reason: 'bench', topology: 'bench', pathLength: 0 },
    ports,
  );
  const issuer: Issuer = {
    id: root.id,
    generation: 1,
    certificate,
    chain: [],
    signer: localSigner(privateKey),
    ledger,
    endpoints: { crlUrl: 'http://pki.example.com/crl/ca.crl' },
  };
  const leafKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const orders = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const id = `core/p${index}/server` as DemandId;
      await material.key({ demand: id }, 1, async () => leafKey);
      return { demand: { ...demand, id } satisfies Demand, issue: 1, reason: 'bench' };
    }),
  );
  await issueCertificates(orders.slice(0, 100), issuer, 'bench', ports, () => undefined);
  const started = performance.now();
  await issueCertificates(orders.slice(100), issuer, 'bench', ports, () => undefined);
  return rate(count - 100, started);
}

function signRaw(count: number): number {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const bytes = randomBytes(600);
  const started = performance.now();
  for (let index = 0; index < count; index++) sign('sha256', bytes, privateKey);
  return rate(count, started);
}

async function issueWithPeculiar(count: number): Promise<number> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const ca = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const leaf = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const issue = async () =>
    x509.X509CertificateGenerator.create({
      serialNumber: randomBytes(16).toString('hex'),
      issuer: 'O=Example, CN=Example UC Issuing CA',
      subject: 'CN=expc1.example.com',
      notBefore: new Date(),
      notAfter: new Date(Date.now() + 365 * 24 * 3600 * 1000),
      signingAlgorithm: algorithm,
      publicKey: leaf.publicKey,
      signingKey: ca.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension([
          { type: 'dns', value: 'expc1.example.com' },
          { type: 'dns', value: 'expc.example.com' },
        ]),
        await x509.SubjectKeyIdentifierExtension.create(leaf.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
        new x509.CRLDistributionPointsExtension(['http://pki.example.com/crl/ca.crl']),
      ],
    });
  for (let index = 0; index < 20; index++) await issue();
  const started = performance.now();
  for (let index = 0; index < count; index++) await issue();
  return rate(count, started);
}

function issueWithOpenssl(openssl: string, count: number): number {
  const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-bench-'));
  try {
    const at = (name: string) => join(folder, name);
    const quiet = { stdio: 'ignore' as const };
    execFileSync(
      openssl,
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        at('ca.key'),
        '-out',
        at('ca.pem'),
        '-subj',
        '/CN=CA',
      ],
      quiet,
    );
    execFileSync(
      openssl,
      [
        'req',
        '-new',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        at('leaf.key'),
        '-out',
        at('leaf.csr'),
        '-subj',
        '/CN=expc1.example.com',
      ],
      quiet,
    );
    writeFileSync(
      at('ext'),
      'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:expc1.example.com\n',
    );
    const started = performance.now();
    for (let index = 0; index < count; index++) {
      execFileSync(
        openssl,
        [
          'x509',
          '-req',
          '-in',
          at('leaf.csr'),
          '-CA',
          at('ca.pem'),
          '-CAkey',
          at('ca.key'),
          '-set_serial',
          `0x${randomBytes(16).toString('hex')}`,
          '-extfile',
          at('ext'),
          '-out',
          at('leaf.pem'),
        ],
        quiet,
      );
    }
    return rate(count, started);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Pairs of clusters with a unified communications zone each, six peers on both sides. */
function manyClusters(count: number): TopologyInput {
  const peers = (cluster: string) =>
    Array.from({ length: 6 }, (_, index) => ({
      id: `p${index}`,
      hostName: `${cluster}-p${index}`,
      domain: 'example.com',
    }));
  const pairs = Array.from({ length: count / 2 }, (_, index) => index);
  const cluster = (id: string, product: 'expressway-c' | 'expressway-e') => ({
    id,
    product,
    release: 'X8.1' as const,
    issuer: 'issuing-ca',
    clusterName: `${id}.example.com`,
    peers: peers(id),
  });
  const { authorities = [] } = collaborationEdge();
  return {
    name: 'many',
    authorities,
    clusters: pairs.flatMap((index) => [
      cluster(`core-${index}`, 'expressway-c'),
      cluster(`edge-${index}`, 'expressway-e'),
    ]),
    domains: [{ name: 'example.com', unifiedCommunications: true }],
    zones: pairs.map((index) => ({
      kind: 'traversal',
      id: `uc-${index}`,
      client: `core-${index}`,
      server: `edge-${index}`,
      unifiedCommunications: true,
    })),
    trustLists: [
      {
        id: 'trust',
        authorities: ['root-ca', 'issuing-ca'],
        appliesTo: pairs.flatMap((index) => [`core-${index}`, `edge-${index}`]),
      },
    ],
  };
}

/** A stack with the constructs of a declaration, synthesized: cdk.tf.json, topology.json and a manifest per certificate. */
function synthesize({ authorities = [], clusters = [], domains = [], zones = [] }: TopologyInput): void {
  const outdir = mkdtempSync(join(tmpdir(), 'vcs-pki-bench-'));
  try {
    const app = new App({ outdir });
    const stack = new TerraformStack(app, 'many');
    new LocalBackend(stack, { path: 'terraform.tfstate' });
    new PkiStorage(stack, 'Storage', { directory: join(outdir, 'pki'), lockFile: join(outdir, 'lock.json') });
    const made = new Map<string, CertificateAuthority>();
    for (const { id, issuer, subject } of authorities) {
      const parent = issuer === undefined ? undefined : made.get(issuer);
      made.set(
        id,
        new CertificateAuthority(stack, id, {
          subject: { commonName: subject.commonName },
          ...(parent && { issuer: parent }),
        }),
      );
    }
    const issuing = made.get('issuing-ca');
    if (!issuing) throw new Error('the bench topology has no issuing authority');
    const members = new Map<string, VcsCluster>();
    for (const { id, product, clusterName = '', peers } of clusters) {
      const cluster = new VcsCluster(stack, id, { product, release: Release.X8_1, clusterName, issuer: issuing });
      for (const { hostName, domain } of peers) cluster.addPeer(`${hostName}.${domain}`);
      members.set(id, cluster);
    }
    const member = (id: string): VcsCluster => {
      const cluster = members.get(id);
      if (!cluster) throw new Error(`no cluster ${id}`);
      return cluster;
    };
    for (const { name } of domains) new Domain(stack, name, { name, unifiedCommunications: true });
    for (const zone of zones) {
      if (zone.kind === 'neighbor') continue;
      new TraversalZone(stack, zone.id, {
        client: member(zone.client),
        server: member(zone.server),
        unifiedCommunications: true,
      });
    }
    new TrustList(stack, 'Trust', { authorities: [...made.values()], appliesTo: [...members.values()] });
    app.synth();
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** From the declaration to the verdict on every link, as `npm start` does before it issues. */
function synthesizeAndProve(input: TopologyInput): number {
  synthesize(input);
  const { topology, verdicts } = judge(input);
  createHash('sha256').update(JSON.stringify(topology)).digest('hex');
  return verdicts.length;
}

/** Rules and proof of a declaration that must be sound. */
function judge(input: TopologyInput) {
  const now = new Date();
  const topology = parseTopology(input, 'bench');
  const wanted = demands(topology);
  const broken = findings(topology, now).filter((finding) => finding.severity === 'error');
  if (broken.length > 0) throw new Error(`the bench topology breaks a rule: ${broken[0]?.message}`);
  const [root, issuing] = topology.authorities;
  if (!root || !issuing) throw new Error('the bench topology has no authorities');
  const rootCertificate = predictAuthority(root, undefined, 1, now);
  const issuer = predictAuthority(issuing, rootCertificate, 0, now);
  const nextUpdate = new Date(now.getTime() + 7 * 24 * 3600 * 1000);
  const list = (signer: PathCertificate) => predictCrl(signer, { thisUpdate: now, nextUpdate, revoked: new Set() });
  const trusted = [rootCertificate, issuer];
  const verdicts = prove(
    links(topology),
    {
      certificates: new Map(wanted.map((demand) => [demand.id, predictLeaf(demand, issuer, now)])),
      sent: new Map(),
      trustLists: new Map(topology.clusters.map(({ id }) => [id, trusted])),
      revocationLists: trusted.map(list),
      elsewhere: new Set(),
    },
    now,
  );
  const refused = verdicts.filter(({ verdict }) => verdict !== 'accepted');
  if (refused.length > 0) throw new Error(`refused: ${refused[0]?.link.id}`);
  return { topology, verdicts };
}

function benchScale(): void {
  say('\nSynthesis (constructs, cdk.tf.json, topology, manifests) and proof of every link; 6 peers per cluster');
  synthesizeAndProve(manyClusters(100));
  let before: { count: number; seconds: number } | undefined;
  for (const count of [100, 300, 1000]) {
    const input = manyClusters(count);
    const runs = Array.from({ length: 3 }, () => {
      const started = performance.now();
      const proven = synthesizeAndProve(input);
      return { proven, seconds: (performance.now() - started) / 1000 };
    }).sort((a, b) => a.seconds - b.seconds);
    const [, median] = runs;
    if (!median) throw new Error('no run');
    const growth = before
      ? `, ${(median.seconds / before.seconds).toFixed(1)} times the time for ${(count / before.count).toFixed(1)} times the clusters`
      : '';
    say(`  ${String(count).padStart(5)} clusters, ${median.proven} links: ${median.seconds.toFixed(2)} s${growth}`);
    before = { count, seconds: median.seconds };
  }
  say('  goal: 1000 clusters in 5 s, linear');
}

/** The largest thing that is declared: every peer dials every other, and all of it is proved. */
function benchRules(): void {
  say('\nRules and proof: 6 peers per cluster, Enforce among them, mobile and remote access between each two');
  const enforcing = (count: number): TopologyInput => {
    const input = manyClusters(count);
    const clusters = (input.clusters ?? []).map((cluster) => ({
      ...cluster,
      release: 'X14.3',
      clusterTls: 'enforce' as const,
    }));
    return { ...input, clusters };
  };
  judge(enforcing(100));
  let before: { count: number; seconds: number } | undefined;
  for (const count of [100, 300, 1000]) {
    const input = enforcing(count);
    const runs = Array.from({ length: 3 }, () => {
      const started = performance.now();
      const { verdicts } = judge(input);
      return { links: verdicts.length, seconds: (performance.now() - started) / 1000 };
    }).sort((a, b) => a.seconds - b.seconds);
    const [, median] = runs;
    if (!median) throw new Error('no run');
    const growth = before
      ? `, ${(median.seconds / before.seconds).toFixed(1)} times the time for ${(count / before.count).toFixed(1)} times the clusters`
      : '';
    const per = ((median.seconds / median.links) * 10_000).toFixed(2);
    say(
      `  ${String(count).padStart(5)} clusters, ${median.links} links: ${median.seconds.toFixed(2)} s, ${per} s per 10,000 links${growth}`,
    );
    before = { count, seconds: median.seconds };
  }
  say('  goal: 1000 clusters in 5 s, linear');
}

/** Whole processes of the built command, as Terraform starts them. */
function benchStart(): void {
  say('\nStart of the command, milliseconds, median of 9 (goals: 150 and 250)');
  const root = join(import.meta.dirname, '../..');
  const bin = join(root, 'dist/bin/cli/main.js');
  const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-bench-'));
  try {
    writeFileSync(join(folder, 'topology.json'), JSON.stringify(collaborationEdge()));
    const start = (args: readonly string[]) => execFileSync(process.execPath, args, { cwd: folder, stdio: 'ignore' });
    const median = (args: readonly string[]) => {
      const times = Array.from({ length: 9 }, () => {
        const started = performance.now();
        start(args);
        return performance.now() - started;
      }).sort((a, b) => a - b);
      return times[4] ?? 0;
    };
    start([bin, 'apply', 'topology.json']);
    const bare = median(['-e', '0']);
    say(`  node -e 0                            ${bare.toFixed(0)}`);
    for (const args of [['--version'], ['issue', 'core/expc1/server', 'topology.json']]) {
      const time = median([bin, ...args]);
      say(
        `  vcs-pki ${args.join(' ').padEnd(28)} ${time.toFixed(0)}   (${(time / bare).toFixed(1)} times node itself)`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await benchIssuing();
await benchPaths(say);
benchScale();
benchRules();
benchStart();

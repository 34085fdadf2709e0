import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Fn, type TerraformStack, TerraformVariable, Token } from 'cdktf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VcsPkiError } from '../src/errors.ts';
import { parseTopology } from '../src/topology/topology.ts';
import { collaborationEdge, Synthesis } from '../test/support/synthesis.ts';
import { CertificateAuthority, Domain, NeighborZone, Product, Release, TrustList, VcsCluster } from './index.ts';

let synthesis: Synthesis;
let stack: TerraformStack;
beforeEach(() => {
  synthesis = new Synthesis();
  stack = synthesis.stack(new App({ outdir: join(synthesis.folder, 'cdktf.out') }), 'edge');
});
afterEach(() => synthesis.remove());

/** The error of a declaration, thrown at once: at the line that is wrong. */
function errorOf(declare: () => unknown): VcsPkiError {
  try {
    declare();
  } catch (error) {
    if (error instanceof VcsPkiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const cluster = (props = {}) =>
  new VcsCluster(stack, 'Core', { product: Product.EXPRESSWAY_C, release: Release.X8_1, ...props });
/** Past the compiler, as from JavaScript. */
const anything = (value: object) => value;

describe('a declaration', () => {
  it('gives each part its id, and a peer the name of its host', () => {
    const { root, inside } = collaborationEdge(stack);
    const odd = inside.addPeer('expc1.example.org', { peerId: 'reserve' });
    expect([root.authorityId, inside.clusterId]).toEqual(['root-ca', 'core']);
    expect(inside.peers.map(({ fqdn }) => fqdn)).toEqual([
      'expc1.example.com',
      'expc2.example.com',
      'expc1.example.org',
    ]);
    expect(inside.peers.map(({ declaration }) => declaration.id)).toEqual(['expc1', 'expc2', 'reserve']);
    expect(odd.declaration).toEqual({ id: 'reserve', hostName: 'expc1', domain: 'example.org' });
  });

  it('says no more than it must: the rest are the defaults of the topology', () => {
    const { topology } = synthesis.synth((own) => {
      const { inside, outside } = collaborationEdge(own);
      new NeighborZone(own, 'Twin', { cluster: inside, neighbor: outside });
    });
    const declared = parseTopology(topology, 'topology.json');
    expect(declared.authorities[0]).toMatchObject({
      key: 'rsa-4096',
      lifetimeDays: 3650,
      crl: { dailyUpdateUtc: '02:00', everyDays: 1, validDays: 7 },
    });
    expect(declared.clusters[0]).toMatchObject({
      certificateModel: 'per-peer',
      key: 'rsa-2048',
      lifetimeDays: 365,
      onRemoval: 'revoke',
      revocationChecking: true,
      crlUpdateTimeUtc: '06:00',
    });
    expect(declared.zones).toMatchObject([
      { kind: 'traversal', id: 'uc', client: 'core', server: 'edge', tlsVerify: true },
      { kind: 'neighbor', id: 'twin', cluster: 'core', neighbor: 'edge', tlsVerify: true },
    ]);
  });

  it('hands out copies: a list that a caller changes is not the declaration', () => {
    const aliases = ['chat.example.com'];
    const { topology } = synthesis.synth((own) => {
      const { inside } = collaborationEdge(own, { chatNodeAliases: aliases });
      aliases.push('later.example.com');
      expect(inside.peers).not.toBe(inside.peers);
    });
    expect(topology).toMatchObject({ clusters: [{ chatNodeAliases: ['chat.example.com'] }, {}] });
  });
});

describe('errors at the line that is wrong (I10)', () => {
  it.each([
    ['product', { product: 'expressway-x' }, 'vcs-control, vcs-expressway, expressway-c, expressway-e'],
    ['release', { release: 'X9' }, 'X7.2, X8.1'],
    ['key', { key: 'rsa-1024' }, 'rsa-2048'],
    ['clusterName', { clusterName: 'expc' }, 'expc1.example.com'],
    ['lifetimeDays', { lifetimeDays: 0 }, '1 or more'],
    ['crlUpdateTimeUtc', { crlUpdateTimeUtc: '6:00' }, '02:30'],
  ])('unknown %s: the field, its value and what to write', (field, props, fix) => {
    const error = errorOf(() => cluster(anything(props)));
    expect(error).toMatchObject({ code: 'INPUT_INVALID', at: `edge/Core: ${field}` });
    expect(error.value).toBe(String(Object.values(props)[0]));
    expect(error.fix).toContain(fix);
  });

  it('a field that there is none of', () => {
    expect(errorOf(() => cluster(anything({ relase: 'X8.1' })))).toMatchObject({
      at: 'edge/Core',
      message: expect.stringContaining('has no field relase'),
    });
  });

  it.each(['expc_1.example.com', '*.example.com', 'EXPC1.example.com', 'expc1', 'expc1..example.com'])(
    'requirement 16: %j is no FQDN of a peer',
    (name) => {
      const error = errorOf(() => cluster().addPeer(name));
      expect(error.at).toMatch(/^edge\/Core\/.*: fqdn$/);
      expect(error).toMatchObject({ value: name, fix: 'write it like expc1.example.com' });
    },
  );

  it('a peer twice', () => {
    const core = cluster();
    core.addPeer('expc1.example.com');
    expect(errorOf(() => core.addPeer('expc1.example.com'))).toMatchObject({
      at: 'edge/Core: peers',
      value: 'expc1.example.com',
      fix: 'remove one of the two',
    });
  });

  it('a file that is not there, or holds something else', () => {
    const core = cluster();
    const requestFile = join(synthesis.folder, 'expc1.csr');
    expect(errorOf(() => core.addPeer('expc1.example.com', { requestFile }))).toMatchObject({
      code: 'INPUT_UNREADABLE',
      at: 'edge/Core/expc1.example.com: requestFile',
      value: requestFile,
      fix: expect.stringContaining('generate the request on expc1.example.com'),
    });
    writeFileSync(requestFile, '-----BEGIN CERTIFICATE-----');
    expect(errorOf(() => core.addPeer('expc2.example.com', { requestFile }))).toMatchObject({
      code: 'INPUT_INVALID',
      at: 'edge/Core/expc2.example.com: request',
    });
    expect(
      errorOf(() => new TrustList(stack, 'Trust', { certificateFiles: [requestFile, 'gone'], appliesTo: [core] })),
    ).toMatchObject({ code: 'INPUT_UNREADABLE', at: 'edge/Trust: certificateFiles', value: 'gone' });
  });
});

describe('a reference that Terraform will only know later', () => {
  const refusal = { code: 'INPUT_INVALID', fix: 'give a plain string' };
  const variable = () => new TerraformVariable(stack, 'variable', { type: 'string' });

  it.each<[string, string, () => unknown]>([
    ['a name', 'edge/Core: clusterName', () => cluster({ clusterName: variable().stringValue })],
    ['part of a name', 'edge/Example: name', () => new Domain(stack, 'Example', { name: `uc.${variable().value}` })],
    ['a number', 'edge/Core: lifetimeDays', () => cluster({ lifetimeDays: variable().numberValue })],
    ['an item', 'edge/Core: chatNodeAliases', () => cluster({ chatNodeAliases: ['a.b', variable().stringValue] })],
    ['a list', 'edge/Core: chatNodeAliases', () => cluster({ chatNodeAliases: Token.asList(variable().value) })],
    [
      'a field within',
      'edge/RootCa: subject',
      () => new CertificateAuthority(stack, 'RootCa', { subject: { commonName: Fn.upper('x') } }),
    ],
    [
      'an address',
      'edge/RootCa: crl',
      () =>
        new CertificateAuthority(stack, 'RootCa', {
          subject: { commonName: 'Root' },
          crl: { baseUrl: `http://${variable().stringValue}/` },
        }),
    ],
  ])('is refused as %s', (_, at, declare) => {
    expect(errorOf(declare)).toMatchObject({ ...refusal, at });
  });

  it('is refused as the name of a peer', () => {
    expect(errorOf(() => cluster().addPeer(`${variable().stringValue}.example.com`))).toMatchObject({
      ...refusal,
      at: expect.stringMatching(/: fqdn$/),
    });
  });
});

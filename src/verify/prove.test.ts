import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { demands } from '../topology/demands.ts';
import { links } from '../topology/links/links.ts';
import { parseTopology } from '../topology/topology.ts';
import { encodeName, readName } from '../x509/name.ts';
import type { PathCertificate, PathCrl } from './path/path-certificate.ts';
import { predictAuthority, predictCrl, predictLeaf } from './predict.ts';
import { type Evidence, prove } from './prove.ts';

const now = new Date('2026-11-21T12:00:00Z');
const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });
const cluster = { release: 'X8.1' as const, issuer: 'issuing' };
const topology = parseTopology(
  {
    name: 'test',
    authorities: [
      { id: 'root', subject: { commonName: 'Root' } },
      { id: 'issuing', issuer: 'root', subject: { commonName: 'Issuing' } },
    ],
    clusters: [
      { ...cluster, id: 'core', product: 'expressway-c', clusterName: 'expc.example.com', peers: [peer('expc1')] },
      { ...cluster, id: 'edge', product: 'expressway-e', clusterName: 'expe.example.com', peers: [peer('expe1')] },
    ],
    zones: [{ kind: 'traversal', id: 'uc', client: 'core', server: 'edge' }],
  },
  'test',
);
const [rootAuthority, issuingAuthority] = topology.authorities;
if (!rootAuthority || !issuingAuthority) throw new Error('the topology has two authorities');
const root = predictAuthority(rootAuthority, undefined, 1, now);
const issuing = predictAuthority(issuingAuthority, root, 0, now);
const SERIAL = 0x4a01n;
const list = (signer: PathCertificate, change: { nextUpdate?: Date; revoked?: bigint[] } = {}) =>
  predictCrl(signer, {
    thisUpdate: now,
    nextUpdate: change.nextUpdate ?? new Date('2026-11-28T12:00:00Z'),
    revoked: new Set(change.revoked),
  });

interface Change {
  certificates?: (demand: string, predicted: PathCertificate) => PathCertificate;
  trustLists?: [string, PathCertificate[]][];
  revocationLists?: PathCrl[];
  at?: Date;
}

function verdict(change: Change = {}) {
  const certificates = demands(topology).map((demand): [string, PathCertificate] => {
    const predicted = { ...predictLeaf(demand, issuing, now), serialNumber: SERIAL };
    return [demand.id, change.certificates?.(demand.id, predicted) ?? predicted];
  });
  const both = [root, issuing];
  const evidence: Evidence = {
    certificates: new Map(certificates),
    sent: new Map(),
    trustLists: new Map(
      change.trustLists ?? [
        ['core', both],
        ['edge', both],
      ],
    ),
    revocationLists: change.revocationLists ?? both.map((signer) => list(signer)),
    elsewhere: new Set(),
  };
  const [first] = prove(links(topology), evidence, change.at ?? now);
  return {
    verdict: first?.verdict,
    until: first?.until,
    refusals: first?.refusals.map(({ by, step, message, diagnosis }) => ({ by, step, message, diagnosis })),
    fixes: first?.refusals.map(({ fix }) => fix),
  };
}

describe('a link', () => {
  it('is accepted, and says what will end that first', () => {
    expect(verdict()).toEqual({
      verdict: 'accepted',
      refusals: [],
      fixes: [],
      until: { at: new Date('2026-11-28T12:00:00Z'), because: 'the revocation list of Issuing expires' },
    });
  });

  it('requirement 42: is refused by the end whose trust list lacks the root', () => {
    expect(
      verdict({
        trustLists: [
          ['core', [issuing]],
          ['edge', [root, issuing]],
        ],
      }).refusals,
    ).toEqual([
      { by: 'core/expc1', step: 'chain', message: 'Root is not on the trust list of core', diagnosis: 'D10' },
    ]);
  });

  it('D07, D08: is refused where the intermediate is neither trusted nor sent', () => {
    const { refusals } = verdict({
      trustLists: [
        ['core', [root]],
        ['edge', [root]],
      ],
    });
    expect(refusals?.map(({ by, step }) => [by, step])).toEqual([
      ['core/expc1', 'chain'],
      ['edge/expe1', 'chain'],
    ]);
    expect(refusals?.[0]?.message).toContain('neither on the trust list of core nor sent by expe1.example.com');
  });

  it('D08: is accepted where the presenter sends the intermediate from its own list', () => {
    expect(
      verdict({
        trustLists: [
          ['core', [root]],
          ['edge', [root, issuing]],
        ],
      }).refusals?.map(({ by }) => by),
    ).toEqual([]);
  });

  it('requirement 3: is refused when the certificate is revoked', () => {
    const revocationLists = [list(root), list(issuing, { revoked: [SERIAL] })];
    expect(verdict({ revocationLists }).refusals?.[0]).toMatchObject({
      by: 'core/expc1',
      step: 'revocation',
      message: 'expe1.example.com was revoked on 2026-11-21',
    });
  });

  it('requirement 52: is refused when the root has no list', () => {
    expect(verdict({ revocationLists: [list(issuing)] }).refusals?.[0]).toMatchObject({
      step: 'revocation',
      message: 'there is no revocation list of Root',
      diagnosis: 'D16',
    });
  });

  it('requirement 59: is refused when a list has expired', () => {
    expect(verdict({ at: new Date('2026-11-29T00:00:00Z') }).refusals?.[0]?.message).toContain(
      'all its certificates count as revoked',
    );
  });

  it('requirements 20 and 23: is refused by the server when the client certificate is for servers only', () => {
    const serverOnly = verdict({
      certificates: (id, predicted) =>
        id.startsWith('core') ? { ...predicted, extendedKeyUsage: ['serverAuth'] } : predicted,
    });
    expect(serverOnly.refusals).toEqual([
      {
        by: 'edge/expe1',
        step: 'usage',
        message:
          'expc1.example.com is for serverAuth, not for clientAuth; expc1.example.com is the TLS client of this link',
        diagnosis: 'D14',
      },
    ]);
    expect(serverOnly.fixes).toEqual([
      'have it issued with the extended key usage clientAuth (TLS Web Client Authentication) too (requirements 20, 23)',
    ]);
  });

  it('requirements 20 and 23: says so of the authority where that is what is limited to servers', () => {
    const limited: PathCertificate = { ...issuing, extendedKeyUsage: ['serverAuth'] };
    const { refusals, fixes } = verdict({
      certificates: (_, predicted) => ({ ...predicted, isSignedBy: (issuer) => issuer === limited }),
      trustLists: [
        ['core', [root, limited]],
        ['edge', [root, limited]],
      ],
      revocationLists: [list(root), { ...list(issuing), isSignedBy: (issuer) => issuer === limited }],
    });
    expect(refusals).toMatchObject([
      {
        by: 'edge/expe1',
        step: 'usage',
        message: expect.stringMatching(/^Issuing is for serverAuth, not for clientAuth/),
      },
    ]);
    expect(fixes).toEqual([
      'the authority is limited, and nothing below it is for more: let one issue whose certificate has the extended key usage clientAuth (TLS Web Client Authentication), or no extended key usage',
    ]);
  });

  it('says so of the key usage where TLS needs another', () => {
    const encipher = verdict({
      certificates: (id, predicted) =>
        id.startsWith('core') ? { ...predicted, keyUsage: ['keyEncipherment'] } : predicted,
    });
    expect(encipher.refusals).toMatchObject([{ by: 'edge/expe1', step: 'usage' }]);
    expect(encipher.fixes).toEqual(['have it issued with the key usage digitalSignature (requirements 20, 23)']);
  });

  it('D29, D30: is refused where a key or a signature is too weak, by both ends', () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    const keyed = verdict({ certificates: (_, predicted) => ({ ...predicted, publicKey: () => small }) });
    expect(keyed.refusals?.map(({ by, diagnosis }) => [by, diagnosis])).toEqual([
      ['core/expc1', 'D29'],
      ['edge/expe1', 'D29'],
    ]);
    const signed = verdict({
      certificates: (_, predicted) => ({ ...predicted, signatureAlgorithmName: 'rsassaPss with sha1' }),
    });
    expect(signed.refusals?.map(({ diagnosis }) => diagnosis)).toEqual(['D30', 'D30']);
  });

  it('is refused where nobody can verify a signature, for its algorithm and not for a key', () => {
    const unknown = (signatureAlgorithmName: string) =>
      verdict({
        certificates: (id, predicted) =>
          id.startsWith('edge') ? { ...predicted, signatureAlgorithmName, isSignedBy: () => false } : predicted,
      }).refusals;
    expect(unknown('1.2.3.4')).toEqual([
      {
        by: 'core/expc1',
        step: 'chain',
        message: 'expe1.example.com is signed with 1.2.3.4, an algorithm that is not supported',
        diagnosis: undefined,
      },
    ]);
    expect(unknown('md5WithRSAEncryption')).toMatchObject([{ diagnosis: 'D30' }]);
  });

  it('is refused when the certificate has expired, or is not valid yet', () => {
    const revocationLists = [root, issuing].map((signer) => list(signer, { nextUpdate: new Date('2040-01-01') }));
    expect(verdict({ at: new Date('2027-11-23T00:00:00Z'), revocationLists }).refusals?.[0]).toMatchObject({
      step: 'dates',
      message: 'expe1.example.com expired on 2027-11-21',
    });
    expect(verdict({ at: new Date('2026-11-20T00:00:00Z') }).refusals?.[0]).toMatchObject({ step: 'dates' });
  });

  it('D11: is refused for another name, and says which there are', () => {
    const renamed = verdict({
      certificates: (id, predicted) =>
        id.startsWith('edge')
          ? {
              ...predicted,
              subject: readName(encodeName({ commonName: 'x.example.com' })),
              alternativeNames: [{ kind: 'DNS', value: 'y.example.com' }],
            }
          : predicted,
    });
    expect(renamed.refusals).toEqual([
      {
        by: 'core/expc1',
        step: 'name',
        message:
          'Peer address of zone uc on core is expe1.example.com, but the certificate of expe1.example.com has only y.example.com, x.example.com',
        diagnosis: 'D11',
      },
    ]);
  });

  it('is refused when there is no certificate at all', () => {
    const trustLists = new Map([
      ['core', [root, issuing]],
      ['edge', [root, issuing]],
    ]);
    const evidence: Evidence = {
      certificates: new Map(),
      sent: new Map(),
      trustLists,
      revocationLists: [],
      elsewhere: new Set(),
    };
    const refusals = prove(links(topology), evidence, now)[0]?.refusals;
    expect(refusals?.map(({ step }) => step)).toEqual(['chain', 'chain']);
    expect(refusals?.[0]?.fix).toBe(
      'give its cluster an issuer and run vcs-pki apply; what an authority elsewhere has signed comes in with vcs-pki import',
    );
  });

  it('requirement 13: names the peer that is asked, where all have one certificate', () => {
    const shared = parseTopology(
      {
        ...topology,
        clusters: topology.clusters.map((cluster) =>
          cluster.id === 'core'
            ? { ...cluster, certificateModel: 'shared', peers: [peer('expc1'), peer('expc2')] }
            : cluster,
        ),
      },
      'test',
    );
    const trustLists = new Map(['core', 'edge'].map((id) => [id, [root, issuing]]));
    const revocationLists = [root, issuing].map((signer) => list(signer));
    const nothing = { certificates: new Map(), sent: new Map(), trustLists, revocationLists, elsewhere: new Set([]) };
    const messages = prove(links(shared), nothing, now).map(
      ({ link, refusals }) => `${link.client.name}: ${refusals.at(-1)?.message}`,
    );
    expect(messages.slice(0, 2)).toEqual([
      'core/expc1: expc1.example.com has no certificate',
      'core/expc2: expc2.example.com has no certificate',
    ]);
  });

  it('says what it could not check where a trust list is not declared', () => {
    const certificates = new Map(demands(topology).map((demand) => [demand.id, predictLeaf(demand, issuing, now)]));
    const [first] = prove(
      links(topology),
      { certificates, sent: new Map(), trustLists: new Map(), revocationLists: [], elsewhere: new Set() },
      now,
    );
    expect(first).toMatchObject({
      verdict: 'unknown',
      unchecked: ['what core trusts is not declared', 'what edge trusts is not declared'],
    });
  });
});

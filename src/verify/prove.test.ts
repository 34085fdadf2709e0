import { describe, expect, it } from 'vitest';
import { demands } from '../topology/demands.ts';
import { links } from '../topology/links.ts';
import { parseTopology } from '../topology/topology.ts';
import { type PresentedCertificate, predictAuthority, predictLeaf } from './presented.ts';
import { type Evidence, prove, type RevocationList } from './prove.ts';

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
const root = predictAuthority(rootAuthority, undefined, now);
const issuing = predictAuthority(issuingAuthority, root, now);
const list = (change: Partial<RevocationList> = {}): RevocationList => ({
  thisUpdate: now,
  nextUpdate: new Date('2026-11-28T12:00:00Z'),
  isRevoked: () => false,
  ...change,
});

interface Change {
  certificates?: (demand: string, predicted: PresentedCertificate) => PresentedCertificate;
  trustLists?: [string, PresentedCertificate[]][];
  revocationLists?: [PresentedCertificate, RevocationList][];
  at?: Date;
}

function verdict(change: Change = {}) {
  const certificates = demands(topology).map((demand): [string, PresentedCertificate] => {
    const predicted = { ...predictLeaf(demand, issuing, now), serial: '4A01' };
    return [demand.id, change.certificates?.(demand.id, predicted) ?? predicted];
  });
  const evidence: Evidence = {
    certificates: new Map(certificates),
    trustLists: new Map(
      change.trustLists ?? [
        ['core', [root, issuing]],
        ['edge', [root, issuing]],
      ],
    ),
    revocationLists: new Map(
      change.revocationLists ?? [
        [root, list()],
        [issuing, list()],
      ],
    ),
  };
  const [first] = prove(links(topology), evidence, change.at ?? now);
  return {
    verdict: first?.verdict,
    until: first?.until,
    refusals: first?.refusals.map(({ by, step, message }) => ({ by, step, message })),
  };
}

describe('a link', () => {
  it('is accepted, and says what will end that first', () => {
    expect(verdict()).toEqual({
      verdict: 'accepted',
      refusals: [],
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
    ).toEqual([{ by: 'core/expc1', step: 'chain', message: 'Root is not on the trust list of core' }]);
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
    const revoked = list({ isRevoked: (serial) => serial === '4A01' });
    expect(
      verdict({
        revocationLists: [
          [root, list()],
          [issuing, revoked],
        ],
      }).refusals?.[0],
    ).toEqual({
      by: 'core/expc1',
      step: 'revocation',
      message: 'serial 4A01 of edge/expe1/server is revoked',
    });
  });

  it('requirement 52: is refused when the root has no list', () => {
    expect(verdict({ revocationLists: [[issuing, list()]] }).refusals?.[0]).toMatchObject({
      step: 'revocation',
      message: 'there is no revocation list of Root',
    });
  });

  it('requirement 59: is refused when a list has expired', () => {
    expect(verdict({ at: new Date('2026-11-29T00:00:00Z') }).refusals?.[0]?.message).toContain(
      'all its certificates count as revoked',
    );
  });

  it('requirements 20 and 23: is refused by the server when the client certificate is for servers only', () => {
    const serverOnly = verdict({
      certificates: (id, predicted) => (id.startsWith('core') ? { ...predicted, usages: ['serverAuth'] } : predicted),
    });
    expect(serverOnly.refusals).toEqual([
      {
        by: 'edge/expe1',
        step: 'usage',
        message: 'the certificate of expc1.example.com is for serverAuth, and it is the TLS client of this link',
      },
    ]);
  });

  it('is refused when the certificate has expired, or is not valid yet', () => {
    const revocationLists: Change['revocationLists'] = [
      [root, list({ nextUpdate: new Date('2040-01-01') })],
      [issuing, list({ nextUpdate: new Date('2040-01-01') })],
    ];
    expect(verdict({ at: new Date('2027-11-23T00:00:00Z'), revocationLists }).refusals?.[0]).toMatchObject({
      step: 'dates',
      message: 'edge/expe1/server expired on 2027-11-21',
    });
    expect(verdict({ at: new Date('2026-11-20T00:00:00Z') }).refusals?.[0]).toMatchObject({ step: 'dates' });
  });

  it('D11: is refused for another name, and says which there are', () => {
    const renamed = verdict({
      certificates: (id, predicted) =>
        id.startsWith('edge') ? { ...predicted, commonName: 'x.example.com', dnsNames: ['y.example.com'] } : predicted,
    });
    expect(renamed.refusals).toEqual([
      {
        by: 'core/expc1',
        step: 'name',
        message:
          'Peer address of zone uc on core is expe1.example.com, but the certificate of expe1.example.com has only x.example.com, y.example.com',
      },
    ]);
  });

  it('is refused when there is no certificate at all', () => {
    const evidence: Evidence = { certificates: new Map(), trustLists: new Map(), revocationLists: new Map() };
    expect(prove(links(topology), evidence, now)[0]?.refusals.map(({ step }) => step)).toEqual(['chain', 'chain']);
  });

  it('does not follow issuers in a circle', () => {
    const a: PresentedCertificate = { ...issuing, title: 'A', isIssuedBy: (other) => other.title === 'B' };
    const b: PresentedCertificate = { ...issuing, title: 'B', isIssuedBy: (other) => other.title === 'A' };
    const leaf = (_: string, predicted: PresentedCertificate) => ({
      ...predicted,
      isIssuedBy: (other: PresentedCertificate) => other === a,
    });
    expect(
      verdict({
        certificates: leaf,
        trustLists: [
          ['core', [a, b]],
          ['edge', [a, b]],
        ],
      }).refusals?.[0]?.step,
    ).toBe('chain');
  });
});

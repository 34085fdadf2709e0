import { describe, expect, it } from 'vitest';
import { VcsPkiError } from '../errors.ts';
import { authorityChain, issuersFirst, parseTopology } from './topology.ts';

const ca = { id: 'ca', subject: { commonName: 'Example CA' } };
const peer = { id: 'expc1', hostName: 'expc1', domain: 'example.com' };
const core = { id: 'core', product: 'expressway-c', release: 'X8.1', issuer: 'ca', peers: [peer] };
const good = { name: 'test', authorities: [ca], clusters: [core] };

function refusal(input: unknown): { at: string; message: string; fix: string; value: string | undefined } {
  try {
    parseTopology(input, 'topology.json');
  } catch (error) {
    if (error instanceof VcsPkiError && error.code === 'INPUT_INVALID') return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('I10: bad input gets one error that names field, value and fix', () => {
  it.each([
    [
      'an unknown product',
      { ...core, product: 'expressway-x' },
      /clusters\[0\]\.product/,
      'expressway-x',
      /vcs-control/,
    ],
    ['an unknown release', { ...core, release: 'X9.9' }, /clusters\[0\]\.release/, 'X9.9', /X7\.2, X8\.1/],
    ['no peers', { ...core, peers: [] }, /clusters\[0\]\.peers/, undefined, /add one/],
    [
      'a host name outside LDH',
      { ...core, peers: [{ ...peer, hostName: 'exp_c1' }] },
      /peers\[0\]\.hostName/,
      'exp_c1',
      /apart/,
    ],
    [
      'a domain outside LDH',
      { ...core, peers: [{ ...peer, domain: 'exa mple.com' }] },
      /peers\[0\]\.domain/,
      'exa mple.com',
      /./,
    ],
    ['a wildcard as host name', { ...core, peers: [{ ...peer, hostName: '*' }] }, /peers\[0\]\.hostName/, '*', /apart/],
    ['a peer twice', { ...core, peers: [peer, peer] }, /clusters core: peers/, 'expc1', /remove one/],
    [
      'a peer twice under two ids',
      { ...core, peers: [peer, { ...peer, id: 'b' }] },
      /peers/,
      'expc1.example.com',
      /remove one/,
    ],
    [
      'an IP address as the name of a cluster',
      { ...core, clusterName: '10.1.2.3' },
      /clusterName/,
      '10.1.2.3',
      /expc1\.example\.com/,
    ],
    [
      'a cluster by the name of one of its peers',
      { ...core, clusterName: 'expc1.example.com', peers: [peer, { ...peer, id: 'b', hostName: 'expc2' }] },
      /clusters core: peers/,
      'expc1.example.com',
      /its own/,
    ],
    [
      'a name too long for a common name',
      { ...core, peers: [{ ...peer, domain: `${'a'.repeat(48)}.example.com` }] },
      /clusters core/,
      `expc1.${'a'.repeat(48)}.example.com`,
      /shorter/,
    ],
    [
      'a peer by the id of all',
      { ...core, peers: [{ ...peer, id: 'cluster' }] },
      /core: peers/,
      'cluster',
      /another id/,
    ],
    ['a usage twice', { ...core, usages: ['serverAuth', 'serverAuth'] }, /usages/, undefined, /repetition/],
    [
      'a line break in a subject',
      { ...core, subject: { organization: 'Example\nLtd' } },
      /clusters\[0\]\.subject\.organization/,
      'Example\nLtd',
      /line breaks/,
    ],
    ['an undeclared issuer', { ...core, issuer: 'cb' }, /clusters core: issuer/, 'cb', /name one of ca/],
    ['a misspelt field', { ...core, clustername: 'x.example.com' }, /clusters\[0\]/, undefined, /spelling/],
    [
      'a cluster name that is no FQDN',
      { ...core, clusterName: 'cluster' },
      /clusterName/,
      'cluster',
      /expc1\.example\.com/,
    ],
  ])('%s', (_, cluster, at, value, fix) => {
    const error = refusal({ ...good, clusters: [cluster] });
    expect(error.at).toMatch(at);
    expect(error.value).toBe(value);
    expect(error.fix).toMatch(fix);
  });

  it('a zone to an undeclared cluster', () => {
    const zones = [{ kind: 'traversal', id: 'uc', client: 'core', server: 'edge' }];
    expect(refusal({ ...good, zones })).toMatchObject({
      at: 'topology.json: zones uc',
      value: 'edge',
      fix: expect.stringMatching(/core/),
    });
  });

  it('two authorities with one subject, also when they differ only in case (D23)', () => {
    const twin = { id: 'cb', subject: { commonName: 'EXAMPLE CA' } };
    expect(refusal({ ...good, authorities: [ca, twin] }).message).toContain("can't be told apart");
  });

  it('issuers that sign each other', () => {
    const authorities = [
      { ...ca, issuer: 'cb' },
      { id: 'cb', subject: { commonName: 'B' }, issuer: 'ca' },
    ];
    expect(refusal({ ...good, authorities }).message).toContain('comes back to ca');
  });

  it('I5: a list that is valid for less than three update periods', () => {
    const authorities = [{ ...ca, crl: { everyDays: 30, validDays: 60 } }];
    expect(refusal({ ...good, authorities }).at).toContain('authorities[0].crl.validDays');
  });

  it('counts the faults behind the first', () => {
    expect(refusal({ ...good, clusters: [{ ...core, product: 'x', release: 'y' }] }).message).toContain('and 1 more');
  });
});

describe('authorities', () => {
  const authorities = parseTopology(
    {
      name: 'test',
      authorities: [
        { id: 'leafs', issuer: 'middle', subject: { commonName: 'L' } },
        { id: 'middle', issuer: 'top', subject: { commonName: 'M' } },
        { id: 'top', subject: { commonName: 'T' } },
      ],
    },
    'test',
  ).authorities;

  it('come after their issuers', () =>
    expect(issuersFirst(authorities).map(({ id }) => id)).toEqual(['top', 'middle', 'leafs']));
  it('chain up to the root', () =>
    expect(authorityChain(authorities, 'leafs').map(({ id }) => id)).toEqual(['leafs', 'middle', 'top']));
  it('requirement 52: each has an update period for its list', () => {
    for (const { crl } of authorities)
      expect(crl).toMatchObject({ dailyUpdateUtc: '02:00', everyDays: 1, validDays: 7 });
  });
});

import { describe, expect, it } from 'vitest';
import type { Demand } from '../../topology/demands.ts';
import type { AuthorityId, DemandId } from '../../topology/ids.ts';
import type { Link, PeerCheck } from '../../topology/links/link.ts';
import { authoritySchema } from '../../topology/schema.ts';
import { predictAuthority, predictCrl, predictLeaf } from '../../verify/predict.ts';
import { type Evidence, prove } from '../../verify/prove.ts';
import { explain, explanationText } from './explain.ts';

const now = new Date('2026-11-21T00:00:00Z');
const authority = (id: string, issuer?: string) =>
  authoritySchema.parse({ id, subject: { commonName: id }, ...(issuer && { issuer }) });
const root = predictAuthority(authority('root'), undefined, 1, now);
const issuing = predictAuthority(authority('issuing', 'root'), root, 0, now);
const demand: Demand = {
  id: 'ldap' as DemandId,
  subject: { commonName: 'ldap.example.com' },
  names: ['ldap.example.com'],
  usages: ['serverAuth'],
  key: { type: 'rsa-2048' },
  issuer: 'issuing' as AuthorityId,
  lifetimeDays: 365,
  renewBeforeDays: 30,
  onRemoval: 'revoke',
  cluster: 'none',
  peers: [],
};
const list = (issuer: typeof root, days: number) =>
  predictCrl(issuer, { thisUpdate: now, nextUpdate: new Date(now.getTime() + days * 86_400_000), revoked: new Set() });

/** A cluster that dials a directory, as LDAP connections verify it. */
function directoryLink(mode: PeerCheck['revocation']['mode']): Link {
  const check: PeerCheck = {
    referenceNames: ['ldap.example.com'],
    setting: 'the address of ldap on core',
    nameMatching: ['san-only', 'rfc5922'],
    usage: false,
    revocation: { mode, channels: ['embedded'] },
  };
  return {
    id: 'ldap: core/expc1 -> ldap',
    kind: 'ldap',
    of: 'ldap',
    client: { name: 'core/expc1', fqdn: 'expc1.example.com', holder: 'core', check },
    server: { name: 'ldap', fqdn: 'ldap.example.com', holder: 'ldap', presents: 'ldap' },
  };
}

function explained(mode: PeerCheck['revocation']['mode'], change: Partial<Evidence> = {}) {
  const evidence: Evidence = {
    certificates: new Map([['ldap', predictLeaf(demand, issuing, now)]]),
    sent: new Map([['ldap', [issuing]]]),
    trustLists: new Map([['core', [root]]]),
    revocationLists: [list(root, 90), list(issuing, 7)],
    elsewhere: new Set(),
    ...change,
  };
  const [verdict] = prove([directoryLink(mode)], evidence, now);
  if (!verdict) throw new Error('a link has a verdict');
  return explain(verdict, evidence);
}

const stepOf = ({ directions }: ReturnType<typeof explained>, step: string) =>
  directions[0]?.steps.find((one) => one.step === step);

describe('where a certificate comes from', () => {
  it('is the trust list of who verifies, or who presents (D08)', () => {
    expect(explained('none').directions[0]?.chain.map(({ title, from }) => [title, from])).toEqual([
      ['root', 'on the trust list of core'],
      ['issuing', 'sent by ldap'],
      ['ldap.example.com', 'presented by ldap'],
    ]);
  });
});

describe('which lists are read (52, 54)', () => {
  it.each([
    ['none', 'not checked', 'this connection reads no revocation lists'],
    ['peer', 'ok', 'lists of issuing until 2026-11-28T00:00Z (embedded)'],
    ['all', 'ok', 'lists of issuing until 2026-11-28T00:00Z, root until 2027-02-19T00:00Z (embedded)'],
  ] as const)('mode %s', (mode, outcome, detail) => {
    expect(stepOf(explained(mode), 'revocation')).toEqual({ step: 'revocation', outcome, detail });
  });

  it('of authorities elsewhere they are not known', () => {
    const elsewhere = explained('all', { revocationLists: [list(root, 90)], elsewhere: new Set([issuing]) });
    expect(stepOf(elsewhere, 'revocation')).toMatchObject({ outcome: 'not checked' });
    expect(explanationText(elsewhere)).toMatch(
      /\n {2}not checked: revocation by issuing, whose list is not known here\n/,
    );
  });
});

it('a name that has to match in several ways says all of them', () => {
  expect(stepOf(explained('none'), 'name')?.detail).toBe(
    'ldap.example.com (the address of ldap on core), compared with alternative names alone, and with the SIP domains of RFC 5922',
  );
});

it('a step that this end leaves out is said to be', () => {
  expect(stepOf(explained('none'), 'usage')).toMatchObject({ outcome: 'not checked' });
});

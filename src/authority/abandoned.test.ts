import { describe, expect, it } from 'vitest';
import type { Demand } from '../topology/demands.ts';
import type { AuthorityId, DemandId } from '../topology/ids.ts';
import type { Serial } from '../x509/certificate.ts';
import { abandonedOf } from './abandoned.ts';
import { planCertificate } from './plan.ts';
import type { CertificateRecord, Specification } from './record.ts';
import { specificationOf } from './record.ts';

const now = new Date('2028-03-01T00:00:00Z');
const demand: Demand = {
  id: 'core/expc1/server' as DemandId,
  subject: { commonName: 'expc1.example.com' },
  names: ['expc1.example.com'],
  usages: ['serverAuth'],
  key: { type: 'ec-p256' },
  issuer: 'root-ca' as AuthorityId,
  lifetimeDays: 365,
  renewBeforeDays: 30,
  onRemoval: 'revoke',
  cluster: 'core',
  peers: ['expc1'],
};

interface Given extends Partial<Pick<CertificateRecord, 'notAfter' | 'revocation'>> {
  readonly reason?: string;
  readonly key?: Specification['key'];
}

function record(serial: string, issue: number, given: Given = {}): CertificateRecord {
  const { reason = 'no certificate yet', key = { type: 'ec-p256' }, ...fields } = given;
  const specification: Specification = { ...specificationOf(demand), key };
  return {
    serial: serial as Serial,
    notBefore: '2028-02-29T02:00:00Z',
    notAfter: '2029-02-28T02:00:00Z',
    ...fields,
    issuance: { owner: { demand: demand.id }, topology: 'test', issue, reason, specification },
  };
}

/** What is abandoned of these, where nothing but `held` is in a Secret or folder. */
function abandoned(records: readonly CertificateRecord[], ...held: string[]): string[] {
  return abandonedOf(records, ({ serial }) => held.includes(serial), now).map(({ serial }) => serial);
}

describe('a certificate whose private key is lost', () => {
  it('is the newest one, which is held nowhere', () => {
    expect(abandoned([record('4A', 1)])).toEqual(['4A']);
    expect(abandoned([record('4A', 1)], '4A')).toEqual([]);
  });

  it.each(['missing', 'altered'] as const)('is one that was replaced because its key was %s', (what) => {
    const decision = planCertificate(demand, record('4A', 1), undefined, `key ${what}`, now);
    const { reason } = decision.kind === 'issue' ? decision : { reason: '' };
    expect(abandoned([record('4A', 1), record('4B', 2, { reason })], '4B')).toEqual(['4A']);
    expect(abandoned([record('4A', 1), record('4B', 2, { reason: `names added: a, ${reason}` })], '4B')).toEqual([
      '4A',
    ]);
  });

  it('is not one that was renewed or reissued for another reason, though it is held nowhere', () => {
    const renewal = { reason: 'renewal was due on 2028-03-01' };
    expect(abandoned([record('4A', 1), record('4B', 2, renewal)], '4B')).toEqual([]);
    const names = { reason: 'names added: key missing' };
    expect(abandoned([record('4A', 1), record('4B', 2, names)], '4B')).toEqual([]);
  });

  it('is every one of several, in any order, but none before the last ordinary reissue', () => {
    const lost = { reason: 'its private key missing' };
    const records = [
      record('4E', 5, lost),
      record('4A', 1),
      record('4C', 3, lost),
      record('4B', 2, { reason: 'renewal was due on 2028-03-01' }),
      record('4D', 4, lost),
    ];
    expect(abandoned(records, '4E')).toEqual(['4C', '4B', '4D']);
  });

  it('is that of two of one generation which is not held', () => {
    expect(abandoned([record('4A', 1), record('4B', 1)], '4B')).toEqual(['4A']);
    expect(abandoned([record('4A', 1), record('4B', 1)], '4A')).toEqual(['4B']);
  });

  it('is none that was revoked or has ended', () => {
    const revocation = { at: '2028-03-01T00:00:00Z', reason: 'superseded' } as const;
    expect(abandoned([record('4A', 1, { revocation })])).toEqual([]);
    expect(abandoned([record('4A', 1, { notAfter: '2028-03-01T00:00:00Z' })])).toEqual([]);
  });

  it('is none whose key is on the appliance', () => {
    expect(abandoned([record('4A', 1, { key: { request: '00ff' } })])).toEqual([]);
  });
});

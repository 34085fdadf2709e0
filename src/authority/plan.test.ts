import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Demand } from '../topology/demands.ts';
import type { AuthorityId, DemandId } from '../topology/ids.ts';
import { parseTopology } from '../topology/topology.ts';
import type { Serial } from '../x509/certificate.ts';
import { authorityDifferences, compare, plan, planCertificate, planCrl, planRemoved, renewalTime } from './plan.ts';
import { type CertificateRecord, specificationOf } from './record.ts';
import { addDays, lastOccurrence, nextUpdateDue } from './schedule.ts';

const demand: Demand = {
  id: 'core/expc1/server' as DemandId,
  subject: { commonName: 'expc1.example.com' },
  names: ['expc1.example.com', 'expc.example.com'],
  usages: ['serverAuth', 'clientAuth'],
  key: { type: 'rsa-2048' },
  issuer: 'ca' as AuthorityId,
  lifetimeDays: 365,
  renewBeforeDays: 121,
  onRemoval: 'revoke',
  cluster: 'core',
  peers: ['expc1'],
};
const record: CertificateRecord = {
  serial: '4A01' as Serial,
  notBefore: '2026-01-01T00:00:00Z',
  notAfter: '2027-01-01T00:00:00Z',
  issuance: {
    owner: { demand: demand.id },
    topology: 'test',
    issue: 1,
    reason: 'no certificate yet',
    specification: specificationOf(demand),
  },
};
const day = (text: string) => new Date(`${text}T00:00:00Z`);

describe('whether the newest certificate of a demand still serves', () => {
  const decide = (wanted: Demand, now = day('2026-03-01'), known: CertificateRecord | undefined = record) =>
    planCertificate(wanted, known, '2030-01-01T00:00:00Z', 'whole', now);

  it('issues the first', () => {
    expect(planCertificate(demand, undefined, undefined, undefined, day('2026-03-01'))).toEqual({
      kind: 'issue',
      issue: 1,
      reason: 'no certificate yet',
    });
  });

  it('waits until the renewal is due, then renews', () => {
    expect(decide(demand)).toEqual({ kind: 'wait', until: day('2026-09-02') });
    expect(decide(demand, day('2026-09-02'))).toEqual({
      kind: 'issue',
      issue: 2,
      reason: 'renewal was due on 2026-09-02',
    });
  });

  it('says which names were added and removed', () => {
    const changed = { ...demand, names: ['expc1.example.com', 'chat.example.com'] };
    expect(decide(changed)).toMatchObject({ reason: 'names added: chat.example.com, names removed: expc.example.com' });
  });

  it.each<[string, Partial<Demand>, string]>([
    ['the common name', { subject: { commonName: 'x.example.com' } }, 'common name expc1.example.com -> x.example.com'],
    ['the organization', { subject: { ...demand.subject, organization: 'Example' } }, 'organization none -> Example'],
    ['usages', { usages: ['serverAuth'] }, 'usages removed: clientAuth'],
    ['the key type', { key: { type: 'rsa-4096' } }, 'key rsa-2048 -> rsa-4096'],
    [
      'where the key is',
      { key: { request: '-----BEGIN CERTIFICATE REQUEST-----\nAA==\n' } },
      'a new request from the appliance',
    ],
    ['the issuer', { issuer: 'cb' as AuthorityId }, 'issuer ca -> cb'],
    ['the lifetime', { lifetimeDays: 30 }, 'lifetime 365 -> 30 days'],
    ['the order of names', { names: ['expc.example.com', 'expc1.example.com'] }, 'names in another order'],
  ])('reissues for %s', (_, change, reason) => {
    expect(decide({ ...demand, ...change })).toEqual({ kind: 'issue', issue: 2, reason });
  });

  it.each<[string, Partial<Demand>]>([
    ['the renewal window', { renewBeforeDays: 10 }],
    ['the policy on removal', { onRemoval: 'keep' }],
    ['the peers that hold it', { peers: ['expc1', 'expc2'] }],
  ])('I9: never reissues for %s', (_, change) => {
    expect(decide({ ...demand, ...change }).kind).toBe('wait');
  });

  it('reissues after a revocation, before anything else', () => {
    const revoked = { ...record, revocation: { at: '2026-02-01T00:00:00Z', reason: 'keyCompromise' as const } };
    expect(decide({ ...demand, names: ['other.example.com'] }, undefined, revoked)).toMatchObject({
      reason: 'serial 4A01 was revoked (keyCompromise)',
    });
  });

  it('restores an altered certificate, and reissues without its key', () => {
    const look = (material: 'certificate altered' | 'key missing') =>
      planCertificate(demand, record, undefined, material, day('2026-03-01'));
    expect(look('certificate altered')).toEqual({ kind: 'restore', issue: 1, reason: 'certificate altered' });
    expect(look('key missing')).toEqual({ kind: 'issue', issue: 2, reason: 'its private key missing' });
  });

  it('I6: does not renew what ends with its issuer', () => {
    expect(planCertificate(demand, record, record.notAfter, 'whole', day('2026-12-30'))).toEqual({
      kind: 'wait',
      until: day('2027-01-01'),
    });
  });

  it('renews at the earliest after half of the lifetime, so that no window makes it renew at every run', () => {
    expect(renewalTime(record, 10_000)).toEqual(new Date('2026-07-02T12:00:00Z'));
  });
});

describe('what is removed from the declaration', () => {
  const state = { authorities: new Map(), certificates: new Map([[demand.id, record]]) };

  it('is revoked', () =>
    expect(planRemoved([], state, day('2026-03-01'))).toEqual([
      {
        kind: 'revoke',
        authority: 'ca',
        serial: record.serial,
        owner: record.issuance.owner,
        because: 'cessationOfOperation',
        reason: 'no longer declared',
      },
    ]));
  it('is kept where the declaration said so', () => {
    expect(
      planRemoved([], { ...state, onRemoval: new Map([[demand.id, 'keep' as const]]) }, day('2026-03-01')),
    ).toEqual([]);
  });
  it('is left alone while it is declared', () => expect(planRemoved([demand], state, day('2026-03-01'))).toEqual([]));
  it('is not revoked twice', () => {
    const revoked = { ...record, revocation: { at: '2026-02-01T00:00:00Z', reason: 'unspecified' as const } };
    expect(planRemoved([], { ...state, certificates: new Map([[demand.id, revoked]]) }, day('2026-03-01'))).toEqual([]);
  });
});

describe('when a revocation list is due', () => {
  const authority = { crl: { dailyUpdateUtc: '02:30', everyDays: 1, validDays: 7 } };
  const signed = (text: string, missing: string[] = []) => {
    const signedAt = new Date(text);
    return { crl: { signedAt, nextUpdate: addDays(signedAt, 7), missing } };
  };

  it.each([
    ['2026-11-21T02:29:00Z', '2026-11-21T02:30:00Z'],
    ['2026-11-21T02:30:00Z', '2026-11-22T02:30:00Z'],
    ['2026-11-21T23:59:00Z', '2026-11-22T02:30:00Z'],
    ['2028-02-28T12:00:00Z', '2028-02-29T02:30:00Z'],
    ['2027-02-28T12:00:00Z', '2027-03-01T02:30:00Z'],
    ['2026-12-31T12:00:00Z', '2027-01-01T02:30:00Z'],
  ])('signed at %s: next at %s', (signedAt, due) => {
    expect(planCrl(authority, signed(signedAt), 0, new Date(signedAt))).toEqual({ kind: 'wait', until: new Date(due) });
    expect(planCrl(authority, signed(signedAt), 0, new Date(due)).kind).toBe('sign');
  });

  it('at once when there is none, when one is about to be revoked, or when a revocation is missing', () => {
    const now = new Date('2026-11-21T12:00:00Z');
    expect(planCrl(authority, { crl: 'none' }, 0, now)).toMatchObject({ reason: 'no list yet' });
    expect(planCrl(authority, signed('2026-11-21T11:00:00Z'), 1, now)).toMatchObject({ kind: 'sign' });
    expect(planCrl(authority, signed('2026-11-21T11:00:00Z', ['4A01']), 0, now)).toMatchObject({
      reason: 'not on the list yet: 4A01',
    });
  });

  it('I5: lies within the validity of the list before it, at every moment and period', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 1, max: 366 }),
        (signedAt, hour, everyDays) => {
          const dailyUpdateUtc = `${String(hour).padStart(2, '0')}:00`;
          const due = nextUpdateDue({ dailyUpdateUtc, everyDays }, signedAt);
          expect(due > signedAt).toBe(true);
          expect(due <= addDays(signedAt, everyDays)).toBe(true);
          expect(due.toISOString().slice(11, 16)).toBe(dailyUpdateUtc);
          expect(lastOccurrence(dailyUpdateUtc, due)).toEqual(due);
        },
      ),
    );
  });
});

describe('a plan', () => {
  const topology = parseTopology(
    { name: 'test', authorities: [{ id: 'ca', subject: { commonName: 'Example CA' } }] },
    'test',
  );
  const [authority] = topology.authorities;

  it('creates issuers before what they sign, and signs lists last', () => {
    const kinds = plan(
      topology,
      [demand],
      { authorities: new Map(), certificates: new Map() },
      day('2026-03-01'),
    ).actions.map(({ kind }) => kind);
    expect(kinds).toEqual(['create authority', 'issue', 'sign CRL']);
  });

  it('finds an authority whose declaration no longer fits', () => {
    const own = {
      ...record,
      issuance: {
        ...record.issuance,
        specification: {
          ...record.issuance.specification,
          subject: { commonName: 'Old CA' },
          key: { type: 'rsa-4096' },
          issuer: 'ca' as AuthorityId,
        },
      },
    };
    expect(authority && authorityDifferences(authority, own)).toEqual(['common name Old CA -> Example CA']);
  });
});

it('compare is empty for equal specifications, and only for those', () => {
  const name = fc.stringMatching(/^[a-c]{1,2}\.example\.com$/);
  const specification = fc.record({
    subject: fc.record({ commonName: name }),
    names: fc.array(name, { maxLength: 3 }),
    usages: fc.subarray(['serverAuth', 'clientAuth'] as const),
    key: fc.constantFrom({ type: 'rsa-2048' }, { request: 'aa' }, { request: 'bb' }),
    issuer: fc.constantFrom('ca' as AuthorityId, 'cb' as AuthorityId),
    lifetimeDays: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(specification, specification, (a, b) => {
      expect(compare(a, b).length === 0).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
});

import { describe, expect, it } from 'vitest';
import { authorityInfoAccess, basicConstraints, keyUsage } from '../../x509/extensions.ts';
import {
  alternativeNames,
  certificatePolicies,
  distributionPoints,
  inhibitAnyPolicy,
  nameConstraints,
  policyConstraints,
  policyMappings,
  unknownExtension,
} from '../../x509/testing/extensions.ts';
import { createBudget } from './budget.ts';
import type { PathCertificate } from './path-certificate.ts';
import { days, nameOf, now, paperAuthority, paperCertificate } from './testing/paper-pki.ts';
import { flawOfAuthority, flawOfTarget, type ValidationOptions, validatePath } from './validate.ts';

const root = paperAuthority({ subject: 'Root' });
const issuing = paperAuthority({ subject: 'Issuing', issuer: 'Root' });
const peer = paperCertificate({ subject: 'Peer', issuer: 'Issuing' });

function verdict(path: readonly PathCertificate[], options: Partial<ValidationOptions> = {}) {
  const outcome = validatePath(path, { at: now, ...options }, createBudget());
  return 'policies' in outcome ? 'valid' : [outcome.failure.code, path.indexOf(outcome.failure.certificate)];
}

it('a peer, its issuer and a root', () => {
  expect(verdict([peer, issuing, root])).toBe('valid');
});

describe('RFC 5280 6.1.3 (a) 2: dates', () => {
  it.each([
    ['the first second', { notBefore: now }, 'valid'],
    ['the last second', { notAfter: now }, 'valid'],
    ['after it', { notAfter: new Date(now.getTime() - 1000) }, ['expired', 1]],
    ['before it', { notBefore: new Date(now.getTime() + 1000) }, ['not-yet-valid', 1]],
  ])('%s', (_, validity, expected) => {
    expect(verdict([peer, { ...issuing, ...validity }, root])).toEqual(expected);
  });

  it('of the target', () => {
    expect(verdict([{ ...peer, notAfter: days(-1) }, issuing, root])).toEqual(['expired', 0]);
  });
});

describe('RFC 5280 6.1.4 (k), (n): who may issue', () => {
  const issuer = (...extensions: ReturnType<typeof keyUsage>[]) =>
    paperCertificate({ subject: 'Issuing', issuer: 'Root', extensions });

  it.each([
    ['no basic constraints', issuer(keyUsage(['keyCertSign'])), ['not-an-authority', 1]],
    ['no authority', issuer(basicConstraints({ authority: false })), ['not-an-authority', 1]],
    ['no key usage', issuer(basicConstraints({ authority: true })), 'valid'],
    [
      'a usage without keyCertSign',
      issuer(basicConstraints({ authority: true }), keyUsage(['cRLSign'])),
      ['key-usage', 1],
    ],
    ['version 1', { ...issuer(), version: 1 as const }, ['not-an-authority', 1]],
  ])('%s', (_, authority, expected) => {
    expect(verdict([peer, authority, root])).toEqual(expected);
  });

  it('the target needs none of it', () => {
    expect(
      verdict([paperCertificate({ subject: 'Peer', issuer: 'Root', extensions: [keyUsage(['keyAgreement'])] }), root]),
    ).toBe('valid');
  });
});

describe('RFC 5280 6.1.4 (l), (m): path length', () => {
  const limited = (pathLength: number) => paperAuthority({ subject: 'Upper', issuer: 'Root', pathLength });
  const middle = paperAuthority({ subject: 'Middle', issuer: 'Upper' });
  const lower = paperAuthority({ subject: 'Lower', issuer: 'Middle' });
  const selfIssued = paperAuthority({ subject: 'Upper', key: 'new', signedBy: 'Upper' });

  it.each([
    ['0, a peer', 0, [peer], 'valid'],
    ['0, an authority', 0, [peer, middle], ['path-length', 2]],
    ['1, an authority', 1, [peer, middle], 'valid'],
    ['1, two authorities', 1, [peer, lower, middle], ['path-length', 3]],
    ['2, two authorities', 2, [peer, lower, middle], 'valid'],
    ['0, a self-issued certificate', 0, [peer, selfIssued], 'valid'],
    ['0, a self-issued certificate and an authority', 0, [peer, middle, selfIssued], ['path-length', 3]],
    ['0, a target that is an authority, for the target is not counted', 0, [middle], 'valid'],
  ])('%s', (_, pathLength, below, expected) => {
    expect(verdict([...below, limited(pathLength), root])).toEqual(expected);
  });
});

describe('RFC 5280 4.2, 6.1.4 (o), 6.1.5 (f): critical extensions', () => {
  it.each([
    ['the target', [{ ...peer, extensions: [unknownExtension(true)] }, issuing, root], 0],
    ['an authority', [peer, { ...issuing, extensions: [unknownExtension(true)] }, root], 1],
  ])('an unknown one of %s', (_, path, index) => {
    expect(verdict(path)).toEqual(['unknown-critical-extension', index]);
  });

  it('names it', () => {
    const certificate = { ...peer, extensions: [unknownExtension(true)] };
    expect(flawOfTarget(certificate, now)).toMatchObject({ oid: '1.3.6.1.4.1.99999.1' });
  });

  it('an unknown one that is not critical does not matter', () => {
    expect(verdict([{ ...peer, extensions: [unknownExtension(false)] }, issuing, root])).toBe('valid');
  });

  it('those that are processed may be critical', () => {
    const extensions = [
      alternativeNames('DNS:a.test'),
      basicConstraints({ authority: true }),
      keyUsage(['keyCertSign']),
      nameConstraints({ excluded: ['DNS:b.test'] }),
      certificatePolicies('1.2.3'),
      policyMappings(['1.2.3', '1.2.4']),
      policyConstraints({ explicit: 5 }),
      inhibitAnyPolicy(5),
      distributionPoints({ fullName: ['URI:http://a.test/a.crl'] }),
      { oid: '2.5.29.37', critical: false, value: Buffer.of(0x30, 0) },
    ].map((extension) => ({ ...extension, critical: true }));
    expect(flawOfAuthority(paperCertificate({ subject: 'CA', extensions }), now, false)).toBeUndefined();
  });

  it('those that must not be critical (4.2.2.1) are not understood as such', () => {
    const access = { ...authorityInfoAccess({ ocsp: ['http://ocsp.test'] }), critical: true };
    expect(verdict([{ ...peer, extensions: [access] }, issuing, root])).toEqual(['unknown-critical-extension', 0]);
  });
});

describe('the steps over the whole path', () => {
  const constraining = paperAuthority({
    subject: 'Issuing',
    issuer: 'Root',
    extensions: [nameConstraints({ permitted: ['CN:Other'] })],
  });

  it('names', () => {
    const outcome = validatePath([peer, constraining, root], { at: now }, createBudget());
    expect(outcome).toEqual({
      failure: { code: 'name-constraints', certificate: peer, name: 'DirName:CN=Peer', constrainedBy: constraining },
    });
  });

  it('policies, which come back where the path is valid', () => {
    const extensions = [certificatePolicies('1.2.3')];
    const asserting = paperAuthority({ subject: 'Issuing', issuer: 'Root', extensions });
    const target = paperCertificate({ subject: 'Peer', issuer: 'Issuing', extensions });
    const explicit = { at: now, explicitPolicy: true };
    expect(validatePath([target, asserting, root], explicit, createBudget())).toEqual({ policies: ['1.2.3'] });
    expect(verdict([target, issuing, root], explicit)).toEqual(['policy', 1]);
    expect(verdict([peer, asserting, root], explicit)).toEqual(['policy', 0]);
    const demanding = paperAuthority({
      subject: 'Issuing',
      issuer: 'Root',
      extensions: [policyConstraints({ explicit: 0 })],
    });
    expect(verdict([peer, demanding, root])).toEqual(['policy', 0]);
  });
});

describe('the trust anchor', () => {
  const anchors: [string, PathCertificate, unknown][] = [
    ['expired', { ...root, notAfter: days(-1) }, ['expired', 2]],
    ['no authority', paperCertificate({ subject: 'Root' }), ['not-an-authority', 2]],
    [
      'no keyCertSign',
      paperCertificate({ subject: 'Root', extensions: [basicConstraints({ authority: true }), keyUsage(['cRLSign'])] }),
      ['key-usage', 2],
    ],
    ['a path length of 0', paperAuthority({ subject: 'Root', pathLength: 0 }), ['path-length', 2]],
    [
      'name constraints',
      paperAuthority({ subject: 'Root', extensions: [nameConstraints({ excluded: ['CN:Peer'] })] }),
      ['name-constraints', 0],
    ],
    [
      'an unknown critical extension',
      { ...root, extensions: [unknownExtension(true)] },
      ['unknown-critical-extension', 2],
    ],
  ];

  it.each(anchors)('%s: RFC 5280 does not look, OpenSSL does', (_, anchor, expected) => {
    expect(verdict([peer, issuing, anchor])).toBe('valid');
    expect(verdict([peer, issuing, anchor], { checkAnchor: true })).toEqual(expected);
  });

  it('of version 1 cannot say that it is an authority, and is taken for one', () => {
    const old = { ...paperCertificate({ subject: 'Root' }), version: 1 as const };
    expect(verdict([peer, issuing, old], { checkAnchor: true })).toBe('valid');
    const rolledOver = { ...paperCertificate({ subject: 'Root', key: 'new' }), version: 1 as const };
    expect(verdict([peer, rolledOver, root], { checkAnchor: true })).toEqual(['not-an-authority', 1]);
  });

  it('alone: a target that is itself trusted, with dates of its own', () => {
    const device = paperCertificate({ subject: 'Device', extensions: [certificatePolicies('1.2.3')] });
    expect(verdict([device])).toBe('valid');
    expect(verdict([device], { checkAnchor: true })).toBe('valid');
    expect(verdict([{ ...device, notAfter: days(-1) }])).toEqual(['expired', 0]);
    expect(
      verdict([{ ...device, subject: nameOf('Device') }], { explicitPolicy: true, initialPolicies: ['1.2.4'] }),
    ).toEqual(['policy', 0]);
  });
});

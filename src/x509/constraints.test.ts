import { describe, expect, it } from 'vitest';
import { encodeDer, integer, oid, sequence } from './der.ts';
import { decodeExtensions, type Extension, extensionOids } from './extensions.ts';
import {
  certificatePolicies,
  generalName,
  inhibitAnyPolicy,
  nameConstraints,
  policyConstraints,
  policyMappings,
} from './testing/extensions.ts';

const decode = (extension: Extension) => decodeExtensions([extension], 'ca.pem');

describe('name constraints (RFC 5280 4.2.1.10)', () => {
  it('are read with the mask of addresses', () => {
    const { nameConstraints: read } = decode(
      nameConstraints({
        permitted: ['DNS:example.com', 'O:Example', 'IP:0a000000ff000000'],
        excluded: [`IP:20010db8${'0'.repeat(24)}ffffffff${'0'.repeat(24)}`],
      }),
    );
    expect(read?.permitted.map(({ base }) => `${base.kind}:${base.value}`)).toEqual([
      'DNS:example.com',
      'DirName:O=Example',
      'IP:10.0.0.0/255.0.0.0',
    ]);
    expect(read?.excluded.map(({ base }) => base.value)).toEqual(['2001:db8::/ffff:ffff::']);
  });

  it.each([
    ['nothing', [], false],
    ['a minimum of 0', [encodeDer(0x80, Buffer.of(0))], false],
    ['a minimum', [encodeDer(0x80, Buffer.of(1))], true],
    ['a maximum', [encodeDer(0x81, Buffer.of(0))], true],
  ])('%s beside the name', (_, distance, bounded) => {
    const value = sequence(encodeDer(0xa1, sequence(generalName('DNS:a.test'), ...distance)));
    const { nameConstraints: read } = decode({ oid: extensionOids.nameConstraints, critical: true, value });
    expect(read?.excluded).toEqual([{ base: { kind: 'DNS', value: 'a.test' }, bounded }]);
  });
});

describe('policies (RFC 5280 4.2.1.4, 4.2.1.5, 4.2.1.11, 4.2.1.14)', () => {
  it('are read; their qualifiers are left out', () => {
    const qualified = sequence(oid('1.2.3'), sequence(sequence(oid('1.3.6.1.5.5.7.2.1'), encodeDer(0x16))));
    const value = sequence(qualified, sequence(oid('2.5.29.32.0')));
    expect(decode({ oid: extensionOids.certificatePolicies, critical: false, value }).policies).toEqual([
      '1.2.3',
      '2.5.29.32.0',
    ]);
    expect(decode(certificatePolicies('1.2.4')).policies).toEqual(['1.2.4']);
  });

  it('mappings and constraints', () => {
    expect(decode(policyMappings(['1.2.3', '1.2.4'])).policyMappings).toEqual([
      { issuerDomainPolicy: '1.2.3', subjectDomainPolicy: '1.2.4' },
    ]);
    expect(decode(policyConstraints({ explicit: 0 })).policyConstraints).toEqual({ requireExplicitPolicy: 0 });
    expect(decode(policyConstraints({ mapping: 300 })).policyConstraints).toEqual({ inhibitPolicyMapping: 300 });
    expect(decode(inhibitAnyPolicy(2)).inhibitAnyPolicy).toBe(2);
  });

  it('without them nothing is said', () => {
    expect(decodeExtensions([], 'ca.pem')).toMatchObject({
      nameConstraints: undefined,
      policies: undefined,
      policyMappings: [],
      policyConstraints: undefined,
      inhibitAnyPolicy: undefined,
    });
  });
});

describe('what is malformed is refused', () => {
  const { nameConstraints: names, policyConstraints: constraints, policyMappings: mappings } = extensionOids;
  const number = (...octets: number[]) => sequence(encodeDer(0x80, Buffer.from(octets)));

  it.each([
    ['an address without a mask', names, sequence(encodeDer(0xa0, sequence(generalName('IP:0a000000'))))],
    ['an address of 12 octets', names, sequence(encodeDer(0xa0, sequence(generalName(`IP:${'0'.repeat(24)}`))))],
    ['a constraint without a name', names, sequence(encodeDer(0xa0, sequence()))],
    ['something behind the excluded names', names, sequence(encodeDer(0xa2))],
    ['a number without octets', constraints, number()],
    ['a number below 0', constraints, number(0x80)],
    ['something behind the numbers', constraints, sequence(encodeDer(0x82, Buffer.of(1)))],
    ['a mapping to nothing', mappings, sequence(sequence(oid('1.2.3')))],
    ['a policy that is none', extensionOids.certificatePolicies, sequence(integer(1))],
    ['something behind a policy', extensionOids.certificatePolicies, sequence(sequence(oid('1.2'), integer(1)))],
    ['anyPolicy inhibited after -1 certificates', extensionOids.inhibitAnyPolicy, integer(-1)],
  ])('%s', (_, type, value) => {
    expect(() => decode({ oid: type, critical: true, value })).toThrow(
      expect.objectContaining({ code: 'DER_INVALID', at: 'ca.pem' }),
    );
  });
});

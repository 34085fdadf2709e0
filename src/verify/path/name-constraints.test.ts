import { describe, expect, it } from 'vitest';
import { encodeDer, oid, sequence, Tag } from '../../x509/der.ts';
import { type Extension, extensionOids } from '../../x509/extensions.ts';
import { readName } from '../../x509/name.ts';
import { alternativeNames, generalName, nameConstraints } from '../../x509/testing/extensions.ts';
import { createBudget } from './budget.ts';
import { findNameViolation } from './name-constraints.ts';
import { paperAuthority, paperCertificate } from './testing/paper-pki.ts';

interface Constraints {
  readonly permitted?: readonly string[];
  readonly excluded?: readonly string[];
}

const authorityWith = (extension: Extension) => paperAuthority({ subject: 'CA', extensions: [extension] });

/** The name that a certificate may not have under these constraints; undefined where all is well. */
function violation(constraints: Constraints, names: readonly string[], subject = ''): string | undefined {
  const authority = authorityWith(nameConstraints(constraints));
  const extensions = names.length > 0 ? [alternativeNames(...names)] : [];
  const target = { ...paperCertificate({ subject: 'x', issuer: 'CA', extensions }), subject: named(subject) };
  return findNameViolation([target, authority], [authority], createBudget())?.name;
}

/** The same where the target has this common name, and appliances that verify with OpenSSL judge it. */
function violationBySubject(constraints: Constraints, commonNames: readonly string[], names: readonly string[] = []) {
  const authority = authorityWith(nameConstraints(constraints));
  const extensions = names.length > 0 ? [alternativeNames(...names)] : [];
  const parts = commonNames.map((value) => encodeDer(Tag.set, sequence(oid('2.5.4.3'), utf8(value))));
  const target = {
    ...paperCertificate({ subject: 'x', issuer: 'CA', extensions }),
    subject: readName(sequence(...parts)),
  };
  return findNameViolation([target, authority], [authority], createBudget(), true)?.name;
}

const utf8 = (value: string) => encodeDer(Tag.utf8String, Buffer.from(value));

/** "" is the empty name, "mail:x" one with an address, others as in `generalName`. */
function named(subject: string) {
  if (subject === '') return readName(sequence());
  const [kind = '', value = ''] = subject.split(':');
  if (kind !== 'mail') return readName(generalName(subject).subarray(2));
  const address = sequence(oid('1.2.840.113549.1.9.1'), encodeDer(Tag.ia5String, Buffer.from(value)));
  return readName(sequence(encodeDer(Tag.set, address)));
}

describe('RFC 5280 4.2.1.10: which names are within a constraint', () => {
  it.each([
    ['DNS:example.com', 'DNS:example.com', true],
    ['DNS:example.com', 'DNS:expe1.Example.COM', true],
    ['DNS:example.com', 'DNS:badexample.com', false],
    ['DNS:example.com', 'DNS:com', false],
    ['DNS:', 'DNS:anything.test', true],
    ['DNS:.example.com', 'DNS:a.example.com', true],
    ['DNS:.example.com', 'DNS:example.com', false],
    ['DNS:example.com', 'DNS:*.example.com', true],
    ['email:user@example.com', 'email:user@EXAMPLE.com', true],
    ['email:user@example.com', 'email:User@example.com', false],
    ['email:example.com', 'email:anyone@example.com', true],
    ['email:example.com', 'email:anyone@mail.example.com', false],
    ['email:.example.com', 'email:anyone@mail.example.com', true],
    ['email:.example.com', 'email:anyone@example.com', false],
    ['URI:expe.example.com', 'URI:https://user@EXPE.example.com:8443/path?x#y', true],
    ['URI:expe.example.com', 'URI:https://a.expe.example.com/', false],
    ['URI:.example.com', 'URI:https://expe.example.com/', true],
    ['URI:.example.com', 'URI:https://example.com/', false],
    ['URI:.example.com', 'URI:https://attacker.test/@a.example.com', false],
    ['IP:0a000000ff000000', 'IP:0a010203', true],
    ['IP:0a000000ff000000', 'IP:0b010203', false],
    ['IP:0a000000ff000000', 'IP:20010db8000000000000000000000001', false],
    [
      'IP:20010db8000000000000000000000000ffffffff000000000000000000000000',
      'IP:20010db8000000000000000000000001',
      true,
    ],
    ['O:Example', 'CN:Example/Unit', true],
    ['CN:Example', 'CN:Example/Unit', false],
    ['CN:Example/Unit', 'CN:example/ UNIT ', true],
    ['CN:Example/Unit', 'CN:Example/Other', false],
  ])('%s has %s in it: %s', (constraint, name, within) => {
    expect(violation({ permitted: [constraint] }, [name]) === undefined).toBe(within);
    expect(violation({ excluded: [constraint] }, [name]) === undefined).toBe(!within);
  });
});

describe('which names are looked at', () => {
  it('names of a form that is not constrained may be anything', () => {
    expect(
      violation({ permitted: ['DNS:example.com'] }, ['email:a@b.test', 'IP:0a000001'], 'CN:Anyone'),
    ).toBeUndefined();
  });

  it('every name has to be permitted, and none excluded', () => {
    const names = ['DNS:a.example.com', 'DNS:b.other.test'];
    expect(violation({ permitted: ['DNS:example.com'] }, names)).toBe('DNS:b.other.test');
    expect(violation({ permitted: ['DNS:example.com', 'DNS:other.test'] }, names)).toBeUndefined();
    expect(violation({ permitted: ['DNS:'], excluded: ['DNS:b.other.test'] }, names)).toBe('DNS:b.other.test');
  });

  it('the subject, unless it is empty', () => {
    expect(violation({ permitted: ['CN:Example/Unit'] }, [], 'CN:Other/Unit')).toBe('DirName:O=Other, OU=Unit');
    expect(violation({ permitted: ['CN:Example/Unit'] }, ['DNS:a.test'], '')).toBeUndefined();
  });

  it('addresses in the subject', () => {
    expect(violation({ permitted: ['email:example.com'] }, [], 'mail:a@example.com')).toBeUndefined();
    expect(violation({ excluded: ['email:example.com'] }, [], 'mail:a@example.com')).toBe('email:a@example.com');
  });

  it('self-issued certificates of the path are passed over, but not the target', () => {
    const constrainer = authorityWith(nameConstraints({ excluded: ['CN:CA'] }));
    const selfIssued = paperAuthority({ subject: 'CA', key: 'new key' });
    const target = paperCertificate({ subject: 'Peer', issuer: 'CA' });
    const found = (...path: (typeof target)[]) => findNameViolation(path, [constrainer], createBudget());
    expect(found(target, selfIssued, constrainer)).toBeUndefined();
    expect(found(selfIssued, constrainer)?.certificate).toBe(selfIssued);
  });

  it('constraints of several authorities all hold (6.1.4 g)', () => {
    const upper = authorityWith(nameConstraints({ permitted: ['DNS:example.com'] }));
    const lower = authorityWith(nameConstraints({ permitted: ['DNS:other.test', 'DNS:a.example.com'] }));
    const found = (name: string) => {
      const target = paperCertificate({ subject: 'x', issuer: 'CA', extensions: [alternativeNames(name)] });
      return findNameViolation([target, lower, upper], [lower, upper], createBudget())?.constrainedBy;
    };
    expect(found('DNS:a.example.com')).toBeUndefined();
    expect(found('DNS:other.test')).toBe(upper);
    expect(found('DNS:b.example.com')).toBe(lower);
  });
});

describe('what cannot be compared is refused', () => {
  it.each([
    ['URI:example.com', 'URI:sip:room@example.com'],
    ['URI:example.com', 'URI:https://10.0.0.1/'],
    ['URI:example.com', 'URI:https://[2001:db8::1]/'],
    ['email:example.com', 'email:no address'],
    ['email:example.com', 'email:@example.com'],
    ['Registered ID:2a03', 'Registered ID:2a03'],
  ])('under %s the name %s', (constraint, name) => {
    expect(violation({ permitted: [constraint] }, [name])).toBe(name);
    expect(violation({ excluded: [constraint] }, [name])).toBe(name);
    expect(violation({ permitted: ['DNS:example.com'] }, [name])).toBeUndefined();
  });

  it('other names of the same type, and only those', () => {
    const otherName = (type: string) => encodeDer(0xa0, oid(type), encodeDer(0xa0, encodeDer(Tag.utf8String)));
    const constraints = sequence(encodeDer(0xa0, sequence(otherName('1.2.3'))));
    const authority = authorityWith({ oid: extensionOids.nameConstraints, critical: true, value: constraints });
    const found = (type: string) => {
      const extension = {
        oid: extensionOids.subjectAlternativeName,
        critical: false,
        value: sequence(otherName(type)),
      };
      const target = paperCertificate({ subject: 'x', issuer: 'CA', extensions: [extension] });
      return findNameViolation([target, authority], [authority], createBudget())?.name;
    };
    expect(found('1.2.3')).toBe('othername:1.2.3');
    expect(found('1.2.4')).toBeUndefined();
  });

  it.each([
    ['minimum', encodeDer(0x80, Buffer.of(1))],
    ['maximum', encodeDer(0x81, Buffer.of(1))],
  ])('subtrees with a %s, which RFC 5280 does not use', (_, distance) => {
    const subtree = sequence(generalName('DNS:example.com'), distance);
    const found = (tag: number, name: string) => {
      const value = sequence(encodeDer(tag, subtree));
      const authority = authorityWith({ oid: extensionOids.nameConstraints, critical: true, value });
      const target = paperCertificate({ subject: 'x', issuer: 'CA', extensions: [alternativeNames(name)] });
      return findNameViolation([target, authority], [authority], createBudget())?.name;
    };
    expect(found(0xa0, 'DNS:example.com')).toBe('DNS:example.com');
    expect(found(0xa1, 'DNS:other.test')).toBe('DNS:other.test');
    expect(found(0xa0, 'IP:0a000001')).toBeUndefined();
    const beside = sequence(encodeDer(0xa0, sequence(generalName('DNS:example.com')), subtree));
    const authority = authorityWith({ oid: extensionOids.nameConstraints, critical: true, value: beside });
    const target = paperCertificate({ subject: 'x', issuer: 'CA', extensions: [alternativeNames('DNS:example.com')] });
    expect(findNameViolation([target, authority], [authority], createBudget())?.name).toBe('DNS:example.com');
  });

  it('a minimum of 0 is the default', () => {
    const subtree = sequence(generalName('DNS:example.com'), encodeDer(0x80, Buffer.of(0)));
    const value = sequence(encodeDer(0xa0, subtree));
    const authority = authorityWith({ oid: extensionOids.nameConstraints, critical: true, value });
    const target = paperCertificate({ subject: 'x', extensions: [alternativeNames('DNS:example.com')] });
    expect(findNameViolation([target, authority], [authority], createBudget())).toBeUndefined();
  });
});

describe('wildcards', () => {
  it.each([
    ['DNS:expe.example.com', true],
    ['DNS:EXPE.example.com', true],
    ['DNS:a.expe.example.com', false],
    ['DNS:expe.other.com', false],
    ['DNS:.expe.example.com', false],
  ])('*.example.com is a name for the excluded %s: %s', (excluded, covered) => {
    expect(violation({ excluded: [excluded] }, ['DNS:*.example.com']) !== undefined).toBe(covered);
  });

  it('are not permitted by the permission for one of their hosts', () => {
    expect(violation({ permitted: ['DNS:expe.example.com'] }, ['DNS:*.example.com'])).toBe('DNS:*.example.com');
  });
});

it('the work is bounded: many names times many constraints', () => {
  const many = (text: string) => Array.from({ length: 2000 }, (_, index) => `DNS:${text}${index}.test`);
  const authority = authorityWith(nameConstraints({ excluded: many('excluded') }));
  const target = paperCertificate({ subject: 'x', issuer: 'CA', extensions: [alternativeNames(...many('name'))] });
  const budget = createBudget();
  expect(findNameViolation([target, authority], [authority], budget)).toBeDefined();
  expect(budget.exhausted).toBe(true);
});

describe('common names, as OpenSSL 3.0 holds them to constraints of DNS names', () => {
  const permitted = ['DNS:partner.se'];

  // What `openssl verify` says of each: "permitted subtree violation", or OK.
  it.each([
    'sbc.example.com',
    'a_b.example.com',
    '_sip.example.com',
    'a--b.example.com',
    'A.B',
    'a-b.c-d',
    '_._',
    '10.0.0.1',
    'partner.se.example.com',
  ])('%s is a DNS name', (commonName) => {
    expect(violationBySubject({ permitted }, [commonName])).toBe(`DNS:${commonName}`);
  });

  it.each([
    'sbc.partner.se',
    'localhost',
    '*.example.com',
    'a-.example.com',
    '-a.example.com',
    'a.-b',
    'a..com',
    '.a.com',
    'a.com.',
    'a.com-',
    'a b.com',
    'sbc.example.com:5061',
    'a@b.com',
    'a.com/b',
    'blå.com',
  ])('%s is none, or within', (commonName) => {
    expect(violationBySubject({ permitted }, [commonName])).toBeUndefined();
  });

  it('each of several, and without the NUL octets at its end', () => {
    expect(violationBySubject({ permitted }, ['a.example.com', 'b.partner.se'])).toBe('DNS:a.example.com');
    expect(violationBySubject({ permitted }, ['b.partner.se', 'a.example.com'])).toBe('DNS:a.example.com');
    expect(violationBySubject({ permitted }, ['a.example.com\0'])).toBe('DNS:a.example.com');
    expect(violationBySubject({ excluded: permitted }, ['a.partner.se'])).toBe('DNS:a.partner.se');
    expect(violationBySubject({ excluded: permitted }, ['a.example.com'])).toBeUndefined();
  });

  it('only where there is no alternative name for DNS', () => {
    expect(violationBySubject({ permitted }, ['a.example.com'], ['DNS:b.partner.se'])).toBeUndefined();
    expect(violationBySubject({ permitted }, ['a.example.com'], ['IP:0a000001'])).toBe('DNS:a.example.com');
  });

  it('only of the target', () => {
    const top = authorityWith(nameConstraints({ permitted }));
    const below = paperAuthority({ subject: 'sub.example.com', issuer: 'CA' });
    const target = paperCertificate({ subject: 'b.partner.se', issuer: 'sub.example.com' });
    expect(findNameViolation([target, below, top], [top], createBudget(), true)).toBeUndefined();
  });

  it('and not by RFC 5280, which is silent of it', () => {
    expect(violation({ permitted }, [], 'CN:sbc.example.com')).toBeUndefined();
  });
});

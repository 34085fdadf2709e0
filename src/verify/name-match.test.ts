import { describe, expect, it } from 'vitest';
import { seeded } from '../../test/support/random.ts';
import { type NameMatching, nameMatchings } from '../topology/releases/name-matching.ts';
import { matchName, type PresentedNames } from './name-match.ts';

const dns = (...values: string[]) => values.map((value) => ({ kind: 'DNS', value }));
const uri = (...values: string[]) => values.map((value) => ({ kind: 'URI', value }));
const ip = (...values: string[]) => values.map((value) => ({ kind: 'IP', value }));
const names = (alternativeNames: PresentedNames['alternativeNames'], commonName?: string): PresentedNames => ({
  commonName,
  alternativeNames,
});

describe('requirement 61: the common name or an alternative name (cn-or-san)', () => {
  const match = (presented: PresentedNames, reference: string) => matchName(presented, reference, 'cn-or-san');

  it.each([
    [
      'an alternative name',
      names(dns('expc1.example.com', 'expc.example.com')),
      'expc.example.com',
      'expc.example.com',
    ],
    ['the common name', names([], 'expc1.example.com'), 'expc1.example.com', 'expc1.example.com'],
    [
      'the common name beside alternative names',
      names(dns('a.example.com'), 'b.example.com'),
      'b.example.com',
      'b.example.com',
    ],
    ['without regard to case', names(dns('EXPC1.Example.com')), 'expc1.example.COM', 'EXPC1.Example.com'],
    ['with a final dot', names(dns('expc1.example.com')), 'expc1.example.com.', 'expc1.example.com'],
    ['an IP address of the alternative names', names(ip('192.0.2.1')), '192.0.2.1', '192.0.2.1'],
    ['an IP address as common name', names([], '192.0.2.1'), '192.0.2.1', '192.0.2.1'],
    ['an IPv6 address in another form', names(ip('2001:db8::1')), '2001:0DB8:0::0001', '2001:db8::1'],
  ])('accepts %s', (_, presented, reference, matched) => expect(match(presented, reference)).toBe(matched));

  it.each([
    [
      'D12: an IP address where there are DNS names alone',
      names(dns('192.0.2.1.example.com', 'expc1.example.com')),
      '192.0.2.1',
    ],
    ['a name that only ends with it', names(dns('cluster.example.com')), 'evilcluster.example.com'],
    ['a name that it ends with', names(dns('evilcluster.example.com')), 'cluster.example.com'],
    ['requirement 15: what a wildcard would cover', names(dns('*.example.com'), '*.example.com'), 'expc1.example.com'],
    ['a sip: URI', names(uri('sip:example.com')), 'example.com'],
    ['a common name with a letter that only looks like one', names([], '\u212aeys.example.com'), 'keys.example.com'],
    ['a certificate without names', names([]), 'example.com'],
    ['an empty name', names(dns(''), ''), ''],
    ['a name that is a dot', names(dns('.', ''), '.'), '.'],
    ['a name that is not ASCII, and shown as octets', names(dns('bl\\xC3\\xA5.example.com')), 'blå.example.com'],
  ])('refuses %s', (_, presented, reference) => expect(match(presented, reference)).toBeUndefined());
});

describe('alternative names alone (san-only, from X14.0)', () => {
  it('does not look at the common name, which cn-or-san accepts', () => {
    const presented = names(dns('expc1.example.com'), 'expc.example.com');
    expect(matchName(presented, 'expc.example.com', 'san-only')).toBeUndefined();
    expect(matchName(presented, 'expc.example.com', 'cn-or-san')).toBe('expc.example.com');
    expect(matchName(names([], 'expc.example.com'), 'expc.example.com', 'san-only')).toBeUndefined();
    expect(matchName(names([], '192.0.2.1'), '192.0.2.1', 'san-only')).toBeUndefined();
  });
});

describe('RFC 5922 7', () => {
  const match = (presented: PresentedNames, reference: string) => matchName(presented, reference, 'rfc5922');

  it.each([
    ['7.1: the host of a sip: URI', names(uri('sip:example.com')), 'example.com'],
    ['7.1: with a port or parameters', names(uri('sip:example.com:5061;transport=tls')), 'example.com'],
    ['7.1: the scheme in capitals', names(uri('SIP:Example.com')), 'example.com'],
    ['7.1: a DNS name where no URI identifies', names(dns('example.com')), 'example.com'],
    [
      '7.1: a DNS name beside a sips: URI, which suppresses nothing',
      names([...uri('sips:other.example.com'), ...dns('example.com')]),
      'example.com',
    ],
    [
      '7.1: a DNS name beside a URI with a user, which suppresses nothing',
      names([...uri('sip:alice@example.com'), ...dns('example.com')]),
      'example.com',
    ],
    ['7.1: the common name where there is no alternative name', names([], 'example.com'), 'example.com'],
    ['7.2: an international name as A-label', names(dns('xn--mnchen-3ya.example')), 'm\u00fcnchen.example'],
    ['7.2: without regard to case', names(dns('EXAMPLE.com')), 'example.COM'],
    ['7.2: a wildcard as itself', names(dns('*.e.com')), '*.e.com'],
  ])('accepts %s', (_, presented, reference) => expect(match(presented, reference)).toBeDefined());

  it.each([
    ['7.1: the host of a sips: URI', names(uri('sips:example.com')), 'example.com'],
    ['7.1: the host of a URI with a user', names(uri('sip:alice@example.com')), 'example.com'],
    [
      '7.1: a DNS name beside a sip: URI of another domain',
      names([...uri('sip:other.example.com'), ...dns('example.com')]),
      'example.com',
    ],
    ['7.1: the common name beside any alternative name', names(dns('other.example.com'), 'example.com'), 'example.com'],
    ['7.2: *.e.com for a.e.com', names(dns('*.e.com')), 'a.e.com'],
    ['7.2: *.e.com for e.com', names(dns('*.e.com')), 'e.com'],
    ['7.2: a suffix', names(dns('example.com')), 'sip.example.com'],
    ['7.2: an IP address', names([...ip('192.0.2.1'), ...uri('sip:192.0.2.1')], '192.0.2.1'), '192.0.2.1'],
  ])('refuses %s', (_, presented, reference) => expect(match(presented, reference)).toBeUndefined());
});

describe('10,000 random pairs', () => {
  /** Written from cisco.md 4 and RFC 5922 7 alone, one octet at a time. */
  function slowlyMatches(presented: PresentedNames, reference: string, mode: NameMatching): boolean {
    const same = (a: string, b: string): boolean => {
      const lower = (text: string) => {
        const codes = [];
        for (const character of text) {
          const code = character.charCodeAt(0);
          codes.push(code > 64 && code < 91 ? code + 32 : code);
        }
        if (codes.at(-1) === 46) codes.pop();
        return codes;
      };
      const [left, right] = [lower(a), lower(b)];
      if (left.length !== right.length) return false;
      for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
      return true;
    };
    const numeric = /^[0-9.]+$/.test(reference);
    let sipSeen = false;
    let matched = false;
    for (const { kind, value } of presented.alternativeNames) {
      if (mode !== 'rfc5922') {
        if (kind === (numeric ? 'IP' : 'DNS') && same(value, reference)) matched = true;
        continue;
      }
      if (kind !== 'URI' || value.slice(0, 4).toLowerCase() !== 'sip:' || value.includes('@')) continue;
      sipSeen = true;
      const host = value.slice(4).split(':')[0]?.split(';')[0] ?? '';
      if (!numeric && same(host, reference)) matched = true;
    }
    if (mode === 'rfc5922') {
      if (numeric) return false;
      if (!sipSeen) {
        for (const { kind, value } of presented.alternativeNames)
          if (kind === 'DNS' && same(value, reference)) matched = true;
        if (presented.alternativeNames.length === 0 && presented.commonName !== undefined)
          return same(presented.commonName, reference);
      }
      return matched;
    }
    return (
      matched || (mode === 'cn-or-san' && presented.commonName !== undefined && same(presented.commonName, reference))
    );
  }

  it('get the verdict of a slow matcher', () => {
    const random = seeded(5922);
    const hosts = ['a.e.com', 'A.E.com', 'e.com', '*.e.com', 'b.e.com', 'b.e.com.', '192.0.2.1', 'xa.e.com', 'a.e.co'];
    const one = <T>(items: readonly T[]): T => items[random(items.length)] ?? items[0] ?? assertNever();
    const counts = { accepted: 0, refused: 0 };
    for (let pair = 0; pair < 10_000; pair++) {
      const alternativeNames = Array.from({ length: random(4) }, () => {
        const host = one(hosts);
        return one([
          { kind: 'DNS', value: host },
          { kind: 'DNS', value: host },
          {
            kind: 'URI',
            value: `${one(['sip:', 'sips:', 'SIP:', 'http:'])}${one(['', '', 'bob@'])}${host}${one(['', ':5061', ';lr'])}`,
          },
          { kind: 'IP', value: '192.0.2.1' },
          { kind: 'email', value: `bob@${host}` },
        ]);
      });
      const presented = names(alternativeNames, random(2) ? one(hosts) : undefined);
      const reference = one(hosts);
      const mode = one(nameMatchings);
      const accepted = matchName(presented, reference, mode) !== undefined;
      expect({ accepted, presented, reference, mode }).toEqual({
        accepted: slowlyMatches(presented, reference, mode),
        presented,
        reference,
        mode,
      });
      counts[accepted ? 'accepted' : 'refused'] += 1;
    }
    expect(counts.accepted).toBeGreaterThan(1000);
    expect(counts.refused).toBeGreaterThan(1000);
  });
});

function assertNever(): never {
  throw new Error('an empty list has no item');
}

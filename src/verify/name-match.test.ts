import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchName } from './name-match.ts';

const certificate = (commonName: string | undefined, ...dnsNames: string[]) => ({
  commonName,
  dnsNames,
  ipAddresses: ['192.0.2.1'],
});

describe('requirement 61: the reference name in common name or alternative names', () => {
  it.each([
    [
      'an alternative name',
      certificate('other.example.com', 'expc.example.com'),
      'expc.example.com',
      'expc.example.com',
    ],
    ['the common name', certificate('expc.example.com'), 'expc.example.com', 'expc.example.com'],
    ['without regard to case', certificate(undefined, 'EXPC.Example.com'), 'expc.example.COM', 'EXPC.Example.com'],
    ['a trailing dot', certificate(undefined, 'expc.example.com'), 'expc.example.com.', 'expc.example.com'],
    ['an IP address', certificate(undefined), '192.0.2.1', '192.0.2.1'],
  ])('%s matches', (_, presented, reference, matched) => expect(matchName(presented, reference)).toBe(matched));

  it.each([
    ['a suffix', certificate('cluster.example.com'), 'evilcluster.example.com'],
    ['a prefix', certificate('cluster.example.com'), 'cluster.example.com.evil.org'],
    ['a parent domain', certificate('example.com'), 'expc.example.com'],
    ['an IP address against names', certificate(undefined, 'expc.example.com'), '192.0.2.2'],
  ])('%s does not', (_, presented, reference) => expect(matchName(presented, reference)).toBeUndefined());

  it('requirement 15, RFC 5922 7.2: a wildcard stands for itself alone', () => {
    expect(matchName(certificate(undefined, '*.example.com'), 'a.example.com')).toBeUndefined();
    expect(matchName(certificate(undefined, '*.example.com'), 'example.com')).toBeUndefined();
  });

  it('matches whole names only', () => {
    const label = fc.stringMatching(/^[a-z]{1,3}$/);
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(name, name, (presented, reference) => {
        expect(matchName(certificate(undefined, presented), reference) !== undefined).toBe(presented === reference);
      }),
    );
  });
});

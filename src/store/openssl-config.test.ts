import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInput } from '../topology/input.ts';
import { authoritySchema } from '../topology/schema.ts';
import { generatedOpensslConfig } from './openssl-config.ts';

const authority = (baseUrl?: string) =>
  parseInput(authoritySchema, { id: 'uc-ca', subject: { commonName: 'UC CA' }, crl: { baseUrl } }, 'authority');

describe('the address of the lists in the generated openssl.cnf', () => {
  it('is a line of its own, whatever is in it: nothing else in the file changes', () => {
    const usual = generatedOpensslConfig(authority('http://pki.example.com/crl/'), 1).split('\n');
    const at = usual.indexOf('URI = http://pki.example.com/crl/uc-ca.crl');
    expect(at).toBeGreaterThan(0);
    const odd = fc.string({ unit: fc.constantFrom(...'$;\\"\'`[]{}()=,:@%&|<>!aZ0.') });
    fc.assert(
      fc.property(odd, (path) => {
        const lines = generatedOpensslConfig(authority(`http://pki.example.com/${path}/`), 1).split('\n');
        expect(lines[at]).toMatch(/^URI = ("http:\/\/pki.*\/uc-ca\.crl"|http:\/\/pki[\w.:/@]*\/uc-ca\.crl)$/);
        expect(lines.toSpliced(at, 1)).toEqual(usual.toSpliced(at, 1));
      }),
    );
  });

  it('without one there is no distribution point', () =>
    expect(generatedOpensslConfig(authority(), 1)).not.toMatch(/crlDistributionPoints|published_/));
});

describe('I10: an address that no certificate can carry is refused, with place, value and fix', () => {
  it.each([
    ['http://pki.example.com/crl/\nprivate_key = x/', 'http://pki.example.com/crl/private_key%20=%20x/'],
    ['http://pki.example.com/a b/', 'http://pki.example.com/a%20b/'],
    ['http://pki.example.com/zürich/', 'http://pki.example.com/z%C3%BCrich/'],
    ['http://pki.zürich.example/', 'http://pki.xn--zrich-kva.example/'],
    ['http://pki.example.com/\u0001/', 'http://pki.example.com/%01/'],
    ['http://pki.example.com/crl', 'http://pki.example.com/crl/'],
    ['http://pki.example.com/?a/', 'http://pki.example.com/crl/'],
    ['http://pki.example.com/#a/', 'http://pki.example.com/crl/'],
    ['ftp://pki.example.com/', 'http://pki.example.com/crl/'],
  ])('%j', (baseUrl, instead) => {
    expect(() => authority(baseUrl)).toThrow(
      expect.objectContaining({
        code: 'INPUT_INVALID',
        at: expect.stringContaining('crl.baseUrl'),
        value: baseUrl,
        fix: expect.stringContaining(instead),
      }),
    );
    expect(() => authority(instead)).not.toThrow();
  });
});

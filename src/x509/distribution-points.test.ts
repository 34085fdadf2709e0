import { describe, expect, it } from 'vitest';
import { DerReader, encodeDer, sequence } from './der.ts';
import { readIssuingDistributionPoint } from './distribution-points.ts';
import { decodeExtensions, extensionOids } from './extensions.ts';
import { distributionPoints, issuingDistributionPoint, type PointContent } from './testing/extensions.ts';

const decode = (...points: readonly PointContent[]) => decodeExtensions([distributionPoints(...points)], 'peer.pem');
const decodeScope = (value: Buffer) => readIssuingDistributionPoint(DerReader.open(value, 'a.crl'));

describe('CRL distribution points (RFC 5280 4.2.1.13)', () => {
  it('have names, reasons and a CRL issuer', () => {
    const { distributionPoints: read, crlUrls } = decode(
      { fullName: ['URI:http://a.test/a.crl', 'CN:Example', 'URI:ldap://a.test/'] },
      { relativeName: 'Point', reasons: [1, 8], crlIssuer: ['CN:Lists'] },
    );
    expect(crlUrls).toEqual(['http://a.test/a.crl', 'ldap://a.test/']);
    expect(read[0]).toMatchObject({ reasons: undefined, crlIssuer: undefined });
    expect(read[1]).toMatchObject({
      name: { relativeName: { commonName: 'Point' } },
      reasons: (1 << 1) | (1 << 8),
      crlIssuer: [{ kind: 'DirName', value: 'CN=Lists' }],
    });
  });

  it('of delta CRLs are told apart', () => {
    const freshest = {
      ...distributionPoints({ fullName: ['URI:http://a.test/d.crl'] }),
      oid: extensionOids.freshestCrl,
    };
    expect(decodeExtensions([freshest], 'peer.pem')).toMatchObject({
      freshestCrlUrls: ['http://a.test/d.crl'],
      crlUrls: [],
      distributionPoints: [],
    });
  });

  it.each([
    ['a name that is neither full nor relative', sequence(encodeDer(0xa0, encodeDer(0xa2)))],
    ['two names', sequence(encodeDer(0xa0, encodeDer(0xa0), encodeDer(0xa1)))],
    ['a relative name that is none', sequence(encodeDer(0xa0, encodeDer(0xa1)))],
    ['reasons without octets', sequence(encodeDer(0x81))],
    ['reasons with 8 unused bits', sequence(encodeDer(0x81, Buffer.of(8, 0)))],
    ['something behind the CRL issuer', sequence(encodeDer(0xa3))],
  ])('%s is refused', (_, point) => {
    const extension = { oid: extensionOids.crlDistributionPoints, critical: false, value: sequence(point) };
    expect(() => decodeExtensions([extension], 'peer.pem')).toThrow(
      expect.objectContaining({ code: 'DER_INVALID', at: 'peer.pem' }),
    );
  });
});

describe('the issuing distribution point of a CRL (RFC 5280 5.2.5)', () => {
  it.each([
    ['user', 'onlyContainsUserCerts'],
    ['ca', 'onlyContainsCaCerts'],
    ['attribute', 'onlyContainsAttributeCerts'],
  ] as const)('only for %s certificates', (only, field) => {
    const read = decodeScope(issuingDistributionPoint({ only }).value);
    const flags = [read.onlyContainsUserCerts, read.onlyContainsCaCerts, read.onlyContainsAttributeCerts];
    expect(flags.filter(Boolean)).toHaveLength(1);
    expect(read[field]).toBe(true);
  });

  it('for some reasons, and indirect', () => {
    expect(decodeScope(issuingDistributionPoint({ reasons: [2, 3], indirect: true }).value)).toMatchObject({
      onlySomeReasons: 0b1100,
      indirectCrl: true,
      name: undefined,
    });
  });

  it.each([
    ['a flag that is neither 00 nor FF', sequence(encodeDer(0x81, Buffer.of(1)))],
    ['a flag without octets', sequence(encodeDer(0x84))],
    ['something behind it', sequence(encodeDer(0x86, Buffer.of(0xff)))],
  ])('%s is refused', (_, value) => {
    expect(() => decodeScope(value)).toThrow(expect.objectContaining({ code: 'DER_INVALID', at: 'a.crl' }));
  });

  it('an explicit FALSE is tolerated', () => {
    expect(decodeScope(sequence(encodeDer(0x81, Buffer.of(0)))).onlyContainsUserCerts).toBe(false);
  });
});

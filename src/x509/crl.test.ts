import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VcsPkiError } from '../errors.ts';
import { encodeSigned, encodeTbsCertificate, readCertificate } from './certificate.ts';
import { type CrlContent, crlIsSignedBy, encodeTbsCrl, type RevokedEntry, readCrl, revocationReasons } from './crl.ts';
import { encodeDer, integer, octetString, oid, sequence, Tag } from './der.ts';
import { encodeExtensions, subjectKeyIdentifier } from './extensions.ts';
import { keyIdentifier, subjectPublicKeyInfo } from './keys.ts';
import { encodeName, readName } from './name.ts';
import { signatureAlgorithmFor, signBytes } from './signature.ts';
import { deltaCrlIndicator, distributionPoints, issuingDistributionPoint } from './testing/extensions.ts';
import { crlText } from './text.ts';
import { encodeTime } from './time.ts';

const rootKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const spki = subjectPublicKeyInfo(key);
const algorithm = signatureAlgorithmFor(spki);
const issuer = encodeName({ commonName: 'Example UC CA' });
const now = new Date('2026-05-06T07:08:09.999Z');
const next = new Date('2026-05-13T07:08:09Z');
const entry: RevokedEntry = { serialNumber: 0x80n, revokedAt: now, reason: 'keyCompromise' };

function signed(signer: KeyObject, tbs: Buffer): Buffer {
  return encodeSigned(tbs, signatureAlgorithmFor(subjectPublicKeyInfo(signer)), signBytes(signer, tbs));
}

function crl(entries: Iterable<RevokedEntry>, content: Partial<CrlContent> = {}): Buffer {
  const authorityKeyIdentifier = keyIdentifier(spki);
  const tbs = encodeTbsCrl(
    { issuer, thisUpdate: now, nextUpdate: next, crlNumber: 1n, authorityKeyIdentifier, entries, ...content },
    algorithm,
  );
  return signed(key, tbs);
}

/** A CRL with a list of our own making, to see what the reader does with those of others. */
function foreign(...entries: Buffer[]): Buffer {
  return signed(
    key,
    sequence(integer(1), algorithm.der, issuer, encodeTime(now), encodeTime(next), sequence(...entries)),
  );
}

const authority = (subject: Buffer, subjectKey: KeyObject, signer: KeyObject) => {
  const content = {
    serialNumber: 5n,
    issuer: encodeName({ commonName: 'Root' }),
    subject,
    notBefore: now,
    notAfter: next,
    subjectPublicKeyInfo: subjectPublicKeyInfo(subjectKey),
    extensions: [subjectKeyIdentifier(keyIdentifier(subjectPublicKeyInfo(subjectKey)))],
  };
  const tbs = encodeTbsCertificate(content, signatureAlgorithmFor(subjectPublicKeyInfo(signer)));
  return readCertificate(signed(signer, tbs), 'authority');
};

describe('a CRL is read as it was written', () => {
  it('all fields', () => {
    const read = readCrl(crl([entry, { serialNumber: 2n, revokedAt: next }], { crlNumber: 1_777_777_777_777n }), 'x');
    expect(read).toMatchObject({
      thisUpdate: new Date('2026-05-06T07:08:09Z'),
      nextUpdate: next,
      crlNumber: 1_777_777_777_777n,
      size: 2,
      criticalEntryExtensions: [],
    });
    expect(read.issuer.der.equals(issuer)).toBe(true);
    expect(read.authorityKeyIdentifier?.equals(keyIdentifier(spki))).toBe(true);
    expect([...read.entries()]).toEqual([
      { serialNumber: 0x80n, revokedAt: new Date('2026-05-06T07:08:09Z'), reason: 'keyCompromise' },
      { serialNumber: 2n, revokedAt: next, reason: undefined },
    ]);
    expect(read.find(0x80n)).toMatchObject({ reason: 'keyCompromise' });
    expect(read.find(3n)).toBeUndefined();
  });

  it('any entries', () => {
    const entries = fc.uniqueArray(
      fc.record({
        serialNumber: fc.bigInt({ min: 1n, max: 2n ** 159n - 1n }),
        revokedAt: fc
          .integer({ min: Date.UTC(1950, 0) / 1000, max: Date.UTC(9999, 11) / 1000 })
          .map((seconds) => new Date(seconds * 1000)),
        reason: fc.constantFrom(undefined, ...revocationReasons.filter((reason) => reason !== 'unspecified')),
      }),
      { selector: ({ serialNumber }) => serialNumber, maxLength: 300 },
    );
    fc.assert(
      fc.property(entries, (list) => {
        const read = readCrl(crl(list), 'x');
        expect([...read.entries()]).toEqual(list);
        for (const one of list) expect(read.find(one.serialNumber)).toEqual(one);
        expect(read.size).toBe(list.length);
      }),
      { numRuns: 50 },
    );
  });

  it('20,000 entries, from a generator', () => {
    function* many(): Iterable<RevokedEntry> {
      for (let number = 1n; number <= 20_000n; number++) yield { serialNumber: number << 64n, revokedAt: now };
    }
    const read = readCrl(crl(many()), 'x');
    expect(read.size).toBe(20_000);
    expect(read.find(20_000n << 64n)).toBeDefined();
    expect(read.find(20_001n << 64n)).toBeUndefined();
  });
});

describe('RFC 5280 5: what must not be encoded is not', () => {
  it('no list when nothing is revoked, rather than an empty one', () => {
    const der = crl([]);
    expect(der.includes(Buffer.concat([encodeTime(next), Buffer.of(0x30, 0)]))).toBe(false);
    expect(der.includes(Buffer.concat([encodeTime(next), Buffer.of(0xa0)]))).toBe(true);
    expect(readCrl(der, 'x').size).toBe(0);
  });

  it.each([undefined, 'unspecified' as const])('no entry extensions for the reason %s', (reason) => {
    const bare = sequence(integer(0x80), encodeTime(now));
    expect(crl([{ ...entry, reason }]).includes(bare)).toBe(true);
  });

  it('dates have no fractions of a second', () => {
    const der = crl([{ ...entry, revokedAt: new Date('2055-01-01T00:00:00.5Z') }], {
      nextUpdate: new Date('2055-01-02T00:00:00.5Z'),
    });
    expect(der.includes('20550101000000Z')).toBe(true);
    expect(der.toString('latin1')).not.toMatch(/\d{12}\./);
  });

  it('the CRL number is not critical', () => {
    expect(readCrl(crl([]), 'x').extensions.map(({ oid, critical }) => [oid, critical])).toEqual([
      ['2.5.29.35', false],
      ['2.5.29.20', false],
    ]);
  });

  it.each([0n, -1n, 2n ** 159n])('CRL number and serial number %s', (number) => {
    expect(() => crl([], { crlNumber: number })).toThrow(
      expect.objectContaining({ code: 'CONTENT_INVALID', at: 'CRL number' }),
    );
    expect(() => crl([{ ...entry, serialNumber: number }])).toThrow(
      expect.objectContaining({ code: 'CONTENT_INVALID', at: 'serial number' }),
    );
  });
});

describe('crlIsSignedBy', () => {
  const read = readCrl(crl([entry]), 'x');

  it('an EC authority whose own certificate is signed with RSA', () => {
    expect(crlIsSignedBy(read, authority(issuer, key, rootKey))).toBe(true);
  });

  it('RFC 5280 7.1: whatever string type the name of the issuer is written with', () => {
    const attribute = sequence(oid('2.5.4.3'), encodeDer(Tag.printableString, Buffer.from('Example UC CA')));
    const subject = sequence(encodeDer(Tag.set, attribute));
    expect(crlIsSignedBy(read, authority(subject, key, rootKey))).toBe(true);
  });

  it('not another name, another key, or other bytes', () => {
    expect(crlIsSignedBy(read, authority(encodeName({ commonName: 'Other' }), key, rootKey))).toBe(false);
    expect(crlIsSignedBy(read, authority(issuer, rootKey, rootKey))).toBe(false);
    const changed = Buffer.from(read.der);
    changed[changed.indexOf('260506')] = 0x33;
    expect(crlIsSignedBy(readCrl(changed, 'x'), authority(issuer, key, rootKey))).toBe(false);
  });
});

describe('CRLs of other authorities', () => {
  const date = encodeTime(now);
  const reason = (code: number) => sequence(oid('2.5.29.21'), octetString(encodeDer(Tag.enumerated, Buffer.of(code))));

  it('an empty entry extension list, as some libraries write, is tolerated', () => {
    expect(readCrl(foreign(sequence(integer(7), date, sequence())), 'x').find(7n)).toMatchObject({ serialNumber: 7n });
  });

  it('an empty list is tolerated', () => expect(readCrl(foreign(), 'x').size).toBe(0));

  it('negative and zero serial numbers are found', () => {
    const read = readCrl(foreign(sequence(integer(-5), date), sequence(integer(0), date)), 'x');
    expect([read.find(-5n), read.find(0n)].map((found) => found?.serialNumber)).toEqual([-5n, 0n]);
  });

  it('a reason that is not known leaves the certificate revoked', () => {
    expect(readCrl(foreign(sequence(integer(7), date, sequence(reason(7)))), 'x').find(7n)).toEqual({
      serialNumber: 7n,
      revokedAt: new Date('2026-05-06T07:08:09Z'),
      reason: undefined,
    });
  });

  it('critical entry extensions are told, for they make a CRL unusable to who does not know them', () => {
    const certificateIssuer = sequence(
      oid('2.5.29.29'),
      encodeDer(Tag.boolean, Buffer.of(255)),
      octetString(sequence()),
    );
    const read = readCrl(foreign(sequence(integer(7), date, sequence(reason(1), certificateIssuer))), 'x');
    expect(read.criticalEntryExtensions).toEqual(['2.5.29.29']);
    expect(read.find(7n)?.reason).toBe('keyCompromise');
  });

  it('version 1, without next update, is read', () => {
    const tbs = sequence(algorithm.der, issuer, encodeTime(now), sequence(sequence(integer(7), date)));
    expect(readCrl(signed(key, tbs), 'x')).toMatchObject({ nextUpdate: undefined, crlNumber: undefined, size: 1 });
  });

  it.each([
    ['an entry without date', () => foreign(sequence(integer(7)))],
    ['an entry without serial number', () => foreign(sequence(date))],
    ['an empty entry', () => foreign(sequence())],
    [
      'an entry with a wrong date',
      () => foreign(sequence(integer(7), encodeDer(Tag.utcTime, Buffer.from('261301000000Z')))),
    ],
    ['an entry that is no SEQUENCE', () => foreign(integer(7))],
    [
      'an entry with something behind its extensions',
      () => foreign(sequence(integer(7), date, sequence(), integer(1))),
    ],
    ['a serial number of 65 octets', () => foreign(sequence(integer(2n ** 512n), date, sequence()))],
    ['an entry extension twice', () => foreign(sequence(integer(7), date, sequence(reason(1), reason(2))))],
    ['a list that runs past its end', () => Buffer.concat([foreign(sequence(integer(7), date)), Buffer.of(0)])],
    [
      'two different algorithms',
      () =>
        encodeSigned(readCrl(crl([]), 'x').tbs, signatureAlgorithmFor(subjectPublicKeyInfo(rootKey)), Buffer.alloc(9)),
    ],
    ['a certificate', () => authority(issuer, key, rootKey).der],
  ])('refuses %s', (_, build) => {
    expect(() => readCrl(build(), 'ca.crl')).toThrow(expect.objectContaining({ code: 'DER_INVALID', at: 'ca.crl' }));
  });

  it('any change to a CRL gives one that can be searched and shown, or a VcsPkiError', () => {
    const der = crl(
      revocationReasons.map((reason, index) => ({ serialNumber: BigInt(index + 1) << 60n, revokedAt: now, reason })),
    );
    const signer = authority(issuer, key, rootKey);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(der.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const changed = Buffer.from(der);
          for (const [at, octet] of changes) changed[at] = octet;
          try {
            const read = readCrl(changed, 'x');
            read.find(5n);
            crlText(read);
            crlIsSignedBy(read, signer);
          } catch (error) {
            expect(error).toBeInstanceOf(VcsPkiError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('lists of others than the issuer of a certificate, and delta CRLs', () => {
  const date = encodeTime(now);
  const reason = (code: number) => sequence(oid('2.5.29.21'), octetString(encodeDer(Tag.enumerated, Buffer.of(code))));
  const nameOf = (commonName: string) => readName(encodeName({ commonName }));
  const issuedBy = ({ der }: ReturnType<typeof nameOf>, critical = true) =>
    sequence(
      oid('2.5.29.29'),
      ...(critical ? [encodeDer(Tag.boolean, Buffer.of(255))] : []),
      octetString(sequence(encodeDer(0xa4, der))),
    );
  const own = readName(issuer);
  const [alpha, beta] = [nameOf('Alpha'), nameOf('Beta')];

  it('an entry counts for the issuer last named before it (RFC 5280 5.3.3)', () => {
    const read = readCrl(
      foreign(
        sequence(integer(1), date),
        sequence(integer(2), date, sequence(issuedBy(alpha))),
        sequence(integer(3), date, sequence(reason(1))),
        sequence(integer(3), date, sequence(issuedBy(beta), reason(4))),
      ),
      'x',
    );
    const reasons = (serial: bigint) => [own, alpha, beta].map((name) => read.find(serial, name)?.serialNumber);
    expect(reasons(1n)).toEqual([1n, undefined, undefined]);
    expect(reasons(2n)).toEqual([undefined, 2n, undefined]);
    expect(reasons(3n)).toEqual([undefined, 3n, 3n]);
    expect(read.find(3n, alpha)?.reason).toBe('keyCompromise');
    expect(read.find(3n, nameOf('BETA '))?.reason).toBe('superseded');
    expect(read.find(2n)).toMatchObject({ serialNumber: 2n });
  });

  it('also where the name of the issuer is not critical, as some libraries write it', () => {
    const read = readCrl(foreign(sequence(integer(2), date, sequence(issuedBy(alpha, false)))), 'x');
    expect([own, alpha].map((name) => read.find(2n, name)?.serialNumber)).toEqual([undefined, 2n]);
  });

  it('a list without such names is for the certificates of its own issuer', () => {
    const read = readCrl(crl([entry]), 'x');
    expect(read.find(0x80n, own)).toMatchObject({ reason: 'keyCompromise' });
    expect(read.find(0x80n, alpha)).toBeUndefined();
  });

  it('removeFromCRL lifts a revocation (5.3.1)', () => {
    const read = readCrl(foreign(sequence(integer(7), date, sequence(reason(8)))), 'x');
    expect(read.find(7n)).toEqual({ serialNumber: 7n, revokedAt: new Date('2026-05-06T07:08:09Z'), removed: true });
  });

  it('the extensions of a delta CRL and of a scope are read', () => {
    const extensions = [
      deltaCrlIndicator(41n),
      issuingDistributionPoint({ only: 'ca' }),
      { ...distributionPoints({ fullName: ['URI:http://a.test/d.crl'] }), oid: '2.5.29.46' },
    ];
    const tbs = sequence(
      integer(1),
      algorithm.der,
      issuer,
      encodeTime(now),
      encodeTime(next),
      encodeDer(0xa0, encodeExtensions(extensions)),
    );
    const read = readCrl(signed(key, tbs), 'x');
    expect(crlText(read)).toMatch(/^Changes since CRL number: +41\nOnly for: +authorities$/m);
    expect(read).toMatchObject({
      baseCrlNumber: 41n,
      issuingDistributionPoint: { onlyContainsCaCerts: true, indirectCrl: false },
      freshestCrlUrls: ['http://a.test/d.crl'],
      crlNumber: undefined,
    });
    expect(readCrl(crl([]), 'x')).toMatchObject({ baseCrlNumber: undefined, issuingDistributionPoint: undefined });
  });

  it('an issuer of an entry that is malformed is refused', () => {
    const broken = sequence(oid('2.5.29.29'), octetString(integer(1)));
    expect(() => readCrl(foreign(sequence(integer(7), date, sequence(broken))), 'ca.crl')).toThrow(
      expect.objectContaining({ code: 'DER_INVALID', at: 'ca.crl' }),
    );
  });
});

describe('text for people', () => {
  it('shows the first entries and how many there are', () => {
    const entries = [1n, 2n, 3n].map((serialNumber) => ({ ...entry, serialNumber }));
    const text = crlText(readCrl(crl(entries), 'x'), { limit: 2 });
    expect(text).toMatch(/^Revoked: +3$/m);
    expect(text).toMatch(/^ +01 {2}2026-05-06T07:08:09Z {2}keyCompromise$/m);
    expect(text).toMatch(/^ +and 1 more$/m);
    expect(crlText(readCrl(crl(entries), 'x'))).not.toContain('more');
  });

  it('shows in words what a list is limited to', () => {
    const scoped = (scope: Parameters<typeof issuingDistributionPoint>[0]) => {
      const extensions = encodeDer(0xa0, encodeExtensions([issuingDistributionPoint(scope)]));
      const dates = [encodeTime(now), encodeTime(next)];
      return crlText(readCrl(signed(key, sequence(integer(1), algorithm.der, issuer, ...dates, extensions)), 'x'));
    };
    expect(scoped({ fullName: ['URI:http://a.test/1.crl'], reasons: [1], indirect: true })).toMatch(
      /^Only for: +distribution point URI:http:\/\/a\.test\/1\.crl\n +some reasons of revocation\n +any issuer that its entries name$/m,
    );
    expect(scoped({ relativeName: 'Point', only: 'user' })).toMatch(
      /^Only for: +distribution point CN=Point of the issuer\n +end entities$/m,
    );
    expect(scoped({ only: 'attribute' })).toMatch(/^Only for: +attribute certificates$/m);
  });
});

import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VcsPkiError } from '../errors.ts';
import {
  type CertificateContent,
  encodeSigned,
  encodeTbsCertificate,
  fingerprint,
  isIssuedBy,
  readCertificate,
  serialHex,
} from './certificate.ts';
import { encodeDer, integer, oid, sequence, Tag } from './der.ts';
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoints,
  extendedKeyUsage,
  keyUsage,
  keyUsages,
  subjectAlternativeName,
  subjectKeyIdentifier,
} from './extensions.ts';
import { keyIdentifier, subjectPublicKeyInfo } from './keys.ts';
import { encodeName, formatName } from './name.ts';
import { signatureAlgorithmFor, signBytes } from './signature.ts';
import {
  certificatePolicies,
  inhibitAnyPolicy,
  nameConstraints,
  policyConstraints,
  policyMappings,
} from './testing/extensions.ts';
import { certificateText } from './text.ts';

const rootKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const caKey = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const leafKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rootName = encodeName({ organization: 'Example', commonName: 'Example Root CA' });
const caName = encodeName({ organization: 'Example', commonName: 'Example UC CA' });
const leafName = encodeName({ commonName: 'expe1.example.com' });
const idOf = (key: KeyObject) => keyIdentifier(subjectPublicKeyInfo(key));

function issue(issuerKey: KeyObject, content: Partial<CertificateContent> = {}): Buffer {
  const algorithm = signatureAlgorithmFor(subjectPublicKeyInfo(issuerKey));
  const tbs = encodeTbsCertificate(
    {
      serialNumber: 0x4000_0000_0000_0001n,
      issuer: caName,
      subject: leafName,
      notBefore: new Date('2026-01-02T03:04:05.678Z'),
      notAfter: new Date('2051-01-02T03:04:05Z'),
      subjectPublicKeyInfo: subjectPublicKeyInfo(leafKey),
      extensions: [],
      ...content,
    },
    algorithm,
  );
  return encodeSigned(tbs, algorithm, signBytes(issuerKey, tbs));
}

const root = readCertificate(
  issue(rootKey, {
    issuer: rootName,
    subject: rootName,
    subjectPublicKeyInfo: subjectPublicKeyInfo(rootKey),
    extensions: [basicConstraints({ authority: true }), subjectKeyIdentifier(idOf(rootKey))],
  }),
  'root',
);
const authority = readCertificate(
  issue(rootKey, {
    issuer: rootName,
    subject: caName,
    subjectPublicKeyInfo: subjectPublicKeyInfo(caKey),
    extensions: [
      basicConstraints({ authority: true, pathLength: 0 }),
      keyUsage(['keyCertSign', 'cRLSign']),
      subjectKeyIdentifier(idOf(caKey)),
      authorityKeyIdentifier(idOf(rootKey)),
    ],
  }),
  'authority',
);
const leafExtensions = [
  basicConstraints({ authority: false }),
  keyUsage(['digitalSignature']),
  extendedKeyUsage(['serverAuth', 'clientAuth']),
  subjectAlternativeName(['expe1.example.com', 'expe.example.com']),
  subjectKeyIdentifier(idOf(leafKey)),
  authorityKeyIdentifier(idOf(caKey)),
  crlDistributionPoints(['http://pki.example.com/a.crl', 'http://pki2.example.com/a.crl']),
  authorityInfoAccess({ caIssuers: ['http://pki.example.com/a.cer'], ocsp: ['http://ocsp.example.com'] }),
];
const leafDer = issue(caKey, { extensions: leafExtensions });
const leaf = readCertificate(leafDer, 'leaf');

describe('a certificate is read as it was written', () => {
  it('all fields', () => {
    expect(leaf).toMatchObject({
      serialNumber: 0x4000_0000_0000_0001n,
      notBefore: new Date('2026-01-02T03:04:05Z'),
      notAfter: new Date('2051-01-02T03:04:05Z'),
      dnsNames: ['expe1.example.com', 'expe.example.com'],
      ipAddresses: [],
      uris: [],
      emails: [],
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: ['serverAuth', 'clientAuth'],
      basicConstraints: { authority: false, pathLength: undefined },
      crlUrls: ['http://pki.example.com/a.crl', 'http://pki2.example.com/a.crl'],
      caIssuerUrls: ['http://pki.example.com/a.cer'],
      ocspUrls: ['http://ocsp.example.com'],
      signatureAlgorithmName: 'ecdsa-with-SHA384',
      extensions: leafExtensions,
    });
    expect(leaf.subjectKeyIdentifier?.equals(idOf(leafKey))).toBe(true);
    expect(leaf.authorityKeyIdentifier?.equals(idOf(caKey))).toBe(true);
    expect(leaf.der.equals(leafDer)).toBe(true);
    expect(formatName(leaf.issuer)).toBe('O=Example, CN=Example UC CA');
    expect(authority.basicConstraints).toEqual({ authority: true, pathLength: 0 });
  });

  it('node:crypto reads the same', () => {
    const other = new X509Certificate(leafDer);
    expect(other.serialNumber).toBe(serialHex(leaf.serialNumber));
    expect(other.fingerprint256).toBe(fingerprint(leafDer));
    expect(other.subjectAltName).toBe('DNS:expe1.example.com, DNS:expe.example.com');
    expect(other.verify(new X509Certificate(authority.der).publicKey)).toBe(true);
    expect(other.ca).toBe(false);
    expect(new X509Certificate(authority.der).ca).toBe(true);
  });

  it('any serial number of 1 to 20 octets', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 159n - 1n }), (serialNumber) => {
        const algorithm = signatureAlgorithmFor(subjectPublicKeyInfo(caKey));
        const content = { ...leaf, issuer: caName, subject: leafName, serialNumber };
        const der = encodeSigned(encodeTbsCertificate(content, algorithm), algorithm, Buffer.alloc(8));
        expect(readCertificate(der, 'x').serialNumber).toBe(serialNumber);
        expect(BigInt(`0x${serialHex(serialNumber)}`)).toBe(serialNumber);
        expect(serialHex(serialNumber)).toMatch(/^([0-9A-F]{2})+$/);
      }),
    );
  });

  it('every combination of key usages', () => {
    fc.assert(
      fc.property(fc.subarray([...keyUsages], { minLength: 1 }), (names) => {
        expect(readCertificate(issue(leafKey, { extensions: [keyUsage(names)] }), 'x').keyUsage).toEqual(names);
      }),
      { numRuns: 50 },
    );
  });

  it('key usage is a named bit list without trailing zeros (X.690 11.2.2)', () => {
    expect(keyUsage(['digitalSignature']).value.toString('hex')).toBe('03020780');
    expect(keyUsage(['keyCertSign', 'cRLSign']).value.toString('hex')).toBe('03020106');
    expect(keyUsage(['decipherOnly']).value.toString('hex')).toBe('0303070080');
  });
});

describe('what must not be encoded is not', () => {
  it.each([0n, -1n, 2n ** 159n])('serial number %s is refused, not replaced', (serialNumber) => {
    expect(() => issue(caKey, { serialNumber })).toThrow(
      expect.objectContaining({ code: 'CONTENT_INVALID', at: 'serial number' }),
    );
  });

  it('a certificate without extensions has no empty [3]', () => {
    expect(readCertificate(issue(caKey), 'x').extensions).toEqual([]);
    expect(issue(caKey).includes(Buffer.from('a3023000', 'hex'))).toBe(false);
  });

  it('DEFAULT FALSE is left out: of basic constraints and of critical', () => {
    expect(basicConstraints({ authority: false }).value.toString('hex')).toBe('3000');
    expect(leafDer.includes(Buffer.from('010100', 'hex'))).toBe(false);
  });

  it('an extension twice', () => {
    expect(() => issue(caKey, { extensions: [...leafExtensions, keyUsage(['cRLSign'])] })).toThrow(/twice/);
  });

  it('an end before the begin, and dates before 1950', () => {
    expect(() => issue(caKey, { notAfter: new Date('2025-01-01T00:00:00Z') })).toThrow(/end before it begins/);
    expect(() => issue(caKey, { notBefore: new Date('1949-01-01T00:00:00Z') })).toThrow(/1950/);
  });

  it.each([
    '',
    'å.example.com',
    'a b.example.com',
    'a..example.com',
    'example.com.',
    'my_host.example.com',
    '-a.com',
    'w*.example.com',
    'a.*.com',
    '*',
    `${'a'.repeat(64)}.com`,
    'a\u0000.com',
  ])('DNS name %j', (name) => {
    expect(() => subjectAlternativeName(['ok.example.com', name])).toThrow(
      expect.objectContaining({ code: 'CONTENT_INVALID', value: name }),
    );
  });

  it.each(['EXPE1.example.com', '*.example.com', 'xn--4ca.example.com', '1.2.3.example', 'localhost'])(
    'but DNS name %s is',
    (name) => {
      expect(readCertificate(issue(caKey, { extensions: [subjectAlternativeName([name])] }), 'x').dnsNames).toEqual([
        name,
      ]);
    },
  );

  it.each(['', 'pki.example.com/a.crl', 'http://pki.example.com/å.crl', 'http://a b/'])('URL %j', (url) => {
    expect(() => crlDistributionPoints([url])).toThrow(expect.objectContaining({ code: 'CONTENT_INVALID' }));
  });

  it('extensions without content', () => {
    for (const build of [
      () => keyUsage([]),
      () => extendedKeyUsage([]),
      () => subjectAlternativeName([]),
      () => crlDistributionPoints([]),
      () => authorityInfoAccess({}),
    ])
      expect(build).toThrow(expect.objectContaining({ code: 'CONTENT_INVALID' }));
  });
});

describe('I6: isIssuedBy', () => {
  it('an EC authority whose own certificate is signed with RSA', () => {
    expect(isIssuedBy(leaf, authority)).toBe(true);
    expect(isIssuedBy(authority, root)).toBe(true);
    expect(isIssuedBy(root, root)).toBe(true);
    expect(isIssuedBy(leaf, root)).toBe(false);
  });

  it('not when the name, the key identifier or the key differs', () => {
    const extensions = [authorityKeyIdentifier(idOf(rootKey))];
    expect(isIssuedBy(readCertificate(issue(caKey, { issuer: rootName }), 'x'), authority)).toBe(false);
    expect(isIssuedBy(readCertificate(issue(caKey, { extensions }), 'x'), authority)).toBe(false);
    expect(isIssuedBy(readCertificate(issue(leafKey), 'x'), authority)).toBe(false);
    expect(isIssuedBy(readCertificate(issue(caKey), 'x'), authority)).toBe(true);
  });

  it('RFC 5280 7.1: whatever string types, case and spaces the name of the issuer is written with', () => {
    const written = (tag: number, commonName: string) =>
      sequence(encodeDer(Tag.set, sequence(oid('2.5.4.3'), encodeDer(tag, Buffer.from(commonName)))));
    const subject = written(Tag.utf8String, 'Example Issuing CA');
    const issuer = written(Tag.printableString, 'EXAMPLE  Issuing CA ');
    const other = written(Tag.printableString, 'Example Issuing CA 2');
    const signer = readCertificate(issue(rootKey, { subject, subjectPublicKeyInfo: subjectPublicKeyInfo(caKey) }), 'x');
    expect(isIssuedBy(readCertificate(issue(caKey, { issuer, extensions: [] }), 'x'), signer)).toBe(true);
    expect(isIssuedBy(readCertificate(issue(caKey, { issuer: other, extensions: [] }), 'x'), signer)).toBe(false);
  });

  it('not when a bit of what was signed has changed', () => {
    const changed = Buffer.from(leafDer);
    changed[changed.indexOf('expe.example.com')] = 0x66;
    expect(isIssuedBy(readCertificate(changed, 'x'), authority)).toBe(false);
  });
});

describe('the reader', () => {
  const at = 'peer.pem';
  const algorithm = signatureAlgorithmFor(subjectPublicKeyInfo(caKey));
  const generalNames = (...names: Buffer[]) => ({ oid: '2.5.29.17', critical: false, value: sequence(...names) });
  const withNames = (...names: Buffer[]) => readCertificate(issue(caKey, { extensions: [generalNames(...names)] }), at);

  it('knows names of every kind', () => {
    expect(
      withNames(
        encodeDer(0x87, Buffer.of(10, 0, 0, 1)),
        encodeDer(0x87, Buffer.from('20010db8000000000000000000000001', 'hex')),
        encodeDer(0x86, Buffer.from('sip:room@example.com')),
        encodeDer(0x81, Buffer.from('room@example.com')),
        encodeDer(0xa4, rootName),
        encodeDer(0xa0, oid('1.3.6.1.5.5.7.8.5'), encodeDer(0xa0, encodeDer(Tag.utf8String, Buffer.from('x')))),
        encodeDer(0x88, Buffer.of(42)),
      ),
    ).toMatchObject({
      dnsNames: [],
      ipAddresses: ['10.0.0.1', '2001:db8::1'],
      uris: ['sip:room@example.com'],
      emails: ['room@example.com'],
      alternativeNames: expect.arrayContaining([
        expect.objectContaining({ kind: 'DirName', value: 'O=Example, CN=Example Root CA' }),
      ]),
    });
  });

  it('shows what is not ASCII in a name of ASCII as octets: openssl reads such certificates too', () => {
    const location = sequence(oid('1.3.6.1.5.5.7.48.2'), encodeDer(0x86, Buffer.from('ldap:///CN=Å')));
    const access = { oid: '1.3.6.1.5.5.7.1.1', critical: false, value: sequence(location) };
    const names = generalNames(
      encodeDer(0x82, Buffer.from('blå.example.com')),
      encodeDer(0x82, Buffer.of(0xe5)),
      encodeDer(0x86, Buffer.from('http://blå.example.com/')),
    );
    expect(readCertificate(issue(caKey, { extensions: [names, access] }), at)).toMatchObject({
      dnsNames: ['bl\\xC3\\xA5.example.com', '\\xE5'],
      uris: ['http://bl\\xC3\\xA5.example.com/'],
      caIssuerUrls: ['ldap:///CN=\\xC3\\x85'],
    });
  });

  it('RFC 4120 5.2.1, RFC 4556 3.2.2: the other name of Kerberos, which has GeneralStrings', () => {
    const text = (value: string) => encodeDer(Tag.generalString, Buffer.from(value));
    const service = sequence(
      encodeDer(0xa0, integer(1)),
      encodeDer(0xa1, sequence(text('ldap'), text('ad.example.com'))),
    );
    const principal = sequence(encodeDer(0xa0, text('EXAMPLE.COM')), encodeDer(0xa1, service));
    const value = encodeDer(0xa0, oid('1.3.6.1.5.2.2'), encodeDer(0xa0, principal));
    expect(withNames(encodeDer(0x82, Buffer.from('ad.example.com')), value)).toMatchObject({
      dnsNames: ['ad.example.com'],
      alternativeNames: [{ kind: 'DNS' }, { kind: 'othername', value: '1.3.6.1.5.2.2' }],
    });
  });

  it('names extended key usages it knows and shows the OIDs of others', () => {
    const value = sequence(oid('1.3.6.1.5.5.7.3.9'), oid('1.3.6.1.4.1.311.20.2.2'));
    const extensions = [{ oid: '2.5.29.37', critical: true, value }];
    const { extendedKeyUsage } = readCertificate(issue(caKey, { extensions }), at);
    expect(extendedKeyUsage).toEqual(['OCSPSigning', '1.3.6.1.4.1.311.20.2.2']);
  });

  it('reads version 1 certificates, and serial numbers that RFC 5280 would not allow', () => {
    const tbs = (serial: bigint) =>
      sequence(
        integer(serial),
        algorithm.der,
        caName,
        sequence(
          encodeDer(Tag.utcTime, Buffer.from('260101000000Z')),
          encodeDer(Tag.utcTime, Buffer.from('270101000000Z')),
        ),
        leafName,
        subjectPublicKeyInfo(leafKey),
      );
    for (const serial of [0n, -1n, 2n ** 200n])
      expect(readCertificate(encodeSigned(tbs(serial), algorithm, Buffer.alloc(8)), at)).toMatchObject({
        serialNumber: serial,
        version: 1,
      });
  });

  it.each([
    [
      'two different algorithms',
      () => encodeSigned(leaf.tbs, signatureAlgorithmFor(root.subjectPublicKeyInfo), leaf.signature),
    ],
    ['something behind its end', () => Buffer.concat([leafDer, Buffer.of(0)])],
    ['a cut-off end', () => leafDer.subarray(0, -1)],
    [
      'more than 64 kB',
      () => issue(caKey, { extensions: [{ oid: '1.2.3', critical: false, value: Buffer.alloc(65_536) }] }),
    ],
    ['another structure', () => sequence(integer(1))],
    ['an IP address of 5 octets', () => issue(caKey, { extensions: [generalNames(encodeDer(0x87, Buffer.alloc(5)))] })],
    [
      'an extension that is no DER',
      () => issue(caKey, { extensions: [{ oid: '2.5.29.15', critical: true, value: Buffer.of(3, 0) }] }),
    ],
    [
      'a negative path length',
      () =>
        issue(caKey, {
          extensions: [{ oid: '2.5.29.19', critical: true, value: Buffer.from('30060101ff0201ff', 'hex') }],
        }),
    ],
  ])('refuses %s', (_, build) => {
    expect(() => readCertificate(build(), at)).toThrow(expect.objectContaining({ code: 'DER_INVALID', at }));
  });

  it('any change to a certificate gives a certificate that can be shown, or a VcsPkiError', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(leafDer.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const changed = Buffer.from(leafDer);
          for (const [at, octet] of changes) changed[at] = octet;
          try {
            const certificate = readCertificate(changed, 'x');
            certificateText(certificate);
            isIssuedBy(certificate, authority);
          } catch (error) {
            expect(error).toBeInstanceOf(VcsPkiError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('text for people', () => {
  it('shows what a certificate is', () => {
    const text = certificateText(authority);
    expect(text).toMatch(/^Subject: +O=Example, CN=Example UC CA$/m);
    expect(text).toMatch(/^Basic constraints \(critical\): +authority, at most 0 authorities below it$/m);
    expect(text).toMatch(/^Valid until: +2051-01-02T03:04:05Z$/m);
    expect(text).toMatch(/^Key: +EC P-384, id ([0-9A-F]{2}:){19}[0-9A-F]{2}$/m);
  });

  it('shows extensions that it does not know by their OID, whatever is in them', () => {
    const extensions = [{ oid: '1.2.3.4', critical: true, value: Buffer.from('not DER at all') }];
    expect(certificateText(readCertificate(issue(caKey, { extensions }), 'x'))).toMatch(
      /^1\.2\.3\.4 \(critical\): +6e6f74/m,
    );
  });

  it('shows in words what an authority allows', () => {
    const extensions = [
      nameConstraints({ permitted: ['DNS:example.com'], excluded: ['IP:0a000000ff000000'] }),
      certificatePolicies('1.2.3', '1.2.4'),
      policyMappings(['1.2.3', '1.2.5']),
      policyConstraints({ explicit: 0, mapping: 1 }),
      inhibitAnyPolicy(2),
    ];
    const text = certificateText(readCertificate(issue(caKey, { extensions }), 'x'));
    for (const fact of [
      /^Name constraints \(critical\): +permitted DNS:example\.com\n +excluded IP:10\.0\.0\.0\/255\.0\.0\.0$/m,
      /^Policies: +1\.2\.3\n +1\.2\.4$/m,
      /^Policy mappings \(critical\): +1\.2\.3 as 1\.2\.5$/m,
      /^Policy constraints \(critical\): +a policy is required after 0 more .*\n +no policy is mapped after 1 more/m,
      /^Inhibit any policy \(critical\): +any policy is ignored after 2 more certificates$/m,
    ])
      expect(text).toMatch(fact);
  });

  it('nothing in a name steers the terminal', () => {
    const value = sequence(encodeDer(0x82, Buffer.from('a\u001b[2J.example.com')));
    const text = certificateText(
      readCertificate(issue(caKey, { extensions: [{ oid: '2.5.29.17', critical: false, value }] }), 'x'),
    );
    expect(text).toContain('DNS:a\\u{1b}[2J.example.com');
  });
});

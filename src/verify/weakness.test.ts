import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { releases } from '../topology/releases/releases.ts';
import { LEAST_RSA_BITS } from '../x509/weak-key.ts';
import type { PathCertificate } from './path/path-certificate.ts';
import { paperAuthority, paperCertificate } from './path/testing/paper-pki.ts';
import { weakness } from './weakness.ts';

const root = paperAuthority({ subject: 'Root' });
const issuing = paperAuthority({ subject: 'Issuing', issuer: 'Root' });
const peer = paperCertificate({ subject: 'Peer', issuer: 'Issuing' });
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).publicKey;
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey;

/** What `openssl verify -auth_level 2` says of each was seen with OpenSSL 3.0. */
function weak(change: (certificate: PathCertificate) => Partial<PathCertificate>, which: 'Peer' | 'Issuing' | 'Root') {
  const changed = (certificate: PathCertificate) =>
    certificate.subject.commonName === which ? { ...certificate, ...change(certificate) } : certificate;
  return weakness([peer, issuing, root].map(changed));
}
const holding = (key: KeyObject) => () => ({ publicKey: () => key });
const signedWith = (signatureAlgorithmName: string) => () => ({ signatureAlgorithmName });

describe('D29: keys of less than 112 bits of strength (errors 66 and 67 of openssl)', () => {
  it.each([
    ['RSA 1024', rsa(1024), 1024],
    ['RSA 1536', rsa(1536), 1536],
    ['EC P-192', ec('prime192v1'), 192],
    ['EC sect193r1', ec('sect193r1'), 193],
  ])('%s is refused in the certificate, in an authority and in the anchor', (_, key, bits) => {
    for (const which of ['Peer', 'Issuing', 'Root'] as const)
      expect(weak(holding(key), which)).toMatchObject({
        step: 'chain',
        message: `the key of ${which} has ${bits} bits, which is too weak for today's TLS`,
        diagnosis: 'D29',
      });
  });

  it('says what to do: of its own key, or of an authority', () => {
    const small = rsa(1024);
    expect(weak(holding(small), 'Peer')?.fix).toBe('make a key of 4096 bits, and have a certificate issued for it');
    expect(weak(holding(small), 'Issuing')?.fix).toBe('let an authority with a larger key issue the certificates');
  });

  it.each([
    ['RSA 2048', rsa(2048)],
    ['EC P-224', ec('secp224r1')],
    ['EC P-256', ec('prime256v1')],
    ['EC sect233k1', ec('sect233k1')],
    ['Ed25519', generateKeyPairSync('ed25519').publicKey],
  ])('%s is accepted', (_, key) => {
    for (const which of ['Peer', 'Issuing', 'Root'] as const) expect(weak(holding(key), which)).toBeUndefined();
  });

  it('requirement 41: the least size is the smallest that the documents of each release name', () => {
    for (const { name, keys } of releases) expect([name, keys[0]]).toEqual([name, `rsa-${LEAST_RSA_BITS}`]);
  });

  it('a certificate that is only predicted has no key, and none that is weak', () =>
    expect(weakness([peer, issuing, root])).toBeUndefined());
});

describe('D30: digests (error 68 of openssl)', () => {
  it.each(['ecdsa-with-SHA1', 'sha1WithRSAEncryption', 'rsassaPss with sha1', 'md5WithRSAEncryption'])(
    '%s is refused wherever a signature is looked at',
    (name) => {
      for (const which of ['Peer', 'Issuing'] as const)
        expect(weak(signedWith(name), which)).toMatchObject({
          step: 'chain',
          message: `${which} is signed with ${name}, which is too weak for today's TLS`,
          diagnosis: 'D30',
        });
      expect(weak(signedWith(name), 'Root')).toBeUndefined();
    },
  );

  it.each(['sha224WithRSAEncryption', 'rsassaPss with sha256', 'ecdsa_with_SHA3-256', 'ED25519'])(
    '%s is accepted',
    (name) => expect(weak(signedWith(name), 'Peer')).toBeUndefined(),
  );
});

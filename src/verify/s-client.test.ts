import { describe, expect, it } from 'vitest';
import { readHandshake } from './s-client.ts';

/** What OpenSSL 3.0 prints; the certificates are shortened, for they are not read here. */
const TLS13 = `CONNECTED(00000003)
---
Certificate chain
 0 s:O=Example, CN=expe1.example.com
   i:O=Example, CN=Issuing
   a:PKEY: id-ecPublicKey, 256 (bit); sigalg: ecdsa-with-SHA256
-----BEGIN CERTIFICATE-----
MAMCAQE=
-----END CERTIFICATE-----
 1 s:O=Example, CN=Issuing
   i:O=Example, CN=Root
-----BEGIN CERTIFICATE-----
MAMCAQI=
-----END CERTIFICATE-----
---
Server certificate
subject=O=Example, CN=expe1.example.com
---
Acceptable client certificate CA names
O=Example, CN=Root
O=Example, CN=Other \\0ARoot
Requested Signature Algorithms: ECDSA+SHA256:RSA+SHA256
Shared Requested Signature Algorithms: ECDSA+SHA256
Peer signing digest: SHA256
---
SSL handshake has read 910 bytes and written 407 bytes
Verification error: self-signed certificate
---
New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384
Server public key is 256 bit
Verify return code: 18 (self-signed certificate)
---
`;

describe('the output of openssl s_client', () => {
  it('has the certificates in the order sent, protocol, cipher, and who may issue client certificates', () => {
    expect(readHandshake(TLS13, 'test')).toEqual({
      chain: [Buffer.from([0x30, 3, 2, 1, 1]), Buffer.from([0x30, 3, 2, 1, 2])],
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      requestedAuthorities: ['O=Example, CN=Root', 'O=Example, CN=Other \\0ARoot'],
    });
  });

  it('up to TLS 1.2 the session says the version, and the line before it that of the cipher', () => {
    const session =
      'New, SSLv3, Cipher is AES128-SHA\nSSL-Session:\n    Protocol  : TLSv1.2\n    Cipher    : AES128-SHA\n';
    const output = TLS13.replace(/New, TLSv1\.3.*\n/, session);
    expect(readHandshake(output, 'test')).toMatchObject({ protocol: 'TLSv1.2', cipher: 'AES128-SHA' });
  });

  it.each([
    [
      'names nobody (RFC 8446 4.3.2)',
      'No client certificate CA names sent\nRequested Signature Algorithms: RSA+SHA256\n',
      [],
    ],
    ['names nobody, before TLS 1.2', 'No client certificate CA names sent\nClient Certificate Types: RSA sign\n', []],
    ['was not sent', 'No client certificate CA names sent\n', undefined],
  ])('a request for a certificate that %s', (_, printed, expected) => {
    const output = TLS13.replace(/Acceptable[\s\S]*?(?=Peer signing)/, printed);
    expect(readHandshake(output, 'test')?.requestedAuthorities).toEqual(expected);
  });

  it('keeps the chain of a handshake that was broken off', () => {
    const output = TLS13.replace('TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384', '(NONE), Cipher is (NONE)');
    const handshake = readHandshake(output, 'test');
    expect(handshake?.chain).toHaveLength(2);
    expect(handshake).toMatchObject({ protocol: undefined, cipher: undefined });
  });

  it('takes nothing from what the server says afterwards', () => {
    const said = TLS13.replace(/Acceptable[\s\S]*?(?=Peer signing)/, 'No client certificate CA names sent\n').concat(
      TLS13.slice(TLS13.indexOf('Certificate chain')).replaceAll('MAMCAQE=', 'MAMCAQM='),
    );
    const handshake = readHandshake(said, 'test');
    expect(handshake?.chain.map((der) => der.at(-1))).toEqual([1, 2]);
    expect(handshake?.requestedAuthorities).toBeUndefined();
  });

  it.each([
    ['', 'nothing at all'],
    ['CONNECTED(00000003)\n---\nno peer certificate available\n---\n', 'no certificate'],
    [TLS13.slice(0, 200), 'half a chain'],
  ])('%j: %s', (output) => {
    expect(readHandshake(output, 'test')).toBeUndefined();
  });
});

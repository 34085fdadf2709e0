import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bitString, oid, sequence } from '../../../x509/der.ts';
import { subjectPublicKeyInfo } from '../../../x509/keys.ts';
import { encodePem } from '../../../x509/pem.ts';
import { createRequest } from '../../../x509/request.ts';
import { keyWithExponent, rsaInfo } from '../../../x509/testing/weak-keys.ts';
import { examine } from '../examine.ts';
import {
  authorityCertificate,
  days,
  files,
  found,
  holder,
  keyPem,
  material,
  now,
  peerCertificate,
  rsaPublicKey,
} from '../testing/evidence.ts';

const m = material();
const server = (publicKey: Buffer) => ({ 'server.pem': peerCertificate(m.peer, m.issuing, { publicKey }) });

describe('D29, requirement 41: sizes of RSA keys', () => {
  it.each([1024, 8192])('refuses %i bits', async (bits) => {
    expect(found(await files(server(rsaPublicKey(bits))))).toEqual(['KEY_BITS D29 error server.pem']);
  });

  it.each([2048, 3072, 4096])('accepts %i bits', async (bits) => {
    expect(found(await files(server(rsaPublicKey(bits))))).toEqual([]);
  });

  it('looks at a key alone', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(found(await files({ 'privatekey.pem': keyPem(privateKey) }))).toEqual(['KEY_BITS D29 error privatekey.pem']);
  });

  it('does not look at the key of a certificate that was replaced', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const before = peerCertificate(holder(m.peer.name, privateKey), m.issuing, { begin: days(-300), end: days(60) });
    const pair = { 'server-2025.pem': before, 'key-2025.pem': keyPem(privateKey) };
    expect(found(await files({ ...pair, 'server.pem': peerCertificate(m.peer, m.issuing) }))).toEqual([]);
  });

  it('holds authorities to the lower bound alone: what stays down is the zone of who has the large key', async () => {
    const authority = (bits: number) =>
      authorityCertificate(holder('Root'), undefined, { publicKey: rsaPublicKey(bits) });
    expect(found(await files({ 'ca.pem': authority(1024) }))).toEqual(['KEY_BITS D29 error ca.pem']);
    expect(found(await files({ 'ca.pem': authority(8192) }))).toEqual([]);
  });
});

describe('D29, requirement 41: RSA keys that others can break', () => {
  const weak = (at: string) => [`RSA_KEY_WEAK D29 error ${at}`];
  const even = rsaInfo(2n ** 2047n, 65537n);

  it('are found in certificates of peers and authorities, in requests, and alone', async () => {
    const key = keyWithExponent(3);
    const content = {
      subject: { commonName: 'expc1.example.com' },
      dnsNames: ['expc1.example.com'],
      purposes: ['serverAuth' as const],
    };
    const request = encodePem('CERTIFICATE REQUEST', await createRequest(key, content));
    const authority = authorityCertificate(holder('Root'), undefined, { publicKey: even });
    expect(found(await files(server(subjectPublicKeyInfo(key))))).toEqual(weak('server.pem'));
    expect(found(await files(server(even)))).toEqual(weak('server.pem'));
    expect(found(await files({ 'ca.pem': authority }))).toEqual(weak('ca.pem'));
    expect(found(await files({ 'request.pem': request }))).toEqual(weak('request.pem'));
    expect(found(await files({ 'privatekey.pem': keyPem(key) }))).toEqual(weak('privatekey.pem'));
  });

  it('are told with place, value and fix', async () => {
    const [finding] = examine({ artefacts: await files(server(even)), now }).findings;
    expect(finding).toMatchObject({
      at: 'server.pem',
      value: 'modulus divisible by 2',
      message: expect.stringContaining('anybody can compute the private key'),
      fix: expect.stringContaining('make a key of 4096 bits'),
    });
  });

  it('of fewer than 2048 bits are found for their size alone', async () => {
    expect(found(await files(server(rsaInfo(2n ** 1023n, 3n))))).toEqual(['KEY_BITS D29 error server.pem']);
  });
});

describe('types of keys', () => {
  it('warns of what is no key', async () => {
    const noKey = sequence(sequence(oid('1.2.840.113549.1.1.1')), bitString(Buffer.of(1, 2, 3)));
    expect(found(await files(server(noKey)))).toEqual(['KEY_KIND - warning server.pem']);
  });

  it('warns of ECDSA before X14.3, and of Ed25519 everywhere', async () => {
    const ec = await files(server(subjectPublicKeyInfo(m.peer.key)));
    expect(found(ec, 'X14.2')).toEqual(['KEY_KIND - warning server.pem']);
    expect(found(ec, 'X14.3')).toEqual([]);
    const { publicKey } = generateKeyPairSync('ed25519');
    expect(found(await files(server(subjectPublicKeyInfo(publicKey))))).toEqual(['KEY_KIND - warning server.pem']);
  });
});

import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VcsPkiError } from '../errors.ts';
import { encodeSigned } from './certificate.ts';
import { encodeDer, integer, octetString, oid, sequence, Tag } from './der.ts';
import { type Extension, encodeExtensions, extendedKeyUsage, keyUsage } from './extensions.ts';
import { generatePrivateKey, keyTypes, subjectPublicKeyInfo } from './keys.ts';
import { encodeName, formatName } from './name.ts';
import { createRequest, readRequest } from './request.ts';
import { signatureAlgorithmFor, signBytes } from './signature.ts';
import { requestText } from './text.ts';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const content = {
  subject: { commonName: 'expe1.example.com', organization: 'Example', country: 'NO' },
  dnsNames: ['expe1.example.com', 'expe.example.com'],
  purposes: ['serverAuth', 'clientAuth'],
} as const;

/** A request as a peer or another tool would make it. */
function foreign(extensions: readonly Extension[], signer: KeyObject = key): Buffer {
  const attribute = sequence(oid('1.2.840.113549.1.9.14'), encodeDer(Tag.set, encodeExtensions(extensions)));
  const tbs = sequence(
    integer(0),
    encodeName({ commonName: 'a' }),
    subjectPublicKeyInfo(key),
    encodeDer(0xa0, attribute),
  );
  return encodeSigned(tbs, signatureAlgorithmFor(subjectPublicKeyInfo(signer)), signBytes(signer, tbs));
}

describe.each(keyTypes)('%s', (type) => {
  it('a request is read as it was made, and proves possession of the key', async () => {
    const requestKey = await generatePrivateKey(type);
    const request = await readRequest(await createRequest(requestKey, content), 'x');
    expect(formatName(request.subject)).toBe('C=NO, O=Example, CN=expe1.example.com');
    expect(request).toMatchObject({
      dnsNames: content.dnsNames,
      otherNames: [],
      extendedKeyUsage: content.purposes,
      requestedExtensions: ['2.5.29.17', '2.5.29.37'],
    });
    expect(request.subjectPublicKeyInfo.equals(subjectPublicKeyInfo(requestKey))).toBe(true);
  });
});

describe('requests', () => {
  it('the subject is encoded like that of a certificate', async () => {
    const { subject } = await readRequest(await createRequest(key, content), 'x');
    expect(subject.der.equals(encodeName(content.subject))).toBe(true);
  });

  it('without extensions still has the attributes field (RFC 2986 4.1)', async () => {
    const der = await createRequest(key, { subject: {}, dnsNames: [], purposes: [] });
    expect(der.includes(Buffer.concat([subjectPublicKeyInfo(key), Buffer.of(0xa0, 0)]))).toBe(true);
    expect(await readRequest(der, 'x')).toMatchObject({
      dnsNames: [],
      extendedKeyUsage: undefined,
      requestedExtensions: [],
    });
  });

  it('everything that is asked for is told, granted or not', async () => {
    const names = sequence(
      encodeDer(0x82, Buffer.from('a.example.com')),
      encodeDer(0x87, Buffer.of(10, 0, 0, 1)),
      encodeDer(0x86, Buffer.from('sip:a@example.com')),
    );
    const der = foreign([{ oid: '2.5.29.17', critical: false, value: names }, keyUsage(['keyCertSign'])]);
    const request = await readRequest(der, 'x');
    expect(request).toMatchObject({
      dnsNames: ['a.example.com'],
      otherNames: ['IP:10.0.0.1', 'URI:sip:a@example.com'],
      requestedExtensions: ['2.5.29.17', '2.5.29.15'],
    });
    expect(requestText(request)).toMatch(/^Names: +DNS:a\.example\.com\n +IP:10\.0\.0\.1\n +URI:sip:a@example\.com$/m);
  });

  it('signed by another key is refused', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    await expect(readRequest(foreign([extendedKeyUsage(['serverAuth'])], other), 'peer.csr')).rejects.toMatchObject({
      code: 'REQUEST_SIGNATURE_INVALID',
      at: 'peer.csr',
    });
  });

  it('changed after it was signed is refused', async () => {
    const der = await createRequest(key, content);
    der[der.indexOf('expe.example')] = 0x66;
    await expect(readRequest(der, 'x')).rejects.toMatchObject({ code: 'REQUEST_SIGNATURE_INVALID' });
  });

  it.each([
    ['nothing', () => Buffer.alloc(0)],
    ['another structure', () => sequence(integer(1))],
    ['more than 64 kB', () => foreign([{ oid: '1.2.3', critical: false, value: octetString(Buffer.alloc(65_536)) }])],
    ['a malformed name', () => foreign([{ oid: '2.5.29.17', critical: false, value: Buffer.of(0x30, 0x80, 0, 0) }])],
    ['something behind its end', () => Buffer.concat([foreign([]), Buffer.of(0)])],
  ])('%s is unreadable', async (_, build) => {
    await expect(readRequest(build(), 'peer.csr')).rejects.toMatchObject({
      code: 'REQUEST_UNREADABLE',
      at: 'peer.csr',
    });
  });

  it('any change to a request gives a request or a VcsPkiError', async () => {
    const der = await createRequest(key, content);
    await fc.assert(
      fc.asyncProperty(fc.nat(der.length - 1), fc.nat(255), async (at, octet) => {
        const changed = Buffer.from(der);
        changed[at] = octet;
        await readRequest(changed, 'x').catch((error: unknown) => expect(error).toBeInstanceOf(VcsPkiError));
      }),
      { numRuns: 500 },
    );
  });
});

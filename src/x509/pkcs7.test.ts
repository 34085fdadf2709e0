import { describe, expect, it } from 'vitest';
import { contextTag, encodeDer, integer, oid, sequence, Tag } from './der.ts';
import { readPkcs7 } from './pkcs7.ts';
import { sampleCertificate, sampleCrl, sampleParty } from './testing/sample-certificate.ts';
import { indefinite } from './testing/sample-pkcs12.ts';

const root = sampleParty('Example CA');
const certificate = sampleCertificate(root, root, { authority: true });
const crl = sampleCrl(root);
const tagged = (number: number, ...values: Buffer[]) => encodeDer(contextTag(number, 'constructed'), ...values);
const start = [integer(1), encodeDer(Tag.set), sequence(oid('1.2.840.113549.1.7.1'))];
const signedData = (...lists: Buffer[]) =>
  sequence(oid('1.2.840.113549.1.7.2'), tagged(0, sequence(...start, ...lists, encodeDer(Tag.set))));

describe('PKCS #7 (RFC 5652 5.1)', () => {
  it('gives its certificates and CRLs in order', () => {
    expect(readPkcs7(signedData(tagged(0, certificate, certificate), tagged(1, crl)), 'x.p7b')).toEqual([
      { label: 'CERTIFICATE', der: certificate },
      { label: 'CERTIFICATE', der: certificate },
      { label: 'X509 CRL', der: crl },
    ]);
    expect(readPkcs7(signedData(tagged(1, crl)), 'x.p7b')).toEqual([{ label: 'X509 CRL', der: crl }]);
    expect(readPkcs7(signedData(), 'x.p7b')).toEqual([]);
  });

  it('reads BER outside, and gives what is inside as it stands', () => {
    const data = indefinite(
      Tag.sequence,
      ...start,
      indefinite(contextTag(0, 'constructed'), certificate),
      encodeDer(Tag.set),
    );
    const file = indefinite(Tag.sequence, oid('1.2.840.113549.1.7.2'), indefinite(contextTag(0, 'constructed'), data));
    expect(readPkcs7(file, 'x.p7b')).toEqual([{ label: 'CERTIFICATE', der: certificate }]);
  });

  it('an attribute certificate, or one that is broken inside, does not hide the others', () => {
    const broken = sequence(Buffer.of(2, 2, 0, 1));
    expect(readPkcs7(signedData(tagged(0, tagged(2, integer(1)), broken, certificate)), 'x.p7b')).toEqual([
      { label: 'CERTIFICATE of another kind', der: tagged(2, integer(1)) },
      { label: 'CERTIFICATE', der: broken },
      { label: 'CERTIFICATE', der: certificate },
    ]);
  });

  it.each([
    ['encrypted content', sequence(oid('1.2.840.113549.1.7.3'), tagged(0, sequence())), 'CONTAINER_UNSUPPORTED'],
    [
      'more than 10,000 certificates',
      signedData(tagged(0, ...Array(10_001).fill(sequence()))),
      'CONTAINER_UNSUPPORTED',
    ],
    ['a certificate', certificate, 'DER_INVALID'],
    ['a file cut off', signedData(tagged(0, certificate)).subarray(0, 100), 'DER_INVALID'],
    ['more than 1 MiB', Buffer.alloc(1_048_577, 0x30), 'DER_INVALID'],
  ])('refuses %s', (_, bytes, code) => {
    expect(() => readPkcs7(bytes, 'x.p7b')).toThrow(expect.objectContaining({ code, at: 'x.p7b' }));
  });
});

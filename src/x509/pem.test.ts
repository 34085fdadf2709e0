import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VcsPkiError } from '../errors.ts';
import { sequence } from './der.ts';
import { decodeDerOrPem, decodePem, encodePem } from './pem.ts';

const der = sequence(Buffer.from('0203010001', 'hex'));
const pem = encodePem('CERTIFICATE', der);

describe('PEM', () => {
  it('has 64 columns, LF, and one newline at its end (requirement 40)', () => {
    const text = encodePem('X509 CRL', Buffer.alloc(100, 1));
    const lines = text.split('\n');
    expect(lines[0]).toBe('-----BEGIN X509 CRL-----');
    expect(lines.slice(1, -2).map((line) => line.length)).toEqual([64, 64, 8]);
    expect(text).toMatch(/[^\n]\n$/);
  });

  it('whatever is encoded is decoded', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1 }), (values) => {
        const text = values.map((value) => encodePem('CERTIFICATE', value)).join('');
        const found = decodePem(text, 'x').map((block) => block.der.toString('hex'));
        expect(found).toEqual(values.map((value) => Buffer.from(value).toString('hex')));
      }),
    );
  });

  it.each([
    ['text around it, as openssl and Windows write', `Bag Attributes\n--- a note\n${pem}\nsubject=CN\n`],
    ['CRLF', pem.replaceAll('\n', '\r\n')],
    ['no newline at its end', pem.trimEnd()],
    ['indentation', pem.replaceAll(/^/gm, '  ')],
    ['a byte order mark', `\uFEFF${pem}`],
    ['header lines', pem.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\n')],
  ])('reads a block with %s', (_, text) => {
    expect(decodePem(text, 'x')).toEqual([{ label: 'CERTIFICATE', der }]);
    expect(decodeDerOrPem(Buffer.from(text), 'CERTIFICATE', 'x')).toEqual([der]);
  });

  it.each([
    ['no block', 'hello', /no PEM block/],
    ['a block without end', pem.slice(0, -30), /not a whole BEGIN or END line|no END line/],
    ['a block that another one interrupts', pem.replace(/-----END.*\n/, '') + pem, /in line 1 has no END line/],
    ['an end without begin', '-----END CERTIFICATE-----\n', /no BEGIN/],
    ['labels that differ', pem.replace('END CERTIFICATE', 'END X509 CRL'), /ends with END X509 CRL in line 3/],
    ['a dash too few', pem.replace('-----\n', '----\n'), /line 1 is not a whole BEGIN/],
    ['lost line breaks', pem.replaceAll('\n', ' '), /line 1 is not a whole BEGIN/],
    ['a wrong character', pem.replace('MAU', 'M*U'), /base64/],
    ['a lost character', pem.replace('MAU', 'MA'), /base64/],
    ['padding that is not zero', encodePem('X', Buffer.of(1)).replace('AQ==', 'AR=='), /base64/],
    ['no content', '-----BEGIN X-----\n-----END X-----\n', /base64/],
  ])('refuses %s', (_, text, message) => {
    expect(() => decodePem(text, 'ca.pem')).toThrow(message);
    expect(() => decodePem(text, 'ca.pem')).toThrow(
      expect.objectContaining({ code: 'PEM_INVALID', at: 'ca.pem', fix: expect.stringMatching(/./) }),
    );
  });

  it('I1: an error shows nothing of a private key whose line breaks were lost', () => {
    const text = '-----BEGIN PRIVATE KEY----- SECRET -----END PRIVATE KEY-----';
    expect(() => decodePem(text, 'x')).toThrow(
      expect.toSatisfy((error: VcsPkiError) => !`${JSON.stringify(error)}${error.message}`.includes('SECRET')),
    );
  });

  it('any change to a text gives blocks or a VcsPkiError', () => {
    const text = Buffer.from(pem + encodePem('X509 CRL', Buffer.alloc(99, 9)));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(255), fc.boolean(), (at, octet, cut) => {
        const changed = Buffer.from(text.subarray(0, cut ? at : text.length));
        if (!cut) changed[at] = octet;
        try {
          decodePem(changed.toString('latin1'), 'x');
        } catch (error) {
          expect(error).toBeInstanceOf(VcsPkiError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a file is what its content says', () => {
  it('DER', () => expect(decodeDerOrPem(der, 'CERTIFICATE', 'x')).toEqual([der]));

  it('DER that happens to hold a BEGIN line', () => {
    const tricky = sequence(Buffer.from(pem));
    expect(decodeDerOrPem(tricky, 'CERTIFICATE', 'x')).toEqual([tricky]);
  });

  it('a truncated DER file is left to the reader of the value, which says what is wrong', () => {
    const long = sequence(Buffer.alloc(300)).subarray(0, 100);
    expect(decodeDerOrPem(long, 'CERTIFICATE', 'x')).toEqual([long]);
  });

  it('several PEM blocks, in order', () => {
    const other = sequence(Buffer.from('020105', 'hex'));
    expect(decodeDerOrPem(Buffer.from(pem + encodePem('CERTIFICATE', other)), 'CERTIFICATE', 'x')).toEqual([
      der,
      other,
    ]);
  });

  it("the label of Microsoft's certreq", () => {
    const text = encodePem('NEW CERTIFICATE REQUEST', der);
    expect(decodeDerOrPem(Buffer.from(text), 'CERTIFICATE REQUEST', 'x')).toEqual([der]);
  });

  it('a private key where a certificate belongs is refused by name', () => {
    const text = encodePem('PRIVATE KEY', der);
    expect(() => decodeDerOrPem(Buffer.from(text), 'CERTIFICATE', 'x')).toThrow(
      /it holds a PRIVATE KEY where a CERTIFICATE belongs/,
    );
  });

  it('the label BEGIN CRL, which openssl and certtool refuse, is refused here too', () => {
    expect(() => decodeDerOrPem(Buffer.from(encodePem('CRL', der)), 'X509 CRL', 'x')).toThrow(/holds a CRL/);
  });

  it.each(['', '<html>', 'PK\u0003\u0004'])('neither: %j', (text) => {
    expect(() => decodeDerOrPem(Buffer.from(text), 'CERTIFICATE', 'x')).toThrow(/neither PEM nor DER/);
  });
});

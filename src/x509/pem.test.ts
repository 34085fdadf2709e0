import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VcsPkiError } from '../errors.ts';
import { sequence } from './der.ts';
import { decodeDerOrPem, decodePem, encodePem, scanPem } from './pem.ts';

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
    ['CR alone', pem.replaceAll('\n', '\r')],
    ['a byte order mark', `\uFEFF${pem}`],
    ['header lines', pem.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\n')],
  ])('reads a block with %s', (_, text) => {
    expect(decodePem(text, 'x')).toMatchObject([{ label: 'CERTIFICATE', der }]);
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
    ['a colon in the base64', pem.replace('MAUC', 'MAUC:\n'), /base64/],
    ['text that is no header line', pem.replace('-----\n', '-----\nhello world: x\n'), /base64/],
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

  it('a block tells its line and its header lines', () => {
    // As the X7.2 guide prints an encrypted key: no blank line behind the headers, or one behind each of them.
    const guide = pem.replace('-----\n', '-----\nProc-Type: 4, ENCRYPTED\nDEK-Info: DES-EDE3-CBC, CAD24BC3A702A939\n');
    for (const text of [guide, guide.replaceAll('\n', '\n\n'), guide.replaceAll('\n', '\r')])
      expect(decodePem(`one\ntwo\r\nthree\r${text}`, 'x')).toEqual([
        {
          label: 'CERTIFICATE',
          der,
          line: 4,
          headers: ['Proc-Type: 4, ENCRYPTED', 'DEK-Info: DES-EDE3-CBC, CAD24BC3A702A939'],
        },
      ]);
  });

  it('a block that cannot be read does not hide the others, and the text between them is kept', () => {
    const broken = pem.replace('MAU', 'M*U');
    const unended = pem.replace(/-----END.*\n/, '');
    const halfBegin = pem.replace('-----\n', '--\n');
    const halfEnd = pem.replace(/-\n$/, '\n');
    const text = `a\n${pem}b\n${broken}${unended}${halfBegin}${halfEnd}-----END X-----\n${pem}c`;
    const { parts, textAfter } = scanPem(text, 'x');
    expect(parts.map((part) => ('block' in part ? part.block.line : part.error.message))).toEqual([
      2,
      'x: the CERTIFICATE in line 6 is not correct base64',
      'x: the CERTIFICATE in line 9 has no END line',
      'x: line 11 is not a whole BEGIN or END line',
      'x: line 16 is not a whole BEGIN or END line',
      'x: END X in line 17 has no BEGIN',
      18,
    ]);
    expect(parts.map(({ label }) => label)).toEqual([
      ...Array(3).fill('CERTIFICATE'),
      'PEM',
      'CERTIFICATE',
      'X',
      'CERTIFICATE',
    ]);
    expect([...parts.map(({ textBefore }) => textBefore.trim()), textAfter.trim()]).toEqual([
      'a',
      'b',
      '',
      '',
      '',
      '',
      '',
      'c',
    ]);
  });

  it('10,000 blocks are read, one more is refused', () => {
    expect(decodePem(pem.repeat(10_000), 'x')).toHaveLength(10_000);
    expect(() => decodePem(pem.repeat(10_001), 'x')).toThrow(/more than 10000 blocks/);
  });

  it.each([
    ['a BEGIN line without end', `-----BEGIN ${'A'.repeat(1_000_000)}`],
    ['a BEGIN line of many words', `-----BEGIN ${'A '.repeat(500_000)}`],
    ['blanks', ' '.repeat(4_000_000)],
    ['line separators of Unicode', '\u2028'.repeat(1_000_000)],
    ['line breaks', '\r\n'.repeat(2_000_000)],
    ['dashes', '-----\n'.repeat(700_000)],
  ])('takes time that grows with the length alone: %s', (_, text) => {
    const before = process.cpuUsage();
    expect(() => decodePem(text, 'x')).toThrow(VcsPkiError);
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(5_000_000);
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

  it('the labels of other tools for the same encodings', () => {
    const labels = { 'X509 CERTIFICATE': 'CERTIFICATE', CRL: 'X509 CRL', CMS: 'PKCS7', 'PKCS #7 SIGNED DATA': 'PKCS7' };
    for (const [written, standard] of Object.entries(labels))
      expect(decodeDerOrPem(Buffer.from(encodePem(written, der)), standard, 'x')).toEqual([der]);
  });

  it.each([
    ['UTF-16, little endian, as certreq and PowerShell write it', Buffer.from(`\uFEFF${pem}`, 'utf16le')],
    ['UTF-16, big endian', Buffer.from(`\uFEFF${pem}`, 'utf16le').swap16()],
    ['an odd octet behind it', Buffer.concat([Buffer.from(`\uFEFF${pem}`, 'utf16le').swap16(), Buffer.of(0)])],
  ])('%s', (_, bytes) => expect(decodeDerOrPem(bytes, 'CERTIFICATE', 'x')).toEqual([der]));

  it.each(['', '<html>', 'PK\u0003\u0004'])('neither: %j', (text) => {
    expect(() => decodeDerOrPem(Buffer.from(text), 'CERTIFICATE', 'x')).toThrow(/neither PEM nor DER/);
  });
});

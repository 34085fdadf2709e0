import { describe, expect, it } from 'vitest';
import { encodeDer, oid, sequence, Tag } from './der.ts';
import { encodeName, formatName, readName, slashName } from './name.ts';

const subject = {
  commonName: 'expe.example.com',
  organization: 'Example Ærlig, Inc',
  organizationalUnit: 'UC',
  locality: 'Lysaker',
  state: 'Viken',
  country: 'NO',
};

const attribute = (type: string, tag: number, value: Uint8Array) => sequence(oid(type), encodeDer(tag, value));

describe('distinguished names', () => {
  it('are written C, ST, L, O, OU, CN; the country as PrintableString, all else as UTF8String', () => {
    const der = encodeName(subject);
    const name = readName(der);
    expect(name.attributes.map(({ type }) => type)).toEqual(['C', 'ST', 'L', 'O', 'OU', 'CN']);
    expect(der.includes(Buffer.from([Tag.printableString, 2, 0x4e, 0x4f]))).toBe(true);
    expect(der.includes(Buffer.concat([Buffer.of(Tag.utf8String, 2), Buffer.from('UC')]))).toBe(true);
    expect(name.commonName).toBe('expe.example.com');
    expect(formatName(name)).toBe('C=NO, ST=Viken, L=Lysaker, O=Example Ærlig\\, Inc, OU=UC, CN=expe.example.com');
    expect(slashName(name)).toBe('/C=NO/ST=Viken/L=Lysaker/O=Example \\xC3\\x86rlig, Inc/OU=UC/CN=expe.example.com');
  });

  it('may be empty', () => {
    expect(readName(encodeName({}))).toMatchObject({ attributes: [], commonName: undefined });
  });

  it.each([
    ['commonName', 'x'.repeat(65), /65 characters are more than the 64/],
    ['organization', '', /empty/],
    ['locality', 'x'.repeat(129), /128/],
    ['country', 'Norway', /2 that RFC 5280/],
    ['country', 'no', /two capital letters/],
    ['commonName', 'a\nb', /control character/],
  ])('I10: a wrong %s is refused with field, value and fix', (field, value, message) => {
    expect(() => encodeName({ [field]: value })).toThrow(message);
    expect(() => encodeName({ [field]: value })).toThrow(
      expect.objectContaining({ code: 'CONTENT_INVALID', at: `subject.${field}`, value }),
    );
  });

  it('counts characters, not octets', () => {
    expect(readName(encodeName({ commonName: '\u{1F600}'.repeat(64) })).commonName).toHaveLength(128);
  });

  it('reads the string types of other authorities, and parts of several attributes', () => {
    const name = readName(
      sequence(
        encodeDer(Tag.set, attribute('0.9.2342.19200300.100.1.25', Tag.ia5String, Buffer.from('example'))),
        encodeDer(Tag.set, attribute('2.5.4.10', Tag.teletexString, Buffer.from('Ærlig', 'latin1'))),
        encodeDer(
          Tag.set,
          attribute('2.5.4.3', Tag.bmpString, Buffer.from('Å', 'utf16le').swap16()),
          attribute('1.2.3.4', Tag.octetString, Buffer.of(1)),
        ),
      ),
    );
    expect(formatName(name)).toBe('DC=example, O=Ærlig, CN=Å+1.2.3.4=#040101');
  });

  it('nothing in a name steers the terminal that shows it', () => {
    const der = sequence(encodeDer(Tag.set, attribute('2.5.4.3', Tag.utf8String, Buffer.from('a\u001b[2Jb\u202ec'))));
    expect(formatName(readName(der))).toBe('CN=a\\1B[2Jb\\E2\\80\\AEc');
    expect(slashName(readName(der))).toBe('/CN=a\\x1B[2Jb\\xE2\\x80\\xAEc');
  });

  it('openssl ca escapes "/" and "+" alone, and joins the attributes of one part with "+"', () => {
    const part = [
      attribute('2.5.4.10', Tag.utf8String, Buffer.from('a+b/c')),
      attribute('1.2.3', Tag.utf8String, Buffer.from('"d",\\')),
    ];
    expect(slashName(readName(sequence(encodeDer(Tag.set, ...part))))).toBe('/O=a\\+b\\/c+1.2.3="d",\\');
  });

  it('refuses text that is not UTF-8', () => {
    const der = sequence(encodeDer(Tag.set, attribute('2.5.4.3', Tag.utf8String, Buffer.of(0xc3))));
    expect(() => readName(der, 'ca.pem')).toThrow(expect.objectContaining({ code: 'DER_INVALID', at: 'ca.pem' }));
  });
});

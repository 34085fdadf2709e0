import { describe, expect, it } from 'vitest';
import { encodeDer, oid, sequence, Tag } from './der.ts';
import { encodeName, formatName, readName, sameName, slashName } from './name.ts';

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

describe('RFC 5280 7.1: when two names are the same', () => {
  const one = (tag: number, value: string | Buffer, type = '2.5.4.3') =>
    readName(sequence(encodeDer(Tag.set, attribute(type, tag, Buffer.from(value)))));
  const utf8 = (value: string) => one(Tag.utf8String, value);

  it.each([
    ['string types', one(Tag.printableString, 'Example CA'), utf8('Example CA'), true],
    ['case', utf8('Example CA'), utf8('EXAMPLE ca'), true],
    ['outer spaces', utf8(' Example CA  '), utf8('Example CA'), true],
    ['repeated spaces', utf8('Example   CA'), utf8('Example CA'), true],
    ['other white space', utf8('Example\u00a0\tCA'), utf8('Example CA'), true],
    ['missing spaces', utf8('ExampleCA'), utf8('Example CA'), false],
    ['case of other scripts', utf8('ÆRLIG ΣΟΦΟΣ'), utf8('ærlig σοφος'), true],
    ['a sharp s', utf8('Straße'), utf8('STRASSE'), true],
    ['composed and decomposed letters', utf8('\u00e5'), utf8('a\u030a'), true],
    ['compatible letters', utf8('ﬁ Ａ'), utf8('fi A'), true],
    ['soft hyphens and joiners', utf8('Ex\u00adam\u200dple'), utf8('Example'), true],
    ['different letters', utf8('Example'), utf8('Exemple'), false],
    ['attribute types', utf8('Example'), one(Tag.utf8String, 'Example', '2.5.4.10'), false],
    ['Latin-1 and UTF-8', one(Tag.teletexString, Buffer.from('Ærlig', 'latin1')), utf8('ærlig'), true],
    ['values that are no text', one(Tag.octetString, 'ab'), one(Tag.octetString, 'AB'), false],
    ['the empty name', readName(sequence()), readName(sequence()), true],
  ])('%s', (_, a, b, same) => {
    expect(sameName(a, b)).toBe(same);
    expect(a.key === b.key).toBe(same);
  });

  it('the order of the parts counts, that within a part does not', () => {
    const values = [
      attribute('2.5.4.10', Tag.utf8String, Buffer.from('B')),
      attribute('2.5.4.3', Tag.utf8String, Buffer.from('A')),
    ];
    const together = (list: Buffer[]) => readName(sequence(encodeDer(Tag.set, ...list)));
    const apart = (list: Buffer[]) => readName(sequence(...list.map((value) => encodeDer(Tag.set, value))));
    const turned = values.toReversed();
    expect(sameName(together(values), together(turned))).toBe(true);
    expect(sameName(apart(values), apart(turned))).toBe(false);
    expect(sameName(apart(values), together(values))).toBe(false);
    expect(apart(values).parts).toHaveLength(2);
  });

  it('no text can pass for several parts', () => {
    const [first, second] = [utf8('a'), utf8('a"],["2.5.4.3=b')];
    expect(first.key).not.toBe(second.key);
    expect(second.parts).toHaveLength(1);
  });
});

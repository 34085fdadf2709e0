import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VcsPkiError } from '../errors.ts';
import { bitString, DerReader, encodeDer, integer, octetString, oid, sequence, Tag } from './der.ts';

const read = (hex: string) => DerReader.open(Buffer.from(hex, 'hex'), 'test.der');

describe('the strict reader refuses what is not DER', () => {
  const nested = (depth: number) => {
    let value = encodeDer(Tag.null);
    for (let level = 0; level < depth; level++) value = sequence(value);
    return value.toString('hex');
  };

  it.each([
    ['nothing at all', '', /empty/],
    ['half a header', '30', /middle of a value/],
    ['an indefinite length', '30800000', /indefinite/],
    ['a length that is longer than needed', '04810141', /shortest/],
    ['a length with a leading zero', `04820041${'00'.repeat(65)}`, /shortest/],
    ['a length of five octets', '30850000000001', /5 octets/],
    ['a length cut off', '3082', /middle of a length/],
    ['a length past the end', '0405aa', /past the end/],
    ['a length of 4 GiB', '0484ffffffff', /past the end/],
    ['an inner length past its outer value', '300404050102', /past the end/],
    ['something behind its end', '050000', /after its end/],
    ['an INTEGER without content', '0200', /INTEGER/],
    ['an INTEGER padded with 00', '0202007f', /INTEGER/],
    ['an INTEGER padded with FF', '0202ff80', /INTEGER/],
    ['an ENUMERATED padded', '0a020001', /INTEGER/],
    ['a BOOLEAN of 01', '010101', /BOOLEAN/],
    ['a BOOLEAN of two octets', '0102ffff', /BOOLEAN/],
    ['a NULL with content', '050100', /NULL/],
    ['a BIT STRING with 8 unused bits', '03020800', /BIT STRING/],
    ['a BIT STRING with unused bits set', '03020101', /BIT STRING/],
    ['an OBJECT IDENTIFIER with padding', '06028001', /OBJECT IDENTIFIER/],
    ['an OBJECT IDENTIFIER that ends early', '060181', /OBJECT IDENTIFIER/],
    ['an OBJECT IDENTIFIER with an endless arc', `0615${'81'.repeat(20)}01`, /OBJECT IDENTIFIER/],
    ['a RELATIVE-OID with padding', '0d028001', /RELATIVE-OID/],
    ['an empty RELATIVE-OID', '0d00', /RELATIVE-OID/],
    ['an end-of-contents', '0000', /0x00/],
    ['a reserved tag', '0f00', /0x0f/],
    ['a constructed GeneralString', '3b031b0141', /0x3b/],
    ['a constructed OCTET STRING', '2403040141', /0x24/],
    ['a primitive SEQUENCE', '1000', /0x10/],
    ['a tag number above 30', '1f8001', /above 30/],
    ['33 levels', nested(33), /32 deep/],
  ])('%s', (_, hex, message) => {
    expect(() => read(hex)).toThrow(message);
    expect(() => read(hex)).toThrow(expect.objectContaining({ code: 'DER_INVALID', at: 'test.der' }));
  });

  it.each([
    ['an ObjectDescriptor', '070141'],
    ['a RELATIVE-OID', '0d028101'],
    ['a VideotexString', '150141'],
    ['a GraphicString', '190141'],
    ['a GeneralString, as in the names of Kerberos (RFC 4120 5.2.1)', '1b084b56494b4b2e444b'],
  ])('accepts %s', (_, hex) => expect(read(hex).any('it').der.toString('hex')).toBe(hex));

  it('accepts 32 levels', () => expect(read(nested(32)).tag).toBe(Tag.sequence));

  it('refuses more bytes than the cap before it looks at them', () => {
    expect(() => DerReader.open(octetString(Buffer.alloc(65_536)), 'big')).toThrow(/65541 bytes are more than/);
  });

  it('names a missing, a wrong and a superfluous field', () => {
    expect(() => read('3000').enter(Tag.sequence, 'the pair').integer('the number')).toThrow(/the number is missing/);
    expect(() => read('0401aa').integer('the number')).toThrow(/the number has tag 0x04 where 0x02 belongs/);
    expect(() => read('0401aa').end('the pair')).toThrow(/the pair has an unexpected field with tag 0x04/);
  });

  it('refuses an INTEGER that no certificate could mean', () => {
    const reader = DerReader.open(encodeDer(Tag.integer, Buffer.alloc(65, 0x11)), 'x');
    expect(() => reader.integer('the serial number')).toThrow(/65 octets/);
  });
});

describe('writer and reader agree', () => {
  it.each([
    ['1.2.840.113549.1.1.11', '06092a864886f70d01010b'],
    ['2.5.29.17', '0603551d11'],
    ['2.999.3', '0603883703'],
    ['0.9.2342.19200300.100.1.25', '060a0992268993f22c640119'],
  ])('OBJECT IDENTIFIER %s', (dotted, hex) => {
    expect(oid(dotted).toString('hex')).toBe(hex);
    expect(read(hex).oid('it')).toBe(dotted);
  });

  it('OBJECT IDENTIFIER with a 128-bit arc (X.667)', () => {
    const dotted = `2.25.${2n ** 128n - 1n}`;
    expect(DerReader.open(oid(dotted), 'x').oid('it')).toBe(dotted);
  });

  it('any INTEGER', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 500n), max: 2n ** 500n }), (value) => {
        expect(DerReader.open(integer(value), 'x').integer('it')).toBe(value);
      }),
    );
  });

  it('any length', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 0xff_ffff, 0x100_0000]) {
      const encoded = octetString(Buffer.alloc(length, 7));
      const { content } = DerReader.open(encoded, 'x', 2 ** 26).next(Tag.octetString, 'it');
      expect(content.length).toBe(length);
    }
  });

  it('any tree', () => {
    const { tree } = fc.letrec<{ tree: Buffer; leaf: Buffer }>((tie) => ({
      leaf: fc.oneof(
        fc.bigInt().map(integer),
        fc.uint8Array().map(octetString),
        fc.uint8Array().map(bitString),
        fc.constant(encodeDer(Tag.null)),
      ),
      tree: fc.oneof(
        { maxDepth: 5 },
        tie('leaf'),
        fc.array(tie('tree'), { maxLength: 5 }).map((children) => sequence(...children)),
      ),
    }));
    const rewrite = (reader: DerReader): Buffer[] => {
      const values: Buffer[] = [];
      while (reader.more) {
        const element = reader.any('it');
        const inner = element.tag === Tag.sequence ? rewrite(reader.into(element)) : [element.content];
        values.push(encodeDer(element.tag, ...inner));
      }
      return values;
    };
    fc.assert(
      fc.property(tree, (encoded) => {
        expect(Buffer.concat(rewrite(DerReader.open(encoded, 'x'))).equals(encoded)).toBe(true);
      }),
    );
  });

  it('any bytes give a value or a VcsPkiError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          DerReader.open(bytes, 'x').any('it');
        } catch (error) {
          expect(error).toBeInstanceOf(VcsPkiError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

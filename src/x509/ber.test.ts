import { describe, expect, it } from 'vitest';
import { BerReader } from './ber.ts';
import { Tag } from './der.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const open = (text: string) => BerReader.open(hex(text), 'x.pfx');

describe('BER', () => {
  it('X.690 8.1.3.6: reads indefinite lengths, one inside the other', () => {
    const outer = open('30 80 02 01 03 30 80 04 01 aa 00 00 05 00 00 00').enter(Tag.sequence, 'outer');
    expect(outer.strict('number').integer('number')).toBe(3n);
    const inner = outer.any('inner');
    expect(inner.bytes).toEqual(hex('30 80 04 01 aa 00 00'));
    expect(outer.into(inner).octets('octets')).toEqual(hex('aa'));
    expect(outer.any('null').bytes).toEqual(hex('05 00'));
    expect(outer.more).toBe(false);
  });

  it('X.690 8.1.3.5: a length need not be in its shortest form', () => {
    expect(open('30 84 00 00 00 03 02 81 00').enter(Tag.sequence, 'x').any('y').content).toEqual(hex(''));
  });

  it('X.690 8.7.3: joins octet strings in pieces, tagged implicitly too', () => {
    expect(open('24 80 04 02 01 02 04 00 04 01 03 00 00').octets('x')).toEqual(hex('01 02 03'));
    expect(open('a0 05 04 01 01 04 00').octets('x', 0x80)).toEqual(hex('01'));
    expect(open('80 02 01 02').octets('x', 0x80)).toEqual(hex('01 02'));
  });

  it('a broken value does not hide its neighbours', () => {
    const list = open('30 08 30 02 04 05 02 02 00 01').enter(Tag.sequence, 'list');
    expect(list.any('broken inside').bytes).toEqual(hex('30 02 04 05'));
    expect(() => list.strict('padded')).toThrow(/shortest form/);
  });

  it.each([
    ['nothing', '', /empty/],
    ['a value cut off', '30 05 02 01 03', /past the end/],
    ['half a header', '30', /middle of a value/],
    ['half a length', '30 82 01', /middle of a length/],
    ['a length of 5 octets', '30 85 00 00 00 00 00', /length of 5 octets/],
    ['a huge length', '30 84 ff ff ff ff', /past the end/],
    ['something behind it', '05 00 00', /follows after its end/],
    ['a tag number above 30', '1f 02 00', /tag number/],
    ['no end of contents', '30 80 05 00', /middle of a value/],
    ['half an end of contents', '30 80 05 00 00', /middle of a value/],
    ['an indefinite length of a simple value', '04 80 00 00', /simple value/],
  ])('%s', (_, text, message) => {
    const read = () => {
      const reader = open(text);
      while (reader.more) reader.any('value');
    };
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code: 'DER_INVALID', at: 'x.pfx' }));
  });

  it('an end of contents behind the value that it should close does not count', () => {
    // The inner SEQUENCE ends with its parent, the zeros come after it.
    const outer = open('30 06 30 02 30 80 00 00').enter(Tag.sequence, 'outer');
    const inner = outer.enter(Tag.sequence, 'inner');
    expect(() => inner.any('open')).toThrow(/middle of a value/);
  });

  it('indefinite lengths 32 deep, and not deeper', () => {
    const nested = (depth: number) => '3080'.repeat(depth) + '0000'.repeat(depth);
    expect(open(nested(32)).any('x').bytes).toHaveLength(128);
    expect(() => open(nested(33))).toThrow(/more than 32 deep/);
    expect(() => open(nested(100_000))).toThrow(/more than 32 deep/);
  });

  it('says what is missing and what is elsewhere', () => {
    const list = open('30 02 05 00').enter(Tag.sequence, 'list');
    expect(() => list.next(Tag.integer, 'the version')).toThrow(/the version is not where it belongs/);
    expect(() => list.any('the content')).toThrow(/the content is missing/);
  });

  it('at most 1 MiB, unless more is allowed', () => {
    const large = Buffer.concat([hex('04 83 10 00 00'), Buffer.alloc(1_048_576)]);
    expect(() => BerReader.open(large, 'x')).toThrow(/1048581 bytes are more than the 1048576 allowed/);
    expect(BerReader.open(large, 'x', large.length).octets('x')).toHaveLength(1_048_576);
  });
});

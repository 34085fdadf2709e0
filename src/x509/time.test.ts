import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeTime, readTime } from './time.ts';

const text = (iso: string) => encodeTime(new Date(iso)).subarray(2).toString();
const parse = (tag: number, content: string) => readTime(tag, Buffer.from(content), 0, content.length);
const UTC = 0x17;
const GENERALIZED = 0x18;

describe('RFC 5280 4.1.2.5: dates', () => {
  it.each([
    ['1950-01-01T00:00:00Z', '500101000000Z'],
    ['1999-12-31T23:59:59Z', '991231235959Z'],
    ['2049-12-31T23:59:59.999Z', '491231235959Z'],
    ['2050-01-01T00:00:00Z', '20500101000000Z'],
    ['9999-12-31T23:59:59Z', '99991231235959Z'],
  ])('%s is written %s', (iso, written) => expect(text(iso)).toBe(written));

  it.each(['1949-12-31T23:59:59Z', '+010000-01-01T00:00:00Z', 'never'])('refuses %s instead of wrapping it', (iso) => {
    expect(() => encodeTime(new Date(iso))).toThrow(expect.objectContaining({ code: 'CONTENT_INVALID' }));
  });

  it('every second from 1950 to 9999 survives, and milliseconds are cut off', () => {
    const dates = fc.date({ min: new Date('1950-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z') });
    fc.assert(
      fc.property(
        dates.filter((date) => !Number.isNaN(date.getTime())),
        (date) => {
          const encoded = encodeTime(date);
          expect(encoded[0]).toBe(date.getUTCFullYear() < 2050 ? UTC : GENERALIZED);
          expect(readTime(encoded[0] ?? 0, encoded, 2, encoded.length)).toBe(Math.floor(date.getTime() / 1000) * 1000);
        },
      ),
    );
  });

  it.each([
    ['no seconds', UTC, '2601010000Z'],
    ['an offset', UTC, '260101000000+0000'],
    ['no Z', UTC, '260101000000'],
    ['fractions of a second', GENERALIZED, '20600101000000.5Z'],
    ['month 13', UTC, '261301000000Z'],
    ['30 February', UTC, '260230000000Z'],
    ['29 February in no leap year', UTC, '270229000000Z'],
    ['hour 24', UTC, '260101240000Z'],
    ['a letter', UTC, '26010100000xZ'],
    ['the year 0', GENERALIZED, '00000101000000Z'],
    ['another type', 0x13, '260101000000Z'],
  ])('refuses %s', (_, tag, content) => expect(parse(tag, content)).toBeNaN());

  it('accepts 29 February in a leap year', () => {
    expect(parse(UTC, '280229000000Z')).toBe(Date.UTC(2028, 1, 29));
  });
});

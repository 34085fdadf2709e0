import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timestamp } from '../authority/record.ts';
import { formatIndexLine, type IndexEntry, indexReasons, parseIndex } from './index-txt.ts';

describe('index.txt of openssl ca', () => {
  it('is read as openssl writes it', () => {
    const text = [
      'V\t271121152955Z\t\t5C54\tunknown\t/CN=expc1.example.com',
      'R\t271121152955Z\t261121160000Z,keyCompromise\t1000\tunknown\t/C=GB/CN=expc2.example.com',
      'R\t271121152955Z\t261121160000Z\t1001\tunknown\t/CN=a',
      'E\t251121152955Z\t\t1002\tunknown\t/CN=b',
      'R\t20501121152955Z\t261121160000Z,CAkeyTime,20261121000000Z\t1003\tunknown\t/CN=c',
      '',
    ].join('\n');
    expect(
      parseIndex(text, 'index.txt').map(({ serial, notAfter, revocation }) => [serial, notAfter, revocation?.reason]),
    ).toEqual([
      ['5C54', '2027-11-21T15:29:55Z', undefined],
      ['1000', '2027-11-21T15:29:55Z', 'keyCompromise'],
      ['1001', '2027-11-21T15:29:55Z', 'unspecified'],
      ['1002', '2025-11-21T15:29:55Z', undefined],
      ['1003', '2050-11-21T15:29:55Z', 'cACompromise'],
    ]);
  });

  it.each([
    ['a field too few', 'V\t271121152955Z\t\t5C54\tunknown'],
    ['a status that is none', 'X\t271121152955Z\t\t5C54\tunknown\t/CN=a'],
    ['an odd serial', 'V\t271121152955Z\t\t5C5\tunknown\t/CN=a'],
    ['a date that is none', 'V\t279921152955Z\t\t5C54\tunknown\t/CN=a'],
    ['revoked without a date', 'R\t271121152955Z\t\t5C54\tunknown\t/CN=a'],
    ['a reason that is none', 'R\t271121152955Z\t261121160000Z,boredom\t5C54\tunknown\t/CN=a'],
  ])('I10: %s is refused with its line', (_, line) => {
    const good = 'V\t271121152955Z\t\t5C53\tunknown\t/CN=a';
    expect(() => parseIndex(`${good}\n${line}\n`, 'index.txt')).toThrow(/index\.txt:2/);
  });

  it('I2: a serial that stands twice is refused', () => {
    const line = 'V\t271121152955Z\t\t5C53\tunknown\t/CN=a\n';
    expect(() => parseIndex(line + line, 'index.txt')).toThrow(/stands twice/);
  });

  it('comes back as it was written, for every entry', () => {
    const moment = fc
      .date({ min: new Date('1970-01-01'), max: new Date('2500-01-01'), noInvalidDate: true })
      .map(timestamp);
    const entry = fc.record({
      serial: fc.stringMatching(/^([0-9A-F]{2}){1,20}$/),
      notAfter: moment,
      revocation: fc.option(fc.record({ at: moment, reason: fc.constantFrom(...indexReasons) }), { nil: undefined }),
      file: fc.constant('unknown'),
      subject: fc.stringMatching(/^\/CN=[a-z0-9.]{1,20}$/),
    });
    fc.assert(
      fc.property(entry, (written) => {
        const [read] = parseIndex(formatIndexLine(written as IndexEntry), 'index.txt');
        expect(read).toEqual(JSON.parse(JSON.stringify(written)));
      }),
    );
  });
});

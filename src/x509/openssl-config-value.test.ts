import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { opensslConfigValue } from './openssl-config-value.ts';

/** What OpenSSL makes of a value: crypto/conf/conf_def.c, clear_comments, trim_ws and str_copy, without variables. */
function readValue(line: string): string {
  let read = '';
  let end = 0;
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? '';
    if (char === '#') break;
    if (char === '$') throw new Error('a variable');
    if (char === '\\') read += line[++at] ?? '';
    else if ('"\'`'.includes(char)) {
      for (at++; at < line.length && line[at] !== char; at++) read += line[at] === '\\' ? line[++at] : line[at];
      end = read.length;
      continue;
    } else read += char;
    if (!/\s/.test(char)) end = read.length;
  }
  return read.slice(0, end).replace(/^\s+(?=\S)/, (blanks) => (line.startsWith('"') ? blanks : ''));
}

describe('a text in a configuration file of OpenSSL', () => {
  it.each([
    ['http://pki.example.com/crl/', 'http://pki.example.com/crl/'],
    ['Example Ltd', 'Example Ltd'],
    ['a$b', '"a$b"'],
    ['a#b', '"a#b"'],
    ['a;b', '"a;b"'],
    [' a ', '" a "'],
    ['a\\n"b"', '"a\\\\n\\"b\\""'],
    ["it's", '"it\'s"'],
    ['', '""'],
  ])('%j is written as %s', (text, written) => expect(opensslConfigValue(text)).toBe(written));

  it('is read back as it was, whatever is in it, and is one line', () => {
    const odd = fc.constantFrom(...'$#;\\"\'`[]{}()=,:@%&|<>! aZ0é.');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: odd }), fc.string()), (text) => {
        const written = opensslConfigValue(text);
        const bare = written.startsWith('"') ? written.replaceAll('$', 'S') : written;
        expect(readValue(bare)).toBe(written === bare ? text : text.replaceAll('$', 'S'));
      }),
      { numRuns: 500 },
    );
  });
});

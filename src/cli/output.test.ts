import { describe, expect, it } from 'vitest';
import { painter } from './output.ts';

describe('colour', () => {
  const red = '\u001B[31merror\u001B[0m';

  it.each([
    ['on a terminal', {}, true, red],
    ['not in a file or pipe', {}, undefined, 'error'],
    ['not with NO_COLOR', { NO_COLOR: '1' }, true, 'error'],
    ['with an empty NO_COLOR (no-color.org)', { NO_COLOR: '' }, true, red],
  ])('%s', (_, env, isTTY, expected) => {
    expect(painter(env, isTTY === undefined ? {} : { isTTY })('error')).toBe(expected);
  });

  it('is for severities alone', () => {
    expect(painter({}, { isTTY: true })('core/expc1')).toBe('core/expc1');
  });
});

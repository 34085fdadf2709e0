import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from './secret.ts';

describe('I1: a secret does not print itself', () => {
  const secret = new Secret('hunter2');
  const shown = [`${secret}`, String(secret), JSON.stringify({ secret }), inspect({ deep: { secret } }, { depth: 9 })];

  it.each(shown)('%s', (text) => {
    expect(text).not.toContain('hunter2');
    expect(text).toContain('[redacted]');
  });

  it('gives its value only when asked', () => expect(secret.reveal()).toBe('hunter2'));
});

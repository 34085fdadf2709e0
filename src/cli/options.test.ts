import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outputOption } from './command.ts';
import { main } from './main.ts';
import { choice, flag, moment, number, type OptionSpec, parseOptions, text } from './options.ts';
import { outputFormat } from './output.ts';

const declared: Record<string, OptionSpec> = {
  due: { type: 'boolean', description: '' },
  reason: { type: 'text', short: 'r', description: '' },
  probe: { type: 'boolean or text', description: '' },
  role: { type: 'choice', choices: ['server', 'client'], description: '' },
  issue: { type: 'number', unit: 'issues', least: 1, most: 100, description: '' },
  wait: { type: 'number', unit: 'seconds', least: 0, most: 100, fractions: true, description: '' },
  at: { type: 'moment', description: '' },
  ...outputOption,
};
const parse = (...args: string[]) => parseOptions('test', args, declared);

describe('options', () => {
  it('are what their declaration says', () => {
    const line = ['a', '--due', '-r', 'moved', '--probe=host:1', '--role', 'Client', '--issue=7', '--wait', '0.5', 'b'];
    const { options, positionals } = parse(...line, '--at', '2027-03-02');
    expect(positionals).toEqual(['a', 'b']);
    expect(flag(options, 'due')).toBe(true);
    expect(text(options, 'reason')).toBe('moved');
    expect(text(options, 'probe')).toBe('host:1');
    expect(choice(options, 'role', ['server', 'client'])).toBe('client');
    expect(number(options, 'issue')).toBe(7);
    expect(number(options, 'wait')).toBe(0.5);
    expect(moment(options, 'at')).toEqual(new Date('2027-03-02T00:00:00Z'));
    expect(outputFormat(options)).toBe('table');
  });

  it('an optional value is given with an equals sign alone', () => {
    const { options, positionals } = parse('--probe', 'peer');
    expect(flag(options, 'probe')).toBe(true);
    expect(text(options, 'probe')).toBeUndefined();
    expect(positionals).toEqual(['peer']);
  });

  it.each([
    ['--role', 'peer', 'use one of server, client'],
    ['--output', 'xml', 'use one of table, json, yaml'],
    ['--issue', 'abc', 'write it like --issue 1'],
    ['--issue', '0', 'write it like --issue 1'],
    ['--issue', '1.5', 'write it like --issue 1'],
    ['--issue', '1e1', 'write it like --issue 1'],
    ['--issue', '', 'write it like --issue 1'],
    ['--wait', 'Infinity', 'write it like --wait 0'],
    ['--at', 'tomorrow', 'write it like 2027-03-02T00:00:00Z'],
  ])('%s %s is refused with what may be given', (option, value, fix) => {
    expect(() => parse(option, value)).toThrow(expect.objectContaining({ code: 'USAGE', at: option, fix }));
  });

  it.each([
    [['--unknown'], 'there is no option --unknown'],
    [['-x'], 'there is no option -x'],
    [['--constructor=1'], 'there is no option --constructor'],
    [['--toString'], 'there is no option --toString'],
    [['--__proto__=1'], 'there is no option --__proto__'],
    [['--due=false'], '--due takes no value'],
    [['--reason'], '--reason needs a value'],
    [['--reason', '--due'], '--reason needs a value'],
    [['--reason', 'a', '--reason', 'b'], '--reason is given twice'],
  ])('%j: %s', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });

  it('whatever is typed is either taken as declared or refused in words', () => {
    const word = fc.oneof(
      fc.constantFrom('--due', '--role', '--issue', '--at', '--probe', '--', '-', '-r', '--output', '--no-due'),
      fc.string(),
      fc.string().map((name) => `--${name}`),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (args) => {
        try {
          for (const name of parse(...args).options.keys()) expect(Object.keys(declared)).toContain(name);
        } catch (error) {
          expect(error).toMatchObject({ name: expect.stringMatching(/^(UsageError|VcsPkiError)$/) });
        }
      }),
    );
  });
});

describe('a command', () => {
  it.each(['toString', 'constructor', '__proto__', 'hasOwnProperty', 'Apply', ''])('%j is none', async (name) => {
    const lines: string[] = [];
    const { write } = process.stderr;
    process.stderr.write = (line: string | Uint8Array) => lines.push(String(line)) > 0;
    try {
      expect(await main([name])).toBe(2);
    } finally {
      process.stderr.write = write;
    }
    expect(lines.join('')).toContain(`there is no command ${name}`);
  });
});

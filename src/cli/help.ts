import type { Command } from './command.ts';

/** The help text of a command. */
export function help(name: string, command: Command): string {
  const options = Object.entries({
    ...command.options,
    help: { type: 'boolean' as const, short: 'h', description: 'This text' },
  }).map(([key, option]) => {
    const short = 'short' in option && option.short !== undefined ? `-${option.short}, ` : '    ';
    const value = 'value' in option && option.value !== undefined ? ` ${option.value}` : '';
    return [`  ${short}--${key}${value}`, option.description] as const;
  });
  const width = Math.max(...options.map(([left]) => left.length));
  return `Usage: vcs-pki ${name} ${command.arguments} [OPTION ...]

${command.description}

Options
${options.map(([left, right]) => `${left.padEnd(width)}  ${right}`).join('\n')}

Examples
${command.examples.map((example) => `  ${example}`).join('\n')}
`;
}

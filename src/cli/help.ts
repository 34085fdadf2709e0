import type { Command } from './command.ts';
import type { OptionSpec } from './options.ts';

/** The help text of a command. */
export function help(name: string, command: Command): string {
  const declared: Record<string, OptionSpec> = {
    ...command.options,
    help: { type: 'boolean', short: 'h', description: 'This text' },
  };
  const options = Object.entries(declared).map(([key, option]) => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `;
    const value = option.value === undefined ? '' : ` ${option.value}`;
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

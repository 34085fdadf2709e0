import { parseArgs } from 'node:util';
import { VcsPkiError } from '../errors.ts';
import { parseMoment } from './moment.ts';
import { UsageError } from './usage-error.ts';

interface Common {
  /** The word that stands for the value in the help. */
  readonly value?: string;
  readonly short?: string;
  readonly description: string;
}

/** What an option is declared to be: what it takes is checked once, before the command runs, and nothing else is accepted. */
export type OptionSpec = Common &
  (
    | { readonly type: 'boolean' }
    | { readonly type: 'text' }
    /** `--probe` alone, or `--probe=ADDRESS`. */
    | { readonly type: 'boolean or text' }
    /** One of these, in whatever case. */
    | { readonly type: 'choice'; readonly choices: readonly string[] }
    | {
        readonly type: 'number';
        readonly unit: string;
        readonly least: number;
        readonly most: number;
        /** Fractions are accepted too. */
        readonly fractions?: true;
      }
    | { readonly type: 'moment' }
  );

type OptionValue = string | number | true | Date;

/** The options of one run, by name, as their declaration says. */
export type Options = ReadonlyMap<string, OptionValue>;

export function text(options: Options, name: string): string | undefined {
  const value = options.get(name);
  return typeof value === 'string' ? value : undefined;
}

export function number(options: Options, name: string): number | undefined {
  const value = options.get(name);
  return typeof value === 'number' ? value : undefined;
}

export function moment(options: Options, name: string): Date | undefined {
  const value = options.get(name);
  return value instanceof Date ? value : undefined;
}

/** The value of a choice that was declared with these. */
export function choice<Choice extends string>(
  options: Options,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  return choices.find((each) => each === options.get(name));
}

/** Whether a boolean option is given. */
export function flag(options: Options, name: string): boolean {
  return options.has(name);
}

/** Parses the command line of `command`. Fails with UsageError for its form and with USAGE for a value. */
export function parseOptions(
  command: string,
  args: readonly string[],
  declared: Readonly<Record<string, OptionSpec>>,
): { readonly options: Options; readonly positionals: readonly string[] } {
  const specs = new Map(Object.entries(declared));
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries([...specs].map(([name, spec]) => [name, configOf(spec)])),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const options = new Map<string, OptionValue>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const spec = specs.get(name);
    if (!spec) throw new UsageError(command, `there is no option ${rawName}`);
    if (options.has(name)) throw new UsageError(command, `${rawName} is given twice`);
    const isMissing = value === undefined || (inlineValue !== true && /^-[^\d]/.test(value));
    if (spec.type === 'boolean' && value !== undefined) throw new UsageError(command, `${rawName} takes no value`);
    if (spec.type !== 'boolean' && spec.type !== 'boolean or text' && isMissing)
      throw new UsageError(command, `${rawName} needs a value`);
    options.set(name, value === undefined ? true : parsedValue(`--${name}`, value, spec));
  }
  return { options, positionals };
}

/** parseArgs takes the next argument as the value of what it calls a string. */
function configOf({ type, short }: OptionSpec) {
  const kind = type === 'boolean' || type === 'boolean or text' ? ('boolean' as const) : ('string' as const);
  return short === undefined ? { type: kind } : { type: kind, short };
}

function parsedValue(at: string, value: string, spec: OptionSpec): OptionValue {
  switch (spec.type) {
    case 'boolean':
    case 'text':
    case 'boolean or text':
      return value;
    case 'moment':
      return parseMoment(value, at);
    case 'choice': {
      const known = spec.choices.find((each) => each.toLowerCase() === value.toLowerCase());
      if (known !== undefined) return known;
      throw usage(at, value, `${value} is none of its values`, `use one of ${spec.choices.join(', ')}`);
    }
    case 'number': {
      const { unit, least, most, fractions } = spec;
      const given = Number(value);
      const isWritten = fractions ? /^\d{1,9}(\.\d{1,9})?$/.test(value) : /^\d{1,9}$/.test(value);
      if (isWritten && given >= least && given <= most) return given;
      const range = fractions
        ? `a number of ${unit} up to ${most}`
        : `a whole number of ${unit} from ${least} to ${most}`;
      throw usage(at, value, `must be ${range}`, `write it like ${at} ${Math.ceil(least)}`);
    }
  }
}

function usage(at: string, value: string, message: string, fix: string): VcsPkiError {
  return new VcsPkiError('USAGE', { at, value, message, fix });
}

import { type Context, outputFormats } from './command.ts';
import { choice, type Options } from './options.ts';

export type OutputFormat = (typeof outputFormats)[number];

/** As `--output` says. @param others formats that this command has besides */
export function outputFormat<Other extends string = never>(
  options: Options,
  ...others: readonly Other[]
): OutputFormat | Other {
  return choice(options, 'output', [...outputFormats, ...others]) ?? 'table';
}

/** Prints a result: as data for programs, in words for people. */
export async function print(context: Context, format: OutputFormat, data: unknown, words: () => string): Promise<void> {
  if (format === 'json') context.out(`${JSON.stringify(data, undefined, 2)}\n`);
  else if (format === 'yaml') context.out((await import('yaml')).stringify(data));
  else context.out(words());
}

/** Prints a result per stack: words as they come; data once, as one document, a list where there are several. */
export class StackResults {
  readonly #context: Context;
  readonly #format: OutputFormat;
  readonly #data: unknown[] = [];

  constructor(context: Context, format: OutputFormat) {
    this.#context = context;
    this.#format = format;
  }

  /** For people only, before the result. */
  say(words: string): void {
    if (this.#format === 'table') this.#context.out(words);
  }

  add(data: unknown, words: () => string): void {
    this.#data.push(data);
    if (this.#format === 'table') this.say(words());
  }

  async end(): Promise<void> {
    if (this.#format === 'table') return;
    await print(this.#context, this.#format, this.#data.length === 1 ? this.#data[0] : this.#data, () => '');
  }
}

/** Columns as wide as their widest cell; the last one is left as it is. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Gives a word the colour that goes with it. */
export type Paint = (word: string) => string;

/** Colours on a terminal, unless NO_COLOR is set (no-color.org). */
export function painter(env: Context['env'], { isTTY }: { readonly isTTY?: boolean } = process.stdout): Paint {
  if (isTTY !== true || (env.NO_COLOR ?? '') !== '') return (word) => word;
  return (word) => {
    const colour = colours[word];
    return colour === undefined ? word : `\u001B[${colour}m${word}\u001B[0m`;
  };
}

/** Red, yellow and cyan. */
const colours: Readonly<Record<string, number>> = { error: 31, warning: 33, advice: 36 };

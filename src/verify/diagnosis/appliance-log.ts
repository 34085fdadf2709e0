import { type KnownMessage, knownMessages } from './known-messages.ts';
import { printable } from './printable.ts';

/** A line that bears a message which is known. */
export interface LogEvent {
  /** From 1. */
  readonly line: number;
  /** Control characters as spaces; of a long line its first 4096 characters. */
  readonly text: string;
  /** What the line has as name="value" or name=value: names in small letters, values without quotes and escapes. */
  readonly fields: ReadonlyMap<string, string>;
  readonly message: KnownMessage;
}

/** Whether a text is an excerpt of an appliance's log, or has messages of an appliance or of openssl in it. */
export function isApplianceLog(text: string): boolean {
  for (const { text: line } of linesOf(text)) if (EVENT_FIELD.test(line) || messageOf(line)) return true;
  return false;
}

/**
 * The first 10,000 lines that bear a known message, of a log or of what was pasted from a page or a shell. Takes any
 * text, in time linear in its length.
 */
export function parseApplianceLog(text: string): LogEvent[] {
  const events: LogEvent[] = [];
  for (const { line, text: content } of linesOf(text)) {
    const message = messageOf(content);
    if (!message) continue;
    events.push({ line, text: content, fields: fieldsOf(content), message });
    if (events.length === MOST_EVENTS) break;
  }
  return events;
}

const MOST_EVENTS = 10_000;
const LONGEST_LINE = 4096;

/** What the lines of the event log have that no other text does. */
const EVENT_FIELD = /\b(?:UTCTime|Module|Event)="/;

function* linesOf(text: string): Generator<{ line: number; text: string }> {
  let line = 0;
  for (let start = 0; start <= text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    line += 1;
    yield { line, text: printable(text.slice(start, Math.min(end, start + LONGEST_LINE))) };
    start = end + 1;
  }
}

function messageOf(line: string): KnownMessage | undefined {
  return knownMessages.find(({ pattern }) => pattern.test(line));
}

/** A value that is not closed goes to the end of the line, so that no part of it is read twice. */
const FIELD = /(?<![\w-])([A-Za-z][\w-]{0,63})=(?:"((?:[^"\\]|\\.?)*)(?:"|$)|([^\s"]*))/g;

function fieldsOf(line: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [, name = '', quoted, plain = ''] of line.matchAll(FIELD))
    fields.set(name.toLowerCase(), quoted?.replace(/\\(.?)/g, '$1') ?? plain);
  return fields;
}

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

/**
 * Whether a text is an excerpt of an appliance's log, or has messages of an appliance or of openssl in it.
 * @param events what `parseApplianceLog` gives for it
 */
export function isApplianceLog(text: string, events = parseApplianceLog(text)): boolean {
  return events.length > 0 || EVENT_FIELD.test(text);
}

/**
 * The first 10,000 lines that bear a known message, of a log or of what was pasted from a page or a shell. Takes any
 * text, in time linear in its length.
 */
export function parseApplianceLog(text: string): LogEvent[] {
  const events: LogEvent[] = [];
  for (const { line, text: content } of likelyLines(text)) {
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

/** A word of each known message, so that most lines of a log need no closer look; armor of PEM has one of them too. */
const HINT =
  /certif(?!icate(?: request)?-----)|crl(?!-----)|unknown ca|alert|too (?:weak|small)|start line|40[39]|conflict|in progress|decrypt|pass|mismatch|not match|txt_db|ssl error|traversal|unacceptable|credential|unable to|encrypted|protected/;

/** The lines with a hint in them, without what lies beyond the longest line that is looked at. */
function* likelyLines(text: string): Generator<{ line: number; text: string }> {
  const hints = new RegExp(HINT, 'gi');
  let line = 1;
  let counted = 0;
  for (let hint = hints.exec(text); hint; hint = hints.exec(text)) {
    const start = text.lastIndexOf('\n', hint.index) + 1;
    const found = text.indexOf('\n', hint.index);
    const end = found < 0 ? text.length : found;
    for (let feed = text.indexOf('\n', counted); feed >= 0 && feed < start; feed = text.indexOf('\n', feed + 1))
      line += 1;
    counted = start;
    yield { line, text: printable(text.slice(start, Math.min(end, start + LONGEST_LINE))) };
    hints.lastIndex = end;
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

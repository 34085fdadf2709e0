import { VcsPkiError } from '../errors.ts';
import { Tag, writeHeader } from './der.ts';

/** Room for the longest Time. */
export const MAX_TIME_OCTETS = 17;

/**
 * A Time of RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050, both with seconds and Z.
 * Milliseconds are cut off. Dates outside 1950..9999 fail with CONTENT_INVALID.
 */
export function encodeTime(date: Date): Buffer {
  const out = Buffer.allocUnsafe(MAX_TIME_OCTETS);
  return out.subarray(0, writeTime(out, 0, date));
}

/** Writes a Time at `offset`; returns the offset behind it. CRLs have one per entry, so it makes no strings. */
export function writeTime(out: Buffer, offset: number, date: Date): number {
  const time = date.getTime();
  if (!(time >= FIRST && time < BEYOND))
    throw new VcsPkiError('CONTENT_INVALID', {
      at: 'date',
      message: 'a certificate or CRL can only carry dates from 1950 to 9999',
      fix: 'check the clock and the lifetime that the date was computed from',
      value: Number.isNaN(time) ? 'no date' : date.toISOString(),
    });
  const year = date.getUTCFullYear();
  const yearPairs = time < GENERALIZED ? [year % 100] : [Math.trunc(year / 100), year % 100];
  let next = writeHeader(
    out,
    offset,
    time < GENERALIZED ? Tag.utcTime : Tag.generalizedTime,
    yearPairs.length * 2 + 11,
  );
  for (const pair of yearPairs) next = writePair(out, next, pair);
  next = writePair(out, next, date.getUTCMonth() + 1);
  next = writePair(out, next, date.getUTCDate());
  next = writePair(out, next, date.getUTCHours());
  next = writePair(out, next, date.getUTCMinutes());
  next = writePair(out, next, date.getUTCSeconds());
  out[next] = ZULU;
  return next + 1;
}

/** Milliseconds since the epoch of the Time with this tag and content; NaN when it is not one of RFC 5280. */
export function readTime(tag: number, bytes: Buffer, start: number, end: number): number {
  const yearDigits = tag === Tag.utcTime ? 2 : 4;
  if (tag !== Tag.utcTime && tag !== Tag.generalizedTime) return Number.NaN;
  if (end - start !== yearDigits + 11 || bytes[end - 1] !== ZULU) return Number.NaN;
  const monthAt = start + yearDigits;
  const tail = pair(bytes, monthAt - 2);
  const year = tag === Tag.generalizedTime ? pair(bytes, start) * 100 + tail : tail < 50 ? 2000 + tail : 1900 + tail;
  const month = pair(bytes, monthAt);
  const day = pair(bytes, monthAt + 2);
  const hour = pair(bytes, monthAt + 4);
  const minute = pair(bytes, monthAt + 6);
  const second = pair(bytes, monthAt + 8);
  // Written so that NaN fails. Date.UTC takes years below 100 for 19xx.
  if (!(year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return Number.NaN;
  if (!(hour < 24 && minute < 60 && second < 60)) return Number.NaN;
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  return day <= 28 || new Date(time).getUTCDate() === day ? time : Number.NaN;
}

const ZULU = 0x5a;
const FIRST = Date.UTC(1950, 0);
const GENERALIZED = Date.UTC(2050, 0);
const BEYOND = Date.UTC(10_000, 0);

function writePair(out: Buffer, offset: number, value: number): number {
  out[offset] = 0x30 + Math.trunc(value / 10);
  out[offset + 1] = 0x30 + (value % 10);
  return offset + 2;
}

function pair(bytes: Buffer, at: number): number {
  const tens = (bytes[at] ?? 0) - 0x30;
  const ones = (bytes[at + 1] ?? 0) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

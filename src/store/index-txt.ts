import type { Revocation } from '../authority/record.ts';
import { timestamp } from '../authority/record.ts';
import { VcsPkiError } from '../errors.ts';
import type { Serial } from '../x509/certificate.ts';
import type { RevocationReason } from '../x509/crl.ts';

/** One line of the index.txt of `openssl ca`. */
export interface IndexEntry {
  readonly serial: Serial;
  readonly notAfter: string;
  readonly revocation?: Revocation;
  /** File name, or `unknown`. */
  readonly file: string;
  /** `/O=Example/CN=...` */
  readonly subject: string;
}

/** The reasons that openssl's index.txt can hold; with another it refuses the whole file. */
export const indexReasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
] as const satisfies readonly RevocationReason[];

/** Reasons that openssl writes with a date or an OID behind them. */
const spelledOtherwise: Readonly<Record<string, RevocationReason>> = {
  keytime: 'keyCompromise',
  cakeytime: 'cACompromise',
  holdinstruction: 'certificateHold',
};

/** Parses an index.txt; a last line without its newline counts when it is whole. Throws LEDGER_CORRUPT, naming the line. */
export function parseIndex(text: string, path: string): IndexEntry[] {
  const entries: IndexEntry[] = [];
  const seen = new Set<string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const entry = parseLine(line);
    const problem =
      typeof entry === 'string' ? entry : seen.has(entry.serial) ? `serial ${entry.serial} stands twice` : undefined;
    if (problem !== undefined || typeof entry === 'string') {
      throw new VcsPkiError('LEDGER_CORRUPT', {
        at: `${path}:${index + 1}`,
        value: line.slice(0, 80),
        message: `not a line of an openssl ca database: ${problem}`,
        fix: 'restore the file from index.txt.old or a backup; do not empty it, which would un-revoke every revoked certificate',
      });
    }
    seen.add(entry.serial);
    entries.push(entry);
  }
  return entries;
}

export function formatIndexLine(entry: IndexEntry): string {
  const { revocation } = entry;
  const status = revocation ? 'R' : 'V';
  const reason = revocation && revocation.reason !== 'unspecified' ? `,${opensslReason(revocation.reason)}` : '';
  const revoked = revocation ? `${asn1Time(revocation.at)}${reason}` : '';
  return `${[status, asn1Time(entry.notAfter), revoked, entry.serial, entry.file, entry.subject].join('\t')}\n`;
}

function parseLine(line: string): IndexEntry | string {
  const fields = line.split('\t');
  const [status, expiry = '', revoked = '', serial = '', file = '', subject = ''] = fields;
  if (fields.length !== 6) return `${fields.length} fields where there are 6`;
  if (status !== 'V' && status !== 'R' && status !== 'E') return `status ${status}`;
  const notAfter = parseAsn1Time(expiry);
  if (notAfter === undefined) return `expiry ${expiry}`;
  if (!/^([0-9A-F]{2})+$/i.test(serial)) return `serial ${serial}`;
  const common = { serial: serial.toUpperCase() as Serial, notAfter, file, subject };
  if (status !== 'R') return revoked === '' ? common : `a revocation date with status ${status}`;
  const [date = '', name = 'unspecified'] = revoked.split(',');
  const at = parseAsn1Time(date);
  if (at === undefined) return `revocation date ${date}`;
  const reason =
    spelledOtherwise[name.toLowerCase()] ?? indexReasons.find((known) => known.toLowerCase() === name.toLowerCase());
  return reason === undefined ? `reason ${name}` : { ...common, revocation: { at, reason } };
}

function opensslReason(reason: RevocationReason): string {
  return reason === 'cACompromise' ? 'CACompromise' : reason;
}

/** UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280 4.1.2.5), as openssl writes them. */
function asn1Time(at: string): string {
  const digits = at.replace(/[-:TZ]/g, '');
  const year = Number(digits.slice(0, 4));
  return `${year < 2050 ? digits.slice(2) : digits}Z`;
}

function parseAsn1Time(text: string): string | undefined {
  const match = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!match) return undefined;
  const [, year = '', month, day, hour, minute, second] = match;
  const century = year.length === 4 ? '' : Number(year) >= 50 ? '19' : '20';
  const at = new Date(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at.getTime()) ? undefined : timestamp(at);
}

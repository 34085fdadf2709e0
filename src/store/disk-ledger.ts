import { join } from 'node:path';
import * as z from 'zod';
import { fromFormat1 } from '../authority/format-1.ts';
import { type Owner, ownerText } from '../authority/owner.ts';
import type { Ledger } from '../authority/ports.ts';
import {
  isRevoked,
  type LedgerEntry,
  type NewEntry,
  newestOf,
  type Revocation,
  type RevokedEntry,
  recordSchema,
  timestamp,
} from '../authority/record.ts';
import { VcsPkiError } from '../errors.ts';
import { readCertificate, type Serial, serialHex } from '../x509/certificate.ts';
import { keyId } from '../x509/keys.ts';
import { slashName } from '../x509/name.ts';
import { decodeDerOrPem, encodePem } from '../x509/pem.ts';
import { type FileSystem, writeAtomically } from './file-system.ts';
import { formatIndexLine, type IndexEntry, indexReasons, parseIndex } from './index-txt.ts';

const storedRecord = z.preprocess(fromFormat1.record, recordSchema);
const pendingSchema = z.array(z.object({ record: storedRecord, certificate: z.base64(), subject: z.string() }));
type Pending = z.output<typeof pendingSchema>[number];
type Record = Pending['record'];

/** The whole lines of a file as last read. Ledgers only grow at the end but for revocations: what was parsed once is kept. */
interface Lines<T> {
  readonly bytes: Buffer;
  readonly items: readonly T[];
}

const NO_LINES = { bytes: Buffer.alloc(0), items: [] };

/**
 * The ledger of one authority in the layout of `openssl ca` (requirement 69): index.txt, newcerts and crlnumber are
 * openssl's own, so that it can read and write them too; records.jsonl says beside them why and for whom each
 * certificate of ours was issued.
 *
 * A batch of certificates is on record from the moment pending.json has its name. The files it is spread over are
 * written after that, and again from pending.json by the next writer if a crash came between.
 */
export class DiskLedger implements Ledger {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #writable: boolean;
  #index: Lines<IndexEntry> = NO_LINES;
  #records: Lines<Record> = NO_LINES;

  /** @param writable true only under the writer lock of the PKI directory */
  constructor(fs: FileSystem, directory: string, writable: boolean) {
    this.#fs = fs;
    this.#directory = directory;
    this.#writable = writable;
  }

  async find(serial: Serial): Promise<LedgerEntry | undefined> {
    return (await this.entries()).find((entry) => entry.serial === serial);
  }

  async newestOf(owner: Owner): Promise<LedgerEntry | undefined> {
    return newestOf(await this.#of(owner));
  }

  async unexpiredOf(owner: Owner, now: Date): Promise<readonly LedgerEntry[]> {
    return (await this.#of(owner)).filter(({ notAfter }) => new Date(notAfter) > now);
  }

  async byKey(id: string): Promise<readonly LedgerEntry[]> {
    const found: LedgerEntry[] = [];
    for (const entry of await this.entries()) {
      const certificate = await entry.certificate();
      if (certificate && keyId(certificate.subjectPublicKeyInfo) === id) found.push(entry);
    }
    return found;
  }

  async *revoked(): AsyncGenerator<RevokedEntry> {
    for (const entry of await this.entries()) if (isRevoked(entry)) yield entry;
  }

  async #of(owner: Owner): Promise<LedgerEntry[]> {
    const text = ownerText(owner);
    return (await this.entries()).filter(({ issuance }) => issuance && ownerText(issuance.owner) === text);
  }

  /** In order of issue. */
  async entries(): Promise<readonly LedgerEntry[]> {
    const pending = await this.#pending();
    if (pending.length > 0 && this.#writable) {
      await this.#spread(pending);
      return this.entries();
    }
    const index = await this.#readIndex(pending);
    const records = new Map((await this.#readRecords(pending)).map((record) => [record.serial, record]));
    const known = new Set(index.map((entry) => entry.serial));
    const unwritten = pending.filter(({ record }) => !known.has(record.serial));
    this.#refuseLosses(known, unwritten, records);
    return [
      ...index.map((entry) => this.#entry(entry, records.get(entry.serial))),
      ...unwritten.map(({ record, certificate }) => ({
        ...record,
        certificate: async () => readCertificate(Buffer.from(certificate, 'base64'), record.serial),
      })),
    ];
  }

  async record(entries: readonly NewEntry[]): Promise<void> {
    const taken = new Set((await this.entries()).map((entry) => entry.serial));
    const pending = entries.map((entry) => {
      const serial = serialHex(entry.certificate.serialNumber);
      if (taken.has(serial)) {
        throw new VcsPkiError('SERIAL_REUSED', {
          at: this.#path('index.txt'),
          value: serial,
          message: `serial ${serial} is on record already`,
          fix: 'run again: another serial is drawn',
        });
      }
      taken.add(serial);
      return pendingOf(entry);
    });
    await this.#commit(pending);
  }

  /**
   * Says of a certificate why and for whom it is there, though openssl may have put it into index.txt before. Rejects with
   * SERIAL_REUSED, writing nothing, where another certificate has its serial.
   */
  async adopt(entry: NewEntry): Promise<void> {
    const present = await this.find(serialHex(entry.certificate.serialNumber));
    const certificate = await present?.certificate();
    if (!present || present.issuance || (certificate && !certificate.der.equals(entry.certificate.der)))
      return this.record([entry]);
    await this.#commit([pendingOf(entry)]);
  }

  async revoke(serials: readonly Serial[], revocation: Revocation): Promise<void> {
    const reason = indexReasons.find((known) => known === revocation.reason);
    if (!reason) {
      throw new VcsPkiError('REASON_REFUSED', {
        at: this.#path('index.txt'),
        value: revocation.reason,
        message: `openssl's database has no word for reason ${revocation.reason}`,
        fix: `use one of ${indexReasons.join(', ')}`,
      });
    }
    const open = new Map((await this.entries()).map((entry) => [entry.serial, !entry.revocation]));
    const unknown = serials.find((serial) => !open.has(serial));
    if (unknown !== undefined) {
      throw new VcsPkiError('SERIAL_UNKNOWN', {
        at: this.#path('index.txt'),
        value: unknown,
        message: `serial ${unknown} was not issued by this authority`,
        fix: 'check the serial, and which authority issued the certificate',
      });
    }
    const wanted = new Set<string>(serials.filter((serial) => open.get(serial)));
    if (wanted.size === 0) return;
    const read = this.#index.bytes;
    const lines = read
      .toString()
      .split('\n')
      .map((line) => {
        if (!wanted.has(line.split('\t')[3]?.toUpperCase() ?? '')) return line;
        const [present] = parseIndex(line, this.#path('index.txt'));
        return present ? formatIndexLine({ ...present, revocation }).trimEnd() : line;
      });
    await this.#replaceIndex(read, lines.join('\n'));
  }

  async reserveCrlNumber(floor: bigint): Promise<bigint> {
    const path = this.#path('crlnumber');
    const stored = (await this.#fs.readFile(path))?.toString().trim() ?? '';
    if (stored !== '' && !/^[0-9A-F]+$/i.test(stored)) {
      throw new VcsPkiError('LEDGER_CORRUPT', {
        at: path,
        value: stored.slice(0, 40),
        message: 'must hold one hexadecimal number',
        fix: 'restore it from crlnumber.old, or remove it: the number of the published list is known',
      });
    }
    // As openssl has it, the file holds the number to use next.
    const next = stored === '' ? 0n : BigInt(`0x${stored}`);
    const number = next > floor ? next : floor + 1n;
    const following = (number + 1n).toString(16).toUpperCase();
    await writeAtomically(this.#fs, path, Buffer.from(`${following.length % 2 === 0 ? '' : '0'}${following}\n`));
    return number;
  }

  /** What can't be read back by the same reader is refused while nothing is written: it would close the ledger for good. */
  async #commit(pending: readonly Pending[]): Promise<void> {
    for (const item of pending) this.#refuseUnreadable(item);
    await writeAtomically(this.#fs, this.#path('pending.json'), Buffer.from(`${JSON.stringify(pending)}\n`));
    await this.#spread(pending);
  }

  /** Writes a batch to where it belongs, whatever part of that a crash had done before. */
  async #spread(pending: readonly Pending[]): Promise<void> {
    for (const { record, certificate } of pending) {
      const pem = encodePem('CERTIFICATE', Buffer.from(certificate, 'base64'));
      await writeAtomically(this.#fs, this.#path('newcerts', `${record.serial}.pem`), Buffer.from(pem));
    }
    await this.#append('records.jsonl', pending, recordLine, () => this.#readRecords(pending));
    await this.#append('index.txt', pending, indexLine, () => this.#readIndex(pending));
    await this.#fs.removeFile(this.#path('pending.json'));
    await this.#fs.sync(this.#directory);
  }

  /** Appends the lines that are not there yet, first cutting off what a crash left of one of them. */
  async #append(
    name: string,
    pending: readonly Pending[],
    format: (item: Pending) => string,
    present: () => Promise<readonly { readonly serial: string }[]>,
  ): Promise<void> {
    const path = this.#path(name);
    const bytes = (await this.#fs.readFile(path)) ?? Buffer.alloc(0);
    const whole = wholeLines(bytes, pending, format, path);
    if (whole.length < bytes.length) await this.#fs.truncateFile(path, whole.length);
    const known = new Set((await present()).map(({ serial }) => serial));
    const lines = pending
      .filter(({ record }) => !known.has(record.serial))
      .map(format)
      .join('');
    if (lines !== '') await this.#fs.appendFile(path, Buffer.from(lines));
    await this.#fs.sync(path);
    await this.#fs.sync(this.#directory);
  }

  /** openssl takes no lock: looks once more whether the file is still the one that was read. */
  async #replaceIndex(read: Buffer, text: string): Promise<void> {
    const path = this.#path('index.txt');
    if (!(await this.#fs.readFile(path))?.equals(read)) {
      throw new VcsPkiError('LEDGER_CHANGED', {
        at: path,
        message: 'was changed by another program while a revocation was being written',
        fix: 'wait until openssl has finished, then run again; nothing was written',
      });
    }
    await writeAtomically(this.#fs, path, Buffer.from(text));
  }

  async #pending(): Promise<readonly Pending[]> {
    const path = this.#path('pending.json');
    const text = await this.#fs.readFile(path);
    return text ? this.#parse(path, text.toString(), (value) => pendingSchema.parse(value)) : [];
  }

  #readIndex(pending: readonly Pending[]): Promise<readonly IndexEntry[]> {
    return this.#readLines('index.txt', this.#index, pending, indexLine, parseIndex, (lines) => {
      this.#index = lines;
    });
  }

  #readRecords(pending: readonly Pending[]): Promise<readonly Record[]> {
    const parse = (text: string, path: string) =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line, index) => this.#parse(`${path}:${index + 1}`, line, (value) => storedRecord.parse(value)));
    return this.#readLines('records.jsonl', this.#records, pending, recordLine, parse, (lines) => {
      this.#records = lines;
    });
  }

  /** Without the end of a line that `pending` is still to write. */
  async #readLines<T>(
    name: string,
    known: Lines<T>,
    pending: readonly Pending[],
    format: (item: Pending) => string,
    parse: (text: string, path: string) => T[],
    keep: (lines: Lines<T>) => void,
  ): Promise<readonly T[]> {
    const path = this.#path(name);
    const bytes = wholeLines((await this.#fs.readFile(path)) ?? Buffer.alloc(0), pending, format, path);
    const grown = bytes.subarray(0, known.bytes.length).equals(known.bytes);
    const items = grown
      ? [...known.items, ...parse(bytes.subarray(known.bytes.length).toString(), path)]
      : parse(bytes.toString(), path);
    keep({ bytes, items });
    return items;
  }

  /** Fails with ENTRY_REFUSED for what `record` could not read back. */
  refuseUnreadable(entry: NewEntry): void {
    this.#refuseUnreadable(pendingOf(entry));
  }

  #refuseUnreadable(item: Pending): void {
    const { serial, issuance } = item.record;
    try {
      recordSchema.parse(JSON.parse(recordLine(item)));
      const [line, ...others] = parseIndex(indexLine(item), this.#path('index.txt'));
      if (line?.serial === serial && others.length === 0) return;
      throw new TypeError('the line in index.txt reads otherwise');
    } catch (cause) {
      throw new VcsPkiError('ENTRY_REFUSED', {
        at: ownerText(issuance.owner),
        value: serial,
        message: `its certificate with serial ${serial} can't be put on record: index.txt or records.jsonl could not be read afterwards`,
        fix: 'have a certificate issued whose serial number is positive, and whose names and dates are plain',
        cause,
      });
    }
  }

  /** D36: an emptied index.txt would make every revoked certificate valid again. */
  #refuseLosses(index: ReadonlySet<Serial>, pending: readonly Pending[], records: ReadonlyMap<Serial, Record>): void {
    const expected = new Set(pending.map(({ record }) => record.serial));
    const lost = [...records.keys()].filter((serial) => !index.has(serial) && !expected.has(serial));
    if (lost.length === 0) return;
    throw new VcsPkiError('LEDGER_LOST_ENTRIES', {
      at: this.#path('index.txt'),
      value: lost.slice(0, 3).join(', '),
      message: `lacks ${lost.length} of the certificates that were issued, serial ${lost[0]} among them`,
      fix: 'restore it from index.txt.old or a backup; do not empty it, which would un-revoke every revoked certificate',
    });
  }

  #entry(entry: IndexEntry, record: Record | undefined): LedgerEntry {
    return {
      serial: entry.serial,
      notAfter: record?.notAfter ?? entry.notAfter,
      revocation: entry.revocation,
      issuance: record?.issuance,
      notBefore: record?.notBefore,
      certificate: async () => {
        const path = this.#path('newcerts', `${entry.serial}.pem`);
        const bytes = await this.#fs.readFile(path);
        const [der] = bytes ? decodeDerOrPem(bytes, 'CERTIFICATE', path) : [];
        return der && readCertificate(der, path);
      },
    };
  }

  #parse<T>(at: string, text: string, parse: (value: unknown) => T): T {
    try {
      return parse(JSON.parse(text));
    } catch (cause) {
      throw new VcsPkiError('LEDGER_CORRUPT', {
        at,
        message: 'is not what vcs-pki wrote',
        fix: 'restore the file from a backup',
        cause,
      });
    }
  }

  #path(...parts: string[]): string {
    return join(this.#directory, ...parts);
  }
}

function pendingOf(entry: NewEntry): Pending {
  const { certificate } = entry;
  return {
    record: {
      serial: serialHex(certificate.serialNumber),
      notBefore: timestamp(certificate.notBefore),
      notAfter: timestamp(certificate.notAfter),
      issuance: entry.issuance,
    },
    certificate: certificate.der.toString('base64'),
    subject: slashName(certificate.subject),
  };
}

function indexLine({ record, subject }: Pending): string {
  return formatIndexLine({ serial: record.serial, notAfter: record.notAfter, file: 'unknown', subject });
}

function recordLine({ record }: Pending): string {
  return `${JSON.stringify(record)}\n`;
}

/**
 * A file up to its last line break. What stands behind it must be the begin of a line that `pending` still has in full:
 * nothing is appended to any other (LEDGER_CORRUPT). Compared as bytes, for a cut may go through a character.
 */
function wholeLines(
  bytes: Buffer,
  pending: readonly Pending[],
  format: (item: Pending) => string,
  path: string,
): Buffer {
  const end = bytes.lastIndexOf(LINE_BREAK) + 1;
  const tail = bytes.subarray(end);
  const isBegin = (item: Pending) => Buffer.from(format(item)).subarray(0, tail.length).equals(tail);
  if (tail.length === 0 || pending.some(isBegin)) return bytes.subarray(0, end);
  throw new VcsPkiError('LEDGER_CORRUPT', {
    at: path,
    value: tail.toString().slice(0, 80),
    message: 'ends in the middle of a line',
    fix: 'restore the file from a backup; if its last line is whole, put a line break behind it',
  });
}

const LINE_BREAK = 0x0a;

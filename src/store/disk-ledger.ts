import { join } from 'node:path';
import * as z from 'zod';
import type { Ledger } from '../authority/ports.ts';
import { type LedgerEntry, type NewEntry, type Revocation, recordSchema, timestamp } from '../authority/record.ts';
import { VcsPkiError } from '../errors.ts';
import { readCertificate } from '../x509/certificate.ts';
import { slashName } from '../x509/name.ts';
import { decodeDerOrPem, encodePem } from '../x509/pem.ts';
import { type FileSystem, writeAtomically } from './file-system.ts';
import { formatIndexLine, type IndexEntry, indexReasons, parseIndex } from './index-txt.ts';

const pendingSchema = z.array(z.object({ record: recordSchema, certificate: z.base64(), subject: z.string() }));
type Pending = z.output<typeof pendingSchema>[number];
type Record = Pending['record'];

/** A file of lines as last read. Ledgers only grow at the end but for revocations: what was parsed once is kept. */
interface Lines<T> {
  readonly text: string;
  readonly items: readonly T[];
}

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
  #index: Lines<IndexEntry> = { text: '', items: [] };
  #records: Lines<Record> = { text: '', items: [] };

  /** @param writable true only under the writer lock of the PKI directory */
  constructor(fs: FileSystem, directory: string, writable: boolean) {
    this.#fs = fs;
    this.#directory = directory;
    this.#writable = writable;
  }

  async entries(): Promise<readonly LedgerEntry[]> {
    const pending = await this.#pending();
    if (pending.length > 0 && this.#writable) {
      await this.#spread(pending);
      return this.entries();
    }
    const index = await this.#readIndex(pending);
    const records = new Map((await this.#readRecords()).map((record) => [record.serial, record]));
    const known = new Set(index.map((entry) => entry.serial));
    const unwritten = pending.filter(({ record }) => !known.has(record.serial));
    this.#refuseLosses(known, unwritten, records);
    return [
      ...index.map((entry) => this.#entry(entry, records.get(entry.serial))),
      ...unwritten.map(({ record, certificate }) => ({
        ...record,
        certificate: async () => Buffer.from(certificate, 'base64'),
      })),
    ];
  }

  async record(entries: readonly NewEntry[]): Promise<void> {
    const taken = new Set((await this.entries()).map((entry) => entry.serial));
    const pending = entries.map((entry) => {
      if (taken.has(entry.serial)) {
        throw new VcsPkiError('SERIAL_REUSED', {
          at: this.#path('index.txt'),
          value: entry.serial,
          message: `serial ${entry.serial} is on record already`,
          fix: 'run again: another serial is drawn',
        });
      }
      taken.add(entry.serial);
      return pendingOf(entry);
    });
    await this.#commit(pending);
  }

  /**
   * Says of a certificate why and for whom it is there, though openssl may have put it into index.txt before. Rejects with
   * SERIAL_REUSED, writing nothing, where another certificate has its serial.
   */
  async adopt(entry: NewEntry): Promise<void> {
    const present = (await this.entries()).find(({ serial }) => serial === entry.serial);
    const certificate = await present?.certificate();
    if (!present || present.issuance || (certificate && !certificate.equals(entry.certificate)))
      return this.record([entry]);
    await this.#commit([pendingOf(entry)]);
  }

  async revoke(serial: string, revocation: Revocation): Promise<void> {
    const reason = indexReasons.find((known) => known === revocation.reason);
    if (!reason) {
      throw new VcsPkiError('REASON_REFUSED', {
        at: this.#path('index.txt'),
        value: revocation.reason,
        message: `openssl's database has no word for reason ${revocation.reason}`,
        fix: `use one of ${indexReasons.join(', ')}`,
      });
    }
    const entry = (await this.entries()).find((candidate) => candidate.serial === serial);
    if (!entry) {
      throw new VcsPkiError('SERIAL_UNKNOWN', {
        at: this.#path('index.txt'),
        value: serial,
        message: `serial ${serial} was not issued by this authority`,
        fix: 'check the serial, and which authority issued the certificate',
      });
    }
    if (entry.revocation) return;
    const read = this.#index.text;
    const lines = read.split('\n').map((line) => {
      if (!line.toUpperCase().includes(`\t${serial}\t`)) return line;
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

  async #commit(pending: readonly Pending[]): Promise<void> {
    await writeAtomically(this.#fs, this.#path('pending.json'), Buffer.from(`${JSON.stringify(pending)}\n`));
    await this.#spread(pending);
  }

  /** Writes a batch to where it belongs, whatever part of that a crash had done before. */
  async #spread(pending: readonly Pending[]): Promise<void> {
    for (const { record, certificate } of pending) {
      const pem = encodePem('CERTIFICATE', Buffer.from(certificate, 'base64'));
      await writeAtomically(this.#fs, this.#path('newcerts', `${record.serial}.pem`), Buffer.from(pem));
    }
    const serials = (lines: readonly { serial: string }[]) => new Set(lines.map((line) => line.serial));
    await this.#append('records.jsonl', pending, recordLine, async () => serials(await this.#readRecords()));
    await this.#append('index.txt', pending, indexLine, async () => serials(await this.#readIndex(pending)));
    await this.#fs.removeFile(this.#path('pending.json'));
    await this.#fs.sync(this.#directory);
  }

  /** Appends the lines that are not there yet, first cutting off what a crash left of one of them. */
  async #append(
    name: string,
    pending: readonly Pending[],
    format: (item: Pending) => string,
    present: () => Promise<Set<string>>,
  ): Promise<void> {
    const path = this.#path(name);
    const { length, tail } = lastLine((await this.#fs.readFile(path))?.toString() ?? '');
    const torn = isTorn(tail, pending, format);
    if (torn) await this.#fs.truncateFile(path, length);
    const known = await present();
    const lines = pending
      .filter(({ record }) => !known.has(record.serial))
      .map(format)
      .join('');
    if (lines !== '') await this.#fs.appendFile(path, Buffer.from(tail === '' || torn ? lines : `\n${lines}`));
    await this.#fs.sync(path);
    await this.#fs.sync(this.#directory);
  }

  /** openssl takes no lock: looks once more whether the file is still the one that was read. */
  async #replaceIndex(read: string, text: string): Promise<void> {
    const path = this.#path('index.txt');
    if (((await this.#fs.readFile(path))?.toString() ?? '') !== read) {
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

  /** Without the end of a line that `pending` is still to write. */
  async #readIndex(pending: readonly Pending[]): Promise<readonly IndexEntry[]> {
    const path = this.#path('index.txt');
    const text = (await this.#fs.readFile(path))?.toString() ?? '';
    const { length, tail } = lastLine(text);
    const whole = isTorn(tail, pending, indexLine) ? Buffer.from(text).subarray(0, length).toString() : text;
    const grown = this.#index.text !== '' && this.#index.text.endsWith('\n') && whole.startsWith(this.#index.text);
    this.#index = grown
      ? { text: whole, items: [...this.#index.items, ...parseIndex(whole.slice(this.#index.text.length), path)] }
      : { text: whole, items: parseIndex(whole, path) };
    return this.#index.items;
  }

  /** Without a torn last line, which pending.json still has in full. */
  async #readRecords(): Promise<readonly Record[]> {
    const path = this.#path('records.jsonl');
    const text = (await this.#fs.readFile(path))?.toString() ?? '';
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const parse = (lines: string) =>
      lines
        .split('\n')
        .slice(0, -1)
        .map((line, index) => this.#parse(`${path}:${index + 1}`, line, (value) => recordSchema.parse(value)));
    this.#records = whole.startsWith(this.#records.text)
      ? { text: whole, items: [...this.#records.items, ...parse(whole.slice(this.#records.text.length))] }
      : { text: whole, items: parse(whole) };
    return this.#records.items;
  }

  /** D36: an emptied index.txt would make every revoked certificate valid again. */
  #refuseLosses(index: ReadonlySet<string>, pending: readonly Pending[], records: ReadonlyMap<string, Record>): void {
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
        return bytes && decodeDerOrPem(bytes, 'CERTIFICATE', path)[0];
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
  const certificate = readCertificate(entry.certificate, entry.issuance.owner);
  return {
    record: {
      serial: entry.serial,
      notBefore: timestamp(certificate.notBefore),
      notAfter: timestamp(certificate.notAfter),
      issuance: entry.issuance,
    },
    certificate: entry.certificate.toString('base64'),
    subject: slashName(certificate.subject),
  };
}

function indexLine({ record, subject }: Pending): string {
  return formatIndexLine({ serial: record.serial, notAfter: record.notAfter, file: 'unknown', subject });
}

function recordLine({ record }: Pending): string {
  return `${JSON.stringify(record)}\n`;
}

/** What stands behind the last newline, and the length in bytes of all before it. */
function lastLine(text: string): { length: number; tail: string } {
  const end = text.lastIndexOf('\n') + 1;
  return { length: Buffer.byteLength(text.slice(0, end)), tail: text.slice(end) };
}

function isTorn(tail: string, pending: readonly Pending[], format: (item: Pending) => string): boolean {
  return tail !== '' && pending.some((item) => format(item).startsWith(tail));
}

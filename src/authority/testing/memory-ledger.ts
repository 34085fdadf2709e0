import { VcsPkiError } from '../../errors.ts';
import { readCertificate, type Serial } from '../../x509/certificate.ts';
import { ownerText } from '../owner.ts';
import type { Ledger } from '../ports.ts';
import { type LedgerEntry, type NewEntry, type Revocation, timestamp } from '../record.ts';

/** A ledger that ends with the test. */
export class MemoryLedger implements Ledger {
  readonly #entries = new Map<string, LedgerEntry>();
  #crlNumber = 0n;

  async entries(): Promise<readonly LedgerEntry[]> {
    return [...this.#entries.values()];
  }

  async record(entries: readonly NewEntry[]): Promise<void> {
    const serials = entries.map(({ serial }) => serial);
    const repeated = serials.find((serial, index) => this.#entries.has(serial) || serials.indexOf(serial) !== index);
    if (repeated !== undefined) {
      throw new VcsPkiError('SERIAL_REUSED', {
        at: 'ledger in memory',
        value: repeated,
        message: `serial ${repeated} is on record already`,
        fix: 'run again: another serial is drawn',
      });
    }
    for (const { serial, certificate, issuance } of entries) {
      const { notBefore, notAfter } = readCertificate(certificate, ownerText(issuance.owner));
      this.#entries.set(serial, {
        serial,
        notBefore: timestamp(notBefore),
        notAfter: timestamp(notAfter),
        issuance,
        certificate: async () => certificate,
      });
    }
  }

  async revoke(serial: Serial, revocation: Revocation): Promise<void> {
    const entry = this.#entries.get(serial);
    if (!entry) {
      throw new VcsPkiError('SERIAL_UNKNOWN', {
        at: 'ledger in memory',
        value: serial,
        message: `serial ${serial} was not issued by this authority`,
        fix: 'check the serial, and which authority issued the certificate',
      });
    }
    if (!entry.revocation) this.#entries.set(serial, { ...entry, revocation });
  }

  async reserveCrlNumber(floor: bigint): Promise<bigint> {
    this.#crlNumber = (this.#crlNumber > floor ? this.#crlNumber : floor) + 1n;
    return this.#crlNumber;
  }
}

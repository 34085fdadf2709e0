import { VcsPkiError } from '../../errors.ts';
import { type Serial, serialHex } from '../../x509/certificate.ts';
import { keyId } from '../../x509/keys.ts';
import { type Owner, ownerText } from '../owner.ts';
import type { Ledger } from '../ports.ts';
import {
  isRevoked,
  type LedgerEntry,
  type NewEntry,
  newestOf,
  type Revocation,
  type RevokedEntry,
  timestamp,
} from '../record.ts';

/** A ledger that ends with the test. */
export class MemoryLedger implements Ledger {
  readonly #entries = new Map<string, LedgerEntry>();
  #crlNumber = 0n;

  async find(serial: Serial): Promise<LedgerEntry | undefined> {
    return this.#entries.get(serial);
  }

  async newestOf(owner: Owner): Promise<LedgerEntry | undefined> {
    return newestOf(this.#of(owner));
  }

  async unexpiredOf(owner: Owner, now: Date): Promise<readonly LedgerEntry[]> {
    return this.#of(owner).filter(({ notAfter }) => new Date(notAfter) > now);
  }

  async byKey(id: string): Promise<readonly LedgerEntry[]> {
    const found: LedgerEntry[] = [];
    for (const entry of this.#entries.values())
      if (keyId((await entry.certificate())?.subjectPublicKeyInfo ?? Buffer.alloc(0)) === id) found.push(entry);
    return found;
  }

  async *revoked(): AsyncGenerator<RevokedEntry> {
    for (const entry of this.#entries.values()) if (isRevoked(entry)) yield entry;
  }

  async record(entries: readonly NewEntry[]): Promise<void> {
    const serials = entries.map(({ certificate }) => serialHex(certificate.serialNumber));
    const repeated = serials.find((serial, index) => this.#entries.has(serial) || serials.indexOf(serial) !== index);
    if (repeated !== undefined) {
      throw new VcsPkiError('SERIAL_REUSED', {
        at: 'ledger in memory',
        value: repeated,
        message: `serial ${repeated} is on record already`,
        fix: 'run again: another serial is drawn',
      });
    }
    for (const { certificate, issuance } of entries) {
      const serial = serialHex(certificate.serialNumber);
      this.#entries.set(serial, {
        serial,
        notBefore: timestamp(certificate.notBefore),
        notAfter: timestamp(certificate.notAfter),
        issuance,
        certificate: async () => certificate,
      });
    }
  }

  async revoke(serials: readonly Serial[], revocation: Revocation): Promise<void> {
    const unknown = serials.find((serial) => !this.#entries.has(serial));
    if (unknown !== undefined) {
      throw new VcsPkiError('SERIAL_UNKNOWN', {
        at: 'ledger in memory',
        value: unknown,
        message: `serial ${unknown} was not issued by this authority`,
        fix: 'check the serial, and which authority issued the certificate',
      });
    }
    for (const serial of serials) {
      const entry = this.#entries.get(serial);
      if (entry && !entry.revocation) this.#entries.set(serial, { ...entry, revocation });
    }
  }

  #of(owner: Owner): LedgerEntry[] {
    return [...this.#entries.values()].filter(
      ({ issuance }) => issuance && ownerText(issuance.owner) === ownerText(owner),
    );
  }

  async reserveCrlNumber(floor: bigint): Promise<bigint> {
    this.#crlNumber = (this.#crlNumber > floor ? this.#crlNumber : floor) + 1n;
    return this.#crlNumber;
  }
}

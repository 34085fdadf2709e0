import type { KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ownerFromText } from '../../src/authority/owner.ts';
import type { Ledger } from '../../src/authority/ports.ts';
import type { NewEntry } from '../../src/authority/record.ts';
import { serialFromHex } from '../../src/authority/serial.ts';
import { VcsPkiError } from '../../src/errors.ts';
import type { AuthorityId } from '../../src/topology/ids.ts';
import type { Serial } from '../../src/x509/certificate.ts';
import { keyId, subjectPublicKeyInfo } from '../../src/x509/keys.ts';
import { ecKey, signedCertificate } from './signed-certificate.ts';

/** Where the ledger of one authority is kept, empty at first. */
export interface LedgerPlace {
  /** What records of this place give as their topology. */
  readonly topology: string;
  /** Another ledger over the same place, as the next process would open it. */
  open(): Promise<Ledger>;
}

const FIRST = Date.parse('2028-02-29T02:00:00Z');
const key = ecKey();
const PEER = ownerFromText('core/expc1/server');
const OTHER = ownerFromText('edge/expe1/server');

/** What the ledger of an authority promises (src/authority/ports.ts), wherever it is kept. */
export function ledgerContract(name: string, make: () => Promise<LedgerPlace>): void {
  describe(`ledger ${name}`, () => {
    it('is empty at first', async () => {
      const { ledger } = await opened();
      expect(await ledger.newestOf(PEER)).toBeUndefined();
      expect(await ledger.unexpiredOf(PEER, new Date(0))).toEqual([]);
      expect(await ledger.find('4A01' as Serial)).toBeUndefined();
      expect(await all(ledger.revoked())).toEqual([]);
    });

    it('gives back who got which certificate, when and why, also to the next process', async () => {
      const { ledger, open, entry } = await opened();
      const recorded = entry('4A01', 0);
      await ledger.record([recorded]);
      for (const reader of [ledger, await open()]) {
        const found = await reader.find('4A01' as Serial);
        expect(found).toMatchObject({
          serial: '4A01',
          notBefore: '2028-02-29T02:00:00Z',
          notAfter: '2028-03-30T02:00:00Z',
          issuance: recorded.issuance,
        });
        expect(found?.revocation).toBeUndefined();
        expect((await found?.certificate())?.der).toEqual(recorded.certificate.der);
        expect(await reader.find('4A02' as Serial)).toBeUndefined();
      }
    });

    it('keeps the order of issue', async () => {
      const { ledger, open, entry } = await opened();
      await ledger.record([entry('4A09', 0)]);
      await ledger.record([entry('4A03', 1), entry('4A07', 2)]);
      await ledger.record([entry('4A01', 3)]);
      expect(await serials(await open())).toEqual(['4A09', '4A03', '4A07', '4A01']);
    });

    it('I2: a serial that is on record is refused, and nothing of its batch is written', async () => {
      const { ledger, open, entry } = await opened();
      await ledger.record([entry('4A01', 0)]);
      for (const batch of [
        [entry('4A01', 1)],
        [entry('4A02', 1), entry('4A01', 2)],
        [entry('4A03', 1), entry('4A03', 2)],
      ])
        await expect((await open()).record(batch)).rejects.toMatchObject({ code: 'SERIAL_REUSED' });
      expect(await serials(await open())).toEqual(['4A01']);
    });

    it('I2: of two writers with one serial, one is refused', async () => {
      const { ledger, entry } = await opened();
      await ledger.record([entry('4A01', 0)]);
      await expect(ledger.record([entry('4A01', 0)])).rejects.toBeInstanceOf(VcsPkiError);
    });

    it('I4: the first revocation of a serial stands', async () => {
      const { ledger, open, entry } = await opened();
      await ledger.record([entry('4A01', 0), entry('4A02', 1)]);
      const first = { at: '2028-03-01T00:00:00Z', reason: 'keyCompromise' } as const;
      await ledger.revoke(['4A01' as Serial], first);
      await (await open()).revoke(['4A01' as Serial], { at: '2028-03-02T00:00:00Z', reason: 'superseded' });
      const later = await open();
      expect((await all(later.revoked())).map(({ serial, revocation }) => [serial, revocation])).toEqual([
        ['4A01', first],
      ]);
      expect((await later.find('4A02' as Serial))?.revocation).toBeUndefined();
    });

    it('a serial that was never issued cannot be revoked, nor what is named beside it', async () => {
      const { ledger, open, entry } = await opened();
      await ledger.record([entry('4A01', 0)]);
      const serials = ['4A01', '4AFF'] as Serial[];
      const attempt = ledger.revoke(serials, { at: '2028-03-01T00:00:00Z', reason: 'superseded' });
      await expect(attempt).rejects.toMatchObject({ code: 'SERIAL_UNKNOWN', value: '4AFF' });
      expect(await all((await open()).revoked())).toEqual([]);
    });

    it('is asked for the newest and the unexpired of an owner, and for all of a key', async () => {
      const { ledger, open, entry } = await opened();
      const otherKey = ecKey();
      const day = 24 * 60;
      await ledger.record([entry('4A01', 0), entry('4A02', 1, OTHER)]);
      await ledger.record([entry('4A03', 10 * day, PEER, otherKey)]);
      await ledger.revoke(['4A02', '4A03'] as Serial[], { at: '2028-03-10T00:00:00Z', reason: 'superseded' });
      for (const reader of [ledger, await open()]) {
        expect((await reader.newestOf(PEER))?.serial).toBe('4A03');
        expect((await reader.newestOf(OTHER))?.serial).toBe('4A02');
        const ends = new Date('2028-03-30T02:00:00Z');
        const before = new Date(ends.getTime() - 1000);
        expect((await reader.unexpiredOf(PEER, before)).map(({ serial }) => serial)).toEqual(['4A01', '4A03']);
        expect((await reader.unexpiredOf(PEER, ends)).map(({ serial }) => serial)).toEqual(['4A03']);
        const ofKey = async (one: KeyObject) =>
          (await reader.byKey(keyId(subjectPublicKeyInfo(one)))).map(({ serial }) => serial);
        expect(await ofKey(key)).toEqual(['4A01', '4A02']);
        expect(await ofKey(otherKey)).toEqual(['4A03']);
        expect((await all(reader.revoked())).map(({ serial }) => serial)).toEqual(['4A02', '4A03']);
      }
    });

    it('I3: CRL numbers rise above the floor and above every number before, also in the next process', async () => {
      const { ledger, open } = await opened();
      const numbers = [await ledger.reserveCrlNumber(0n), await ledger.reserveCrlNumber(0n)];
      numbers.push(await (await open()).reserveCrlNumber(1_000_000_000_000n));
      expect(numbers[2]).toBeGreaterThan(1_000_000_000_000n);
      numbers.push(await (await open()).reserveCrlNumber(5n), await ledger.reserveCrlNumber(0n));
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => (a < b ? -1 : 1)));
    });

    async function opened() {
      const { topology, open } = await make();
      const entry = (serial: string, minute: number, owner = PEER, ofKey = key): NewEntry => {
        const notBefore = new Date(FIRST + minute * 60_000);
        return {
          certificate: signedCertificate(serialFromHex(serial), 'expc1.example.com', notBefore, ofKey),
          issuance: {
            owner,
            topology,
            issue: minute + 1,
            reason: 'names added: "chat.example.com" -> ü',
            specification: {
              subject: { commonName: 'expc1.example.com', organization: 'Ministère, "X"' },
              names: ['expc1.example.com', 'chat.example.com'],
              usages: ['serverAuth', 'clientAuth'],
              key: { type: 'ec-p256' },
              issuer: 'issuing-ca' as AuthorityId,
              lifetimeDays: 30,
            },
          },
        };
      };
      return { ledger: await open(), open, entry };
    }
  });
}

async function serials(ledger: Ledger): Promise<string[]> {
  return (await ledger.unexpiredOf(PEER, new Date(0))).map(({ serial }) => serial);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

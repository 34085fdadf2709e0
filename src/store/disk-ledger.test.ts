import { beforeEach, describe, expect, it } from 'vitest';
import { ecKey, signedCertificate } from '../../test/contract/signed-certificate.ts';
import { ownerFromText } from '../authority/owner.ts';
import type { NewEntry } from '../authority/record.ts';
import { serialFromHex } from '../authority/serial.ts';
import type { AuthorityId } from '../topology/ids.ts';
import { DiskLedger } from './disk-ledger.ts';
import { MemoryFileSystem } from './testing/memory-file-system.ts';

const PLACE = '/pki/authorities/ca';
const key = ecKey();
let fs: MemoryFileSystem;

beforeEach(async () => {
  fs = new MemoryFileSystem();
  await fs.makeDirectory(`${PLACE}/newcerts`);
});

const open = () => new DiskLedger(fs, PLACE, true);
const read = async (name: string) => (await fs.readFile(`${PLACE}/${name}`)) ?? Buffer.alloc(0);
const write = (name: string, bytes: Uint8Array) => fs.writeFile(`${PLACE}/${name}`, bytes, 0o644);

function entry(serial: string, name = 'expc1.example.com'): NewEntry {
  return {
    certificate: signedCertificate(serialFromHex(serial), name, new Date('2028-02-29T02:00:00Z'), key, [
      'expc1.example.com',
    ]),
    issuance: {
      owner: ownerFromText('core/expc1/server'),
      topology: 'test',
      issue: 1,
      reason: 'Straße → übrig 🔑',
      specification: {
        subject: { commonName: name },
        names: [name],
        usages: ['serverAuth'],
        key: { type: 'ec-p256' },
        issuer: 'ca' as AuthorityId,
        lifetimeDays: 30,
      },
    },
  };
}

describe('a ledger whose last write was cut off', () => {
  it.each(['records.jsonl', 'index.txt'])('goes on from every byte of %s, also inside of a character', async (file) => {
    await open().record([entry('4A01')]);
    const before = await read(file);
    const batch = [entry('4A02'), entry('4A03', 'Größe')];
    const committed = fs.copy();
    await new DiskLedger(committed, PLACE, true).record(batch);
    const whole = (await committed.readFile(`${PLACE}/${file}`)) ?? Buffer.alloc(0);
    const pending = await pendingOf(batch);
    for (let length = before.length; length <= whole.length; length++) {
      // Every byte of a character of several, its neighbours, and a sample of the rest.
      const isPlain = whole.subarray(length - 2, length + 2).every((byte) => byte < 0x80);
      if (isPlain && length % 41 !== 0 && length < whole.length) continue;
      fs = await committedWith(pending, file, whole.subarray(0, length));
      const found = await new DiskLedger(fs, PLACE, false).entries();
      expect(found.map(({ serial }) => serial).sort(), `read at byte ${length}`).toEqual(['4A01', '4A02', '4A03']);
      expect((await open().entries()).map(({ serial }) => serial).sort()).toEqual(['4A01', '4A02', '4A03']);
      expect(await read(file)).toEqual(whole);
      expect((await read('pending.json')).length).toBe(0);
    }

    /** What the batch is while it waits, as a crash right after its commit leaves it. */
    async function pendingOf(entries: readonly NewEntry[]): Promise<Buffer> {
      for (let call = 1; ; call++) {
        const disturbed = fs.copy();
        disturbed.calls = 0;
        disturbed.crashAt = call;
        await new DiskLedger(disturbed, PLACE, true).record(entries).catch(() => undefined);
        const found = await disturbed.afterCrash('keep').readFile(`${PLACE}/pending.json`);
        if (found) return found;
      }
    }

    async function committedWith(batchBytes: Buffer, name: string, bytes: Buffer): Promise<MemoryFileSystem> {
      const found = fs.copy();
      found.crashAt = undefined;
      for (const other of ['records.jsonl', 'index.txt'])
        if (other !== name) await found.writeFile(`${PLACE}/${other}`, await firstOnly(other), 0o644);
      await found.writeFile(`${PLACE}/${name}`, bytes, 0o644);
      await found.writeFile(`${PLACE}/pending.json`, batchBytes, 0o644);
      return found;
    }

    async function firstOnly(name: string): Promise<Buffer> {
      const alone = new MemoryFileSystem();
      await alone.makeDirectory(`${PLACE}/newcerts`);
      const single = new DiskLedger(alone, PLACE, true);
      await single.record([entry('4A01')]);
      return (await alone.readFile(`${PLACE}/${name}`)) ?? Buffer.alloc(0);
    }
  });

  it.each(['records.jsonl', 'index.txt'])(
    'refuses an end of %s that no batch explains, and appends nothing behind it',
    async (file) => {
      await open().record([entry('4A01')]);
      for (const tail of ['{"serial":"4A', 'V\t280330020000Z\t\t4A09\tunknown\t/CN=x', 'x']) {
        const before = await read(file);
        await write(file, Buffer.concat([before, Buffer.from(tail)]));
        const damaged = fs.files();
        for (const attempt of [() => open().entries(), () => open().record([entry('4A02')])])
          await expect(attempt()).rejects.toMatchObject({
            code: 'LEDGER_CORRUPT',
            message: expect.stringContaining('ends in the middle of a line'),
          });
        expect(fs.files()).toEqual(damaged);
        await write(file, before);
      }
    },
  );
});

describe('what could not be read back', () => {
  it('a negative serial number is refused, and nothing is written', async () => {
    const { certificate, issuance } = entry('4A03');
    const bad = { certificate: { ...certificate, serialNumber: -5n }, issuance };
    await open().record([entry('4A01')]);
    const before = fs.files();
    await expect(open().record([entry('4A02'), bad])).rejects.toMatchObject({ code: 'ENTRY_REFUSED' });
    expect(fs.files()).toEqual(before);
  });

  it.each(['slash/in', 'back\\slash', 'back\\ttab', 'Straße 🔑', ' '])(
    'a certificate of %j is on record, or refused; the ledger stays readable',
    async (name) => {
      const ledger = open();
      const recorded = await ledger.record([entry('4A05', name)]).then(
        () => true,
        (error: unknown) => {
          expect(error).toMatchObject({ code: 'ENTRY_REFUSED' });
          return false;
        },
      );
      await open().record([entry('4A06')]);
      expect((await open().entries()).map(({ serial }) => serial)).toEqual(recorded ? ['4A05', '4A06'] : ['4A06']);
    },
  );
});

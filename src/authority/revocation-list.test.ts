import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Demand, demands } from '../topology/demands.ts';
import { parseTopology } from '../topology/topology.ts';
import type { Certificate } from '../x509/certificate.ts';
import { serialHex } from '../x509/certificate.ts';
import { type Crl, readCrl } from '../x509/crl.ts';
import { generatePrivateKey } from '../x509/keys.ts';
import { createAuthority, issueCertificates, type Ports } from './issue.ts';
import { generationOf, type Issuer, localSigner } from './issuer.ts';
import { revokeCertificates, signCrl } from './revocation-list.ts';
import { randomSerial } from './serial.ts';
import { MemoryLedger } from './testing/memory-ledger.ts';
import { MemoryMaterial } from './testing/memory-material.ts';

const topology = parseTopology(
  {
    name: 'test',
    authorities: [{ id: 'ca', key: 'ec-p256', lifetimeDays: 400, subject: { commonName: 'Example CA' } }],
    clusters: [
      {
        id: 'core',
        product: 'expressway-c',
        release: 'X8.1',
        issuer: 'ca',
        key: 'ec-p256',
        peers: ['expc1', 'expc2'].map((hostName) => ({ id: hostName, hostName, domain: 'example.com' })),
      },
    ],
  },
  'test',
);
const [authority] = topology.authorities;
const [first, second] = demands(topology) as [Demand, Demand];
if (!authority) throw new Error('the topology has an authority');

let now: Date;
let ports: Ports & { material: MemoryMaterial };
let issuer: Issuer;

beforeEach(async () => {
  now = new Date('2026-11-21T12:00:00.789Z');
  ports = {
    clock: { now: () => now },
    random: { bytes: (size) => randomBytes(size) },
    material: new MemoryMaterial(),
    compromised: async () => undefined,
  };
  const key = await generatePrivateKey('ec-p256');
  const ledger = new MemoryLedger();
  const context = { reason: 'test', topology: 'test', pathLength: 0 };
  const certificate = await createAuthority(authority, { generation: 1, ledger, key }, undefined, context, ports);
  issuer = {
    id: authority.id,
    generation: 1,
    certificate,
    chain: [],
    signer: localSigner(key),
    ledger,
    endpoints: { crlUrl: 'http://pki.example.com/ca.crl' },
  };
});

async function issue(demand = first, lifetimeDays = 365, count = 1): Promise<Certificate> {
  let issued: Certificate | undefined;
  const order = { demand: { ...demand, lifetimeDays }, issue: count, reason: 'test' };
  await issueCertificates([order], issuer, 'test', ports, ({ certificate }) => {
    issued = certificate;
  });
  if (!issued) throw new Error('nothing was issued');
  return issued;
}

async function published(): Promise<Crl> {
  const der = await ports.material.crl(generationOf(issuer));
  if (!der) throw new Error('no list is published');
  return readCrl(der, 'ca');
}

const days = (count: number) => {
  now = new Date(now.getTime() + count * 24 * 3600 * 1000);
};
const sign = () => signCrl(issuer, { validDays: 7 }, ports);

describe('issuing', () => {
  it('I2: gives serials of 16 octets, none twice', async () => {
    const serials = new Set<string>();
    for (let count = 0; count < 500; count++) serials.add(serialHex(randomSerial(ports.random)));
    expect(serials.size).toBe(500);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect((await issue()).serialNumber).not.toBe((await issue(second)).serialNumber);
  });

  it('I2: every random octets give a positive serial of 16 octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (octets) => {
        expect(serialHex(randomSerial({ bytes: () => Buffer.from(octets) }))).toMatch(/^[4-7][0-9A-F]{31}$/);
      }),
    );
  });

  it('decides every extension itself', async () => {
    const certificate = await issue();
    expect(certificate).toMatchObject({
      dnsNames: ['expc1.example.com'],
      extendedKeyUsage: ['serverAuth', 'clientAuth'],
      keyUsage: ['digitalSignature'],
      basicConstraints: { authority: false },
      crlUrls: ['http://pki.example.com/ca.crl'],
      signatureAlgorithmName: 'ecdsa-with-SHA256',
    });
    expect(issuer.certificate).toMatchObject({
      keyUsage: ['keyCertSign', 'cRLSign'],
      basicConstraints: { authority: true, pathLength: 0 },
      extendedKeyUsage: undefined,
    });
  });

  it('I6: never outlives its issuer', async () => {
    days(100);
    expect((await issue(first, 365)).notAfter).toEqual(issuer.certificate.notAfter);
    expect((await issue(second, 30)).notAfter < issuer.certificate.notAfter).toBe(true);
  });

  it('issues nothing once its own certificate has expired', async () => {
    days(401);
    await expect(issue()).rejects.toMatchObject({ code: 'ISSUER_EXPIRED' });
    expect(await issuer.ledger.newestOf({ demand: first.id })).toBeUndefined();
  });

  it('has whole seconds, and begins a little before now: the clocks of appliances differ', async () => {
    expect((await issue()).notBefore).toEqual(new Date('2026-11-21T11:50:00Z'));
  });
});

describe('a revocation list', () => {
  it('I4: has a revoked serial until one list after its certificate has expired', async () => {
    const { serialNumber } = await issue(first, 30);
    await revokeCertificates(issuer, [serialHex(serialNumber)], 'keyCompromise', ports.clock);
    expect((await sign()).find(serialNumber)?.reason).toBe('keyCompromise');
    days(29);
    expect((await sign()).find(serialNumber)).toBeDefined();
    days(2);
    expect((await sign()).find(serialNumber), 'the first list after expiry').toBeDefined();
    days(1);
    expect((await sign()).find(serialNumber), 'the second').toBeUndefined();
  });

  it('I4: still has it on the first list after a long downtime', async () => {
    const { serialNumber } = await issue(first, 30);
    await sign();
    await revokeCertificates(issuer, [serialHex(serialNumber)], 'unspecified', ports.clock);
    days(200);
    expect((await sign()).find(serialNumber)).toBeDefined();
  });

  it('I4: leaves off what has ended once, and never names it again', async () => {
    const { serialNumber } = await issue(first, 30);
    await revokeCertificates(issuer, [serialHex(serialNumber)], 'keyCompromise', ports.clock);
    const sizes: number[] = [];
    for (let day = 0; day < 40; day++) {
      sizes.push((await sign()).size);
      days(1);
    }
    // It ends as the list of 21 December begins; that of the 22nd is the first after its end.
    expect(sizes).toEqual([...Array(32).fill(1), ...Array(8).fill(0)]);
  });

  it('I4: names what was revoked after its end on one list', async () => {
    const { serialNumber } = await issue(first, 30);
    await sign();
    days(60);
    await sign();
    days(1);
    await revokeCertificates(issuer, [serialHex(serialNumber)], 'keyCompromise', ports.clock);
    const sizes: number[] = [];
    for (let day = 0; day < 4; day++) {
      sizes.push((await sign()).size);
      days(1);
    }
    expect(sizes).toEqual([1, 0, 0, 0]);
  });

  it.each([1, 2, 3])(
    'I4: %i lists signed with a clock 500 days ahead drop nothing that is valid once the clock is corrected',
    async (count) => {
      const long = await issue(first, 365);
      const short = await issue(second, 30);
      for (const { serialNumber } of [long, short])
        await revokeCertificates(issuer, [serialHex(serialNumber)], 'keyCompromise', ports.clock);
      await sign();
      days(300);
      for (let ahead = 0; ahead < count; ahead++) {
        days(ahead === 0 ? 500 : 1);
        await sign();
      }
      days(-500 - (count - 1) + 1);
      const corrected = await signCrl(issuer, { validDays: 7, afterClockCorrection: true }, ports);
      expect(corrected.find(long.serialNumber), 'valid and revoked').toBeDefined();
      const names: boolean[] = [];
      for (let day = 0; day < 70; day++) {
        days(1);
        names.push((await sign()).find(long.serialNumber) !== undefined);
      }
      // Until one list after its end, and then never again.
      expect(names.indexOf(false)).toBeGreaterThan(62);
      expect(names.lastIndexOf(true)).toBe(names.indexOf(false) - 1);
    },
  );

  it('I4: whatever the clock does, an unexpired revoked serial is on every list that is signed at the true time', async () => {
    const true0 = now.getTime();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ pass: fc.integer({ min: 0, max: 40 }), ahead: fc.constantFrom(0, 0, 0, 30, 400) }), {
          minLength: 1,
          maxLength: 12,
        }),
        async (steps) => {
          now = new Date(true0);
          ports = { ...ports, material: new MemoryMaterial() };
          issuer = { ...issuer, ledger: new MemoryLedger() };
          const certificate = await issue(first, 200);
          await revokeCertificates(issuer, [serialHex(certificate.serialNumber)], 'keyCompromise', ports.clock);
          let truth = true0;
          for (const { pass, ahead } of steps) {
            truth += pass * 24 * 3600 * 1000;
            now = new Date(truth + ahead * 24 * 3600 * 1000);
            if (now >= issuer.certificate.notAfter) continue;
            const list = await signCrl(issuer, { validDays: 7, afterClockCorrection: true }, ports);
            const isValid = new Date(truth) < certificate.notAfter;
            if (ahead === 0 && isValid) expect(list.find(certificate.serialNumber)).toBeDefined();
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('I3: has a higher number each time, also when the clock stands still or the counter was restored', async () => {
    const numbers: bigint[] = [];
    for (let count = 0; count < 5; count++) numbers.push((await sign()).crlNumber ?? 0n);
    issuer = { ...issuer, ledger: new MemoryLedger() };
    numbers.push((await sign()).crlNumber ?? 0n);
    for (const [index, number] of numbers.entries())
      if (index > 0) expect(number > (numbers[index - 1] ?? 0n)).toBe(true);
  });

  it('is valid from before now until the declared days from now', async () => {
    const { thisUpdate, nextUpdate } = await sign();
    expect(thisUpdate).toEqual(new Date('2026-11-21T11:50:00Z'));
    expect(nextUpdate).toEqual(new Date('2026-11-28T12:00:00Z'));
  });

  it('revocation is for good: the first one stands', async () => {
    const serial = serialHex((await issue()).serialNumber);
    await revokeCertificates(issuer, [serial], 'keyCompromise', ports.clock);
    days(1);
    await revokeCertificates(issuer, [serial], 'superseded', ports.clock);
    expect((await sign()).find(BigInt(`0x${serial}`))).toMatchObject({
      reason: 'keyCompromise',
      revokedAt: new Date('2026-11-21T12:00:00Z'),
    });
  });
});

describe('I5: the publish gate', () => {
  it('refuses a list that loses a serial whose certificate has not expired (D36)', async () => {
    const serial = serialHex((await issue()).serialNumber);
    await revokeCertificates(issuer, [serial], 'keyCompromise', ports.clock);
    await sign();
    const before = await published();
    issuer = { ...issuer, ledger: new MemoryLedger() };
    await expect(sign()).rejects.toMatchObject({ code: 'CRL_REFUSED', message: expect.stringContaining(serial) });
    expect((await published()).der).toEqual(before.der);
  });

  it('refuses a list from before the published one, unless the clock was corrected', async () => {
    await sign();
    days(-1);
    await expect(sign()).rejects.toMatchObject({
      code: 'CRL_REFUSED',
      fix: expect.stringContaining('--after-clock-correction'),
    });
    await expect(signCrl(issuer, { validDays: 7, afterClockCorrection: true }, ports)).resolves.toBeDefined();
  });

  it('reserves no number for a list that it refuses: nothing at all is written', async () => {
    await sign();
    const before = await published();
    let reserved = 0;
    const { ledger } = issuer;
    const reserve = ledger.reserveCrlNumber.bind(ledger);
    ledger.reserveCrlNumber = (floor) => {
      reserved += 1;
      return reserve(floor);
    };
    const strange = localSigner(await generatePrivateKey('ec-p256'));
    days(-1);
    await expect(sign()).rejects.toMatchObject({ code: 'CRL_REFUSED' });
    days(2);
    issuer = { ...issuer, signer: strange };
    await expect(sign()).rejects.toMatchObject({ code: 'CRL_REFUSED' });
    expect(reserved).toBe(0);
    expect((await published()).der).toEqual(before.der);
  });

  it('replaces a published list that cannot be read, under a higher number', async () => {
    await sign();
    const { crlNumber } = await published();
    for (const damaged of [Buffer.alloc(0), Buffer.from('junk'), (await published()).der.subarray(0, 100)]) {
      await ports.material.publishCrl(generationOf(issuer), damaged, (await published()).der);
      days(1);
      expect((await sign()).crlNumber ?? 0n).toBeGreaterThan(crlNumber ?? 0n);
    }
  });

  it('refuses a list signed with another key', async () => {
    await sign();
    const key = await generatePrivateKey('ec-p256');
    issuer = { ...issuer, signer: localSigner(key) };
    await expect(sign()).rejects.toMatchObject({ code: 'CRL_REFUSED', message: expect.stringContaining('signature') });
  });
});

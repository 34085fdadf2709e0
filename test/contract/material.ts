import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type AuthorityGeneration, ownerFromText, ownerText } from '../../src/authority/owner.ts';
import type { Material } from '../../src/authority/ports.ts';
import type { AuthorityId } from '../../src/topology/ids.ts';
import type { Certificate } from '../../src/x509/certificate.ts';
import { ecKey, signedCertificate } from './signed-certificate.ts';

/** Where material is kept, empty at first. */
export interface MaterialPlace {
  /** Another Material over the same place, as the next process would open it. */
  open(): Promise<Material>;
}

const PEER = ownerFromText('core/expc1/server');
const AUTHORITY: AuthorityGeneration = { authority: 'issuing-ca' as AuthorityId, generation: 1 };
const OTHER: AuthorityGeneration = { authority: 'root-ca' as AuthorityId, generation: 1 };
const create = async () => ecKey();
const refuse = () => Promise.reject(new Error('a key was made though there is one'));

/** What the store of keys, certificates and lists promises (src/authority/ports.ts), wherever it is. */
export function materialContract(name: string, make: () => Promise<MaterialPlace>): void {
  describe(`material ${name}`, () => {
    it('has nothing at first', async () => {
      const material = await (await make()).open();
      for (const owner of [PEER, AUTHORITY]) {
        expect(await material.load(owner, 1)).not.toHaveProperty('key');
        expect(await material.load(owner, 1)).not.toHaveProperty('certificate');
      }
      expect(await material.crl(AUTHORITY)).toBeUndefined();
    });

    it('the key of an authority is durable before anything is signed with it', async () => {
      const { open } = await make();
      const key = await (await open()).key(AUTHORITY, 1, create);
      const later = await open();
      expect((await later.key(AUTHORITY, 1, refuse)).equals(key)).toBe(true);
      expect((await later.load(AUTHORITY, 1)).key?.equals(key)).toBe(true);
    });

    for (const owner of [PEER, AUTHORITY]) {
      it(`I6: ${ownerText(owner)}: certificate and chain come back with their key, also to the next process`, async () => {
        const { open } = await make();
        const material = await open();
        const key = await material.key(owner, 1, create);
        expect((await material.key(owner, 1, refuse)).equals(key)).toBe(true);
        const issued = { certificate: certificate(1n, key), chain: [certificate(2n), certificate(3n)] };
        await material.store(owner, 1, issued);
        for (const reader of [material, await open()]) {
          const kept = await reader.load(owner, 1);
          expect(kept).toMatchObject(issued);
          expect(kept.key?.equals(key)).toBe(true);
          expect((await reader.key(owner, 1, refuse)).equals(key)).toBe(true);
        }
      });

      it(`${ownerText(owner)}: storing again replaces the certificate and keeps the key`, async () => {
        const { open } = await make();
        const material = await open();
        const key = await material.key(owner, 1, create);
        await material.store(owner, 1, { certificate: certificate(1n, key), chain: [certificate(2n)] });
        const renewed = { certificate: certificate(4n, key), chain: [] };
        await (await open()).store(owner, 1, renewed);
        const kept = await (await open()).load(owner, 1);
        expect(kept).toMatchObject(renewed);
        expect(kept.key?.equals(key)).toBe(true);
      });
    }

    it('I6: the key of one issue is never that of another', async () => {
      const { open } = await make();
      const material = await open();
      const first = await material.key(PEER, 1, create);
      await material.store(PEER, 1, { certificate: certificate(1n, first), chain: [] });
      expect(await (await open()).load(PEER, 2)).not.toHaveProperty('key');
      const next = await open();
      const second = await next.key(PEER, 2, create);
      expect(second.equals(first)).toBe(false);
      const renewed = certificate(2n, second);
      await next.store(PEER, 2, { certificate: renewed, chain: [] });
      const kept = await (await open()).load(PEER, 2);
      expect(kept.key?.equals(second)).toBe(true);
      expect(kept.certificate).toEqual(renewed);
    });

    it('a certificate for a key that stays on the appliance is kept without one', async () => {
      const { open } = await make();
      const issued = { certificate: certificate(1n), chain: [certificate(2n)] };
      await (await open()).store(PEER, 1, issued);
      const kept = await (await open()).load(PEER, 1);
      expect(kept).toMatchObject(issued);
      expect(kept).not.toHaveProperty('key');
    });

    it('I5: a list that was decided on another than is published by now is refused', async () => {
      const { open } = await make();
      const [first, second, third] = [randomBytes(300), randomBytes(300), randomBytes(300)];
      const [slow, quick] = [await open(), await open()];
      await quick.publishCrl(AUTHORITY, first, await slow.crl(AUTHORITY));
      const refused = { code: 'CRL_REFUSED' };
      await expect((await open()).publishCrl(AUTHORITY, second, undefined)).rejects.toMatchObject(refused);
      const decidedOn = await slow.crl(AUTHORITY);
      await (await open()).publishCrl(AUTHORITY, second, first);
      await expect((await open()).publishCrl(AUTHORITY, third, decidedOn)).rejects.toMatchObject(refused);
      expect(await (await open()).crl(AUTHORITY)).toEqual(second);
    });

    for (const [size, bytes] of [
      ['a small list', 600],
      ['a list of 3 MB', 3_000_000],
    ] as const) {
      it(`${size} is published whole, and replaced by the next`, async () => {
        const { open } = await make();
        const lists = [randomBytes(bytes), randomBytes(bytes + 1), randomBytes(300)];
        for (const list of lists) {
          const material = await open();
          await material.publishCrl(AUTHORITY, list, await material.crl(AUTHORITY));
          expect((await material.crl(AUTHORITY))?.equals(list)).toBe(true);
          expect((await (await open()).crl(AUTHORITY))?.equals(list)).toBe(true);
          expect(await (await open()).crl(OTHER)).toBeUndefined();
        }
      });
    }
  });
}

function certificate(serial: bigint, key = ecKey()): Certificate {
  return signedCertificate(serial, 'expc1.example.com', new Date('2028-02-29T02:00:00Z'), key);
}

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AuthorityId } from '../topology/ids.ts';
import { authoritySchema } from '../topology/schema.ts';
import { generatePrivateKey } from '../x509/keys.ts';
import { createAuthority } from './issue.ts';
import { type Issuer, localSigner } from './issuer.ts';
import { MemoryLedger } from './testing/memory-ledger.ts';
import { MemoryMaterial } from './testing/memory-material.ts';

const ports = {
  clock: { now: () => new Date('2028-02-29T02:00:00Z') },
  random: { bytes: (size: number) => randomBytes(size) },
  material: new MemoryMaterial(),
  compromised: async () => undefined,
};

/** An authority below `parent`, or a root, whose certificate has this path length. */
async function authority(id: string, pathLength: number | undefined, parent?: Issuer): Promise<Issuer> {
  const key = await generatePrivateKey('ec-p256');
  const ledger = new MemoryLedger();
  const declared = authoritySchema.parse({ id, subject: { commonName: `Test ${id}` }, key: 'ec-p256' });
  const context = { reason: 'test', topology: 'test', pathLength };
  const certificate = await createAuthority(declared, { generation: 1, ledger, key }, parent, context, ports);
  const chain = parent ? [certificate, ...parent.chain] : [];
  const root = parent ? (parent.root ?? parent.certificate) : certificate;
  return {
    id: declared.id,
    generation: 1,
    certificate,
    chain,
    root,
    signer: localSigner(key),
    ledger,
    endpoints: {},
  };
}

describe('RFC 5280 4.2.1.9: an authority is signed only where every path length above allows it', () => {
  it('below one without a path length, as deep as one likes', async () => {
    let parent = await authority('root', undefined);
    for (const id of ['a', 'b', 'c']) parent = await authority(id, undefined, parent);
    expect(parent.chain).toHaveLength(3);
  });

  it('not below one with path length 0', async () => {
    const root = await authority('root', 0);
    const refused = { code: 'PATH_LENGTH_EXCEEDED', at: 'authority/child', value: '0' };
    await expect(authority('child', 0, root)).rejects.toMatchObject(refused);
    await expect(authority('child', 0, root)).rejects.toThrow('the certificate of Test root has path length 0');
    const child = { authority: 'child' as AuthorityId, generation: 1 };
    expect(await root.ledger.newestOf(child)).toBeUndefined();
  });

  it('not two deep below one with path length 1, whatever the one between allows', async () => {
    const root = await authority('root', 1);
    const between = await authority('between', undefined, root);
    const refused = { code: 'PATH_LENGTH_EXCEEDED', value: '1' };
    await expect(authority('child', 0, between)).rejects.toMatchObject(refused);
    // Where the root is not known, what is known is looked at.
    await expect(authority('child', 0, { ...between, root: undefined })).resolves.toBeDefined();
  });

  it('not below one with path length 0 that is itself below a generous root', async () => {
    const between = await authority('between', 0, await authority('root', 5));
    await expect(authority('child', 0, between)).rejects.toThrow('the certificate of Test between has path length 0');
  });
});

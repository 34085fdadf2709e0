import type { KeyObject } from 'node:crypto';
import type { IssuedMaterial, Material } from '../ports.ts';

/** Keys, certificates and lists that end with the test. */
export class MemoryMaterial implements Material {
  readonly #keys = new Map<string, KeyObject>();
  readonly #issued = new Map<string, IssuedMaterial>();
  readonly #crls = new Map<string, Buffer>();

  async key(owner: string, generation: number, create: () => Promise<KeyObject>): Promise<KeyObject> {
    const place = `${owner} ${generation}`;
    const key = this.#keys.get(place) ?? (await create());
    this.#keys.set(place, key);
    return key;
  }

  async store(owner: string, generation: number, material: IssuedMaterial): Promise<void> {
    this.#issued.set(`${owner} ${generation}`, material);
  }

  async load(owner: string, generation: number): Promise<Partial<IssuedMaterial> & { readonly key?: KeyObject }> {
    const key = this.#keys.get(`${owner} ${generation}`);
    return { chain: [], ...this.#issued.get(`${owner} ${generation}`), ...(key && { key }) };
  }

  async publishCrl(authority: string, generation: number, crl: Buffer): Promise<void> {
    this.#crls.set(`${authority} ${generation}`, crl);
  }

  async crl(authority: string, generation: number): Promise<Buffer | undefined> {
    return this.#crls.get(`${authority} ${generation}`);
  }
}

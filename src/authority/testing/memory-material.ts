import type { KeyObject } from 'node:crypto';
import { type AuthorityGeneration, type Owner, ownerText } from '../owner.ts';
import type { IssuedMaterial, Material } from '../ports.ts';
import { isSameList, replacedMeanwhile } from '../publish-gate.ts';

/** Keys, certificates and lists that end with the test. */
export class MemoryMaterial implements Material {
  readonly #keys = new Map<string, KeyObject>();
  readonly #issued = new Map<string, IssuedMaterial>();
  readonly #crls = new Map<string, Buffer>();

  async key(owner: Owner, issue: number, create: () => Promise<KeyObject>): Promise<KeyObject> {
    const place = `${ownerText(owner)} ${issue}`;
    const key = this.#keys.get(place) ?? (await create());
    this.#keys.set(place, key);
    return key;
  }

  async store(owner: Owner, issue: number, material: IssuedMaterial): Promise<void> {
    this.#issued.set(`${ownerText(owner)} ${issue}`, material);
  }

  async load(owner: Owner, issue: number): Promise<Partial<IssuedMaterial> & { readonly key?: KeyObject }> {
    const key = this.#keys.get(`${ownerText(owner)} ${issue}`);
    return { chain: [], ...this.#issued.get(`${ownerText(owner)} ${issue}`), ...(key && { key }) };
  }

  async publishCrl(of: AuthorityGeneration, crl: Buffer, replaces: Buffer | undefined): Promise<void> {
    if (!isSameList(this.#crls.get(ownerText(of)), replaces)) throw replacedMeanwhile(of);
    this.#crls.set(ownerText(of), crl);
  }

  async crl(of: AuthorityGeneration): Promise<Buffer | undefined> {
    return this.#crls.get(ownerText(of));
  }
}

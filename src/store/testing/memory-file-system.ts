import { dirname } from 'node:path';
import type { CreatedFile, FileSystem } from '../file-system.ts';

/** Thrown by every call from the moment of the crash on: the process is dead, its `finally` blocks included. */
export class Crash extends Error {}

/** What a crash leaves of what was not synced: nothing, everything, or everything with the last writes cut in half. */
export type CrashMode = 'lose' | 'keep' | 'tear';

interface Inode {
  content: Buffer;
  /** What a power failure leaves of it. */
  durable: Buffer;
  mode: number;
}

/** A file system in memory that can stop at any call and forget what was not synced. */
export class MemoryFileSystem implements FileSystem {
  /** Calls made so far. */
  calls = 0;
  /** Those of the calls that change something: a crash at a call that only reads leaves what a crash at the next of these does. */
  readonly changes: number[] = [];
  /** The call, counted from 1, at which to crash. */
  crashAt: number | undefined;
  #crashed = false;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #directories = new Set<string>(['/']);

  async readFile(path: string): Promise<Buffer | undefined> {
    this.#count();
    const inode = this.#names.get(path);
    return inode && Buffer.from(inode.content);
  }

  async readDirectory(path: string): Promise<string[]> {
    this.#count();
    return this.#list(path);
  }

  async makeDirectory(path: string): Promise<void> {
    this.#call();
    for (let folder = path; folder !== '/'; folder = dirname(folder)) this.#directories.add(folder);
  }

  async writeFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
    this.#call();
    this.#requireDirectory(path);
    const inode = this.#names.get(path) ?? { content: Buffer.alloc(0), durable: Buffer.alloc(0), mode };
    inode.content = Buffer.from(bytes);
    this.#names.set(path, inode);
  }

  async createFile(path: string, bytes: Uint8Array, mode: number): Promise<CreatedFile | undefined> {
    this.#call();
    this.#requireDirectory(path);
    if (this.#names.has(path)) return undefined;
    const content = Buffer.from(bytes);
    const inode = { content, durable: content, mode };
    this.#names.set(path, inode);
    return {
      overwrite: async (over) => {
        this.#call();
        inode.content = Buffer.concat([over, inode.content.subarray(over.length)]);
      },
      close: async () => {},
    };
  }

  async appendFile(path: string, bytes: Uint8Array): Promise<void> {
    this.#call();
    this.#requireDirectory(path);
    const inode = this.#names.get(path) ?? { content: Buffer.alloc(0), durable: Buffer.alloc(0), mode: 0o644 };
    inode.content = Buffer.concat([inode.content, bytes]);
    this.#names.set(path, inode);
  }

  async truncateFile(path: string, length: number): Promise<void> {
    this.#call();
    const inode = this.#names.get(path);
    if (inode) inode.content = inode.content.subarray(0, length);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#call();
    const inode = this.#names.get(from);
    if (!inode) throw new Error(`rename of ${from}, which is not there`);
    this.#names.delete(from);
    this.#names.set(to, inode);
  }

  async removeFile(path: string): Promise<void> {
    this.#call();
    this.#names.delete(path);
  }

  async sync(path: string): Promise<void> {
    this.#call();
    const inode = this.#names.get(path);
    if (inode) {
      inode.durable = inode.content;
      return;
    }
    if (!this.#directories.has(path)) throw new Error(`sync of ${path}, which is not there`);
    for (const name of [...this.#durableNames.keys()]) if (dirname(name) === path) this.#durableNames.delete(name);
    for (const [name, file] of this.#names) if (dirname(name) === path) this.#durableNames.set(name, file);
  }

  /** Every file as it is now, by path: content and mode. Not a call. */
  files(): Map<string, { readonly content: Buffer; readonly mode: number }> {
    const sorted = [...this.#names].sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(sorted.map(([path, { content, mode }]) => [path, { content, mode }]));
  }

  /** Whether another file system has the same files. */
  equals(other: MemoryFileSystem): boolean {
    const names = [...this.#names.keys()];
    return (
      names.length === other.#names.size &&
      names.every(
        (name) => other.#names.get(name)?.content.equals(this.#names.get(name)?.content ?? Buffer.alloc(0)) ?? false,
      )
    );
  }

  /** The same files, all durable, with no crash to come. */
  copy(): MemoryFileSystem {
    return this.#successor(this.#names, ({ content }) => content);
  }

  /** What the next process finds. */
  afterCrash(mode: CrashMode): MemoryFileSystem {
    if (mode === 'lose') return this.#successor(this.#durableNames, ({ durable }) => durable);
    if (mode === 'keep') return this.copy();
    return this.#successor(this.#names, ({ content, durable }) => {
      if (content.equals(durable)) return content;
      const kept = content.subarray(0, durable.length).equals(durable) ? durable.length : 0;
      return content.subarray(0, kept + Math.ceil((content.length - kept) / 2));
    });
  }

  #successor(names: ReadonlyMap<string, Inode>, contentOf: (inode: Inode) => Buffer): MemoryFileSystem {
    const next = new MemoryFileSystem();
    for (const [path, inode] of names) {
      const content = Buffer.from(contentOf(inode));
      const file = { content, durable: content, mode: inode.mode };
      next.#names.set(path, file);
      next.#durableNames.set(path, file);
    }
    next.#directories = new Set(this.#directories);
    return next;
  }

  #call(): void {
    this.#count();
    this.changes.push(this.calls);
  }

  #count(): void {
    this.calls += 1;
    if (this.calls === this.crashAt) this.#crashed = true;
    if (this.#crashed) throw new Crash(`crashed at call ${this.crashAt}`);
  }

  #list(path: string): string[] {
    const names = [...this.#names.keys(), ...this.#directories].filter(
      (name) => dirname(name) === path && name !== path,
    );
    return [...new Set(names.map((name) => name.slice(path === '/' ? 1 : path.length + 1)))].sort();
  }

  #requireDirectory(path: string): void {
    if (!this.#directories.has(dirname(path))) throw new Error(`${dirname(path)} is not there`);
  }
}

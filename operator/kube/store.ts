import { inWords, type Log } from '../runtime/log.ts';
import { type KubeObject, keyOf, type Stored } from './resource.ts';

/** What became of one object; for `deleted`, its last known state. */
export interface Change<T extends KubeObject> {
  readonly kind: 'added' | 'updated' | 'deleted';
  readonly object: Stored<T>;
  /** The state before, for `updated`. */
  readonly previous?: Stored<T>;
}

/** The objects of one type as last heard of: possibly stale, never half. Objects are shared, not copied: do not change them. */
export interface Cache<T extends KubeObject> {
  /** By `namespace/name`. */
  get(key: string): Stored<T> | undefined;
  list(): readonly Stored<T>[];
  /** `handler` is called for every later change, in order, right after it. Returns what ends that. */
  onChange(handler: (change: Change<T>) => void): () => void;
  /** True when the cache has been filled for the first time; false when that was given up before. */
  readonly synced: Promise<boolean>;
}

/** A Cache and how it is filled. An object that was deleted and made again under its name is two changes, told apart by uid. */
export class Store<T extends KubeObject> implements Cache<T> {
  readonly synced: Promise<boolean>;
  readonly #log: Log;
  readonly #objects = new Map<string, Stored<T>>();
  readonly #handlers = new Set<(change: Change<T>) => void>();
  #settle: (synced: boolean) => void = () => {};

  constructor(log: Log) {
    this.#log = log;
    this.synced = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get(key: string): Stored<T> | undefined {
    return this.#objects.get(key);
  }

  list(): readonly Stored<T>[] {
    return [...this.#objects.values()];
  }

  onChange(handler: (change: Change<T>) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  /** The whole state: what is not in it is gone. */
  replace(objects: readonly Stored<T>[]): void {
    const kept = new Set(objects.map(({ metadata }) => keyOf(metadata)));
    for (const [key, object] of [...this.#objects]) if (!kept.has(key)) this.remove(object);
    for (const object of objects) this.put(object);
    this.#settle(true);
  }

  put(object: Stored<T>): void {
    const key = keyOf(object.metadata);
    const before = this.#objects.get(key);
    if (before && before.metadata.uid !== object.metadata.uid) this.remove(before);
    const previous = this.#objects.get(key);
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.#objects.set(key, object);
    this.#tell(previous ? { kind: 'updated', object, previous } : { kind: 'added', object });
  }

  /** Ignores the removal of an object that another of the same name has replaced already. */
  remove(object: Stored<T>): void {
    const key = keyOf(object.metadata);
    if (this.#objects.get(key)?.metadata.uid !== object.metadata.uid) return;
    this.#objects.delete(key);
    this.#tell({ kind: 'deleted', object });
  }

  /** Nothing more will come. */
  end(): void {
    this.#settle(false);
  }

  #tell(change: Change<T>): void {
    for (const handler of this.#handlers) {
      try {
        handler(change);
      } catch (error) {
        this.#log.error(`${keyOf(change.object.metadata)}: a handler of changes failed: ${inWords(error)}`);
      }
    }
  }
}

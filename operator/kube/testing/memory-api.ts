import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../src/authority/ports.ts';
import type { KubeApi, MergePatch } from '../client.ts';
import { KubeApiError } from '../errors.ts';
import { apiVersionOf, type KubeObject, keyOf, type ObjectRef, type ResourceType, type Stored } from '../resource.ts';

interface AnyObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: unknown;
}
type Kept = Stored<AnyObject>;

/**
 * The objects of a namespace, kept in memory with what an API server promises of them: names are taken once, writes carry the
 * version that they were decided on, finalizers hold what is deleted. It validates nothing.
 */
export class MemoryApi implements KubeApi {
  /** Every write, as `create Secret expc1`, in order. */
  readonly writes: string[] = [];
  readonly #clock: Clock;
  readonly #objects = new Map<string, Kept>();
  #version = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get: KubeApi['get'] = async <T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef) =>
    given<T>(this.#objects.get(placeOf(type, ref)));

  list: KubeApi['list'] = async <T extends KubeObject>(
    type: ResourceType<T>,
    { namespace, labelSelector, fields = {} }: Parameters<KubeApi['list']>[1] = {},
  ) => {
    const labels = labelSelector?.split(',').map((term) => term.split('=')) ?? [];
    const items = [...this.#objects]
      .filter(([place]) => place.startsWith(`${type.plural} `))
      .map(([, object]) => object)
      .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
      .filter(({ metadata }) => labels.every(([name = '', value]) => metadata.labels?.[name] === value))
      .filter((object) => Object.entries(fields).every(([path, value]) => fieldOf(object, path) === value))
      .sort((a, b) => (keyOf(a.metadata) < keyOf(b.metadata) ? -1 : 1));
    return { items: items.flatMap((item) => given<T>(item) ?? []), resourceVersion: `${this.#version}` };
  };

  watch: KubeApi['watch'] = () => {
    throw new TypeError('what is in memory is not watched');
  };

  create: KubeApi['create'] = async <T extends KubeObject>(type: ResourceType<T>, object: T) => {
    const place = placeOf(type, object.metadata);
    if (this.#objects.has(place)) throw refused(type, object.metadata, 'create', 409, 'AlreadyExists');
    const metadata = {
      ...object.metadata,
      uid: `uid-${this.#version + 1}`,
      generation: 1,
      creationTimestamp: this.#clock.now().toISOString(),
    };
    return this.#write(type, 'create', { ...object, metadata });
  };

  update: KubeApi['update'] = async <T extends KubeObject>(type: ResourceType<T>, object: Stored<T>) => {
    const present = this.#present(type, object.metadata, 'update');
    return this.#write(type, 'update', { ...object, metadata: { ...object.metadata, uid: present.metadata.uid } });
  };

  patch: KubeApi['patch'] = async <T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef & { readonly resourceVersion: string },
    changes: MergePatch,
  ) => this.#write(type, 'patch', merged(this.#present(type, ref, 'patch'), changes) as T);

  applyStatus: KubeApi['applyStatus'] = async (type, { metadata, ...applied }) => {
    const present = this.#present(type, metadata, 'apply status of');
    return this.#write(type, 'apply status of', { ...present, ...applied } as never);
  };

  delete: KubeApi['delete'] = async (type, ref, { uid, resourceVersion } = {}) => {
    const place = placeOf(type, ref);
    const present = this.#objects.get(place);
    if (!present) return false;
    const { metadata } = present;
    if (
      (uid ?? metadata.uid) !== metadata.uid ||
      (resourceVersion ?? metadata.resourceVersion) !== metadata.resourceVersion
    )
      throw refused(type, ref, 'delete', 409, 'Conflict');
    const deletionTimestamp = metadata.deletionTimestamp ?? this.#clock.now().toISOString();
    this.#write(type, 'delete', { ...present, metadata: { ...metadata, deletionTimestamp } });
    return true;
  };

  #present(type: ResourceType, ref: ObjectRef & { readonly resourceVersion?: string }, action: string): Kept {
    const present = this.#objects.get(placeOf(type, ref));
    if (!present) throw refused(type, ref, action, 404, 'NotFound');
    const { resourceVersion } = present.metadata;
    if ((ref.resourceVersion ?? resourceVersion) !== resourceVersion) throw refused(type, ref, action, 409, 'Conflict');
    return present;
  }

  #write<T extends KubeObject>(type: ResourceType<T>, verb: string, object: T): Stored<T> {
    const place = placeOf(type, object.metadata);
    const before = this.#objects.get(place);
    const { spec }: AnyObject = object;
    const changed = before !== undefined && !isDeepStrictEqual(plain(spec ?? null), plain(before.spec ?? null));
    this.#version += 1;
    const written = plain({
      ...object,
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      metadata: {
        ...object.metadata,
        resourceVersion: `${this.#version}`,
        generation: (before?.metadata.generation ?? 1) + Number(changed),
      },
    }) as Stored<T>;
    this.writes.push(`${verb} ${type.kind} ${object.metadata.name}`);
    const { deletionTimestamp, finalizers = [] } = written.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.#objects.delete(place);
    else this.#objects.set(place, written);
    return written;
  }
}

function placeOf({ plural }: ResourceType, { namespace, name }: ObjectRef): string {
  return `${plural} ${keyOf({ ...(namespace !== undefined && { namespace }), name })}`;
}

function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

function given<T extends KubeObject>(object: Kept | undefined): Stored<T> | undefined {
  return object && (plain(object) as Stored<T>);
}

/** The empty text where the field is absent, as a field selector has it. */
function fieldOf(object: object, path: string): string {
  const value = path.split('.').reduce<unknown>((at, name) => Object(at)[name], object);
  return value === undefined || value === null ? '' : `${value}`;
}

/** RFC 7396. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof target === 'object' && target !== null ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

function refused(type: ResourceType, ref: ObjectRef, action: string, status: number, reason: string): KubeApiError {
  const body = JSON.stringify({ kind: 'Status', reason, message: reason, code: status });
  return KubeApiError.refused({ at: `${type.kind} ${keyOf(ref)}`, action, status, body });
}

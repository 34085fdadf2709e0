import { pause, type Scheduler } from '../runtime/scheduler.ts';
import { Credentials, type KubeAccess } from './credentials.ts';
import { KubeApiError } from './errors.ts';
import { lines } from './lines.ts';
import {
  type Applied,
  apiVersionOf,
  type KubeObject,
  keyOf,
  type ObjectRef,
  type ResourceType,
  type Stored,
} from './resource.ts';
import { type HttpAnswer, type HttpStream, readAll, Transport } from './transport.ts';

const FIELD_MANAGER = 'vcs-pki';
const PAGE_SIZE = 500;
const TIMEOUT_MS = 30_000;
/** Bookmarks come about once a minute: a watch that is silent for longer is a connection that only seems to stand. */
const WATCH_SILENCE_MS = 80_000;
const RETRIES = 4;
const RETRY_BASE_MS = 250;
const RETRY_AFTER_LIMIT_SECONDS = 30;
const CONNECT_ERRORS = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
];
const ACCEPT = { Accept: 'application/json' };
const METADATA_LIST = { Accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' };
const METADATA = { Accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' };

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Default 30 s. */
  readonly timeoutMs?: number;
}

export interface ListOptions extends RequestOptions {
  /** Default: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  /** Only objects whose fields have exactly these values; the empty value is also that of an absent field. */
  readonly fields?: Readonly<Record<string, string>>;
}

export interface ApplyOptions extends RequestOptions {
  /** Default `vcs-pki`. */
  readonly fieldManager?: string;
  /** Take over fields that another manager owns; else they are a Conflict. Default true. */
  readonly force?: boolean;
}

export interface DeleteOptions extends RequestOptions {
  /** Delete only this very object, or only if unchanged; else a Conflict. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  /** As for a list. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Where a list or an earlier watch ended. */
  readonly resourceVersion: string;
  /** When the server ends the watch. */
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
  /** How long it may be silent. Default 80 s; bookmarks come about once a minute. */
  readonly silenceMs?: number;
}

export interface ObjectList<T extends KubeObject> {
  readonly items: readonly Stored<T>[];
  readonly resourceVersion: string;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Stored<T> }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/** A JSON merge patch (RFC 7396): null removes a field. */
export interface MergePatch {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** What of a KubeClient reads and writes objects. */
export type KubeApi = Pick<
  KubeClient,
  'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'applyStatus' | 'delete'
>;

/**
 * The Kubernetes API over one pool of connections. Failures are KubeApiErrors; an abort throws the signal's reason.
 * Where the server asks to come again later (Retry-After), or can't be reached, a request that may be repeated without harm is
 * tried up to four times more; `create`, and `delete` without a precondition, never are.
 */
export class KubeClient {
  readonly #credentials: Credentials;
  readonly #transport: Transport;
  readonly #scheduler: Scheduler;

  constructor(access: KubeAccess, scheduler: Scheduler) {
    this.#credentials = new Credentials(access, scheduler);
    this.#transport = new Transport(this.#credentials, scheduler);
    this.#scheduler = scheduler;
  }

  /** The object, or undefined where there is none. */
  async get<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options?: RequestOptions,
  ): Promise<Stored<T> | undefined> {
    try {
      return await this.#object({ method: 'GET', action: 'read', type, ref, options });
    } catch (error) {
      if (isMissing(error, ref)) return undefined;
      throw error;
    }
  }

  /** Every object, read in pages of one consistent state. */
  async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    try {
      return await this.#list(type, options, `${PAGE_SIZE}`);
    } catch (error) {
      // The state that the pages are read from can expire meanwhile; a list in one piece can't.
      if (!isExpired(error)) throw error;
      return await this.#list(type, options, undefined);
    }
  }

  create<T extends KubeObject>(type: ResourceType<T>, object: T, options?: RequestOptions): Promise<Stored<T>> {
    const body = typed(type, object);
    return this.#object({
      method: 'POST',
      action: 'create',
      type,
      ref: object.metadata,
      body,
      options,
      repeatable: false,
    });
  }

  /** Replaces the object, if it is still the version that it says (else a Conflict). */
  update<T extends KubeObject>(
    type: ResourceType<T>,
    object: T & { readonly metadata: { readonly resourceVersion: string } },
    options?: RequestOptions,
  ): Promise<Stored<T>> {
    const body = typed(type, object);
    return this.#object({ method: 'PUT', action: 'update', type, ref: object.metadata, body, options });
  }

  /** Server-side apply: creates the object, or makes the fields given what they should be and drops those given before and no longer. */
  apply<T extends KubeObject>(type: ResourceType<T>, object: Applied<T>, options?: ApplyOptions): Promise<Stored<T>> {
    return this.#apply(type, object, undefined, options);
  }

  /** Server-side apply of the status. */
  applyStatus<T extends KubeObject>(
    type: ResourceType<T>,
    object: Applied<T>,
    options?: ApplyOptions,
  ): Promise<Stored<T>> {
    return this.#apply(type, object, 'status', options);
  }

  /** Changes some fields, if the object is still of that version (else a Conflict). */
  patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef & { readonly resourceVersion: string },
    changes: MergePatch,
    options?: RequestOptions,
  ): Promise<Stored<T>> {
    const body = { ...changes, metadata: { ...changes.metadata, resourceVersion: ref.resourceVersion } };
    const contentType = 'application/merge-patch+json';
    return this.#object({ method: 'PATCH', action: 'patch', type, ref, body, contentType, options });
  }

  /** False where there was nothing to delete. Finalizers may keep the object for a while. */
  async delete(type: ResourceType, ref: ObjectRef, options: DeleteOptions = {}): Promise<boolean> {
    const { uid, resourceVersion, propagation } = options;
    const guarded = uid !== undefined || resourceVersion !== undefined;
    const body = {
      ...(guarded && { preconditions: { uid, resourceVersion } }),
      ...(propagation && { propagationPolicy: propagation }),
    };
    try {
      await this.#send({ method: 'DELETE', action: 'delete', type, ref, body, options, repeatable: guarded });
      return true;
    } catch (error) {
      if (isMissing(error, ref)) return false;
      throw error;
    }
  }

  /**
   * Resolves when the server has accepted the watch. The events end when the server ends it; they throw a KubeApiError when the
   * connection breaks or falls silent, and one with the server's status (410: list again) when the server says why. To be read,
   * or its signal aborted.
   */
  async watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
  ): Promise<AsyncIterable<WatchEvent<T>>> {
    const { namespace, resourceVersion, timeoutSeconds, signal, silenceMs = WATCH_SILENCE_MS } = options;
    const at = nameOf(type, { namespace });
    const path = pathOf(type, {
      namespace,
      query: {
        ...selectors(options),
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: timeoutSeconds?.toFixed(0),
      },
    });
    const headers = type.metadataOnly ? METADATA : ACCEPT;
    const stream = await this.#transport.stream({ method: 'GET', path, headers, timeoutMs: silenceMs, signal });
    if (stream.status === 200) return events(stream, type, at);
    try {
      throw this.#refused(at, 'watch', { ...stream, body: await readAll(stream.chunks) });
    } finally {
      stream.close();
    }
  }

  /** Closes the pooled connections. */
  close(): void {
    this.#transport.close();
  }

  async #list<T extends KubeObject>(
    type: ResourceType<T>,
    options: ListOptions,
    limit: string | undefined,
  ): Promise<ObjectList<T>> {
    const items: Stored<T>[] = [];
    for (let next: string | undefined; ; ) {
      const query = { ...selectors(options), limit, continue: next };
      const ref = { namespace: options.namespace };
      const headers = type.metadataOnly ? METADATA_LIST : ACCEPT;
      const text = await this.#send({ method: 'GET', action: 'list', type, ref, query, headers, options });
      const page: Page<T> = parse(text, nameOf(type, ref));
      for (const item of page.items ?? []) items.push(typed(type, withoutManagedFields(item)));
      if (!page.metadata.continue) return { items, resourceVersion: page.metadata.resourceVersion };
      next = page.metadata.continue;
    }
  }

  #apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: Applied<T>,
    subresource: string | undefined,
    options: ApplyOptions = {},
  ): Promise<Stored<T>> {
    const { fieldManager = FIELD_MANAGER, force = true } = options;
    return this.#object({
      method: 'PATCH',
      action: 'apply',
      type,
      ref: object.metadata,
      subresource,
      query: { fieldManager, force: `${force}` },
      body: typed(type, object),
      contentType: 'application/apply-patch+yaml',
      options,
    });
  }

  async #object<T extends KubeObject>(request: ApiRequest<T>): Promise<Stored<T>> {
    const text = await this.#send(request);
    return withoutManagedFields(parse<Received<T>>(text, nameOf(request.type, request.ref)));
  }

  async #send(request: ApiRequest): Promise<string> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#sendOnce(request);
      } catch (error) {
        const ms = request.repeatable === false ? undefined : pauseBeforeRetry(error, attempt);
        if (ms === undefined) throw error;
        await pause(this.#scheduler, ms, request.options?.signal);
        request.options?.signal?.throwIfAborted();
      }
    }
  }

  async #sendOnce(request: ApiRequest): Promise<string> {
    const { method, action, type, ref, subresource, query, headers = ACCEPT, body, contentType, options } = request;
    const answer = await this.#transport.request({
      method,
      path: pathOf(type, { ...ref, name: method === 'POST' ? undefined : ref.name, subresource, query }),
      headers: body ? { ...headers, 'Content-Type': contentType ?? 'application/json' } : headers,
      body: body && JSON.stringify(body),
      timeoutMs: options?.timeoutMs ?? TIMEOUT_MS,
      signal: options?.signal,
    });
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw this.#refused(nameOf(type, ref), action, answer, body !== undefined && type.kind === 'Secret');
  }

  #refused(at: string, action: string, answer: HttpAnswer, confidential = false): KubeApiError {
    if (answer.status === 401) this.#credentials.expire();
    const { status, body, headers } = answer;
    return KubeApiError.refused({ at, action, status, body, retryAfter: headers['retry-after'], confidential });
  }
}

interface ApiRequest<T extends KubeObject = KubeObject> {
  readonly method: string;
  /** For people: "refused to ... it". */
  readonly action: string;
  readonly type: ResourceType<T>;
  readonly ref: Place;
  readonly subresource?: string | undefined;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly contentType?: string;
  readonly options?: RequestOptions | undefined;
  /** May it reach the server twice? Default true. */
  readonly repeatable?: boolean;
}

interface Place {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

type Query = Readonly<Record<string, string | undefined>>;

type Received<T extends KubeObject> = Stored<T> & { readonly metadata: { managedFields?: unknown } };

interface WatchLine<T extends KubeObject> {
  readonly type: string;
  /** For ERROR a metav1.Status. */
  readonly object: Received<T> & { readonly code?: number };
}

interface Page<T extends KubeObject> {
  readonly items: readonly Received<T>[] | null;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

async function* events<T extends KubeObject>(
  stream: HttpStream,
  resource: ResourceType<T>,
  at: string,
): AsyncGenerator<WatchEvent<T>> {
  try {
    for await (const line of lines(stream.chunks)) {
      const { type, object } = parse<WatchLine<T>>(line, at);
      if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED')
        yield { type, object: typed(resource, withoutManagedFields(object)) };
      else if (type === 'BOOKMARK') yield { type, resourceVersion: object.metadata.resourceVersion };
      else if (type === 'ERROR') throw endedBy(object, at);
    }
  } finally {
    stream.close();
  }
}

function endedBy(status: { readonly code?: number }, at: string): KubeApiError {
  const body = JSON.stringify(status);
  return KubeApiError.refused({ at, action: 'go on watching', status: status.code ?? 500, body });
}

/** How long to wait before a request is tried again; undefined where that would not help. */
function pauseBeforeRetry(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof KubeApiError) || attempt >= RETRIES) return undefined;
  if (error.status === undefined) return isConnectError(error.cause) ? RETRY_BASE_MS * 2 ** attempt : undefined;
  if (error.retryAfterSeconds === undefined || (error.status !== 429 && error.status !== 503)) return undefined;
  return Math.min(error.retryAfterSeconds, RETRY_AFTER_LIMIT_SECONDS) * 1_000;
}

function isConnectError(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && CONNECT_ERRORS.includes(`${cause.code}`);
}

function isMissing(error: unknown, { name }: ObjectRef): boolean {
  return error instanceof KubeApiError && error.missing === name;
}

function isExpired(error: unknown): boolean {
  return error instanceof KubeApiError && error.status === 410;
}

function typed<T extends object>(type: ResourceType, object: T): T & { apiVersion: string; kind: string } {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

/** managedFields are most of the bytes of small objects, and nothing here reads them. */
function withoutManagedFields<T extends KubeObject>(object: Received<T>): Stored<T> {
  delete object.metadata.managedFields;
  return object;
}

/** The API server has checked its answers against the schema of their type. */
function parse<T>(text: string, at: string): T {
  try {
    return JSON.parse(text);
  } catch {
    throw KubeApiError.unreachable(at, 'something else than the API server answered: that is not JSON');
  }
}

function selectors({ labelSelector, fields }: Pick<ListOptions, 'labelSelector' | 'fields'>): Query {
  const terms = Object.entries(fields ?? {}).map(([path, value]) => `${path}=${value.replace(/[\\,=]/g, '\\$&')}`);
  return { labelSelector, fieldSelector: fields && terms.join(',') };
}

function nameOf(type: ResourceType, { namespace, name }: Place): string {
  if (name !== undefined) return `${type.kind} ${keyOf(namespace === undefined ? { name } : { namespace, name })}`;
  return namespace === undefined ? type.plural : `${type.plural} in ${namespace}`;
}

function pathOf(type: ResourceType, target: Place & { subresource?: string | undefined; query?: Query | undefined }) {
  const { namespace, name, subresource, query = {} } = target;
  const segments = [
    ...(type.group === '' ? ['api'] : ['apis', type.group]),
    type.version,
    ...(namespace === undefined ? [] : ['namespaces', namespace]),
    type.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  const given = Object.entries(query).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, value]],
  );
  const path = `/${segments.map(encodeURIComponent).join('/')}`;
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

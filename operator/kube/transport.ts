import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from 'node:http';
import { Agent, type RequestOptions, request as tlsRequest } from 'node:https';
import type { Cancel, Scheduler } from '../runtime/scheduler.ts';
import type { Credentials } from './credentials.ts';
import { KubeApiError } from './errors.ts';

/** Idle connections are closed here before the API server does it (after 90 s): a request must not meet a connection that is just being closed. */
const POOL = { keepAlive: true, maxSockets: 32, timeout: 60_000 };

export interface HttpRequest {
  readonly method: string;
  /** Path and query, below the path of the server's address. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** A request fails after this time without its whole answer; a stream, after this time without a byte. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer whose body comes bit by bit. To be closed. */
export interface HttpStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly chunks: AsyncIterable<Buffer>;
  close(): void;
}

/**
 * HTTP/1.1 to one API server. Requests share a pool of connections that stay open; a stream has a connection of its own,
 * so that watches never use up the pool.
 */
export class Transport {
  readonly #credentials: Credentials;
  readonly #scheduler: Scheduler;
  readonly #pool: PlainAgent;

  constructor(credentials: Credentials, scheduler: Scheduler) {
    this.#credentials = credentials;
    this.#scheduler = scheduler;
    this.#pool = credentials.server.protocol === 'https:' ? new Agent(POOL) : new PlainAgent(POOL);
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    const exchange = await this.#begin(request, this.#pool);
    try {
      const { statusCode = 0, headers } = await exchange.head();
      return { status: statusCode, headers, body: await readAll(exchange.chunks()) };
    } finally {
      exchange.close();
    }
  }

  /** Resolves with the head of the answer. */
  async stream(request: HttpRequest): Promise<HttpStream> {
    const exchange = await this.#begin(request, false);
    try {
      const { statusCode = 0, headers } = await exchange.head();
      const chunks = exchange.chunks(() => exchange.startTimer());
      return { status: statusCode, headers, chunks, close: () => exchange.close() };
    } catch (error) {
      exchange.close();
      throw error;
    }
  }

  /** Closes every pooled connection. */
  close(): void {
    this.#pool.destroy();
  }

  async #begin(request: HttpRequest, agent: PlainAgent | false): Promise<Exchange> {
    const credentials = await this.#credentials.options();
    request.signal?.throwIfAborted();
    const { server, proxied } = this.#credentials;
    // Node frames the body of a DELETE only where its length is given.
    const length = request.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(request.body) };
    const send = server.protocol === 'https:' ? tlsRequest : plainRequest;
    const options: RequestOptions = {
      ...credentials,
      method: request.method,
      path: `${server.pathname.replace(/\/$/, '')}${request.path}`,
      headers: { 'User-Agent': 'vcs-pki', ...credentials.headers, ...request.headers, ...length },
    };
    if (!proxied) options.agent = agent;
    const exchange = new Exchange(send(server, options), request, server.origin, this.#scheduler);
    exchange.send(request.body);
    return exchange;
  }
}

export async function readAll(chunks: AsyncIterable<Buffer>): Promise<string> {
  const read: Buffer[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read).toString('utf8');
}

/** One request and its answer, which a deadline or an abort can end at any point. */
class Exchange {
  readonly #request: ClientRequest;
  readonly #limits: Pick<HttpRequest, 'timeoutMs' | 'signal'>;
  readonly #server: string;
  readonly #scheduler: Scheduler;
  readonly #head: Promise<IncomingMessage>;
  #rejectHead: (reason: unknown) => void = () => {};
  #ended: { readonly reason: unknown } | undefined;
  #cancelTimer: Cancel = () => {};
  #complete = false;

  constructor(
    request: ClientRequest,
    limits: Pick<HttpRequest, 'timeoutMs' | 'signal'>,
    server: string,
    scheduler: Scheduler,
  ) {
    this.#request = request;
    this.#limits = limits;
    this.#server = server;
    this.#scheduler = scheduler;
    this.#head = new Promise((resolve, reject) => {
      this.#rejectHead = reject;
      request.once('response', resolve);
      request.on('error', (cause) => reject(this.#failure('the API server cannot be reached', cause)));
    });
  }

  send(body: string | undefined): void {
    this.#limits.signal?.addEventListener('abort', this.#onAbort);
    this.startTimer();
    this.#request.end(body);
  }

  head(): Promise<IncomingMessage> {
    return this.#head;
  }

  /** `onChunk` is called for each, before it is handed on. */
  async *chunks(onChunk: () => void = () => {}): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of await this.#head) {
        onChunk();
        yield chunk;
      }
      this.#complete = true;
    } catch (cause) {
      throw this.#failure('the API server broke off its answer', cause);
    }
  }

  startTimer(): void {
    this.#cancelTimer();
    const { timeoutMs } = this.#limits;
    this.#cancelTimer = this.#scheduler.after(timeoutMs, () =>
      this.#end(KubeApiError.unreachable(this.#server, `the API server was silent for ${timeoutMs / 1000} seconds`)),
    );
  }

  /** Breaks off what is not complete. */
  close(): void {
    this.#cancelTimer();
    this.#limits.signal?.removeEventListener('abort', this.#onAbort);
    if (!this.#complete) this.#request.destroy();
  }

  readonly #onAbort = (): void => this.#end(this.#limits.signal?.reason);

  #end(reason: unknown): void {
    this.#ended ??= { reason };
    // A request that still waits for a connection of the pool would not notice its end by itself.
    this.#rejectHead(reason);
    this.close();
  }

  #failure(message: string, cause: unknown): unknown {
    if (this.#ended) return this.#ended.reason;
    const code = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
    return KubeApiError.unreachable(this.#server, `${message}${code}`, cause);
  }
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { KubeAccess } from '../credentials.ts';

/** An API server on the loopback interface that does nothing by itself: the test takes each request and answers it, well or badly. */
export class FakeApiServer {
  /** Connections that clients have opened so far. */
  connections = 0;
  readonly #server: Server;
  readonly #requests: ReceivedRequest[] = [];
  readonly #takers: ((request: ReceivedRequest) => void)[] = [];

  private constructor() {
    this.#server = createServer((request, response) => void this.#receive(request, response));
    this.#server.on('connection', () => {
      this.connections += 1;
    });
  }

  static async start(): Promise<FakeApiServer> {
    const fake = new FakeApiServer();
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get access(): KubeAccess {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the fake API server does not listen');
    return accessTo(`http://127.0.0.1:${address.port}`);
  }

  /** The next request that is not taken yet. */
  next(): Promise<ReceivedRequest> {
    const request = this.#requests.shift();
    return request ? Promise.resolve(request) : new Promise((resolve) => this.#takers.push(resolve));
  }

  /** Requests that nobody has taken. */
  get untaken(): number {
    return this.#requests.length;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const received = new ReceivedRequest(request, body, response);
    const taker = this.#takers.shift();
    if (taker) taker(received);
    else this.#requests.push(received);
  }
}

/** Access to an address without credentials. */
export function accessTo(server: string): KubeAccess {
  return {
    getCurrentCluster: () => ({ name: 'fake', server, skipTLSVerify: false }),
    applyToHTTPSOptions: async () => {},
  };
}

export class ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, body: string, response: ServerResponse) {
    const url = new URL(request.url ?? '/', 'http://fake');
    this.method = request.method ?? '';
    this.path = url.pathname;
    this.query = url.searchParams;
    this.headers = request.headers;
    this.body = body;
    this.#response = response;
  }

  answer(status: number, body: unknown, headers: Record<string, string> = {}): void {
    this.#response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    this.#response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  refuse(status: number, reason: string, headers: Record<string, string> = {}): void {
    this.answer(
      status,
      { kind: 'Status', status: 'Failure', message: `because of ${reason}`, reason, code: status },
      headers,
    );
  }

  answerList(resourceVersion: string, items: readonly unknown[], next?: string): void {
    this.answer(200, { kind: 'List', apiVersion: 'v1', metadata: { resourceVersion, continue: next }, items });
  }

  /** Accepts a watch. */
  openStream(): void {
    this.#response.writeHead(200, { 'Content-Type': 'application/json' });
    this.#response.flushHeaders();
  }

  sendEvent(type: string, object: unknown): void {
    this.sendRaw(`${JSON.stringify({ type, object })}\n`);
  }

  sendRaw(text: string | Buffer): void {
    this.#response.write(text);
  }

  /** Ends a stream as the server does at its time-out. */
  end(): void {
    this.#response.end();
  }

  /** Breaks the connection. */
  breakOff(): void {
    this.#response.destroy();
  }

  /** Resolves when the client has closed the connection or the answer is complete. */
  async closed(): Promise<void> {
    if (!this.#response.closed) await once(this.#response, 'close');
  }
}

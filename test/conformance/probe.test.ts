import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Probed, type ProbeOptions, probe, realNetwork } from '../../src/verify/probe.ts';
import { encodePem } from '../../src/x509/pem.ts';
import { type SampleParty, sampleCertificate, sampleParty } from '../../src/x509/testing/sample-certificate.ts';
import { describeWithTool } from '../support/tools.ts';

const HOST = '127.0.0.1';
const now = new Date('2026-11-21T12:00:00Z');
/** Far above what a handshake on the loopback interface takes: a test that meets it has failed. */
const PATIENT = 600_000;
/** For servers that never answer. */
const BRIEF = 300;

const servers: Server[] = [];
const sockets = new Set<Socket>();

/** Listens on a free port, until the test is over. */
async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port on the loopback interface');
  return address.port;
}

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0).filter(({ listening: open }) => open)) {
    server.close();
    await once(server, 'close');
  }
});

function probing(port: number, change: Partial<ProbeOptions> = {}): Promise<Probed> {
  const { signal } = new AbortController();
  return probe({ host: HOST, port }, { now, timeoutMs: PATIENT, signal, env: process.env, ...change });
}

async function served(port: number) {
  const probed = await probing(port);
  if (probed.kind !== 'served') throw new Error(`it said ${probed.says}`);
  return probed.served;
}

const pem = (der: Buffer) => encodePem('CERTIFICATE', der);
const keyPem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' });

describeWithTool('openssl', 'the live probe, on the loopback interface', () => {
  let root: SampleParty;
  let intermediate: SampleParty;
  let peer: SampleParty;
  let chain: { root: Buffer; intermediate: Buffer; peer: Buffer };

  beforeAll(() => {
    root = sampleParty('Probe Root');
    intermediate = sampleParty('Probe Issuing, "quoted"');
    peer = sampleParty('vcs.example.com');
    chain = {
      root: sampleCertificate(root, root, { authority: true }),
      intermediate: sampleCertificate(intermediate, root, { authority: true }),
      peer: sampleCertificate(peer, intermediate),
    };
  });

  const options = (change: TlsOptions = {}): TlsOptions => ({
    cert: pem(chain.peer) + pem(chain.intermediate),
    key: keyPem(peer.key),
    ...change,
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('sees chain, protocol and cipher of a server with %s', async (version) => {
    const server = createTlsServer(options({ minVersion: version, maxVersion: version }));
    const port = await listening(server);
    const { chain: seen, ...rest } = await served(port);
    expect(seen.map(({ der }) => der)).toEqual([chain.peer, chain.intermediate]);
    expect(rest).toMatchObject({ address: `${HOST}:${port}`, names: [HOST], at: now, protocol: version });
    expect(rest.cipher).toMatch(/^(TLS_AES|ECDHE)/);
    expect(rest.requestedAuthorities).toBeUndefined();
  });

  it('names the authorities from which a server wants client certificates, as certificates write them', async () => {
    const ca = pem(chain.root) + pem(chain.intermediate);
    const server = createTlsServer(options({ requestCert: true, rejectUnauthorized: false, ca }));
    const { requestedAuthorities } = await served(await listening(server));
    expect(requestedAuthorities?.toSorted()).toEqual(['CN=Probe Issuing\\, \\"quoted\\"', 'CN=Probe Root']);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'sees the chain of a server that refuses who has no certificate (%s)',
    async (version) => {
      const mutual = { requestCert: true, rejectUnauthorized: true, ca: pem(chain.root), maxVersion: version };
      const server = createTlsServer(options(mutual));
      server.on('tlsClientError', () => {});
      const { chain: seen } = await served(await listening(server));
      expect(seen).toHaveLength(2);
    },
  );

  it('sees old versions and short keys, which OpenSSL itself would not accept any more (D30)', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const old = sampleParty('old.example.com', privateKey);
    const cert = pem(sampleCertificate(old, old));
    const versions = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const server = createTlsServer({ cert, key: keyPem(privateKey), ...versions });
    const { chain: seen, protocol } = await served(await listening(server));
    expect(seen[0]?.subject.commonName).toBe('old.example.com');
    expect(protocol).toBe('TLSv1');
  });

  it('presents no certificate, and says nothing after the handshake', async () => {
    const ca = pem(chain.root);
    const server = createTlsServer(options({ requestCert: true, rejectUnauthorized: false, ca }));
    const heard = new Promise<{ certificate: object; bytes: number }>((resolve) => {
      server.on('secureConnection', (socket) => {
        const certificate = socket.getPeerCertificate();
        let bytes = 0;
        socket.on('error', () => {});
        socket.on('data', (data: Buffer) => {
          bytes += data.length;
        });
        socket.on('close', () => resolve({ certificate, bytes }));
      });
    });
    await served(await listening(server));
    expect(await heard).toEqual({ certificate: {}, bytes: 0 });
  });

  it('a server that sends 10 MB is read up to a limit', async () => {
    const server = createTlsServer(options(), (socket) => {
      socket.on('error', () => {});
      socket.write(Buffer.alloc(10 * 1024 * 1024, 'A'));
    });
    expect((await served(await listening(server))).chain).toHaveLength(2);
  });

  const failure = (port: number, change?: Partial<ProbeOptions>) =>
    probing(port, change).then(
      () => 'no failure',
      (error: unknown) => error,
    );

  it.each<[string, (socket: Socket) => void, RegExp]>([
    ['closes at once', (socket) => socket.end(), /closed the connection/],
    ['resets', (socket) => socket.resetAndDestroy(), /closed the connection/],
    ['says something else', (socket) => socket.write('220 mail.example.com ESMTP\r\n'), /does not speak TLS/],
    ['sends 10 MB of nothing', (socket) => socket.write(Buffer.alloc(10 * 1024 * 1024)), /does not speak TLS|closed/],
  ])('I10: one that %s is one clear error', async (_, act, message) => {
    const port = await listening(createServer(act));
    expect(await failure(port)).toMatchObject({ code: 'PROBE_FAILED', message: expect.stringMatching(message) });
  });

  it('I10: one that never answers is one clear error after the time given', async () => {
    const port = await listening(createServer());
    expect(await failure(port, { timeoutMs: BRIEF })).toMatchObject({
      code: 'PROBE_FAILED',
      message: `${HOST}:${port}: it did not answer within ${BRIEF / 1000} seconds`,
    });
  });

  it('I10: a port where nothing listens', async () => {
    const server = createServer();
    const port = await listening(server);
    server.close();
    await once(server, 'close');
    expect(await failure(port)).toMatchObject({ message: expect.stringMatching(/nothing listens/) });
  });

  it('an interruption ends it', async () => {
    const stop = new AbortController();
    const server = createServer(() => stop.abort());
    const error = await failure(await listening(server), { signal: stop.signal });
    expect(error).toMatchObject({ name: 'AbortError' });
  });

  it('PROBE_UNAVAILABLE where PATH has no openssl', async () => {
    expect(await failure(1, { env: { PATH: '/nonexistent' } })).toMatchObject({ code: 'PROBE_UNAVAILABLE' });
  });
});

describe('who speaks first', () => {
  const greeting = async (port: number) =>
    realNetwork.listen({ host: HOST, port }, { timeoutMs: PATIENT, signal: new AbortController().signal });

  it.each([
    ['a line is shown without its end', 'SSH-2.0-OpenSSH_9.3\r\n', 'SSH-2.0-OpenSSH_9.3'],
    ['what a terminal would obey is left out', '\u001B[31mSSH-2.0\u0007\r\n', '[31mSSH-2.0'],
    ['a line without an end is cut', 'x'.repeat(1000), 'x'.repeat(255)],
  ])('%s', async (_, said, shown) => {
    expect(await greeting(await listening(createServer((socket) => void socket.write(said))))).toBe(shown);
  });

  it('one that waits for the client has said nothing', async () => {
    expect(await greeting(await listening(createServer()))).toBeUndefined();
  });

  it('one that closes at once has said nothing either', async () => {
    expect(await greeting(await listening(createServer((socket) => void socket.end())))).toBeUndefined();
  });
});

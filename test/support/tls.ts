import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { matchName } from '../../src/verify/name-match.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { decodePem, encodePem } from '../../src/x509/pem.ts';

/** One end of a TLS connection: what has been delivered to a peer, and what it demands of the other end. */
export interface TlsEnd {
  /** Folder with server.pem, privatekey.pem, ca.pem and crl.pem. The end sends what ca.pem has of its chain (D08). */
  readonly bundle: string;
  readonly referenceName: string;
  readonly revocationChecking: boolean;
}

/**
 * How a mutual handshake ended. Accepted: a word went in both directions, since in TLS 1.3 a client's certificate is
 * refused after the client took the handshake for complete. Where both ends refuse, the client comes first.
 */
export type Outcome = 'accepted' | Refusal;

export interface Refusal {
  readonly refusedBy: 'client' | 'server';
  /** The verification error: a number from openssl, a code from Node. */
  readonly error: string;
}

const LOOPBACK = '127.0.0.1';
const WORD = 'hello\n';

/** Node as the client of `openssl s_server`, each verifying the other. */
export async function nodeToOpenssl(
  openssl: string,
  client: TlsEnd,
  server: TlsEnd,
  signal: AbortSignal,
): Promise<Outcome> {
  const listen = ['s_server', '-accept', `${LOOPBACK}:0`, '-naccept', '1', '-Verify', '9'];
  const program = startOpenssl(openssl, [...listen, ...(await opensslOptions(server))], signal);
  try {
    const [, port] = await program.printed(/^ACCEPT .*:(\d+)$/m);
    const socket = connect({ ...(await nodeOptions(client)), host: LOOPBACK, port: Number(port) });
    const talk = new Promise<Talk>((resolve) => {
      socket.once('secureConnect', () => talkOver(socket, client, resolve));
      socket.once('close', () => resolve({ heard: false }));
      // An alert: the other end says why itself.
      socket.on('error', () => {});
    });
    // The server has accepted the client once the client's word gets through.
    const answer = program.printed(/^hello$/m).then(() => program.write(WORD));
    answer.catch(() => {});
    const told = await talk;
    const { verifyError, log } = await program.stop();
    return outcome(told.error, verifyError, told.heard, log);
  } finally {
    await program.stop();
  }
}

/** `openssl s_client` as the client of Node, each verifying the other. */
export async function opensslToNode(
  openssl: string,
  client: TlsEnd,
  server: TlsEnd,
  signal: AbortSignal,
): Promise<Outcome> {
  const listener = createServer({ ...(await nodeOptions(server)), requestCert: true });
  listener.listen(0, LOOPBACK);
  await once(listener, 'listening', { signal });
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port on the loopback interface');
  const talk = new Promise<Talk>((resolve) => {
    listener.once('secureConnection', (socket) => talkOver(socket, server, resolve));
    listener.once('tlsClientError', () => resolve({ heard: false }));
  });
  const dial = ['s_client', '-connect', `${LOOPBACK}:${address.port}`, '-quiet', '-verify', '9'];
  const program = startOpenssl(openssl, [...dial, ...(await opensslOptions(client))], signal);
  try {
    program.write(WORD);
    const told = await Promise.race([talk, program.ended.then(() => ({ heard: false, error: undefined }))]);
    if (told.heard) await program.printed(/^hello$/m);
    const { verifyError, log } = await program.stop();
    return outcome(verifyError, told.error, told.heard, log);
  } finally {
    await program.stop();
    listener.close();
    await once(listener, 'close');
  }
}

function outcome(client: string | undefined, server: string | undefined, heard: boolean, log: string): Outcome {
  if (client !== undefined) return { refusedBy: 'client', error: client };
  if (server !== undefined) return { refusedBy: 'server', error: server };
  if (heard) return 'accepted';
  throw new Error(`the connection broke off, and neither end says why:\n${log}`);
}

// ---- the end in Node ----------------------------------------------------------------------------------------------------

interface Talk {
  /** Why this end refuses the other. */
  readonly error?: string | undefined;
  /** Whether the other end's word has come. */
  readonly heard: boolean;
}

/** Both verdicts are taken from what the stack says after the handshake, and the name by our own matcher (requirement 61). */
async function nodeOptions({ bundle, revocationChecking }: TlsEnd) {
  const [cert, key, ca] = await Promise.all(
    ['server.pem', 'privatekey.pem', 'ca.pem'].map((name) => readFile(join(bundle, name))),
  );
  const lists = revocationChecking ? decodePem(await readFile(join(bundle, 'crl.pem'), 'utf8'), 'crl.pem') : [];
  return {
    ...{ cert, key, ca, rejectUnauthorized: false, checkServerIdentity: () => undefined },
    // Node reads one list from each text.
    ...(lists.length > 0 && { crl: lists.map(({ der }) => encodePem('X509 CRL', der)) }),
  };
}

/** After the handshake: verifies the other end, then says the word and waits for the other's. */
function talkOver(socket: TLSSocket, self: TlsEnd, tell: (talk: Talk) => void): void {
  socket.on('error', () => {});
  socket.once('close', () => tell({ heard: false }));
  const error = refusalOf(socket, self);
  if (error !== undefined) {
    tell({ error, heard: false });
    socket.destroy();
    return;
  }
  socket.once('data', () => tell({ heard: true }));
  socket.write(WORD);
}

function refusalOf(socket: TLSSocket, self: TlsEnd): string | undefined {
  if (!socket.authorized) return String(socket.authorizationError);
  const raw = socket.getPeerX509Certificate()?.raw;
  if (!raw) return 'no certificate';
  const { subject, alternativeNames } = readCertificate(raw, 'the certificate of the other end');
  const names = { commonName: subject.commonName, alternativeNames };
  return matchName(names, self.referenceName, 'cn-or-san') === undefined ? 'HOSTNAME_MISMATCH' : undefined;
}

// ---- the end in openssl ---------------------------------------------------------------------------------------------------

async function opensslOptions({ bundle, referenceName, revocationChecking }: TlsEnd): Promise<string[]> {
  // -CRL takes the first list of a file only; -CAfile takes certificates and lists.
  const trusted = join(bundle, 'trusted.pem');
  const parts = revocationChecking ? ['ca.pem', 'crl.pem'] : ['ca.pem'];
  await writeFile(trusted, Buffer.concat(await Promise.all(parts.map((name) => readFile(join(bundle, name))))));
  return [
    ...['-cert', join(bundle, 'server.pem'), '-key', join(bundle, 'privatekey.pem')],
    ...['-CAfile', trusted, '-no-CApath', '-no-CAstore', ...(revocationChecking ? ['-crl_check_all'] : [])],
    ...['-verify_return_error', '-verify_hostname', referenceName],
  ];
}

function startOpenssl(openssl: string, args: readonly string[], signal: AbortSignal) {
  const child = spawn(openssl, args, { signal, killSignal: 'SIGKILL' });
  let output = '';
  let log = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    log += data.toString();
  });
  // A program that has ended reads no more; one that was aborted says so when it closes.
  child.stdin.on('error', () => {});
  child.on('error', () => {});
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    ended,
    write: (text: string) => void child.stdin.write(text),
    /** Waits for a line of its output. Rejects when it ends without. */
    printed: (pattern: RegExp) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(output);
          if (found) resolve(found);
        };
        child.stdout.on('data', look);
        void ended.then(() => reject(new Error(`openssl ended without printing ${pattern}:\n${log}`)));
        look();
      }),
    async stop() {
      child.kill('SIGKILL');
      await ended;
      return { log, verifyError: /^verify error:num=(\d+):/m.exec(log)?.[1] };
    },
  };
}

import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { VcsPkiError } from '../errors.ts';
import { isIpAddress } from '../topology/names.ts';
import { readCertificate } from '../x509/certificate.ts';
import type { ServedCertificates } from './diagnosis/served.ts';
import { NAME_OPTIONS, readHandshake } from './s-client.ts';

/** Where a server listens: a host name, an IPv4 address, or an IPv6 address without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What is at a port: a TLS server, or one that speaks first and so is none. */
export type Probed =
  | { readonly kind: 'served'; readonly served: ServedCertificates }
  | { readonly kind: 'banner'; readonly says: string };

export interface ProbeOptions {
  readonly now: Date;
  /** For each connection. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How a probe reaches the network. */
export interface Network {
  /** Runs a program with nothing to read, and kills it at the limits. Rejects when it cannot be started. */
  run(command: string, args: readonly string[], limits: RunLimits): Promise<Ran>;
  /** The first line that a server says unasked; undefined when it says nothing. Rejects when it cannot be reached. */
  listen(address: Address, limits: Pick<ProbeOptions, 'timeoutMs' | 'signal'>): Promise<string | undefined>;
}

interface RunLimits extends Pick<ProbeOptions, 'timeoutMs' | 'signal' | 'env'> {
  readonly maxBytes: number;
}

export interface Ran {
  readonly output: string;
  readonly log: string;
  readonly ended: 'by itself' | 'too late' | 'too long';
}

/**
 * One TLS handshake, as a client that has no certificate, trusts nobody and says nothing more. Fails with
 * PROBE_FAILED where no certificate is to be had, PROBE_UNAVAILABLE without openssl, or what reading a certificate says.
 */
export async function probe(address: Address, options: ProbeOptions, network: Network = realNetwork): Promise<Probed> {
  const at = formatAddress(address);
  if (SPEAKS_FIRST.has(address.port)) {
    const says = await network.listen(address, options).catch((cause: unknown) => {
      throw options.signal.aborted ? cause : unreachable(at, textOf(cause), options.timeoutMs, cause);
    });
    if (says !== undefined) return { kind: 'banner', says };
  }
  const { output, log, ended } = await network
    .run('openssl', handshakeArguments(address), { ...options, maxBytes: MAX_BYTES })
    .catch((cause: unknown) => {
      throw options.signal.aborted ? cause : withoutOpenssl('it cannot be started', cause);
    });
  const handshake = readHandshake(output, at);
  if (!handshake) {
    if (/unknown option/i.test(log)) throw withoutOpenssl('it does not know the options of OpenSSL 3.0');
    throw unreachable(at, ended === 'by itself' ? log : ended, options.timeoutMs);
  }
  const chain = handshake.chain.map((der) => readCertificate(der, at));
  return { kind: 'served', served: { ...handshake, address: at, names: [address.host], at: options.now, chain } };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where SSH tunnels and traversal zones listen; an SSH server says its version before anything else (RFC 4253 4.2). */
const SPEAKS_FIRST: ReadonlySet<number> = new Set([2222, 7001]);
/** XMPP of clients and of other servers begins without TLS (RFC 6120 5). */
const STARTTLS: Readonly<Record<number, string>> = { 5222: 'xmpp', 5269: 'xmpp-server' };
const MAX_BYTES = 1024 * 1024;
const LONGEST_GREETING = 255;

/** Old protocols and short keys too: it is to be seen what is there. */
function handshakeArguments(address: Address): string[] {
  const { host, port } = address;
  const starttls = STARTTLS[port];
  return [
    ...['s_client', '-connect', formatAddress(address), '-showcerts', '-nameopt', NAME_OPTIONS],
    ...(isIpAddress(host) ? ['-noservername'] : ['-servername', host]),
    ...['-no-CAfile', '-no-CApath', '-no-CAstore'],
    ...['-min_protocol', 'TLSv1', '-cipher', 'DEFAULT@SECLEVEL=0', '-legacy_server_connect'],
    ...(starttls === undefined ? [] : ['-starttls', starttls, '-xmpphost', host]),
  ];
}

// ---- the network ---------------------------------------------------------------------------------------------------

export const realNetwork: Network = {
  run: (command, args, { env, timeoutMs, maxBytes, signal }) =>
    new Promise((resolve, reject) => {
      const limits = { timeout: timeoutMs, maxBuffer: maxBytes, killSignal: 'SIGKILL', signal } as const;
      const child = execFile(command, args, { ...limits, env: { ...env } }, (error, output, log) => {
        if (error && (signal.aborted || typeof error.code === 'string') && error.code !== TOO_LONG) reject(error);
        else resolve({ output, log, ended: endOf(error) });
      });
      child.stdin?.on('error', () => {});
      child.stdin?.end();
    }),
  listen: ({ host, port }, { timeoutMs, signal }) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host, port, signal });
      const limit = setTimeout(() => socket.destroy(new Error('timed out')), timeoutMs);
      let said = '';
      const end = () => {
        clearTimeout(limit);
        socket.destroy();
        resolve(said === '' ? undefined : said.replace(/[^ -~]/g, '').slice(0, LONGEST_GREETING));
      };
      socket.setEncoding('latin1');
      // A TLS server waits for the client to speak.
      socket.once('connect', () => socket.setTimeout(Math.min(timeoutMs / 2, GREETING_MS), end));
      socket.on('data', (data) => {
        said += String(data);
        if (said.includes('\n') || said.length >= LONGEST_GREETING) end();
      });
      socket.once('end', end);
      socket.once('error', (error) => {
        clearTimeout(limit);
        reject(error);
      });
    }),
};

const TOO_LONG = 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER';
const GREETING_MS = 2000;

function endOf(error: { readonly code?: unknown; readonly killed?: boolean | undefined } | null): Ran['ended'] {
  if (error?.code === TOO_LONG) return 'too long';
  return error?.killed === true ? 'too late' : 'by itself';
}

// ---- failures ------------------------------------------------------------------------------------------------------

function withoutOpenssl(message: string, cause?: unknown): VcsPkiError {
  return new VcsPkiError('PROBE_UNAVAILABLE', {
    at: 'openssl',
    message,
    fix: 'install OpenSSL 3.0 or later, and put it on PATH',
    cause,
  });
}

/** @param log what openssl or the operating system says */
function unreachable(at: string, log: string, timeoutMs: number, cause?: unknown): VcsPkiError {
  const known = failures.find(({ pattern }) => pattern.test(log));
  const { message, fix } = known ?? {
    message: 'it presented no certificate',
    fix: 'look at it with openssl s_client -connect',
  };
  return new VcsPkiError('PROBE_FAILED', {
    at,
    message: message.replace('SECONDS', String(timeoutMs / 1000)),
    fix,
    cause,
  });
}

/** Of an attempt with several addresses the message is empty, and the code says it. */
function textOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : '';
  return `${cause} ${code}`;
}

/** The first that fits counts. */
const failures: readonly { readonly pattern: RegExp; readonly message: string; readonly fix: string }[] = [
  {
    pattern: /^too long$/,
    message: 'it sends more than a handshake has',
    fix: 'check address and port',
  },
  {
    pattern: /^too late$|ETIMEDOUT|timed out/i,
    message: 'it did not answer within SECONDS seconds',
    fix: 'check address and port, and what the firewall lets through; --timeout waits longer',
  },
  {
    pattern:
      /ENOTFOUND|EAI_AGAIN|Name or service not known|nodename nor servname|name resolution|No address associated/i,
    message: 'the name has no address',
    fix: 'check its spelling, and the name server that this computer asks',
  },
  {
    pattern: /ECONNREFUSED|Connection refused/i,
    message: 'nothing listens at this port',
    fix: 'check the port: SIP TLS is 5061, HTTPS 443',
  },
  {
    pattern: /E(HOST|NET)UNREACH|No route to host|Network is unreachable/i,
    message: 'there is no way to this address',
    fix: 'run it from a computer in the network of the appliance',
  },
  {
    pattern: /Didn't find STARTTLS|starttls/i,
    message: 'it does not offer TLS on this port',
    fix: 'turn TLS on for this service, or name another port',
  },
  {
    pattern:
      /wrong version number|packet length too long|record layer|http request|bad record type|unexpected message/i,
    message: 'it does not speak TLS at this port',
    fix: 'name the port of SIP TLS (5061) or HTTPS (443)',
  },
  {
    pattern: /handshake failure|no protocols available|unsupported protocol|protocol version|insufficient security/i,
    message: 'it and openssl have no version of TLS and no cipher in common',
    fix: 'look at the TLS versions and ciphers that are set on it',
  },
  {
    pattern: /unexpected eof|ECONNRESET|Connection reset|errno=(0|32|104)\b/i,
    message: 'it closed the connection without presenting a certificate',
    fix: 'check that it has a server certificate, and what a firewall in between does with TLS',
  },
];

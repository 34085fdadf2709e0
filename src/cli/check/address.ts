import { isIPv4, isIPv6 } from 'node:net';
import { VcsPkiError } from '../../errors.ts';
import { patterns } from '../../topology/names.ts';
import { type Address, formatAddress, type Probed, type ProbeOptions, probe } from '../../verify/probe.ts';
import { type Context, type OptionSpec, type Options, text } from '../command.ts';

/** A server to be probed; without a port, where appliances have SIP TLS and HTTPS. */
export interface Server {
  readonly host: string;
  readonly port: number | undefined;
}

export const DEFAULT_PORTS = [5061, 443] as const;

/** `host:port`, `[v6]:port`, or a name or address alone; undefined for what is none of these. Fails with USAGE for a port that can't be. */
export function parseServer(target: string): Server | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:[\]/\\]+))(?::(\d+))?$/.exec(target) ?? [];
  const host = (bracketed ?? plain ?? '').toLowerCase();
  const isHost = bracketed === undefined ? isName(host) && (digits !== undefined || host.includes('.')) : isIPv6(host);
  if (!isHost) return isIPv6(target) ? { host: target.toLowerCase(), port: undefined } : undefined;
  const port = digits === undefined ? undefined : Number(digits);
  if (port === undefined || (port > 0 && port < 65_536)) return { host, port };
  throw new VcsPkiError('USAGE', {
    at: target,
    value: String(port),
    message: 'has no port between 1 and 65535',
    fix: 'write it like expe1.example.com:5061',
  });
}

/** Fails as `probe` does. */
export async function probeServer(address: Address, options: Options, context: Context): Promise<Probed> {
  context.progress(`probing ${formatAddress(address)} ...`);
  return probe(address, probeOptions(options, context));
}

export const timeoutOption: Readonly<Record<string, OptionSpec>> = {
  timeout: { type: 'string', value: 'SECONDS', description: 'How long a server may take to answer (default 10)' },
};

function probeOptions(options: Options, { clock, signal, env }: Context): ProbeOptions {
  return { now: clock.now(), timeoutMs: timeoutMs(options), signal, env };
}

/** Fails with USAGE, whether or not a server is asked. */
export function timeoutMs(options: Options): number {
  const wanted = text(options, 'timeout') ?? '10';
  const seconds = Number(wanted);
  if (!(seconds > 0 && seconds <= LONGEST_TIMEOUT)) {
    throw new VcsPkiError('USAGE', {
      at: '--timeout',
      value: wanted,
      message: `must be a number of seconds up to ${LONGEST_TIMEOUT}`,
      fix: 'write it like --timeout 5',
    });
  }
  return seconds * 1000;
}

const LONGEST_TIMEOUT = 3600;

function isName(host: string): boolean {
  return isIPv4(host) || new RegExp(patterns.fqdn).test(host) || new RegExp(patterns.label).test(host);
}

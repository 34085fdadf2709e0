import { isIPv4, isIPv6 } from 'node:net';
import { VcsPkiError } from '../../errors.ts';
import { patterns } from '../../topology/names.ts';
import { type Address, formatAddress, type Probed, type ProbeOptions, probe } from '../../verify/probe.ts';
import type { Context } from '../command.ts';
import { number, type OptionSpec, type Options } from '../options.ts';

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
  timeout: {
    type: 'number',
    unit: 'seconds',
    least: 0.001,
    most: 3600,
    fractions: true,
    value: 'SECONDS',
    description: 'How long a server may take to answer (default 10)',
  },
};

function probeOptions(options: Options, { clock, signal, env }: Context): ProbeOptions {
  return { now: clock.now(), timeoutMs: (number(options, 'timeout') ?? 10) * 1000, signal, env };
}

function isName(host: string): boolean {
  return isIPv4(host) || new RegExp(patterns.fqdn).test(host) || new RegExp(patterns.label).test(host);
}

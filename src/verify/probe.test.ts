import { describe, expect, it } from 'vitest';
import { type Address, formatAddress, type Network, type ProbeOptions, probe, type Ran } from './probe.ts';

const options: ProbeOptions = {
  now: new Date('2026-11-21T12:00:00Z'),
  timeoutMs: 10_000,
  signal: new AbortController().signal,
  env: {},
};

interface Asked {
  readonly command: string;
  readonly args: readonly string[];
}

/** A network on which openssl prints what it is told, and a port says what it is told. */
function network(ran: Partial<Ran> | Error, greeting?: string | Error): Network & { readonly asked: Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    async run(command, args) {
      asked.push({ command, args });
      if (ran instanceof Error) throw ran;
      return { output: '', log: '', ended: 'by itself', ...ran };
    },
    async listen() {
      if (greeting instanceof Error) throw greeting;
      return greeting;
    },
  };
}

const at = (host: string, port = 5061): Address => ({ host, port });
const optionOf = (args: readonly string[], option: string) =>
  args.includes(option) ? args[args.indexOf(option) + 1] : undefined;

async function argsFor(address: Address): Promise<readonly string[]> {
  const world = network({});
  await expect(probe(address, options, world)).rejects.toMatchObject({ code: 'PROBE_FAILED' });
  expect(world.asked).toHaveLength(1);
  expect(world.asked[0]?.command).toBe('openssl');
  return world.asked[0]?.args ?? [];
}

describe('what a probe asks openssl for', () => {
  it('shows the chain as it is sent, presents nothing and trusts nobody', async () => {
    const args = await argsFor(at('expe1.example.com'));
    expect(args).toContain('-showcerts');
    expect(optionOf(args, '-connect')).toBe('expe1.example.com:5061');
    expect(optionOf(args, '-servername')).toBe('expe1.example.com');
    for (const secret of ['-cert', '-key', '-cert_chain', '-pass', '-psk', '-reconnect'])
      expect(args).not.toContain(secret);
    for (const none of ['-no-CAfile', '-no-CApath', '-no-CAstore']) expect(args).toContain(none);
  });

  it.each([
    ['10.0.0.1', '10.0.0.1:5061'],
    ['2001:db8::1', '[2001:db8::1]:5061'],
  ])('sends no server name for the address %s (RFC 6066 3)', async (host, connect) => {
    const args = await argsFor(at(host));
    expect(optionOf(args, '-connect')).toBe(connect);
    expect(args).toContain('-noservername');
    expect(args).not.toContain('-servername');
  });

  it.each([
    [5222, 'xmpp', 'expe1.example.com'],
    [5269, 'xmpp-server', 'expe1.example.com'],
    [5061, undefined, undefined],
    [443, undefined, undefined],
  ])('port %i begins with STARTTLS %s', async (port, protocol, host) => {
    const args = await argsFor(at('expe1.example.com', port));
    expect(optionOf(args, '-starttls')).toBe(protocol);
    expect(optionOf(args, '-xmpphost')).toBe(host);
  });
});

describe('ports where the other end speaks first', () => {
  it.each([2222, 7001])('port %i: an SSH server says so, and gets no handshake', async (port) => {
    const world = network({}, 'SSH-2.0-OpenSSH_9.3');
    expect(await probe(at('expe1.example.com', port), options, world)).toEqual({
      kind: 'banner',
      says: 'SSH-2.0-OpenSSH_9.3',
    });
    expect(world.asked).toEqual([]);
  });

  it('one that says nothing is asked for TLS', async () => {
    const world = network({});
    await expect(probe(at('expe1.example.com', 7001), options, world)).rejects.toThrow();
    expect(world.asked).toHaveLength(1);
  });

  it('5061 and 443 are not waited for', async () => {
    const world = network({}, 'SSH-2.0-OpenSSH_9.3');
    await expect(probe(at('expe1.example.com'), options, world)).rejects.toThrow();
    expect(world.asked).toHaveLength(1);
  });
});

describe('I10: a probe that fails says why, and what to do', () => {
  it.each<[string, Partial<Ran>, RegExp]>([
    ['time', { ended: 'too late' }, /did not answer within 10 seconds/],
    ['length', { ended: 'too long', output: 'x' }, /sends more than a handshake has/],
    ['no listener', { log: 'BIO_connect:Connection refused\nconnect:errno=111' }, /nothing listens at this port/],
    [
      'no such name',
      { log: 'BIO_lookup_ex:system lib:Name or service not known\nconnect:errno=0' },
      /the name has no address/,
    ],
    ['no route', { log: 'BIO_connect:No route to host' }, /no way to this address/],
    [
      'another protocol',
      { log: 'error:0A00010B:SSL routines:ssl3_get_record:wrong version number' },
      /does not speak TLS/,
    ],
    [
      'no common version',
      { log: 'error:0A0000BF:SSL routines::no protocols available' },
      /no version of TLS and no cipher in common/,
    ],
    [
      'a closed connection',
      { log: 'error:0A000126:SSL routines::unexpected eof while reading' },
      /closed the connection/,
    ],
    ['a reset connection', { log: 'write:errno=104' }, /closed the connection/],
    ['no STARTTLS', { log: "Didn't find STARTTLS in server response, trying anyway..." }, /does not offer TLS/],
    ['something else', { log: 'whatever' }, /presented no certificate/],
  ])('%s', async (_, ran, message) => {
    const error = await probe(at('expe1.example.com'), options, network(ran)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'PROBE_FAILED',
      at: 'expe1.example.com:5061',
      fix: expect.stringMatching(/\S/),
    });
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
  });

  it('PROBE_UNAVAILABLE without openssl', async () => {
    const absent = Object.assign(new Error('spawn openssl ENOENT'), { code: 'ENOENT' });
    await expect(probe(at('expe1.example.com'), options, network(absent))).rejects.toMatchObject({
      code: 'PROBE_UNAVAILABLE',
      message: expect.stringMatching(/^openssl: /),
    });
  });

  it('PROBE_UNAVAILABLE with one that is too old', async () => {
    // What 1.1.1 says, which knows no stores.
    const old = network({ log: 's_client: Option unknown option -no-CAstore' });
    await expect(probe(at('10.0.0.1'), options, old)).rejects.toMatchObject({
      code: 'PROBE_UNAVAILABLE',
      message: 'openssl: it does not know the options of OpenSSL 3.0',
      fix: 'install OpenSSL 3.0 or later, and put it on PATH',
    });
  });

  it('a port that speaks first and cannot be reached', async () => {
    const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
    await expect(probe(at('localhost', 2222), options, network({}, refused))).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: 'localhost:2222: nothing listens at this port',
    });
  });

  it('an interruption is no failure of the server', async () => {
    const stop = new AbortController();
    stop.abort();
    const interrupted = Object.assign(new Error('aborted'), { code: 'ABORT_ERR' });
    const stopped = probe(at('expe1.example.com'), { ...options, signal: stop.signal }, network(interrupted));
    await expect(stopped).rejects.toBe(interrupted);
  });

  it('a chain that is no certificate is an error of its form', async () => {
    const output = 'Certificate chain\n-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n---\n';
    await expect(probe(at('expe1.example.com'), options, network({ output }))).rejects.toMatchObject({
      code: 'DER_INVALID',
    });
  });
});

it('addresses are written with brackets around IPv6 (RFC 3986 3.2.2)', () => {
  expect([at('expe1.example.com'), at('2001:db8::1', 443)].map(formatAddress)).toEqual([
    'expe1.example.com:5061',
    '[2001:db8::1]:443',
  ]);
});

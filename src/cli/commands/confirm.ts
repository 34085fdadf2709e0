import { standings, withConfirmation } from '../../authority/confirmation.ts';
import { timestamp } from '../../authority/record.ts';
import { VcsPkiError } from '../../errors.ts';
import type { Role } from '../../topology/demands.ts';
import { fqdn } from '../../topology/names.ts';
import type { Topology } from '../../topology/schema.ts';
import type { Address } from '../../verify/probe.ts';
import { serialHex } from '../../x509/certificate.ts';
import { parseServer, probeServer, timeoutOption } from '../check/address.ts';
import { type Command, type Context, outputOption, TARGET_HELP, targetOptions, writerOptions } from '../command.ts';
import { choice, flag, type Options, text } from '../options.ts';
import { outputFormat, print, table } from '../output.ts';
import { checkedState, readSession, writeLock, writeSession } from '../session.ts';
import { workspace } from '../target.ts';

const ROLES = ['server', 'client'] as const satisfies readonly Role[];

export const confirmCommand: Command = {
  arguments: '[PEER] [TARGET]',
  minArguments: 0,
  maxArguments: 2,
  description: `Records in the lock file how far the newest certificate of a peer has come: loaded (--installed), or in
use after the restart. PEER is <cluster>/<peer>; without it, shows where every certificate stands.

${TARGET_HELP}`,
  options: {
    ...targetOptions,
    ...writerOptions,
    installed: { type: 'boolean', description: 'It is loaded, and the restart is still to come' },
    probe: {
      type: 'boolean or text',
      description: 'Ask the peer which certificate it presents: at its FQDN, port 5061, or as --probe=HOST:PORT',
    },
    ...timeoutOption,
    role: {
      type: 'choice',
      choices: ROLES,
      value: 'ROLE',
      description: 'server or client: only the certificate of this store',
    },
    serial: {
      type: 'text',
      value: 'SERIAL',
      description: 'The serial number that was seen; refused when it is another',
    },
    ...outputOption,
  },
  examples: [
    'vcs-pki confirm core/expc1',
    'vcs-pki confirm core/expc1 --installed',
    'vcs-pki confirm core/expc1 --probe',
    'vcs-pki confirm',
  ],
  async run(given, options, context) {
    const format = outputFormat(options);
    const named = given.length === 2 || /^[a-z0-9-]+\/[a-z0-9-]+$/.test(given[0] ?? '');
    const [peer, target] = named ? given : [undefined, given[0]];
    if (peer === undefined) refuseWithoutPeer(options);
    const chosen = await workspace(target, options, context);
    if (peer === undefined) {
      const session = await readSession(chosen, context);
      const state = await checkedState(session, () => false);
      const all = standings(chosen.topology, state, session.lock?.peers ?? {});
      await print(context, format, all, () =>
        table(
          ['PEER', 'STORE', 'SERIAL', 'ISSUED', 'STATE', 'SINCE'],
          all.map((one) => [one.peer, one.role, one.serial, one.issuedAt, one.state, one.since ?? '']),
        ),
      );
      return 0;
    }
    const seen = await seenCertificate(peer, chosen.topology, options, context);
    return writeSession(chosen, options, context, `confirm ${peer}`, async (session) => {
      const state = await checkedState(session, () => false);
      const confirmations = session.lock?.peers ?? {};
      const all = standings(chosen.topology, state, confirmations);
      const held = all.filter((one) => one.peer === peer && (seen.role === undefined || one.role === seen.role));
      if (held.length === 0) throw unknownPeer(peer, [...new Set(all.map((one) => one.peer))]);
      const confirmed = held.filter((one) => seen.serial === undefined || one.serial === seen.serial);
      if (confirmed.length === 0)
        throw otherSerial(
          peer,
          seen.serial ?? '',
          held.map((one) => one.serial),
        );
      const at = timestamp(context.clock.now());
      const reached = flag(options, 'installed') ? 'installed' : 'served';
      const peers = confirmed.reduce(
        (sum, one) => withConfirmation(sum, peer, one.role, { serial: one.serial, state: reached, at }),
        confirmations,
      );
      await writeLock(session, { confirmations: peers });
      const data = confirmed.map((one) => ({ peer, role: one.role, serial: one.serial, state: reached, at }));
      await print(context, format, data, () =>
        data.map((one) => `${peer}: ${one.role} certificate ${one.serial} is ${reached}\n`).join(''),
      );
      return 0;
    });
  },
};

/** What would be recorded needs a peer to record it of. */
function refuseWithoutPeer(options: Options): void {
  const option = ['installed', 'probe', 'serial', 'role'].find((name) => flag(options, name));
  if (option === undefined) return;
  throw new VcsPkiError('USAGE', {
    at: `--${option}`,
    message: 'is for one peer, and none is named',
    fix: 'name the peer, like vcs-pki confirm core/expc1 --installed',
  });
}

interface Seen {
  readonly role: Role | undefined;
  readonly serial: string | undefined;
}

/** What somebody has seen, or what the peer presents now: as a server, that of its server store. */
async function seenCertificate(peer: string, topology: Topology, options: Options, context: Context): Promise<Seen> {
  const role = choice(options, 'role', ROLES);
  if (!flag(options, 'probe')) return { role, serial: text(options, 'serial')?.toUpperCase().replace(/:/g, '') };
  if (flag(options, 'installed') || flag(options, 'serial') || role === 'client') {
    throw new VcsPkiError('USAGE', {
      at: '--probe',
      message: 'shows the server certificate in use, and goes with none of --installed, --serial and --role client',
      fix: 'leave the other option out, or confirm without --probe',
    });
  }
  const probed = await probeServer(addressOf(peer, topology, text(options, 'probe')), options, context);
  if (probed.kind === 'served') {
    const [certificate] = probed.served.chain;
    if (certificate) return { role: 'server', serial: serialHex(certificate.serialNumber) };
  }
  throw new VcsPkiError('PROBE_FAILED', {
    at: peer,
    message: `it presents no certificate there${probed.kind === 'banner' ? `, and says "${probed.says}"` : ''}`,
    fix: 'name the port of SIP TLS or HTTPS: --probe=expc1.example.com:5061',
  });
}

function addressOf(id: string, { clusters }: Topology, given: string | undefined): Address {
  const server = given === undefined ? undefined : parseServer(given);
  if (given !== undefined && !server) {
    throw new VcsPkiError('USAGE', {
      at: '--probe',
      value: given,
      message: `${given} is no address`,
      fix: 'write it like --probe=expc1.example.com:5061',
    });
  }
  const all = clusters.flatMap((cluster) => cluster.peers.map((peer) => ({ id: `${cluster.id}/${peer.id}`, peer })));
  const found = all.find((one) => one.id === id);
  if (!found) {
    throw unknownPeer(
      id,
      all.map((one) => one.id),
    );
  }
  return { host: server?.host ?? fqdn(found.peer), port: server?.port ?? SIP_TLS };
}

const SIP_TLS = 5061;

function unknownPeer(peer: string, known: readonly string[]): VcsPkiError {
  return new VcsPkiError('OWNER_UNKNOWN', {
    at: peer,
    message: 'no peer of that id has a certificate of this store',
    fix: `use one of ${known.slice(0, 12).join(', ') || '(none issued yet)'}`,
  });
}

/** D28: what is served is not what was issued last. */
function otherSerial(peer: string, seen: string, issued: readonly string[]): VcsPkiError {
  return new VcsPkiError('CERTIFICATE_UNFIT', {
    at: peer,
    value: seen,
    message: `it presents serial ${seen}; the certificate issued last has serial ${issued.join(' or ')} (D28)`,
    fix: 'load the certificate of the bundle and restart the peer',
  });
}

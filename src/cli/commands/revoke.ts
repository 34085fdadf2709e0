import type { RecordedState } from '../../authority/plan.ts';
import type { CertificateRecord } from '../../authority/record.ts';
import { revokeCertificate, signCrl } from '../../authority/revoke.ts';
import { VcsPkiError } from '../../errors.ts';
import { indexReasons } from '../../store/index-txt.ts';
import {
  bundleOptions,
  type Command,
  type Context,
  type Options,
  outputOption,
  TARGET_HELP,
  targetOptions,
  text,
  writerOptions,
} from '../command.ts';
import { deliver } from '../deliver.ts';
import { doneText } from '../describe.ts';
import { outputFormat, plural, print } from '../output.ts';
import { checkedState, type Session, writeLock, writeSession } from '../session.ts';
import { workspace } from '../target.ts';

export const revokeCommand: Command = {
  arguments: 'CERTIFICATE|SERIAL [TARGET]',
  minArguments: 1,
  maxArguments: 2,
  description: `Revokes a certificate for good and signs the revocation list of its authority at once. CERTIFICATE is
<cluster>/<peer>/server, for the newest one; SERIAL is a serial number in hex, for any. A revoked
certificate that is still declared is issued anew by the next apply.

${TARGET_HELP}`,
  options: {
    ...targetOptions,
    ...writerOptions,
    reason: { type: 'string', value: 'REASON', description: `One of ${indexReasons.join(', ')} (default unspecified)` },
    generation: {
      type: 'string',
      value: 'N',
      description: 'Do nothing when a later generation than N is there (as Terraform asks)',
    },
    'on-removal': { type: 'string', value: 'POLICY', description: 'keep: do nothing (as Terraform asks)' },
    ...bundleOptions,
    ...outputOption,
  },
  examples: ['vcs-pki revoke edge/expe2/server --reason keyCompromise', 'vcs-pki revoke 5A01F3'],
  async run([which = '', target], options, context) {
    const format = outputFormat(options);
    const reason = reasonOption(options);
    const chosen = await workspace(target, options, context);
    return writeSession(chosen, options, context, `revoke ${which}`, async (session) => {
      const state = await checkedState(session, () => false);
      const found = await find(session, state, which);
      const skip = skipReason(found, state, options);
      const result =
        skip === undefined
          ? await revoke(session, found, reason, context)
          : { certificate: which, revoked: false, reason: skip, text: `${which}: not revoked, ${skip}\n` };
      const after = await writeLock(session, context);
      if (!options['no-bundles']) await deliver(chosen.topology, session.directory, after);
      const { text: words, ...data } = result;
      await print(context, format, data, () => words);
      return 0;
    });
  },
};

interface Found {
  readonly authority: string;
  readonly serial: string;
  readonly record: CertificateRecord | undefined;
  readonly revoked: boolean;
  /** Whether this is the newest of its owner. */
  readonly generation: number;
}

async function find(session: Session, state: RecordedState, which: string): Promise<Found> {
  const record = state.certificates.get(which);
  if (record) {
    return {
      authority: record.issuance.specification.issuer,
      serial: record.serial,
      record,
      revoked: record.revocation !== undefined,
      generation: record.issuance.generation,
    };
  }
  const serial = which.toUpperCase().replace(/:/g, '');
  for (const { id } of session.workspace.topology.authorities) {
    const entry = (await session.directory.ledger(id).entries()).find((candidate) => candidate.serial === serial);
    if (!entry) continue;
    return {
      authority: id,
      serial,
      record: undefined,
      revoked: entry.revocation !== undefined,
      generation: entry.issuance?.generation ?? 0,
    };
  }
  throw new VcsPkiError('SERIAL_UNKNOWN', {
    at: which,
    message: 'no certificate is on record under this id or serial number',
    fix: `use a serial number from index.txt, or one of ${[...state.certificates.keys()].slice(0, 12).join(', ') || '(none issued yet)'}`,
  });
}

/** The destroy command of generation n does nothing when n+1 exists: superseded is not revoked. */
function skipReason(found: Found, state: RecordedState, options: Options): string | undefined {
  const generation = text(options, 'generation');
  if (text(options, 'on-removal') === 'keep') return 'its declaration says to keep it';
  if (generation !== undefined && found.generation > Number(generation))
    return `generation ${found.generation} has replaced it`;
  if (!found.revoked) return undefined;
  const crl = state.authorities.get(found.authority)?.crl;
  // A crash may have come between the revocation and the list that says so.
  const listed = crl !== undefined && crl !== 'none' && !crl.missing.includes(found.serial);
  return listed ? 'it was revoked before' : undefined;
}

async function revoke(session: Session, found: Found, reason: (typeof indexReasons)[number], context: Context) {
  const { topology } = session.workspace;
  if (found.record?.issuance.signedElsewhere) {
    throw new VcsPkiError('SIGNED_ELSEWHERE', {
      at: found.record.issuance.owner,
      value: found.authority,
      message: `${found.authority} signed it, and only it can revoke serial ${found.serial}`,
      fix: `ask ${found.authority} to revoke it`,
    });
  }
  const authority = topology.authorities.find(({ id }) => id === found.authority);
  if (!authority) {
    throw new VcsPkiError('AUTHORITY_IN_USE', {
      at: found.record?.issuance.owner ?? found.serial,
      value: found.authority,
      message: `its authority ${found.authority} is no longer declared`,
      fix: `declare ${found.authority} again until everything that it issued has been revoked or replaced`,
    });
  }
  const issuer = await session.directory.openIssuer(topology, authority.id);
  await revokeCertificate(issuer, found.serial, reason, context.clock);
  const { validDays } = authority.crl;
  const crl = await signCrl(issuer, { validDays }, { clock: context.clock, material: session.directory.material });
  const signed = doneText({ kind: 'signed CRL', authority: found.authority, crl, reason: '' });
  return {
    certificate: found.record?.issuance.owner,
    serial: found.serial,
    revoked: true,
    reason,
    crlNumber: crl.crlNumber?.toString(),
    entries: crl.size,
    text: `revoked serial ${found.serial} of ${found.authority} (${reason})\n${signed}\n${plural(crl.size, 'certificate')} now on the list; load crl.pem on the peers, or wait for their daily update\n`,
  };
}

function reasonOption(options: Options): (typeof indexReasons)[number] {
  const wanted = text(options, 'reason') ?? 'unspecified';
  const reason = indexReasons.find((known) => known.toLowerCase() === wanted.toLowerCase());
  if (reason) return reason;
  throw new VcsPkiError('USAGE', {
    at: '--reason',
    value: wanted,
    message: `${wanted} is no reason for a revocation`,
    fix: `use one of ${indexReasons.join(', ')}`,
  });
}

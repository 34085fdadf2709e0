import { compromiseReasons } from '../../authority/compromised-key.ts';
import { type Owner, ownerText } from '../../authority/owner.ts';
import { type Action, activeGeneration, plan, type RecordedState, validOf } from '../../authority/plan.ts';
import { VcsPkiError } from '../../errors.ts';
import { indexReasons } from '../../store/index-txt.ts';
import type { AuthorityId } from '../../topology/ids.ts';
import type { Serial } from '../../x509/certificate.ts';
import { keyId } from '../../x509/keys.ts';
import {
  bundleOptions,
  type Command,
  type Context,
  outputOption,
  TARGET_HELP,
  targetOptions,
  terraformOptions,
  writerOptions,
} from '../command.ts';
import { deliver } from '../deliver.ts';
import { doneData, doneText } from '../describe.ts';
import { choice, flag, type Options, text } from '../options.ts';
import { outputFormat, plural, print } from '../output.ts';
import { checkedState, performSession, removalPolicies, type Session, writeLock, writeSession } from '../session.ts';
import { workspace } from '../target.ts';
import { UsageError } from '../usage-error.ts';

export const revokeCommand: Command = {
  arguments: 'CERTIFICATE|SERIAL [TARGET]',
  minArguments: 0,
  maxArguments: 2,
  description: `Revokes for good and signs the revocation lists at once. CERTIFICATE is <cluster>/<peer>/server: every
certificate of it that is still valid, whichever authority signed it, for any may be the one that the
appliance serves. SERIAL is a serial number in hex, for one certificate alone. With --reason
keyCompromise every valid certificate with the same key is revoked, and the key is never certified
again. A revoked certificate that is still declared is issued anew by the next apply.

${TARGET_HELP}`,
  options: {
    ...targetOptions,
    ...writerOptions,
    reason: {
      type: 'choice',
      choices: indexReasons,
      value: 'REASON',
      description: `One of ${indexReasons.join(', ')} (default unspecified)`,
    },
    authority: { type: 'text', value: 'ID', description: 'Where two authorities have used SERIAL: which one is meant' },
    all: {
      type: 'boolean',
      description: 'Every certificate of the topology that its declaration does not keep, in place of CERTIFICATE',
    },
    ...terraformOptions,
    ...bundleOptions,
    ...outputOption,
  },
  examples: ['vcs-pki revoke edge/expe2/server --reason keyCompromise', 'vcs-pki revoke 5A01F3'],
  async run(given, options, context) {
    const format = outputFormat(options);
    const all = flag(options, 'all');
    const [which, target] = all ? [undefined, given[0]] : given;
    if (all ? given.length > 1 : which === undefined)
      throw new UsageError('revoke', 'expects CERTIFICATE or SERIAL, or --all, and then [TARGET]');
    const reason = choice(options, 'reason', indexReasons) ?? 'unspecified';
    const chosen = await workspace(target, options, context);
    return writeSession(chosen, options, context, `revoke ${which ?? '--all'}`, async (session) => {
      const state = await checkedState(session, () => false);
      const result =
        which === undefined
          ? await revokeAll(session, state, context)
          : await revokeNamed(session, state, which, reason, options, context);
      const after = await writeLock(session);
      if (!flag(options, 'no-bundles'))
        await deliver(chosen.topology, session.directory, after, { now: context.clock.now() });
      await print(context, format, result.data, () => result.words);
      return 0;
    });
  },
};

interface Result {
  readonly data: Readonly<Record<string, unknown>>;
  readonly words: string;
}

// ---- one certificate, and all with its key --------------------------------------------------------------------------

/** A certificate on record. */
interface Found {
  readonly authority: AuthorityId;
  readonly serial: Serial;
  readonly owner: Owner | undefined;
  readonly revoked: boolean;
  readonly signedElsewhere: boolean;
}

async function revokeNamed(
  session: Session,
  state: RecordedState,
  which: string,
  reason: (typeof indexReasons)[number],
  options: Options,
  context: Context,
): Promise<Result> {
  const named = await find(session, state, which, options, context.clock.now());
  const others = compromiseReasons.has(reason) ? await sameKey(session, state, named, context.clock.now()) : [];
  const elsewhere = others.filter(({ signedElsewhere }) => signedElsewhere);
  const targets = [...named, ...others.filter(({ signedElsewhere }) => !signedElsewhere)];
  for (const target of targets) refuseForeign(target);
  const pending = targets.filter((target) => !target.revoked || !isListed(target, state));
  const [newest] = named.slice(-1);
  if (pending.length === 0)
    return {
      data: { certificate: which, revoked: false, reason: 'it was revoked before' },
      words: `${which}: not revoked, it was revoked before\n`,
    };
  const { topology } = session.workspace;
  const words: string[] = [];
  const revocations = pending.flatMap(({ authority, serial, owner, revoked }): Action[] =>
    revoked ? [] : [{ kind: 'revoke', authority, serial, owner, because: reason, reason }],
  );
  const lists = topology.authorities.flatMap((authority): Action[] =>
    pending.some((target) => target.authority === authority.id) ? [{ kind: 'sign CRL', authority, reason: '' }] : [],
  );
  const signed: { readonly authority: string; readonly crlNumber: string | undefined; readonly entries: number }[] = [];
  await performSession(session, [...revocations, ...lists], context, (done) => {
    words.push(`${doneText(done)}\n`);
    if (done.kind !== 'signed CRL') return;
    const { authority, crl } = done;
    signed.push({ authority, crlNumber: crl.crlNumber?.toString(), entries: crl.size });
    words.push(
      `${plural(crl.size, 'certificate')} now on the list; load crl.pem on the peers, or wait for their daily update\n`,
    );
  });
  for (const { authority, serial } of elsewhere)
    words.push(`${authority} signed serial ${serial} for the same key: ask ${authority} to revoke it\n`);
  const [list] = signed;
  return {
    data: {
      certificate: newest?.owner && ownerText(newest.owner),
      serial: newest?.serial,
      revoked: true,
      reason,
      crlNumber: list?.crlNumber,
      entries: list?.entries,
      serials: pending.map(({ serial }) => serial),
      lists: signed,
      toRevokeElsewhere: elsewhere.map(({ authority, serial }) => ({ authority, serial })),
    },
    words: words.join(''),
  };
}

/** What is meant: all that is valid of an owner, or the one with a serial number. In order of issue. */
async function find(
  { workspace: { topology }, directory }: Session,
  state: RecordedState,
  which: string,
  options: Options,
  now: Date,
): Promise<Found[]> {
  const [demand, newest] = [...state.certificates].find(([id]) => id === which) ?? [];
  if (demand && newest) {
    const valid = validOf(demand, state, now);
    return (valid.length > 0 ? valid : [newest]).map(({ serial, revocation, issuance }) => ({
      authority: issuance.specification.issuer,
      serial,
      owner: issuance.owner,
      revoked: revocation !== undefined,
      signedElsewhere: issuance.signedElsewhere === true,
    }));
  }
  const serial = which.toUpperCase().replace(/:/g, '') as Serial;
  const wanted = text(options, 'authority');
  const found: Found[] = [];
  for (const { id } of topology.authorities) {
    if (wanted !== undefined && wanted !== id) continue;
    const entry = await directory.ledger(activeGeneration(id, state)).find(serial);
    if (!entry) continue;
    const { issuance, revocation } = entry;
    const revoked = revocation !== undefined;
    found.push({ authority: id, serial: entry.serial, owner: issuance?.owner, revoked, signedElsewhere: false });
  }
  if (found.length === 1) return found;
  if (found.length > 1) {
    throw new VcsPkiError('USAGE', {
      at: which,
      value: found.map(({ authority }) => authority).join(', '),
      message: `${found.map(({ authority }) => authority).join(' and ')} have both used this serial number`,
      fix: `say which one is meant: --authority ${found[0]?.authority}`,
    });
  }
  throw new VcsPkiError('SERIAL_UNKNOWN', {
    at: which,
    message: 'no certificate is on record under this id or serial number',
    fix: `use a serial number from index.txt, or one of ${[...state.certificates.keys()].slice(0, 12).join(', ') || '(none issued yet)'}`,
  });
}

/** I12: whatever else is valid for the keys of these. */
async function sameKey(
  { directory, workspace }: Session,
  state: RecordedState,
  named: readonly Found[],
  now: Date,
): Promise<Found[]> {
  const own = new Set(workspace.topology.authorities.map(({ id }) => id));
  const known = new Set(named.map(({ authority, serial }) => `${authority} ${serial}`));
  const found: Found[] = [];
  for (const { authority, serial } of named) {
    const entry = await directory.ledger(activeGeneration(authority, state)).find(serial);
    const certificate = await entry?.certificate();
    if (!certificate) continue;
    const id = keyId(certificate.subjectPublicKeyInfo);
    for (const other of await directory.validWithKey(id, now)) {
      const place = `${other.authority} ${other.serial}`;
      if (known.has(place)) continue;
      known.add(place);
      found.push({ ...other, owner: undefined, revoked: false, signedElsewhere: !own.has(other.authority) });
    }
  }
  return found;
}

/** A crash may have come between a revocation and the list that says so. */
function isListed({ authority, serial }: Found, state: RecordedState): boolean {
  const crl = state.authorities.get(authority)?.crl;
  return typeof crl === 'object' && !crl.missing.includes(serial);
}

function refuseForeign({ authority, serial, owner, signedElsewhere }: Found): void {
  if (!signedElsewhere) return;
  throw new VcsPkiError('SIGNED_ELSEWHERE', {
    at: owner ? ownerText(owner) : serial,
    value: authority,
    message: `${authority} signed it, and only it can revoke serial ${serial}`,
    fix: `ask ${authority} to revoke it`,
  });
}

// ---- the whole topology ---------------------------------------------------------------------------------------------

/** As if nothing were declared any more: what is to be kept stays valid. */
async function revokeAll(session: Session, state: RecordedState, context: Context): Promise<Result> {
  const { topology } = session.workspace;
  const onRemoval = removalPolicies(session);
  const { actions } = plan(topology, [], { ...state, onRemoval }, context.clock.now());
  const done: Record<string, unknown>[] = [];
  const words: string[] = [];
  const wanted = actions.filter(({ kind }) => kind === 'revoke' || kind === 'sign CRL');
  await performSession(session, wanted, context, (item) => {
    done.push(doneData(item));
    words.push(`${doneText(item)}\n`);
  });
  return {
    data: { topology: topology.name, done },
    words: words.join('') || `${topology.name}: nothing to revoke\n`,
  };
}

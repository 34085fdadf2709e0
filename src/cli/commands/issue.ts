import { authorityText, type Owner, ownerFromText } from '../../authority/owner.ts';
import { type Action, planCertificate, type RecordedState } from '../../authority/plan.ts';
import { VcsPkiError } from '../../errors.ts';
import type { Demand } from '../../topology/demands.ts';
import type { Link } from '../../topology/links/link.ts';
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
import { doneData, doneText, withdrawnText } from '../describe.ts';
import { flag, number, type Options, text } from '../options.ts';
import { outputFormat, print } from '../output.ts';
import {
  checkedState,
  performSession,
  planOf,
  refuseBrokenRules,
  refuseUnprovable,
  type Session,
  writeLock,
  writeSession,
} from '../session.ts';
import { workspace } from '../target.ts';

export const issueCommand: Command = {
  arguments: 'CERTIFICATE [TARGET]',
  minArguments: 1,
  maxArguments: 2,
  description: `Issues one certificate, if it is due: CERTIFICATE is <cluster>/<peer>/server, or authority/<id>.
The links that it takes part in are proven first. Does nothing when what is there serves.

${TARGET_HELP}`,
  options: {
    ...targetOptions,
    ...writerOptions,
    renew: { type: 'boolean', description: 'Issue a new one though the present one serves' },
    issue: {
      type: 'number',
      unit: 'issues',
      least: 1,
      most: 1_000_000,
      value: 'N',
      description: 'Make sure that the Nth certificate is there (as Terraform asks)',
    },
    reason: { type: 'text', value: 'TEXT', description: 'Why, for the record' },
    ...terraformOptions,
    ...bundleOptions,
    ...outputOption,
  },
  examples: [
    'vcs-pki issue core/expc1/server',
    'vcs-pki issue core/expc1/server --renew --reason "key moved to new hardware"',
  ],
  async run([owner = '', target], options, context) {
    const format = outputFormat(options);
    const chosen = await workspace(target, options, context);
    return writeSession(chosen, options, context, `issue ${owner}`, async (session) => {
      refuseBrokenRules(chosen, context.clock.now());
      const isNamed = (candidate: Owner) =>
        ('authority' in candidate ? authorityText(candidate.authority) : candidate.demand) === owner;
      const state = await checkedState(session, isNamed);
      const actions =
        owner !== '' && 'authority' in ownerFromText(owner)
          ? authorityActions(session, state, owner, context)
          : certificateActions(session, state, owner, options, context);
      if (actions.some((action) => action.kind === 'issue')) {
        // On what the whole plan would make: others may be issued beside it.
        const now = context.clock.now();
        const ofOwner = ({ client, server }: Link) => client.presents === owner || server.presents === owner;
        await refuseUnprovable(session, state, planOf(session, state, now), now, ofOwner);
      }
      const done: Record<string, unknown>[] = [];
      const lines: string[] = [];
      await performSession(session, actions, context, (item) => {
        done.push(doneData(item));
        lines.push(`${doneText(item)}\n`);
      });
      // Terraform's last step is still to come.
      const attempt = session.lock?.delivery?.attempt ?? 0;
      const delivery = flag(options, 'declaration') ? { attempt, unfinished: true as const } : session.lock?.delivery;
      const after = await writeLock(session, { delivery });
      if (actions.length > 0 && !flag(options, 'no-bundles'))
        lines.push(
          withdrawnText(await deliver(chosen.topology, session.directory, after, { now: context.clock.now() })),
        );
      await print(context, format, { certificate: owner, done }, () => lines.join('') || `${owner}: nothing to do\n`);
      return 0;
    });
  },
};

function authorityActions(session: Session, state: RecordedState, owner: string, context: Context): Action[] {
  const actions = planOf(session, state, context.clock.now()).actions;
  const { authorities } = session.workspace.topology;
  const authority = authorities.find(({ id }) => authorityText(id) === owner);
  if (!authority)
    throw unknown(
      owner,
      authorities.map(({ id }) => authorityText(id)),
    );
  return actions.filter(
    (action) =>
      (action.kind === 'create authority' && action.authority.id === authority.id) ||
      (action.kind === 'restore' && 'authority' in action.owner && action.owner.authority === authority.id) ||
      (action.kind === 'sign CRL' && action.authority.id === authority.id),
  );
}

function certificateActions(
  session: Session,
  state: RecordedState,
  id: string,
  options: Options,
  context: Context,
): Action[] {
  const demand = session.demands.find((candidate) => candidate.id === id);
  if (!demand)
    throw unknown(
      id,
      session.demands.map((candidate) => candidate.id),
    );
  if (session.workspace.topology.externalAuthorities.some((authority) => authority.id === demand.issuer)) {
    throw new VcsPkiError('SIGNED_ELSEWHERE', {
      at: id,
      value: demand.issuer,
      message: `${demand.issuer} signs it, not an authority of this topology`,
      fix: 'run vcs-pki apply to have its request made, then vcs-pki import with what comes back',
    });
  }
  if (!state.authorities.has(demand.issuer)) {
    throw new VcsPkiError('AUTHORITY_MISSING', {
      at: id,
      value: demand.issuer,
      message: `its issuer ${demand.issuer} does not exist yet`,
      fix: `run vcs-pki issue ${authorityText(demand.issuer)} first, or vcs-pki apply for everything`,
    });
  }
  return decide(demand, state, options, context);
}

function decide(demand: Demand, state: RecordedState, options: Options, context: Context): Action[] {
  const record = state.certificates.get(demand.id);
  const issuerNotAfter = state.authorities.get(demand.issuer)?.record.notAfter;
  const decision = planCertificate(demand, record, issuerNotAfter, state.material?.get(demand.id), context.clock.now());
  const present = record?.issuance.issue ?? 0;
  const wanted = number(options, 'issue') ?? 0;
  const reason = text(options, 'reason');
  if (decision.kind === 'restore')
    return [{ kind: 'restore', owner: { demand: demand.id }, issue: decision.issue, reason: decision.reason }];
  if (flag(options, 'renew') || wanted > present) {
    return [
      {
        kind: 'issue',
        demand,
        issue: present + 1,
        reason: reason ?? (decision.kind === 'issue' ? decision.reason : 'asked for'),
      },
    ];
  }
  return decision.kind === 'issue' ? [{ ...decision, demand, reason: reason ?? decision.reason }] : [];
}

function unknown(id: string, known: readonly string[]): VcsPkiError {
  return new VcsPkiError('OWNER_UNKNOWN', {
    at: id,
    message: 'the topology demands no such certificate',
    fix: `use one of ${known.slice(0, 12).join(', ')}${known.length > 12 ? ', ...' : ''}`,
  });
}

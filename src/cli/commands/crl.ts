import { type Action, planCrl } from '../../authority/plan.ts';
import { VcsPkiError } from '../../errors.ts';
import { type Command, type Context, outputOption, TARGET_HELP, targetOptions, writerOptions } from '../command.ts';
import { deliver } from '../deliver.ts';
import { doneData, doneText, moment } from '../describe.ts';
import { flag, type Options, text } from '../options.ts';
import { outputFormat, StackResults } from '../output.ts';
import { checkedState, performSession, writeSession } from '../session.ts';
import { type Workspace, workspaces } from '../target.ts';

export const crlCommand: Command = {
  arguments: '[TARGET]',
  minArguments: 0,
  maxArguments: 1,
  description: `Signs and publishes the revocation lists of all authorities, or with --due of those whose update is due:
the command to run every day, or every hour. Never publishes a list that goes back in number or time
or that loses entries.

${TARGET_HELP}`,
  options: {
    ...targetOptions,
    ...writerOptions,
    due: { type: 'boolean', description: 'Only lists whose update is due, or that lack a revocation' },
    authority: {
      type: 'text',
      value: 'ID',
      description: 'Only the list of this authority (an offline root signs by command)',
    },
    'after-clock-correction': {
      type: 'boolean',
      description: 'Publish though the last list is from the future: the clock had run ahead',
    },
    ...outputOption,
  },
  examples: ['vcs-pki crl --due', 'vcs-pki crl --authority root-ca'],
  async run([target], options, context) {
    const results = new StackResults(context, outputFormat(options));
    for (const workspace of await workspaces(target, options, context))
      await signLists(workspace, options, context, results);
    await results.end();
    return 0;
  },
};

async function signLists(
  workspace: Workspace,
  options: Options,
  context: Context,
  results: StackResults,
): Promise<void> {
  await writeSession(workspace, options, context, 'crl', async (session) => {
    const state = await checkedState(session, () => false);
    const actions: Action[] = [];
    const lines: string[] = [];
    for (const authority of chosenAuthorities(workspace, options)) {
      const known = state.authorities.get(authority.id);
      if (!known) {
        lines.push(`${authority.id}: does not exist yet; run vcs-pki apply\n`);
        continue;
      }
      const decision = planCrl(authority, known, 0, context.clock.now());
      if (decision.kind === 'sign') actions.push({ kind: 'sign CRL', authority, reason: decision.reason });
      else if (!flag(options, 'due')) actions.push({ kind: 'sign CRL', authority, reason: 'asked for' });
      else if (decision.kind === 'wait')
        lines.push(`${authority.id}: next update is due at ${moment(decision.until)}\n`);
    }
    const done: Record<string, unknown>[] = [];
    const correction = flag(options, 'after-clock-correction') ? { afterClockCorrection: true } : {};
    await performSession(
      session,
      actions,
      context,
      (item) => {
        done.push(doneData(item));
        lines.push(`${doneText(item)}\n`);
      },
      correction,
    );
    if (actions.length > 0) await deliver(workspace.topology, session.directory, state, { now: context.clock.now() });
    results.add({ topology: workspace.topology.name, done }, () => lines.join(''));
  });
}

function chosenAuthorities({ topology }: Workspace, options: Options) {
  const wanted = text(options, 'authority');
  const chosen = topology.authorities.filter(({ id }) => wanted === undefined || id === wanted);
  if (chosen.length > 0 || wanted === undefined) return chosen;
  throw new VcsPkiError('OWNER_UNKNOWN', {
    at: '--authority',
    value: wanted,
    message: `there is no authority ${wanted}`,
    fix: `use one of ${topology.authorities.map(({ id }) => id).join(', ')}`,
  });
}

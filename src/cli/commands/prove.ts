import { type Command, outputOption, TARGET_HELP, targetOptions, text } from '../command.ts';
import { verdictData, verdictSummary, verdictTable } from '../describe.ts';
import { exitCodes } from '../exit-codes.ts';
import { parseMoment } from '../moment.ts';
import { outputFormat, StackResults } from '../output.ts';
import { checkedState, NO_PLAN, planOf, proveSession, readSession } from '../session.ts';
import { workspaces } from '../target.ts';

export const proveCommand: Command = {
  arguments: '[TARGET]',
  minArguments: 0,
  maxArguments: 1,
  description: `Proves every TLS link of the topology in both directions: chain, dates, revocation, usage and name,
on the certificates that are there. Ends with ${exitCodes.refused.code} when a link is refused.

${TARGET_HELP}`,
  options: {
    ...targetOptions,
    predicted: { type: 'boolean', description: 'On the certificates that apply would make, where there are none yet' },
    at: { type: 'string', value: 'TIME', description: 'As of another moment, such as 2027-03-02T00:00:00Z' },
    ...outputOption,
  },
  examples: ['vcs-pki prove', 'vcs-pki prove --at 2027-06-01T00:00:00Z --output json'],
  async run([target], options, context) {
    const results = new StackResults(context, outputFormat(options));
    let code: number = exitCodes.ok.code;
    for (const workspace of await workspaces(target, options, context)) {
      const session = await readSession(workspace, options, context);
      const at = text(options, 'at');
      const now = at === undefined ? context.clock.now() : parseMoment(at, '--at');
      const state = await checkedState(session);
      const verdicts = await proveSession(
        session,
        state,
        options.predicted ? planOf(session, state, now) : NO_PLAN,
        now,
      );
      if (verdicts.some((verdict) => verdict.verdict === 'refused')) code = exitCodes.refused.code;
      results.add(
        { topology: workspace.topology.name, links: verdicts.map(verdictData) },
        () => `${verdictTable(verdicts)}\n${verdictSummary(verdicts)}`,
      );
    }
    await results.end();
    return code;
  },
};

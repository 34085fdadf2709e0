import { authorityKeyFindings } from '../../authority/authority-key.ts';
import { findings, suppressor } from '../../topology/findings.ts';
import type { Finding } from '../../topology/rules/rule.ts';
import { type Command, outputOption, readerOptions, TARGET_HELP, targetOptions } from '../command.ts';
import {
  actionData,
  actionTable,
  findingText,
  moment,
  verdictData,
  verdictSummary,
  waitingData,
  waitingText,
} from '../describe.ts';
import { exitCodes } from '../exit-codes.ts';
import { outputFormat, StackResults } from '../output.ts';
import { checkedState, planOf, proveSession, readSession } from '../session.ts';
import { workspaces } from '../target.ts';

export const planCommand: Command = {
  arguments: '[TARGET]',
  minArguments: 0,
  maxArguments: 1,
  description: `Says what apply would do and why, and proves every TLS link on the certificates that would
result. Finds files that were altered or lost on disk. Changes nothing.

${TARGET_HELP}`,
  options: { ...targetOptions, ...readerOptions, ...outputOption },
  examples: ['vcs-pki plan', 'vcs-pki plan cdktf.out/stacks/collaboration-edge --output json'],
  async run([target], options, context) {
    const results = new StackResults(context, outputFormat(options));
    let code: number = exitCodes.ok.code;
    for (const workspace of await workspaces(target, options, context)) {
      const session = await readSession(workspace, context);
      const now = context.clock.now();
      const state = await checkedState(session);
      const found: readonly Finding[] = [
        ...findings(workspace.topology, now),
        ...authorityKeyFindings(state).map(suppressor(workspace.topology)),
      ];
      const planned = planOf(session, state, now);
      const verdicts = await proveSession(session, state, planned, now);
      if (
        found.some(({ severity, suppressed }) => severity === 'error' && suppressed === undefined) ||
        verdicts.some(({ verdict }) => verdict === 'refused')
      ) {
        code = exitCodes.refused.code;
      }
      const data = {
        topology: workspace.topology.name,
        actions: planned.actions.map(actionData),
        waiting: planned.waiting.map(waitingData),
        until: planned.until,
        findings: found,
        links: verdicts.map(verdictData),
      };
      results.add(data, () =>
        [
          ...found.map(findingText),
          planned.actions.length === 0
            ? `${workspace.topology.name}: nothing to do${planned.until ? ` until ${moment(planned.until)}` : ''}\n`
            : actionTable(planned.actions),
          ...(planned.waiting.length > 0 ? [waitingText(planned.waiting, session.directory)] : []),
          verdictSummary(verdicts),
        ].join('\n'),
      );
    }
    await results.end();
    return code;
  },
};

import { links } from '../../topology/links/links.ts';
import { prove } from '../../verify/prove.ts';
import { type Command, outputOption, TARGET_HELP, targetOptions } from '../command.ts';
import { verdictData, verdictSummary, verdictTable } from '../describe.ts';
import { gatherEvidence } from '../evidence.ts';
import { exitCodes } from '../exit-codes.ts';
import { flag, moment, text } from '../options.ts';
import { outputFormat, StackResults } from '../output.ts';
import { explain, explanationText, findLink } from '../prove/explain.ts';
import { verdictMatrix } from '../prove/matrix.ts';
import { checkedState, NO_PLAN, planOf, readSession } from '../session.ts';
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
    links: { type: 'boolean', description: 'Each link in a line, not the matrix of clusters' },
    explain: {
      type: 'text',
      value: 'LINK',
      description: 'One link in full, chain and all; LINK is its id or a part of it',
    },
    predicted: { type: 'boolean', description: 'On the certificates that apply would make, where there are none yet' },
    at: { type: 'moment', value: 'TIME', description: 'As of another moment, such as 2027-03-02T00:00:00Z' },
    ...outputOption,
  },
  examples: [
    'vcs-pki prove',
    'vcs-pki prove --explain "core/expc1 -> edge/expe1"',
    'vcs-pki prove --at 2027-06-01T00:00:00Z --output json',
  ],
  async run([target], options, context) {
    const results = new StackResults(context, outputFormat(options));
    const now = moment(options, 'at') ?? context.clock.now();
    const wanted = text(options, 'explain');
    const all = (await workspaces(target, options, context)).map((workspace) => ({
      workspace,
      links: links(workspace.topology),
    }));
    const one =
      wanted === undefined
        ? undefined
        : findLink(
            all.flatMap((stack) => stack.links),
            wanted,
          );
    let code: number = exitCodes.ok.code;
    for (const { workspace, links: declared } of all) {
      const { topology } = workspace;
      const chosen = one ? declared.filter((link) => link === one) : declared;
      if (one && chosen.length === 0) continue;
      const session = await readSession(workspace, context);
      const state = await checkedState(session);
      const pending = flag(options, 'predicted') ? planOf(session, state, now) : NO_PLAN;
      const evidence = await gatherEvidence(topology, session.directory, state, pending, now);
      const verdicts = prove(chosen, evidence, now);
      if (verdicts.some(({ verdict }) => verdict === 'refused')) code = exitCodes.refused.code;
      if (!one) {
        results.add({ topology: topology.name, links: verdicts.map(verdictData) }, () => {
          const overview = flag(options, 'links') ? verdictTable(verdicts) : verdictMatrix(verdicts);
          return `${overview}\n${verdictSummary(verdicts)}`;
        });
      } else {
        const explanations = verdicts.map((verdict) => explain(verdict, evidence));
        results.add({ topology: topology.name, links: explanations }, () =>
          explanations.map(explanationText).join('\n'),
        );
      }
    }
    await results.end();
    return code;
  },
};

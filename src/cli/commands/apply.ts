import { relative } from 'node:path';
import type { Action } from '../../authority/plan.ts';
import {
  type Command,
  type Context,
  outputOption,
  TARGET_HELP,
  targetOptions,
  terraformOptions,
  writerOptions,
} from '../command.ts';
import { type Delivery, deliver, deliverRequests } from '../deliver.ts';
import {
  actionTable,
  doneData,
  doneText,
  findingText,
  moment,
  verdictData,
  verdictSummary,
  waitingData,
  waitingText,
  withdrawnText,
} from '../describe.ts';
import { exitCodes } from '../exit-codes.ts';
import { secretFile } from '../input-file.ts';
import { number, type Options, text } from '../options.ts';
import { outputFormat, plural, StackResults } from '../output.ts';
import {
  checkedState,
  NO_PLAN,
  performSession,
  planOf,
  proveSession,
  readSession,
  refuseBrokenRules,
  refuseUnprovable,
  type Session,
  writeLock,
  writeSession,
} from '../session.ts';
import { type Workspace, workspaces } from '../target.ts';

export const applyCommand: Command = {
  arguments: '[TARGET]',
  minArguments: 0,
  maxArguments: 1,
  description: `Makes the PKI directory what the topology demands: shows the plan and why, proves every TLS link on
predicted certificates, issues, proves again on the real ones, revokes what is no longer declared,
signs revocation lists, writes the lock file and one upload bundle per peer. Safe to interrupt and
to run again: a second run finds nothing to do.

${TARGET_HELP}`,
  options: {
    ...targetOptions,
    ...writerOptions,
    ...terraformOptions,
    attempt: {
      type: 'number',
      unit: 'attempts',
      least: 0,
      most: 1_000_000,
      value: 'N',
      description: 'Which attempt was planned (as Terraform asks)',
    },
    'pkcs12-password-file': {
      type: 'text',
      value: 'FILE',
      description: 'Also write server.p12 into each bundle, under the password in FILE',
    },
    ...outputOption,
  },
  examples: ['vcs-pki apply', 'vcs-pki apply topology.json --ca-passphrase-file /etc/vcs-pki/passphrase'],
  async run([target], options, context) {
    const results = new StackResults(context, outputFormat(options));
    let code: number = exitCodes.ok.code;
    for (const workspace of await workspaces(target, options, context)) {
      code = Math.max(code, await applyWorkspace(workspace, options, context, results));
    }
    await results.end();
    return code;
  },
};

async function applyWorkspace(
  workspace: Workspace,
  options: Options,
  context: Context,
  results: StackResults,
): Promise<number> {
  const { topology } = workspace;
  for (const finding of refuseBrokenRules(workspace, context.clock.now())) results.say(findingText(finding));
  const passwordFile = text(options, 'pkcs12-password-file');
  const password = passwordFile === undefined ? undefined : await secretFile(passwordFile, context);
  const decide = async (session: Session) => {
    const state = await checkedState(session);
    const now = context.clock.now();
    const planned = planOf(session, state, now);
    return { state, now, planned };
  };
  const isFirst = (await context.fs.readDirectory(workspace.directory)).length === 0;
  if (isFirst) {
    // Of a first run that is refused nothing is left, not even the folder.
    const session = await readSession(workspace, context);
    const { state, now, planned } = await decide(session);
    await refuseUnprovable(session, state, planned, now);
  }
  return writeSession(workspace, options, context, 'apply', async (session) => {
    const { state, now, planned } = await decide(session);
    if (planned.actions.length > 0) results.say(`${actionTable(planned.actions)}\n`);
    await refuseUnprovable(session, state, planned, now);
    // Until its end the lock file says that this last step was begun: Terraform counts it as done from then on.
    const attempt = number(options, 'attempt');
    const begun = attempt === undefined ? session.lock?.delivery : { attempt, unfinished: true as const };
    if (attempt !== undefined) await writeLock(session, { delivery: begun });
    const done: Record<string, unknown>[] = [];
    const progress = progressOf(context, planned.actions);
    await performSession(session, planned.actions, context, (item) => {
      progress(doneText(item));
      done.push(doneData(item));
    });
    const after = await writeLock(session, { delivery: begun });
    const { waiting } = planOf(session, after, now);
    // What is served until a renewal comes back is the certificate before.
    const first = waiting.filter(({ demand }) => !after.certificates.has(demand.id));
    const verdicts = await proveSession(session, after, { ...NO_PLAN, waiting: first }, context.clock.now());
    const delivery = await deliver(topology, session.directory, after, { now: context.clock.now(), password });
    await deliverRequests(session.demands, session.directory);
    if (begun) await writeLock(session, { delivery: { attempt: begun.attempt } });
    const data = {
      topology: topology.name,
      done,
      waiting: waiting.map(waitingData),
      links: verdicts.map(verdictData),
      bundles: delivery.folder,
      until: planned.until,
    };
    results.add(data, () => {
      const nothing =
        planned.actions.length === 0
          ? `${topology.name}: nothing to do${planned.until ? ` until ${moment(planned.until)}` : ''}\n`
          : '';
      return `${nothing}${withdrawnText(delivery)}${waitingText(waiting, session.directory)}${verdictSummary(verdicts)}${planned.actions.length === 0 ? '' : whereThingsAre(workspace, delivery, context)}`;
    });
    return verdicts.some((verdict) => verdict.verdict === 'refused') ? exitCodes.refused.code : exitCodes.ok.code;
  });
}

function progressOf(context: Context, actions: readonly Action[]): (line: string) => void {
  let count = 0;
  return (line) => {
    count += 1;
    context.progress(`[${count}/${actions.length}] ${line}`);
  };
}

function whereThingsAre(
  { directory, lockFile, topology }: Workspace,
  { folder, change }: Delivery,
  context: Context,
): string {
  const near = (path: string) => relative(context.cwd, path) || '.';
  const changed = new Set([...change.trustList, ...change.certificate]).size;
  return `
PKI directory   ${near(directory)} (keys inside: back it up, keep it out of Git)
lock file       ${near(lockFile)} (public facts: commit it)
upload bundles  ${near(folder)} (${plural(changed, 'peer')} to update: start with RUNBOOK.txt)
published       ${near(directory)}/published (serve this folder as the base URL of ${plural(topology.authorities.length, 'authority', 'authorities')})

Next: run this again (nothing to do), add a peer to the declaration and run it again, or try
  vcs-pki prove       every TLS link, who checks which name
  vcs-pki check       what is wrong, or will be: here, in any file, log or server
  vcs-pki show FILE   what any certificate, request or list says
  vcs-pki crl --due   what to run every day (see examples/systemd)
`;
}

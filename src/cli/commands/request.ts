import { VcsPkiError } from '../../errors.ts';
import { unique } from '../../topology/names.ts';
import { type Command, outputOption, TARGET_HELP, targetOptions, writerOptions } from '../command.ts';
import { flag } from '../options.ts';
import { outputFormat, print, table } from '../output.ts';
import { readSession, writeSession } from '../session.ts';
import { workspace } from '../target.ts';

export const requestCommand: Command = {
  arguments: '[CERTIFICATE] [TARGET]',
  minArguments: 0,
  maxArguments: 2,
  description: `Shows the signing requests that are in progress with authorities elsewhere: one at a time for each
certificate. With --discard gives one up; the certificate for it can't be used any more, and the next
apply makes another request.

${TARGET_HELP}`,
  options: {
    ...targetOptions,
    ...writerOptions,
    discard: { type: 'boolean', description: 'Give up the request of CERTIFICATE' },
    yes: { type: 'boolean', description: 'Discard without asking back' },
    ...outputOption,
  },
  examples: ['vcs-pki request', 'vcs-pki request edge/expe1/server --discard --yes'],
  async run(given, options, context) {
    const format = outputFormat(options);
    const [id, target] =
      given.length === 1 && !given[0]?.match(/^[^/]+\/[^/]+\/(server|client)$/) ? [undefined, given[0]] : given;
    const chosen = await workspace(target, options, context);
    if (!flag(options, 'discard')) {
      const { directory } = await readSession(chosen, context);
      const pending = [...(await directory.requests.pending())].filter(([demand]) => id === undefined || demand === id);
      const rows = pending.map(([demand, { createdAt, specification }]) => ({
        certificate: demand,
        issuer: specification.issuer,
        since: createdAt,
        names: specification.names,
        folder: directory.requests.folder(demand),
      }));
      await print(context, format, rows, () =>
        rows.length === 0
          ? 'no request is in progress\n'
          : table(
              ['CERTIFICATE', 'TO BE SIGNED BY', 'SINCE', 'NAMES', 'FILES'],
              rows.map((row) => [row.certificate, row.issuer, row.since, row.names.join(' '), row.folder]),
            ),
      );
      return 0;
    }
    return writeSession(chosen, options, context, 'request', async ({ directory }) => {
      const pending = await directory.requests.pending();
      const [demand, request] = [...pending].find(([each]) => each === id) ?? [];
      if (!demand || !request) {
        throw new VcsPkiError('OWNER_UNKNOWN', {
          at: id ?? '--discard',
          message: 'no request of this certificate is in progress',
          fix: `name one of ${unique(pending.keys()).join(', ') || '(none)'}`,
        });
      }
      if (!flag(options, 'yes')) {
        throw new VcsPkiError('REQUEST_IN_PROGRESS', {
          at: demand,
          message: `its request has been with ${request.specification.issuer} since ${request.createdAt}; a certificate for it could not be used any more`,
          fix: 'if it is not to be signed any more, say so: --discard --yes',
        });
      }
      await directory.requests.remove(demand);
      await directory.material.discardKey({ demand }, request.issue);
      await print(context, format, { discarded: demand }, () => `discarded the request of ${demand}\n`);
      return 0;
    });
  },
};

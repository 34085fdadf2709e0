import { opensslRecipe } from '../../delivery/recipe.ts';
import { VcsPkiError } from '../../errors.ts';
import { demands } from '../../topology/demands.ts';
import { type Command, TARGET_HELP, targetOptions } from '../command.ts';
import { workspace } from '../target.ts';

export const recipeCommand: Command = {
  arguments: 'CERTIFICATE [TARGET]',
  minArguments: 1,
  maxArguments: 2,
  description: `Prints a shell script that makes this certificate with OpenSSL alone, from key and request to authority,
signature and revocation list: for a CA that must sign without vcs-pki. CERTIFICATE is <cluster>/<peer>/server.

${TARGET_HELP}`,
  options: targetOptions,
  examples: ['vcs-pki recipe core/expc1/server > recipe.sh'],
  async run([id = '', target], options, context) {
    const { topology } = await workspace(target, options, context);
    const wanted = demands(topology);
    const demand = wanted.find((candidate) => candidate.id === id);
    if (!demand) {
      throw new VcsPkiError('OWNER_UNKNOWN', {
        at: id,
        message: 'the topology demands no such certificate',
        fix: `use one of ${wanted
          .slice(0, 12)
          .map((candidate) => candidate.id)
          .join(', ')}`,
      });
    }
    context.out(opensslRecipe(demand));
    return 0;
  },
};

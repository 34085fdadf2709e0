import { resolve } from 'node:path';
import { VcsPkiError } from '../../errors.ts';
import { adoptAuthority, findAuthority } from '../../store/adopt.ts';
import { type Command, outputOption, TARGET_HELP, targetOptions, writerOptions } from '../command.ts';
import { flag, text } from '../options.ts';
import { outputFormat, plural, print } from '../output.ts';
import { caPassphrase, checkedState, writeLock, writeSession } from '../session.ts';
import { workspace } from '../target.ts';

export const adoptCommand: Command = {
  arguments: 'DIRECTORY AUTHORITY [TARGET]',
  minArguments: 2,
  maxArguments: 3,
  description: `Takes in an authority that openssl has run so far: a demoCA as in the guides, or any directory of
"openssl ca". AUTHORITY is its id in the declaration, whose subject and key are those of its
certificate. The directory is copied with its whole history: what was revoked stays revoked, numbers
go on, and nothing that it issued before is ever revoked by apply. Nothing is changed in DIRECTORY.

${TARGET_HELP}`,
  options: {
    ...targetOptions,
    ...writerOptions,
    certificate: {
      type: 'text',
      value: 'FILE',
      description: 'The certificate of the authority, where it has another name',
    },
    key: { type: 'text', value: 'FILE', description: 'Its key, where it has another name' },
    'rebuild-index': { type: 'boolean', description: 'Take in certificates that index.txt has lost' },
    ...outputOption,
  },
  examples: ['vcs-pki adopt ./demoCA uc-ca --ca-passphrase-file ca-passphrase'],
  async run([from = '', id = '', target], options, context) {
    const format = outputFormat(options);
    const chosen = await workspace(target, options, context);
    const authority = chosen.topology.authorities.find((candidate) => candidate.id === id);
    if (!authority) {
      throw new VcsPkiError('OWNER_UNKNOWN', {
        at: id,
        message: 'no authority of that id is declared',
        fix: `declare it with the subject of its certificate, or use one of ${chosen.topology.authorities.map((one) => one.id).join(', ') || '(none)'}`,
      });
    }
    const path = (name: string) => {
      const value = text(options, name);
      return value === undefined ? undefined : resolve(context.cwd, value);
    };
    const found = await findAuthority(context.fs, resolve(context.cwd, from), {
      certificateFile: path('certificate'),
      keyFile: path('key'),
      passphrase: await caPassphrase(options, context),
      rebuildIndex: flag(options, 'rebuild-index'),
    });
    return writeSession(chosen, options, context, `adopt ${id}`, async (session) => {
      const state = await checkedState(session, () => false, authority.id);
      if (state.authorities.has(authority.id)) {
        throw new VcsPkiError('ADOPTION_REFUSED', {
          at: session.directory.authorityPath({ authority: authority.id, generation: 1 }),
          message: `authority ${id} exists already`,
          fix: 'declare the one that is to be adopted under another id',
        });
      }
      const above = authority.issuer === undefined ? undefined : state.authorities.get(authority.issuer);
      const recorded = await session.directory.certificateReader(chosen.topology);
      const issuer = above && (await recorded(above.record));
      await adoptAuthority(found, { authority, issuer }, chosen.topology, session.directory, context.clock);
      await writeLock(session);
      const revoked = found.index.filter(({ revocation }) => revocation).length;
      const data = { authority: id, certificates: found.index.length, revoked, files: found.issued.size };
      await print(
        context,
        format,
        data,
        () =>
          `adopted ${id} with ${plural(found.index.length, 'certificate')}, ${revoked} of them revoked (${plural(found.issued.size, 'file')} found)\nNext: vcs-pki apply signs its revocation list and issues what the declaration demands\n`,
      );
      return 0;
    });
  },
};

import { isIpAddress } from '../../topology/names.ts';
import type { Content } from '../../x509/contents.ts';
import type { Collection } from './collection.ts';

/** What could not be looked at, and what it would take. */
export function notChecked(collection: Collection): string[] {
  const { leaves, release } = collection;
  return [
    ...chains(collection),
    ...revocation(collection),
    ...protectedKeys(collection),
    ...others(collection),
    ...archives(collection),
    ...servedNames(collection),
    ...logs(collection),
    ...(leaves.length > 0 && !release
      ? ['release: not said, so only what holds for all of them was checked; --release X15.4 checks more']
      : []),
    ...(leaves.length > 0
      ? [
          'Peer addresses, domains, phone security profiles and chat node aliases: which names are needed takes a topology',
        ]
      : []),
  ];
}

function chains({ leaves, chains: done, served }: Collection): string[] {
  const checked = new Set(done.flatMap(({ leaf, verdict }) => (verdict ? [leaf.inPaths] : [])));
  const left = leaves.filter(({ inPaths }) => !checked.has(inPaths));
  const [first] = left;
  const tooMany = done.some(({ verdict }) => verdict === undefined);
  return [
    ...(first ? [`chain of ${first.at}${more(left.length)}: no trust list lies with it`] : []),
    ...(tooMany ? ['chains: there are more than 1000 certificates; give fewer folders at a time'] : []),
    ...served
      .filter(({ served: { chain } }) => chain.length === 0)
      .map(({ path }) => `certificate of ${path}: it presented none`),
  ];
}

function revocation({ chains: done }: Collection): string[] {
  const [first] = done.filter(({ verdict, folder }) => verdict?.valid && folder.crls.length === 0);
  return first ? [`revocation of ${first.leaf.at}: no revocation list lies with it`] : [];
}

function protectedKeys({ files }: Collection): string[] {
  return files
    .filter(({ contents }) => contents.items.some(isProtected))
    .map(({ path }) => `key in ${path}: whose it is takes its password; --password-file gives it`);
}

function others({ files }: Collection): string[] {
  return files.flatMap(({ path, contents }) =>
    contents.items.flatMap((item) =>
      item.kind === 'other' ? [`${path}: its ${item.label}, which no appliance is given`] : [],
    ),
  );
}

/** Requirement 56: distribution points may serve lists in archives. */
function archives({ artefacts }: Collection): string[] {
  return artefacts
    .filter(({ kind, path }) => kind === 'unreadable' && /\.(?:gz|tgz|zip|tar|7z|rar)$/i.test(path))
    .map(({ path }) => `${path}: an archive, which is not opened; give the files in it`);
}

function isProtected({ kind }: Content): boolean {
  return kind === 'encrypted key';
}

function servedNames({ served }: Collection): string[] {
  return served
    .filter(({ served: { names } }) => names.every(isIpAddress))
    .map(({ path }) => `names of ${path}: it was reached by address; give its name`);
}

function logs({ artefacts }: Collection): string[] {
  return artefacts.flatMap((artefact) => {
    if (artefact.kind !== 'log') return [];
    const { path, events, unread = 0 } = artefact;
    return [
      ...(events.length === 0
        ? [
            `${path}: nothing in it is known; if zones are down all the same, compare user names and passwords, and look for a firewall that inspects TLS`,
          ]
        : []),
      ...(unread > 0 ? [`${path}: its last ${unread} bytes; give the lines that matter`] : []),
    ];
  });
}

function more(count: number): string {
  return count > 1 ? ` and ${count - 1} more` : '';
}

import { basename, dirname, join, parse } from 'node:path';
import type { Collection } from '../collection.ts';
import type { Folder } from '../folders.ts';
import { type FileArtefact, keyIdentity } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirement 37. */
export const keyProtected: EvidenceRule = {
  code: 'KEY_UNDER_PASSWORD',
  title: 'A private key that is to be loaded is protected by a password.',
  holds: [37, 87],
  diagnosis: 'D04',
  severity: 'error',
  releases: 'all',
  *check(collection) {
    for (const { folder, file } of filesWithKeys(collection)) {
      const item = file.contents.items.find(({ kind }) => kind === 'encrypted key');
      if (item?.kind !== 'encrypted key' || hasPair(folder)) continue;
      yield {
        at: file.path,
        value: item.format,
        message: 'the private key is encrypted, and an appliance takes none that is',
        // Onto the file that it reads openssl pkey writes nothing, and the key is lost.
        fix: `openssl pkey -in ${basename(file.path)} -out ${parse(file.path).name}-plain.pem`,
      };
    }
  },
};

/** Requirement 40. A key without the newline parses everywhere else: only the last byte tells. */
export const keyNewline: EvidenceRule = {
  code: 'KEY_NEWLINE_MISSING',
  title: 'The file of a private key does not end with a newline.',
  holds: [40],
  diagnosis: 'D03',
  severity: 'error',
  releases: 'from X8.1; a warning on X7.2',
  *check(collection) {
    for (const { file } of filesWithKeys(collection)) {
      if (file.contents.endsWithNewline) continue;
      yield {
        at: file.path,
        value: 'no newline at the end',
        message: 'mobile and remote access can fail with certificate errors, though the key itself is right',
        fix: `add the newline: echo >> ${basename(file.path)}`,
        severity: collection.release?.unifiedCommunications === false ? 'warning' : 'error',
      };
    }
  },
};

/**
 * But for the keys of authorities, which are loaded nowhere and should be under a password (71), and of certificates
 * that were replaced.
 */
function* filesWithKeys({ folders, directories }: Collection): Generator<{ folder: Folder; file: FileArtefact }> {
  const ofAuthorities = directories.flatMap(({ path }) => [path, join(path, 'private')]);
  for (const folder of folders) {
    const others = new Set(
      [...folder.authorities, ...folder.replaced].map(({ certificate }) => keyIdentity(certificate)),
    );
    for (const file of folder.files) {
      if (!file.contents.items.some(({ kind }) => kind === 'key' || kind === 'encrypted key')) continue;
      const own = folder.keys.filter(({ at }) => at === file.path);
      const isLoadedNowhere =
        CA_KEY.test(basename(file.path)) ||
        ofAuthorities.includes(dirname(file.path)) ||
        own.some((key) => others.has(keyIdentity(key)));
      if (!isLoadedNowhere) yield { folder, file };
    }
  }
}

/** What the guides call the key of an authority: ca.key and cakey.pem (71). */
const CA_KEY = /^ca[-_.]?key\b/i;

/** Whether a certificate lies here with its key: then the one under a password is a copy of it, or another's. */
function hasPair({ leaves, keys }: Folder): boolean {
  const present = new Set(keys.map(keyIdentity));
  return leaves.some(({ certificate }) => present.has(keyIdentity(certificate)));
}

import { dirname } from 'node:path';
import type { Folder } from './folders.ts';
import { type FoundCertificate, keyIdentity } from './found.ts';
import { sameHolder } from './same-holder.ts';

/** Two certificates of one peer for one role, the one issued after the other. */
export interface Renewal {
  readonly older: FoundCertificate;
  readonly newer: FoundCertificate;
}

/** Each certificate with the one that came before it. */
export function renewalsOf(leaves: readonly FoundCertificate[], folders: readonly Folder[]): Renewal[] {
  const keys = new Set(folders.flatMap((folder) => folder.keys.map((key) => `${folder.path}\n${keyIdentity(key)}`)));
  const hasKey = ({ folder, certificate }: FoundCertificate) => keys.has(`${folder}\n${keyIdentity(certificate)}`);
  const byName = new Map<string, FoundCertificate[]>();
  const renewals: Renewal[] = [];
  for (const newer of [...leaves].sort(byValidity)) {
    const names = namesOf(newer);
    const older = names
      .flatMap((name) => byName.get(name)?.slice(-MOST_COMPARED) ?? [])
      .sort(byValidity)
      .slice(-MOST_COMPARED)
      .findLast((one) => byValidity(one, newer) < 0 && replaces(newer, one) && !forBothStores(one, newer, hasKey));
    if (older) renewals.push({ older, newer });
    const [name = ''] = names;
    const known = byName.get(name);
    if (known) known.push(newer);
    else byName.set(name, [newer]);
  }
  return renewals;
}

/** Bounds for files that were made to take long. */
const MOST_COMPARED = 100;
const MOST_NAMES = 16;

const DAY_MS = 24 * 3600 * 1000;

/** The peers of a cluster have theirs issued together; a renewal comes later. */
const TOGETHER_MS = 14 * DAY_MS;

/** The common name, by which it is found again, and the names that may have been the common name before. */
function namesOf({ certificate: { subject, dnsNames } }: FoundCertificate): string[] {
  const names = [...(subject.commonName === undefined ? [] : [subject.commonName]), ...dnsNames.slice(0, MOST_NAMES)];
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

/** Where names leave it open, the place tells: peers have folders of their own, and what is old lies beside or below. */
function replaces(newer: FoundCertificate, older: FoundCertificate): boolean {
  const same = sameHolder(older.certificate, newer.certificate);
  if (same === 'no') return false;
  if (keyIdentity(older.certificate) === keyIdentity(newer.certificate)) return true;
  const later = newer.certificate.notBefore.getTime() - older.certificate.notBefore.getTime() > TOGETHER_MS;
  if (isWithin(older.folder, newer.folder) || isWithin(newer.folder, older.folder)) return same === 'yes' || later;
  return same === 'yes' && later;
}

function isWithin(folder: string, other: string): boolean {
  const above = dirname(folder);
  return folder === other || (above !== folder && isWithin(above, other));
}

/**
 * The server and the client certificate of X15.5: one of the two is called so, or is for clients alone; or they lie
 * together, each with its own key, and are of one day.
 */
function forBothStores(
  one: FoundCertificate,
  other: FoundCertificate,
  hasKey: (found: FoundCertificate) => boolean,
): boolean {
  if (/client/i.test(one.at) !== /client/i.test(other.at) || isForClients(one) !== isForClients(other)) return true;
  const together = one.folder === other.folder && hasKey(one) && hasKey(other);
  const apart = Math.abs(one.certificate.notBefore.getTime() - other.certificate.notBefore.getTime());
  return together && apart < DAY_MS && keyIdentity(one.certificate) !== keyIdentity(other.certificate);
}

function isForClients({ certificate }: FoundCertificate): boolean {
  return certificate.extendedKeyUsage?.includes('serverAuth') === false;
}

/** What begins earlier is older; of those that begin together, what ends earlier. */
function byValidity(one: FoundCertificate, other: FoundCertificate): number {
  return (
    one.certificate.notBefore.getTime() - other.certificate.notBefore.getTime() ||
    one.certificate.notAfter.getTime() - other.certificate.notAfter.getTime()
  );
}

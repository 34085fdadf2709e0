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
    const name = newer.certificate.subject.commonName?.toLowerCase() ?? '';
    const known = byName.get(name) ?? [];
    byName.set(name, known);
    const older = known
      .slice(-MOST_COMPARED)
      .findLast(
        (one) =>
          byValidity(one, newer) < 0 &&
          sameHolder(one.certificate, newer.certificate) &&
          !forBothStores(one, newer, hasKey),
      );
    if (older) renewals.push({ older, newer });
    known.push(newer);
  }
  return renewals;
}

const MOST_COMPARED = 100;
const DAY_MS = 24 * 3600 * 1000;

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

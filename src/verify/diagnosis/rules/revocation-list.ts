import { basename } from 'node:path';
import { fingerprint, serialHex } from '../../../x509/certificate.ts';
import type { Content } from '../../../x509/contents.ts';
import type { RevokedEntry } from '../../../x509/crl.ts';
import { type PathCertificate, pathCrl } from '../../path/path-certificate.ts';
import type { PathVerdict } from '../../path/verdict.ts';
import { titleOf } from '../../predict.ts';
import { peersIn } from '../clusters.ts';
import type { Folder } from '../folders.ts';
import { crlsIn, type FoundCertificate, type FoundCrl } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirement 59: when the list of an authority expires, all its certificates count as revoked. */
export const crlPast: EvidenceRule = {
  code: 'CRL_PAST',
  title: 'A revocation list has expired, or is about to.',
  holds: [57, 59],
  diagnosis: 'D15',
  severity: 'error',
  releases: 'all; a warning with less than two daily updates left',
  *check({ folders, now }) {
    for (const { at, crl } of newestLists(folders)) {
      const left = (crl.nextUpdate?.getTime() ?? Number.POSITIVE_INFINITY) - now.getTime();
      if (left >= 2 * DAY_MS) continue;
      const until = crl.nextUpdate?.toISOString() ?? '';
      yield {
        at,
        value: titleOf({ subject: crl.issuer }),
        message:
          left < 0
            ? `it expired on ${until}: every certificate of this authority counts as revoked`
            : `it ends on ${until}, before two daily updates have passed: after one that fails nothing of this authority is accepted`,
        fix: 'have a new list signed and loaded every day, each valid for a week',
        severity: left < 0 ? 'error' : 'warning',
      };
    }
  },
};

/** Requirement 52: checking applies to every authority of the chain. */
export const crlAbsent: EvidenceRule = {
  code: 'CRL_ABSENT',
  title: 'There are revocation lists, and none of an authority of the chain.',
  holds: [52, 54, 58],
  diagnosis: 'D16',
  severity: 'error',
  releases: 'all; a warning where lists can be downloaded, which policy servers do not do',
  *check({ chains }) {
    const covered = new Set(chains.flatMap(({ folder, verdict }) => (hasList(folder, verdict) ? [folder] : [])));
    for (const { leaf, folder, verdict } of chains) {
      if (!verdict?.valid || folder.crls.length === 0) continue;
      // The lists of a public authority are not among those of an internal one that issued the client certificate, and
      // lists of a folder above may be for others.
      const elsewhere = covered.has(folder) || folder.crls[0]?.folder !== folder.path;
      if (elsewhere && !hasList(folder, verdict)) continue;
      const present = issuersOf(folder);
      const missing = verdict.path.slice(1).filter(({ subject }) => !present.has(subject.key));
      if (missing.length === 0) continue;
      const names = missing.map(titleOf).join(', ');
      yield {
        at: leaf.at,
        value: names,
        message: `${folder.crls[0]?.at} has no list of ${names}: with checking on, this certificate is refused`,
        fix: 'put the lists of all authorities of the chain, the root among them, into one PEM file',
        severity: verdict.path.slice(0, -1).every(isFetched) ? 'warning' : 'error',
      };
    }
  },
};

/** Requirement 3. */
export const certificateRevoked: EvidenceRule = {
  code: 'CERTIFICATE_REVOKED',
  title: 'A certificate is on the revocation list of its authority.',
  holds: [3],
  severity: 'error',
  releases: 'all',
  *check({ chains }) {
    for (const { leaf, folder, verdict } of chains)
      for (const [index, certificate] of verdict?.path.entries() ?? []) {
        const entry = entryOf(certificate, verdict?.path[index + 1] ?? certificate, folder);
        if (!entry) continue;
        const reason = entry.reason === undefined ? '' : ` (${entry.reason})`;
        yield {
          at: leaf.at,
          value: serialHex(entry.serialNumber),
          message: `${titleOf(certificate)} was revoked on ${entry.revokedAt.toISOString().slice(0, 10)}${reason}`,
          fix:
            index === 0
              ? 'have a new certificate issued, with a new key'
              : 'take another authority, and have everything below this one issued anew',
        };
      }
  },
};

/** A list says something of certificates only if the key of their authority signed it. */
export const crlOfAnotherKey: EvidenceRule = {
  code: 'CRL_OF_ANOTHER_KEY',
  title: 'A revocation list was not signed by the authority of its name that was given.',
  holds: [52],
  severity: 'error',
  releases: 'all',
  *check({ folders, authorities }) {
    const byName = new Map<string, FoundCertificate[]>();
    for (const found of authorities) {
      const namesakes = byName.get(found.certificate.subject.key) ?? [];
      if (namesakes.length < MOST_NAMESAKES) namesakes.push(found);
      byName.set(found.certificate.subject.key, namesakes);
    }
    for (const { at, crl } of newestLists(folders).slice(0, MOST_LISTS)) {
      const namesakes = byName.get(crl.issuer.key) ?? [];
      const list = pathCrl(crl);
      if (namesakes.length === 0 || namesakes.some(({ inPaths }) => list.isSignedBy(inPaths))) continue;
      yield {
        at,
        value: titleOf({ subject: crl.issuer }),
        message: `the key in ${namesakes[0]?.at} did not sign it: it is the list of another authority of this name, or damaged`,
        fix: 'get the list anew from the authority that issued the certificates',
      };
    }
  },
};

/** Requirement 58: a manual upload replaces the file before. */
export const crlFilesSeveral: EvidenceRule = {
  code: 'CRL_FILES_SEVERAL',
  title: 'The revocation lists for one peer are in several files.',
  holds: [58],
  diagnosis: 'D17',
  severity: 'warning',
  releases: 'all; advice where certificates say where lists are fetched',
  *check({ folders }) {
    for (const folder of folders) {
      const { files, leaves } = folder;
      const lists = files.filter(({ contents }) => contents.form === 'PEM' && contents.items.every(isCrl));
      const identities = lists.map((file) => new Set(crlsIn(file).map(({ crl }) => fingerprint(crl.der))));
      const all = new Set(identities.flatMap((own) => [...own]));
      const [, second] = lists;
      const isForOne = leaves.length > 0 && peersIn(folder).length === 0;
      if (!isForOne || !second || identities.some(({ size }) => size === all.size)) continue;
      yield {
        at: second.path,
        value: lists.map(({ path }) => basename(path)).join(', '),
        message:
          'a manual upload replaces the file before: only the last of these would be in use, and policy servers read nothing else',
        fix: `put them into one: cat ${lists.map(({ path }) => basename(path)).join(' ')} > crl.pem`,
        severity: leaves.every(({ inPaths }) => isFetched(inPaths)) ? 'advice' : 'warning',
      };
    }
  },
};

const DAY_MS = 24 * 3600 * 1000;

/** Bounds for files that were made to take long. */
const MOST_NAMESAKES = 16;
const MOST_LISTS = 1000;

/** Complete lists, each once and only the last of an authority in a folder. */
function newestLists(folders: readonly Folder[]): FoundCrl[] {
  const lists = new Map<string, FoundCrl>();
  for (const { path, crls } of folders) {
    const newest = new Map<string, FoundCrl>();
    for (const found of crls) {
      const { issuer, thisUpdate, baseCrlNumber } = found.crl;
      const known = newest.get(issuer.key);
      if (found.folder !== path || baseCrlNumber !== undefined) continue;
      if (!known || known.crl.thisUpdate < thisUpdate) newest.set(issuer.key, found);
    }
    for (const found of newest.values()) {
      const identity = fingerprint(found.crl.der);
      if (!lists.has(identity)) lists.set(identity, found);
    }
  }
  return [...lists.values()];
}

function entryOf(certificate: PathCertificate, issuer: PathCertificate, { crls }: Folder): RevokedEntry | undefined {
  const { serialNumber } = certificate;
  if (serialNumber === undefined) return undefined;
  for (const { crl } of crls) {
    if (crl.issuer.key !== issuer.subject.key) continue;
    const entry = crl.find(serialNumber, certificate.issuer);
    if (entry && !entry.removed && pathCrl(crl).isSignedBy(issuer)) return entry;
  }
  return undefined;
}

function hasList(folder: Folder, verdict: PathVerdict | undefined): boolean {
  const present = issuersOf(folder);
  return verdict?.path.slice(1).some(({ subject }) => present.has(subject.key)) === true;
}

function issuersOf({ crls }: Folder): Set<string> {
  return new Set(crls.map(({ crl }) => crl.issuer.key));
}

/** It says where its status can be looked up. */
function isFetched({ distributionPoints }: PathCertificate): boolean {
  return distributionPoints.length > 0;
}

function isCrl({ kind }: Content): boolean {
  return kind === 'crl';
}

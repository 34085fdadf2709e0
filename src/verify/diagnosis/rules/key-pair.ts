import type { Folder } from '../folders.ts';
import { type FoundRequest, keyIdentity } from '../found.ts';
import { sameHolder } from '../same-holder.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirement 35: the certificate of another peer, or the answer to a request that was discarded. */
export const pairMismatch: EvidenceRule = {
  code: 'PAIR_MISMATCH',
  title: 'A certificate and the private key beside it do not belong together.',
  holds: [35, 36, 68],
  diagnosis: 'D01',
  severity: 'error',
  releases: 'all',
  *check({ folders, leaves }) {
    const keys = new Map(folders.flatMap((folder) => folder.keys.map((key) => [keyIdentity(key), key])));
    const owners = new Map(leaves.map((leaf) => [keyIdentity(leaf.certificate), leaf]));
    for (const folder of folders) {
      const certified = new Set([
        ...[...folder.leaves, ...folder.authorities].map(({ certificate }) => keyIdentity(certificate)),
        ...folder.requests.map(({ request }) => keyIdentity(request)),
      ]);
      const stray = folder.keys.find((key) => !certified.has(keyIdentity(key)));
      if (!stray) continue;
      const owner = owners.get(keyIdentity(stray));
      for (const { at, title, certificate } of withoutKey(folder)) {
        const right = keys.get(keyIdentity(certificate));
        yield {
          at,
          value: title,
          message: `the key in ${stray.at} is not that of this certificate${owner ? `, but that of ${owner.title} in ${owner.at}` : ''}`,
          fix: right
            ? `load it with its own key, ${right.at}`
            : 'load it on the peer that made its request; if that was discarded, make a new one',
        };
      }
    }
  },
};

/** Requirements 32 and 35: a certificate fits the one request whose key it certifies. */
export const requestNotAnswered: EvidenceRule = {
  code: 'REQUEST_NOT_ANSWERED',
  title: 'A certificate is not the answer to the request beside it.',
  holds: [32, 35],
  diagnosis: 'D01',
  severity: 'error',
  releases: 'all; a warning where the request may be the next one',
  *check({ folders }) {
    const asked = new Map(folders.flatMap(({ requests }) => requests.map((one) => [keyIdentity(one.request), one])));
    for (const folder of folders) {
      const certified = new Set(folder.leaves.map(({ certificate }) => keyIdentity(certificate)));
      const waiting = folder.requests.find(({ request }) => !certified.has(keyIdentity(request)));
      if (!waiting) continue;
      for (const { at, title, certificate } of withoutKey(folder)) {
        const answered = asked.get(keyIdentity(certificate));
        const next = sameHolder(certificate, waiting.request);
        if (answered ? answered.folder === folder.path : !next && folder.leaves.length > 1) continue;
        yield {
          at,
          value: title,
          message: `it has another key than the request in ${waiting.at}${answered ? `: it answers ${answered.at}` : ''}`,
          fix: answered
            ? 'load each certificate on the peer that made its request'
            : 'if it was ordered with this request, the request was made anew since: have the new one signed, and discard none before its certificate is loaded',
          severity: next && !answered ? 'warning' : 'error',
        };
      }
    }
  },
};

/** Requirement 34: whoever makes a second request gives up the key of the first. */
export const requestsSeveral: EvidenceRule = {
  code: 'REQUESTS_SEVERAL',
  title: 'There are two requests of one peer, with different keys.',
  holds: [34, 38],
  diagnosis: 'D02',
  severity: 'warning',
  releases: 'all',
  *check({ folders }) {
    const byName = new Map<string, FoundRequest[]>();
    for (const found of folders.flatMap(({ requests }) => requests)) {
      const { at, request } = found;
      const name = request.subject.commonName?.toLowerCase() ?? '';
      const known = byName.get(name) ?? [];
      byName.set(name, known);
      const earlier = known.find(
        (other) => sameHolder(other.request, request) && keyIdentity(other.request) !== keyIdentity(request),
      );
      if (known.length < MOST_COMPARED) known.push(found);
      if (!earlier) continue;
      yield {
        at,
        value: name,
        message: `${earlier.at} is a request of the same peer with another key, and an appliance keeps the key of one alone`,
        fix: 'find out which one the peer shows as in progress, and have that one signed; throw the other away',
      };
    }
  },
};

const MOST_COMPARED = 100;

function withoutKey({ leaves, keys }: Folder): Folder['leaves'] {
  const present = new Set(keys.map(keyIdentity));
  return leaves.filter(({ certificate }) => !present.has(keyIdentity(certificate)));
}

import { parse } from 'node:path';
import { titleOf } from '../../predict.ts';
import type { Folder } from '../folders.ts';
import { type FoundCertificate, type FoundKey, type FoundRequest, keyIdentity } from '../found.ts';
import { sameHolder } from '../same-holder.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirement 35: the certificate of another peer, or the answer to a request that was discarded. */
export const pairMismatch: EvidenceRule = {
  code: 'PAIR_MISMATCH',
  title: 'A certificate or request and the private key beside it do not belong together.',
  holds: [35, 36, 68],
  diagnosis: 'D01',
  severity: 'error',
  releases: 'all; a warning for a request, whose key may be on an appliance',
  *check({ folders, leaves, renewals }) {
    const keys = new Map(folders.flatMap((folder) => folder.keys.map((key) => [keyIdentity(key), key])));
    const known = [...renewals.map(({ older }) => older), ...leaves];
    const owners = new Map(known.map((leaf) => [keyIdentity(leaf.certificate), leaf]));
    for (const folder of folders) {
      const present = new Set(folder.keys.map(keyIdentity));
      const stray = strayKey(folder);
      const mistaken = mistakenKeys(folder);
      for (const leaf of folder.leaves) {
        const { at, title, certificate } = leaf;
        const wrong = mistaken.get(leaf) ?? (present.has(keyIdentity(certificate)) ? undefined : stray);
        if (!wrong) continue;
        const owner = owners.get(keyIdentity(wrong));
        const right = keys.get(keyIdentity(certificate));
        yield {
          at,
          value: title,
          message: `the key in ${wrong.at} is not that of this certificate${owner ? `, but that of ${owner.title} in ${owner.at}` : ''}`,
          fix: right
            ? `load it with its own key, ${right.at}`
            : 'load it on the peer that made its request; if that was discarded, make a new one',
        };
      }
      const [waiting] = folder.requests;
      if (!stray || !waiting || folder.leaves.length > 0 || present.has(keyIdentity(waiting.request))) continue;
      yield {
        at: waiting.at,
        value: titleOf(waiting.request),
        message: `the key in ${stray.at} is not that of this request: the certificate that it brings will not fit it`,
        fix: 'keep the key that the request was made with; if that is on an appliance, load the certificate there, without a key',
        severity: 'warning',
      };
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
      const present = new Set(folder.keys.map(keyIdentity));
      for (const { at, title, certificate } of folder.leaves) {
        if (present.has(keyIdentity(certificate))) continue;
        const answered = asked.get(keyIdentity(certificate));
        const next = sameHolder(certificate, waiting.request) !== 'no';
        if (answered ? answered.folder === folder.path : !next && folder.leaves.length > 1) continue;
        yield {
          at,
          value: title,
          message: `this certificate does not belong to the signing request in ${waiting.at}${answered ? `, but to that in ${answered.at}` : ''}`,
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
        (other) => sameHolder(other.request, request) === 'yes' && keyIdentity(other.request) !== keyIdentity(request),
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

/** The first key for which nothing lies there. */
function strayKey({ keys, leaves, replaced, authorities, requests }: Folder): FoundKey | undefined {
  const certified = new Set([
    ...[...leaves, ...replaced, ...authorities].map(({ certificate }) => keyIdentity(certificate)),
    ...requests.map(({ request }) => keyIdentity(request)),
  ]);
  return keys.find((key) => !certified.has(keyIdentity(key)));
}

/** Certificates with a key in a file of the same name that is neither theirs nor that of a request. */
function mistakenKeys({ leaves, keys, requests }: Folder): Map<FoundCertificate, FoundKey> {
  const asked = new Set(requests.map(({ request }) => keyIdentity(request)));
  const byName = new Map<string, FoundKey[]>();
  for (const key of keys) {
    const known = byName.get(pairName(key.at));
    if (known) known.push(key);
    else byName.set(pairName(key.at), [key]);
  }
  const mistaken = new Map<FoundCertificate, FoundKey>();
  for (const leaf of leaves) {
    const [first, ...others] = byName.get(pairName(leaf.at)) ?? [];
    if (!first || asked.has(keyIdentity(first))) continue;
    const fits = [first, ...others].some((key) => keyIdentity(key) === keyIdentity(leaf.certificate));
    if (!fits) mistaken.set(leaf, first);
  }
  return mistaken;
}

/** `expe1` of `expe1.pem`, `expe1.key`, `expe1-server.pem` and `key-expe1.pem`; nothing of `server.pem` and `privatekey.pem`. */
function pairName(path: string): string {
  const words = parse(path)
    .name.toLowerCase()
    .split(/[-_. ]+/);
  return words.filter((word) => !/^(?:server|cert|certificate|key|private|privatekey|privkey)$/.test(word)).join('-');
}

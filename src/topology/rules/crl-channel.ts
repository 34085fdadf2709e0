import { authorityChain, issuersOf } from '../topology.ts';
import type { Rule } from './rule.ts';

/** Requirements 53 and 54: a connection that checks revocation, and no list on the channels that it reads. */
export const crlChannel: Rule = {
  code: 'CRL_CHANNEL',
  title: 'A connection checks revocation, and the lists are loaded where it does not look.',
  holds: [53, 54, 58],
  diagnosis: 'D17',
  severity: 'error',
  releases: 'all',
  *check({ topology, links }) {
    const said = new Set<string>();
    for (const { kind, of, client, server } of links) {
      for (const { check, holder } of [client, server]) {
        if (!check || check.revocation.mode === 'none' || check.revocation.channels.length > 0) continue;
        const key = `${kind} ${of} ${holder}`;
        if (said.has(key) || !topology.clusters.some(({ id }) => id === holder)) continue;
        said.add(key);
        const reads =
          kind === 'ldap'
            ? 'lists inside the trusted CA file alone (channel embedded)'
            : kind === 'policy-server'
              ? 'manually loaded lists alone (channel manual)'
              : 'downloaded and manually loaded lists (channels automatic and manual)';
        yield {
          at: `cluster ${holder}`,
          value: of,
          message: `its connection to ${of} reads ${reads}, and none are loaded there`,
          fix: 'load the lists there too and declare the channel in crlChannels, or turn this check off',
        };
      }
    }
  },
};

/** Requirements 55 and 56: lists that no address leads to can't be fetched automatically. */
export const crlAddress: Rule = {
  code: 'CRL_ADDRESS_MISSING',
  title: 'Lists are to be downloaded alone, and an authority publishes none.',
  holds: [55, 56],
  diagnosis: 'D16',
  severity: 'warning',
  releases: 'all',
  *check({ topology }) {
    const askers = new Map<string, string[]>();
    for (const cluster of topology.clusters) {
      if (!cluster.revocationChecking || cluster.crlChannels.join() !== 'automatic') continue;
      const lists = topology.trustLists.filter(({ appliesTo }) => appliesTo.includes(cluster.id));
      const named = [...issuersOf(cluster), ...lists.flatMap(({ authorities }) => authorities)];
      for (const { id } of new Set(named.flatMap((authority) => authorityChain(topology.authorities, authority))))
        askers.set(id, [...(askers.get(id) ?? []), cluster.id]);
    }
    for (const { id, subject, crl } of topology.authorities) {
      const [first, ...others] = askers.get(id) ?? [];
      if (crl.baseUrl !== undefined || first === undefined) continue;
      const who = others.length === 0 ? first : `${first} and ${others.length} more`;
      yield {
        at: `authority ${id}`,
        value: subject.commonName,
        message: `${who} can only download lists, and this authority has no address for its own`,
        fix: 'declare crl.baseUrl, http:// or https://, and serve the folder pki/published there; or load lists manually too',
      };
    }
  },
};

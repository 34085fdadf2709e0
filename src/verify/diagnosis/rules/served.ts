import { isIpAddress, unique } from '../../../topology/names.ts';
import { serialHex } from '../../../x509/certificate.ts';
import { identities, matchName } from '../../name-match.ts';
import { nearest } from '../../nearest.ts';
import { titleOf } from '../../predict.ts';
import { isSelfIssued } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirement 29: what was loaded is in use after a restart. */
export const notRestarted: EvidenceRule = {
  code: 'NOT_RESTARTED',
  title: 'A peer still presents an older certificate than the one that was made for it.',
  holds: [29],
  diagnosis: 'D28',
  severity: 'error',
  releases: 'all',
  *check({ renewals, served: artefacts }) {
    for (const { older, newer } of renewals) {
      const served = artefacts.find(({ served: { chain } }) => chain[0]?.der.equals(older.certificate.der));
      if (!served || artefacts.some(({ path }) => path === newer.at)) continue;
      yield {
        at: served.path,
        value: `serial ${serialHex(older.certificate.serialNumber)}`,
        message: `${newer.at} was issued later, with serial ${serialHex(newer.certificate.serialNumber)}, and is not in use`,
        fix: 'load it if that was not done yet, and restart the peer; of a cluster the primary first, then one at a time',
      };
    }
  },
};

/** A peer sends the authorities of its chain that are on its own trust list. */
export const servedAlone: EvidenceRule = {
  code: 'SERVED_ALONE',
  title: 'A peer sends its certificate without the intermediate authority.',
  holds: [42, 49],
  diagnosis: 'D08',
  severity: 'error',
  releases: 'all; a warning while it is not known whether a root issued it',
  *check({ served, authorities }) {
    for (const {
      path,
      served: { chain },
    } of served) {
      const [leaf, ...sent] = chain;
      if (!leaf || sent.length > 0) continue;
      const issuer = authorities.find(({ certificate }) => certificate.subject.key === leaf.issuer.key);
      if (isSelfIssued(leaf) || (issuer && isSelfIssued(issuer.certificate))) continue;
      const name = titleOf({ subject: leaf.issuer });
      yield {
        at: path,
        value: titleOf(leaf),
        message: issuer
          ? `${name}, which issued it, is an intermediate authority and is not sent: others answer "alert unknown ca"`
          : `${name}, which issued it, is not sent: unless that is a root, others answer "alert unknown ca"`,
        fix: "add the whole chain of its certificate to the peer's own trust list, and restart it",
        severity: issuer ? 'error' : 'warning',
      };
    }
  },
};

/** Requirement 61, as whoever dials the peer by this name compares it. */
export const servedName: EvidenceRule = {
  code: 'SERVED_NAME_MISMATCH',
  title: 'A peer presents a certificate without the name by which it was reached.',
  holds: [61],
  diagnosis: 'D11',
  severity: 'error',
  releases: 'all; from X14.0 alternative names alone count',
  *check({ served, release }) {
    for (const {
      path,
      served: { chain, names },
    } of served) {
      const [leaf] = chain;
      const wanted = names.filter((name) => !isIpAddress(name));
      if (!leaf || wanted.length === 0) continue;
      const presented = { commonName: leaf.subject.commonName, alternativeNames: leaf.alternativeNames };
      const modes = release?.nameMatching ?? ['cn-or-san'];
      if (wanted.some((name) => modes.every((mode) => matchName(presented, name, mode) !== undefined))) continue;
      const own = modes.flatMap((mode) => identities(presented, false, mode));
      const near = wanted.flatMap((name) => nearest(name, own) ?? [])[0];
      yield {
        at: path,
        value: wanted.join(', '),
        message: `its certificate is for ${unique(own).join(', ') || 'no name at all'}`,
        fix: `reach it by one of these, or have it issued with ${wanted.join(' and ')}${near === undefined ? '' : `; the nearest is ${near}`}`,
      };
    }
  },
};

import { clustersOf } from '../clusters.ts';
import type { Identity } from '../found.ts';
import type { EvidenceRule } from './rule.ts';

/** Requirement 15. */
export const wildcardCertificate: EvidenceRule = {
  code: 'WILDCARD_CERTIFICATE',
  title: 'A certificate or request has a wildcard name.',
  holds: [15],
  diagnosis: 'D18',
  severity: 'error',
  releases: 'refused from X8.1; on X7.2 a warning',
  *check({ identities, release }) {
    for (const identity of identities) {
      const { at, dnsNames, subject } = identity;
      const name = [...dnsNames, subject.commonName ?? ''].find((one) => one.includes('*'));
      if (name === undefined) continue;
      yield {
        at,
        value: name,
        message: 'appliances support no wildcard certificates, and compare names whole',
        fix: `${again(identity)} with the names behind ${name}, one by one`,
        severity: release?.wildcards === 'not known to be accepted' ? 'warning' : 'error',
      };
    }
  },
};

/** Some public profiles leave the common name out; services of the appliance ask for it. */
export const commonNameMissing: EvidenceRule = {
  code: 'COMMON_NAME_MISSING',
  title: 'A certificate of a peer, or a request, has no common name.',
  holds: [11, 12],
  diagnosis: 'D22',
  severity: 'error',
  releases: 'all; an alarm from X8.10; a warning for a request, as its authority may add one',
  *check({ identities }) {
    for (const { at, subject, dnsNames, asked } of identities) {
      if (subject.commonName !== undefined) continue;
      yield {
        at,
        value: dnsNames.join(', '),
        message: 'it has no common name: mobile and remote access, Jabber Guest and the web proxy break without one',
        fix: asked
          ? 'make the request anew with a common name, the FQDN of the peer or of the cluster'
          : 'order a profile that has a common name, the FQDN of the peer or of the cluster',
        severity: asked ? 'warning' : 'error',
      };
    }
  },
};

/** Requirement 11 lets a single appliance do without; from X14.0 on nothing but alternative names is looked at. */
export const alternativeNamesMissing: EvidenceRule = {
  code: 'ALTERNATIVE_NAMES_MISSING',
  title: 'A certificate of a peer, or a request, has no alternative names.',
  holds: [11, 12, 14, 18, 61],
  diagnosis: 'D11',
  severity: 'error',
  releases:
    'an error from X14.0, advice on X7.2 and X8.1, else a warning; for a request, to which its authority may add them, a warning from X14.0',
  *check({ identities, release }) {
    const ways = release?.nameMatching ?? ['cn-or-san', 'san-only'];
    const severity = ways.length > 1 ? 'warning' : ways.includes('san-only') ? 'error' : 'advice';
    for (const identity of identities) {
      const { at, title, named, asked } = identity;
      if (named || (asked && severity !== 'error')) continue;
      yield {
        at,
        value: title,
        message: ways.includes('san-only')
          ? 'it has no alternative names, and from X14.0 on its common name is not looked at'
          : 'it has no alternative names: that is enough for a single appliance of this release, not for a cluster',
        fix: `${again(identity)} with the FQDNs of peer and cluster as alternative names`,
        severity: asked ? 'warning' : severity,
      };
    }
  },
};

/** RFC 5280 4.2.1.6, 7.2: these names are ASCII, international ones in the form of IDNA. */
export const alternativeNameNotAscii: EvidenceRule = {
  code: 'ALTERNATIVE_NAME_NOT_ASCII',
  title: 'An alternative name of a certificate is not written in ASCII.',
  holds: [],
  diagnosis: 'D11',
  severity: 'error',
  releases: 'all',
  *check({ leaves }) {
    for (const { at, certificate } of leaves) {
      // As the reader shows octets that are not ASCII.
      const odd = certificate.alternativeNames.find(({ value }) => /\\x[89A-F][0-9A-F]/.test(value));
      if (!odd) continue;
      yield {
        at,
        value: `${odd.kind}:${odd.value}`,
        message: 'its name has letters beyond ASCII, and matches nothing that way',
        fix: 'have it issued with the name as an A-label ("xn--...")',
      };
    }
  },
};

/** Requirements 12 and 14: the name of the cluster is what the other side of a zone expects of any peer. */
export const clusterNameNotShared: EvidenceRule = {
  code: 'CLUSTER_NAME_NOT_SHARED',
  title: 'The certificate of a peer lacks a name that those of the other peers have.',
  holds: [12, 13, 14],
  diagnosis: 'D13',
  severity: 'error',
  releases: 'all',
  *check({ folders }) {
    for (const { name, peers } of clustersOf(folders))
      for (const { leaves } of peers) {
        const [first] = leaves;
        if (!first || leaves.some(({ certificate }) => certificate.dnsNames.some((own) => own.toLowerCase() === name)))
          continue;
        yield {
          at: first.at,
          value: name,
          message: `${first.title} lacks this name, which the other peers of its cluster have: a zone that expects it works with them alone`,
          fix: `have it issued anew with ${name} among its alternative names`,
        };
      }
  },
};

/** X8.5.2 to X8.9 ignore what is beyond character 999 of the list, without a word. */
export const alternativeNamesCut: EvidenceRule = {
  code: 'ALTERNATIVE_NAMES_CUT',
  title: 'The list of alternative names is longer than the release reads.',
  holds: [],
  diagnosis: 'D31',
  severity: 'error',
  releases: 'X8.5.2 to X8.9',
  *check({ identities, release }) {
    const limit = release?.alternativeNamesLimit;
    if (limit === undefined) return;
    for (const identity of identities) {
      const { at, dnsNames } = identity;
      const { length } = dnsNames.map((name) => `DNS:${name}`).join(', ');
      if (length <= limit) continue;
      yield {
        at,
        value: `${dnsNames.length} names`,
        message: `its list of names has ${length} characters, and ${release?.name} ignores what is beyond ${limit}`,
        fix: `upgrade to X8.10 or later, or ${again(identity)} with fewer or shorter names`,
      };
    }
  },
};

/** Beside the usual attributes only the three of the place of incorporation, of EV certificates, are supported. */
export const nameAttribute: EvidenceRule = {
  code: 'NAME_ATTRIBUTE_UNSUPPORTED',
  title: 'The subject of a certificate has an attribute that is not supported.',
  holds: [],
  diagnosis: 'D32',
  severity: 'warning',
  releases: 'all; noted in the documents from X8.5',
  *check({ leaves, authorities }) {
    for (const { at, title, certificate } of [...leaves, ...authorities]) {
      // Attributes that OpenSSL has a name for are no dotted OIDs.
      const odd = certificate.subject.attributes.find(({ type }) => /^[\d.]+$/.test(type) && !INCORPORATION.has(type));
      if (!odd) continue;
      yield {
        at,
        value: odd.type,
        message: `the subject of ${title} has an attribute that appliances do not support`,
        fix: 'have it issued with country, state, locality, organization, unit and common name alone',
      };
    }
  },
};

/** jurisdictionLocalityName, jurisdictionStateOrProvinceName, jurisdictionCountryName. */
const INCORPORATION: ReadonlySet<string> = new Set(['1', '2', '3'].map((last) => `1.3.6.1.4.1.311.60.2.1.${last}`));

function again({ asked }: Identity): string {
  return asked ? 'make the request anew' : 'have it issued anew';
}

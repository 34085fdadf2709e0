import { describe, expect, it } from 'vitest';
import { findings, rules } from '../findings.ts';
import { releases } from '../releases/releases.ts';
import type { TopologyInput } from '../schema.ts';
import { parseTopology } from '../topology.ts';

/** Each rule with a case that it accepts and one that it refuses; names and values as in the guides, by hand. */

const now = new Date('2026-11-21T12:00:00Z');
const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });
const core = {
  id: 'core',
  product: 'expressway-c' as const,
  release: 'X15.5',
  issuer: 'ca',
  clusterName: 'expc.example.com',
  peers: [peer('expc1'), peer('expc2')],
};
const edge = {
  id: 'edge',
  product: 'expressway-e' as const,
  release: 'X15.5',
  issuer: 'ca',
  clusterName: 'expe.example.com',
  peers: [peer('expe1'), peer('expe2')],
};
const uc = { kind: 'traversal' as const, id: 'uc', client: 'core', server: 'edge', unifiedCommunications: true };
const healthy = {
  name: 'test',
  authorities: [{ id: 'ca', subject: { commonName: 'Example CA' } }],
  clusters: [core, edge],
  domains: [{ name: 'example.com', unifiedCommunications: true }],
  zones: [uc],
  trustLists: [{ id: 'trust', authorities: ['ca'], appliesTo: ['core', 'edge'] }],
} satisfies TopologyInput;

const PUBLIC_PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const publicAuthority = { id: 'public', certificates: [PUBLIC_PEM], publiclyTrusted: true };
const cucm = {
  kind: 'unified-cm' as const,
  id: 'cucm',
  clusters: ['core'],
  nodes: ['cucm1.example.com'],
  tomcatTrust: ['ca'],
  callManagerTrust: ['ca'],
};

/** The findings of one rule: severity, place and value. */
function found(code: string, change: Partial<TopologyInput>, at = now): [string, string, string][] {
  return findings(parseTopology({ ...healthy, ...change }, 'test'), at)
    .filter((finding) => finding.code === code)
    .map(({ severity, at: place, value }) => [severity, place, value]);
}

const withCore = (change: object) => ({ clusters: [{ ...core, ...change }, edge] });
const withEdge = (change: object) => ({ clusters: [core, { ...edge, ...change }] });
const withBoth = (change: object) => ({
  clusters: [
    { ...core, ...change },
    { ...edge, ...change },
  ],
});

it('has nothing to say about a healthy collaboration edge, on any release that has all of it', () => {
  for (const { name } of releases.slice(1)) {
    const all = findings(parseTopology({ ...healthy, ...withBoth({ release: name }) }, 'test'), now);
    expect(all.map(({ code }) => [name, code])).toEqual([]);
  }
});

interface Case {
  readonly code: string;
  readonly says: string;
  readonly accepts: Partial<TopologyInput>;
  readonly refuses: Partial<TopologyInput>;
  readonly finding: [severity: string, at: string, value: string][];
  readonly at?: Date;
}

const old = { release: 'X8.1' };
const cases: Case[] = [
  {
    code: 'NAME_WILDCARD',
    says: 'requirement 15: no wildcard certificates (D18)',
    accepts: withCore({ chatNodeAliases: ['chat1.example.com'] }),
    refuses: withCore({ chatNodeAliases: ['*.example.com'], peers: [peer('expc1')] }),
    finding: [
      ['error', 'core/expc1/server', '*.example.com'],
      ['error', 'edge/expe1/server', '*.example.com'],
      ['error', 'edge/expe2/server', '*.example.com'],
    ],
  },
  {
    code: 'KEY_8192',
    says: 'requirement 41: keys of 4096 bits and not of 8192 (D29)',
    accepts: withCore({ key: 'rsa-4096' }),
    refuses: withCore({ key: 'rsa-8192' }),
    finding: [['error', 'cluster core', 'rsa-8192']],
  },
  {
    code: 'KEY_8192',
    says: 'requirement 41: the key of a client certificate too',
    accepts: withCore({ clientCertificate: { issuer: 'ca', key: 'rsa-4096' } }),
    refuses: withCore({ clientCertificate: { issuer: 'ca', key: 'rsa-8192' } }),
    finding: [['error', 'cluster core', 'rsa-8192']],
  },
  {
    code: 'KEY_ECDSA_EARLY',
    says: 'ECDSA is documented from X14.3',
    accepts: withCore({ key: 'ec-p256', release: 'X14.3' }),
    refuses: withCore({ key: 'ec-p256', release: 'X14.2' }),
    finding: [['warning', 'cluster core', 'ec-p256']],
  },
  {
    code: 'SELF_SIGNED',
    says: 'requirements 30 and 78: an authority, not self-signed certificates',
    accepts: {},
    refuses: withCore({ issuer: undefined }),
    finding: [['error', 'cluster core', 'no issuer']],
  },
  {
    code: 'CLUSTER_NAME_MISSING',
    says: 'requirements 12 and 14: the name of the cluster in every certificate (D13)',
    accepts: { ...withCore({ clusterName: undefined, peers: [peer('expc1')] }) },
    refuses: { ...withCore({ clusterName: undefined }) },
    finding: [['error', 'cluster core', '2 peers']],
  },
  {
    code: 'SUBJECT_NAME_OF_ONE_PEER',
    says: 'requirement 61: TLS verify subject name is that of the cluster (D13)',
    accepts: { zones: [{ ...uc, tlsVerifySubjectName: 'expc.example.com' }] },
    refuses: { zones: [{ ...uc, tlsVerifySubjectName: 'expc1.example.com' }] },
    finding: [['error', 'zone uc', 'expc1.example.com']],
  },
  {
    code: 'PEER_ADDRESS_IP',
    says: 'requirement 62: FQDNs as Peer address, not IP addresses (D12)',
    accepts: { zones: [{ ...uc, peerAddresses: ['expe1.example.com'] }] },
    refuses: { zones: [{ ...uc, peerAddresses: ['192.0.2.1', '2001:db8::1'] }] },
    finding: [
      ['error', 'zone uc', '192.0.2.1'],
      ['error', 'zone uc', '2001:db8::1'],
    ],
  },
  {
    code: 'UC_TLS_VERIFY_OFF',
    says: 'requirements 23 and 25: unified communications with TLS verify mode',
    accepts: { zones: [{ ...uc, unifiedCommunications: false, tlsVerify: false }] },
    refuses: { zones: [{ ...uc, tlsVerify: false }] },
    finding: [['error', 'zone uc', 'tlsVerify: false']],
  },
  {
    code: 'UC_DOMAIN_MISSING',
    says: 'requirements 25 and 27a: the domains of mobile and remote access (D19)',
    accepts: { domains: [{ name: 'example.com', unifiedCommunications: true }] },
    refuses: { domains: [{ name: 'example.com' }] },
    finding: [['warning', 'zone uc', 'no domain']],
  },
  {
    code: 'CHAT_ALIASES_DIFFER',
    says: 'requirements 26a and 27b: the same chat node aliases on both sides (D21)',
    accepts: {
      clusters: [
        { ...core, chatNodeAliases: ['chat1.example.com', 'chat2.example.com'] },
        { ...edge, chatNodeAliases: ['chat1.example.com'] },
      ],
    },
    refuses: {
      clusters: [
        { ...core, chatNodeAliases: ['chat1.example.com'] },
        { ...edge, chatNodeAliases: ['chat2.example.com'] },
      ],
    },
    finding: [['error', 'zone uc', 'chat2.example.com']],
  },
  {
    code: 'PHONE_PROFILE_NAME',
    says: 'requirement 26b: phone security profiles in FQDN format (D20), which X12.6 insists on',
    accepts: withCore({
      phoneSecurityProfiles: ['Secure.Phones.example.com', { name: 'Secure Profile', oauth: true }],
    }),
    refuses: withCore({ phoneSecurityProfiles: ['SecureProfile', 'secure.phones.1'] }),
    finding: [
      ['error', 'cluster core', 'SecureProfile'],
      ['error', 'cluster core', 'secure.phones.1'],
    ],
  },
  {
    code: 'PHONE_PROFILE_NAME',
    says: 'requirement 26b: X8.1 can only leave such a name out',
    accepts: withBoth({ ...old, phoneSecurityProfiles: ['secure.phones.example.com'] }),
    refuses: {
      clusters: [
        { ...core, ...old, phoneSecurityProfiles: ['SecureProfile'] },
        { ...edge, ...old },
      ],
    },
    finding: [['warning', 'cluster core', 'SecureProfile']],
  },
  {
    code: 'NAMES_TOO_LONG',
    says: 'X8.5.2 to X8.9 drop names beyond character 999 (D31)',
    accepts: { ...withEdge({ release: 'X8.7' }), domains: domainsOf(28) },
    refuses: { ...withEdge({ release: 'X8.7', peers: [peer('expe1')] }), domains: domainsOf(29) },
    finding: [['error', 'edge/expe1/server', 'd029.conference.example.com']],
  },
  {
    code: 'NAMES_TOO_LONG',
    says: 'X8.10 reads them all, and so does X8.5',
    accepts: { ...withEdge({ release: 'X8.10' }), domains: domainsOf(40) },
    refuses: { ...withEdge({ release: 'X8.9.2', peers: [peer('expe1')] }), domains: domainsOf(30) },
    finding: [['error', 'edge/expe1/server', 'd029.conference.example.com, d030.conference.example.com']],
  },
  {
    code: 'CERTIFICATE_SHARED',
    says: 'requirements 13 and 35: a shared certificate is not recommended from X14.0',
    accepts: withCore({ certificateModel: 'shared', peers: [peer('expc1')] }),
    refuses: withCore({ certificateModel: 'shared' }),
    finding: [['warning', 'cluster core', 'shared']],
  },
  {
    code: 'CERTIFICATE_SHARED',
    says: 'requirement 13: X8.1 no longer lists it; X7.2 did',
    accepts: {
      zones: [],
      clusters: [{ ...core, product: 'vcs-control', release: 'X7.2', certificateModel: 'shared' }, edge],
    },
    refuses: withBoth({ ...old, certificateModel: 'shared' }),
    finding: [
      ['advice', 'cluster core', 'shared'],
      ['advice', 'cluster edge', 'shared'],
    ],
  },
  {
    code: 'REQUEST_SHARED',
    says: 'requirements 32 and 35: a request is for one peer (D01)',
    accepts: withCore({ peers: [{ ...peer('expc1'), request: requestPem() }, peer('expc2')] }),
    refuses: withCore({
      certificateModel: 'shared',
      peers: [{ ...peer('expc1'), request: requestPem() }, peer('expc2')],
    }),
    finding: [['error', 'cluster core', 'expc1']],
  },
  {
    code: 'TRUST_LIST_INCOMPLETE',
    says: 'requirements 42 and 49: the whole chain on the own trust list (D08)',
    accepts: {
      authorities: [
        { id: 'root', subject: { commonName: 'Example Root' } },
        { id: 'ca', issuer: 'root', subject: { commonName: 'Example CA' } },
      ],
      trustLists: [{ id: 'trust', authorities: ['root', 'ca'], appliesTo: ['core', 'edge'] }],
    },
    refuses: {
      authorities: [
        { id: 'root', subject: { commonName: 'Example Root' } },
        { id: 'ca', issuer: 'root', subject: { commonName: 'Example CA' } },
      ],
      trustLists: [{ id: 'trust', authorities: ['ca'], appliesTo: ['core', 'edge'] }],
    },
    finding: [
      ['error', 'cluster core', 'root'],
      ['error', 'cluster edge', 'root'],
    ],
  },
  {
    code: 'RELEASE_TOO_OLD',
    says: 'requirement 1: the Expressway products begin with X8.1',
    accepts: { zones: [], clusters: [{ ...core, product: 'vcs-control', release: 'X7.2' }, edge] },
    refuses: { zones: [], clusters: [{ ...core, release: 'X7.2' }, edge] },
    finding: [['error', 'cluster core', 'X7.2']],
  },
  {
    code: 'RELEASE_TOO_OLD',
    says: 'requirement 25: unified communications begin with X8.1',
    accepts: {
      clusters: [
        { ...core, product: 'vcs-control', ...old },
        { ...edge, product: 'vcs-expressway', ...old },
      ],
    },
    refuses: {
      clusters: [
        { ...core, product: 'vcs-control', release: 'X7.2' },
        { ...edge, product: 'vcs-expressway', ...old },
      ],
    },
    finding: [['error', 'cluster core', 'X7.2']],
  },
  {
    code: 'RELEASE_TOO_OLD',
    says: 'TLS among the peers of a cluster begins with X8.8, the client store with X15.5, ACME with X12.5',
    accepts: withCore({ clusterTls: 'enforce', clientCertificate: { issuer: 'ca' } }),
    refuses: withCore({ release: 'X8.7', clusterTls: 'enforce', clientCertificate: { issuer: 'ca' }, acme: true }),
    finding: [
      ['error', 'cluster core', 'X8.7'],
      ['error', 'cluster core', 'X8.7'],
      ['error', 'cluster core', 'X8.7'],
    ],
  },
  {
    code: 'RELEASE_TOO_OLD',
    says: 'ExtendedKeyUsage Checking Mode begins with X15.5, EnableServerEkuUpload with X15.4',
    accepts: withEdge({ clientAuthChecking: false, serverAuthOnlyUpload: true }),
    refuses: withEdge({ release: 'X15.3', clientAuthChecking: false, serverAuthOnlyUpload: true }),
    finding: [
      ['error', 'cluster edge', 'X15.3'],
      ['error', 'cluster edge', 'X15.3'],
    ],
  },
  {
    code: 'PRODUCT_LACKS',
    says: 'requirement 26b: phone security profiles are in certificates of -C; ACME is on -E alone',
    accepts: {
      clusters: [
        { ...core, phoneSecurityProfiles: ['secure.phones.example.com'] },
        { ...edge, acme: true },
      ],
    },
    refuses: {
      clusters: [
        { ...core, acme: true, serverAuthOnlyUpload: true },
        { ...edge, phoneSecurityProfiles: ['secure.phones.example.com'] },
      ],
    },
    finding: [
      ['error', 'cluster core', 'expressway-c'],
      ['error', 'cluster core', 'expressway-c'],
      ['error', 'cluster edge', 'expressway-e'],
    ],
  },
  {
    code: 'PRODUCT_LACKS',
    says: 'requirement 25: Unified CM is behind -C, and clients of mobile and remote access come in through -E',
    accepts: {
      systems: [cucm],
      clients: [{ id: 'jabber', kind: 'mobile-and-remote-access', clusters: ['edge'] }],
    },
    refuses: {
      systems: [{ ...cucm, clusters: ['edge'] }],
      clients: [{ id: 'jabber', kind: 'mobile-and-remote-access', clusters: ['core'] }],
    },
    finding: [
      ['error', 'cluster core', 'expressway-c'],
      ['error', 'cluster edge', 'expressway-e'],
    ],
  },
  {
    code: 'TRAVERSAL_ENDS',
    says: 'requirement 61: Expressway-E is the traversal server',
    accepts: { zones: [uc] },
    refuses: { zones: [{ ...uc, client: 'edge', server: 'core' }] },
    finding: [['error', 'zone uc', 'server core']],
  },
  {
    code: 'TRAVERSAL_ENDS',
    says: 'requirement 25: unified communications come from -C; from one -E to another there is traversal without them',
    accepts: {
      clusters: [{ ...core, product: 'expressway-e' }, edge],
      zones: [{ ...uc, unifiedCommunications: false }],
    },
    refuses: { clusters: [{ ...core, product: 'expressway-e' }, edge] },
    finding: [['error', 'zone uc', 'client core']],
  },
  {
    code: 'UC_DOMAIN_UNUSED',
    says: 'requirement 27a: the domains are in the certificates of the -E that clients meet (D19)',
    accepts: { zones: [], clients: [{ id: 'jabber', kind: 'mobile-and-remote-access', clusters: ['edge'] }] },
    refuses: { zones: [{ ...uc, unifiedCommunications: false }] },
    finding: [['warning', 'domain example.com', 'example.com']],
  },
  {
    code: 'SUBJECT_NAME_OF_ONE_PEER',
    says: 'requirement 13: a shared certificate has the names of all peers, whichever is expected',
    accepts: {
      ...withCore({ certificateModel: 'shared' }),
      zones: [{ ...uc, tlsVerifySubjectName: 'expc1.example.com' }],
    },
    refuses: { zones: [{ ...uc, tlsVerifySubjectName: 'expc2.example.com' }] },
    finding: [['error', 'zone uc', 'expc2.example.com']],
  },
  {
    code: 'CLUSTER_TOO_LARGE',
    says: 'a cluster has at most six peers',
    accepts: withCore({ peers: ['a', 'b', 'c', 'd', 'e', 'f'].map(peer) }),
    refuses: withCore({ peers: ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(peer) }),
    finding: [['error', 'cluster core', '7 peers']],
  },
  {
    code: 'USAGE_MISSING',
    says: 'requirements 6, 20 and 23: the client of mutual TLS needs clientAuth (D14)',
    accepts: withEdge({ usages: ['serverAuth'] }),
    refuses: withCore({ usages: ['serverAuth'], peers: [peer('expc1')] }),
    finding: [['error', 'core/expc1/server', 'serverAuth']],
  },
  {
    code: 'USAGE_MISSING',
    says: '2.3: a client certificate of its own from X15.5 on (success case)',
    accepts: withCore({ usages: ['serverAuth'], clientCertificate: { issuer: 'ca' } }),
    refuses: withEdge({ usages: ['clientAuth'], peers: [peer('expe1')] }),
    finding: [['error', 'edge/expe1/server', 'clientAuth']],
  },
  {
    code: 'USAGE_MISSING',
    says: 'requirement 63: without TLS verify mode serverAuth alone will do',
    accepts: {
      ...withCore({ usages: ['serverAuth'] }),
      zones: [{ ...uc, unifiedCommunications: false, tlsVerify: false }],
    },
    refuses: {
      ...withCore({ usages: ['serverAuth'], peers: [peer('expc1')] }),
      zones: [{ ...uc, unifiedCommunications: false }],
    },
    finding: [['error', 'core/expc1/server', 'serverAuth']],
  },
  {
    code: 'UPLOAD_REFUSED',
    says: 'requirement 20: before X15.4 no server certificate without clientAuth can be loaded with unified communications (D14)',
    accepts: withEdge({ release: 'X15.4', usages: ['serverAuth'], serverAuthOnlyUpload: true }),
    refuses: withEdge({ release: 'X15.3', usages: ['serverAuth'] }),
    finding: [['error', 'cluster edge', 'serverAuth']],
  },
  {
    code: 'UPLOAD_REFUSED',
    says: 'X15.4 accepts it on Expressway-E alone, and after a setting',
    accepts: withCore({ usages: ['serverAuth'] }),
    refuses: {
      clusters: [
        { ...core, release: 'X15.4', usages: ['serverAuth'], serverAuthOnlyUpload: true },
        { ...edge, release: 'X15.4', usages: ['serverAuth'] },
      ],
    },
    finding: [
      ['error', 'cluster core', 'serverAuth'],
      ['error', 'cluster edge', 'serverAuth'],
    ],
  },
  {
    code: 'CLIENT_STORE_REFUSED',
    says: '2.3: the client store takes no certificate without clientAuth',
    accepts: withCore({ clientCertificate: { issuer: 'ca', usages: ['clientAuth'] } }),
    refuses: withCore({ clientCertificate: { issuer: 'ca', usages: ['serverAuth'] } }),
    finding: [['error', 'cluster core', 'serverAuth']],
  },
  {
    code: 'ACME_SCHEDULER',
    says: 'the ACME scheduler ends mutual TLS (D34)',
    accepts: withEdge({ acme: false }),
    refuses: withEdge({ acme: true }),
    finding: [['error', 'cluster edge', 'acme']],
  },
  {
    code: 'PUBLIC_CLIENT_AUTH',
    says: '2.3: public authorities stop issuing clientAuth; serverAuth alone goes on',
    accepts: { externalAuthorities: [publicAuthority], ...withEdge({ issuer: 'public', usages: ['serverAuth'] }) },
    refuses: { externalAuthorities: [publicAuthority], ...withEdge({ issuer: 'public', peers: [peer('expe1')] }) },
    finding: [['warning', 'edge/expe1/server', 'public']],
  },
  {
    code: 'PUBLIC_CLIENT_AUTH',
    says: '2.3: an error once they have stopped; an internal authority is not affected',
    accepts: {
      externalAuthorities: [{ ...publicAuthority, publiclyTrusted: false }],
      ...withEdge({ issuer: 'public' }),
    },
    refuses: { externalAuthorities: [publicAuthority], ...withEdge({ issuer: 'public', peers: [peer('expe1')] }) },
    finding: [['error', 'edge/expe1/server', 'public']],
    at: new Date('2027-03-15T00:00:00Z'),
  },
  {
    code: 'PUBLIC_LIFETIME',
    says: '2.4: 200 days from 15 March 2026',
    accepts: { externalAuthorities: [publicAuthority], ...withEdge({ issuer: 'public', lifetimeDays: 200 }) },
    refuses: {
      externalAuthorities: [publicAuthority],
      ...withEdge({ issuer: 'public', lifetimeDays: 201, peers: [peer('expe1')] }),
    },
    finding: [['warning', 'edge/expe1/server', '201 days']],
  },
  {
    code: 'PUBLIC_LIFETIME',
    says: '2.4: 47 days from 15 March 2029',
    accepts: { externalAuthorities: [publicAuthority], ...withEdge({ issuer: 'public', lifetimeDays: 47 }) },
    refuses: {
      externalAuthorities: [publicAuthority],
      ...withEdge({ issuer: 'public', lifetimeDays: 48, peers: [peer('expe1')] }),
    },
    finding: [['warning', 'edge/expe1/server', '48 days']],
    at: new Date('2029-03-15T00:00:00Z'),
  },
  {
    code: 'PRIVATE_CA_ON_EDGE',
    says: 'requirement 8: phones with a fixed trust list need a public certificate on Expressway-E',
    accepts: {
      externalAuthorities: [publicAuthority],
      ...withEdge({ issuer: 'public', usages: ['serverAuth'], lifetimeDays: 199 }),
      clients: [{ id: 'phones', kind: 'mobile-and-remote-access', clusters: ['edge'], fixedTrust: true }],
    },
    refuses: {
      clients: [
        { id: 'phones', kind: 'mobile-and-remote-access', clusters: ['edge'], fixedTrust: true },
        { id: 'jabber', kind: 'mobile-and-remote-access', clusters: ['edge'] },
      ],
    },
    finding: [['error', 'cluster edge', 'ca']],
  },
  {
    code: 'EXPIRY_AFTER_2049',
    says: 'certificates end by 2049 (D32)',
    accepts: { authorities: [{ id: 'ca', subject: { commonName: 'Example CA' }, lifetimeDays: 8440 }] },
    refuses: { authorities: [{ id: 'ca', subject: { commonName: 'Example CA' }, lifetimeDays: 8442 }] },
    finding: [['warning', 'authority ca', '8442 days']],
  },
  {
    code: 'AUTHORITY_SHORT',
    says: 'requirement 72: an authority of 30 days, as openssl makes it unless told',
    accepts: { authorities: [{ id: 'ca', subject: { commonName: 'Example CA' }, lifetimeDays: 3650 }] },
    refuses: { authorities: [{ id: 'ca', subject: { commonName: 'Example CA' }, lifetimeDays: 30 }] },
    finding: [['error', 'authority ca', '30 days']],
  },
  {
    code: 'UNIFIED_CM_TRUST',
    says: '2.1: the chain of -C in tomcat-trust and CallManager-trust (D25)',
    accepts: { systems: [cucm] },
    refuses: { systems: [{ ...cucm, tomcatTrust: [] }] },
    finding: [['error', 'system cucm', 'ca']],
  },
  {
    code: 'UNIFIED_CM_TRUST',
    says: '2.1: before X14.0.2 for secure SIP alone',
    accepts: {
      ...withCore({ release: 'X14.0' }),
      systems: [{ ...cucm, secureSip: false, tomcatTrust: [], callManagerTrust: [] }],
    },
    refuses: { ...withCore({ release: 'X14.0' }), systems: [{ ...cucm, tomcatTrust: [], callManagerTrust: [] }] },
    finding: [['error', 'system cucm', 'ca']],
  },
  {
    code: 'UNIFIED_CM_NAME',
    says: 'requirement 62: Unified CM by FQDN (D25)',
    accepts: { systems: [cucm] },
    refuses: { systems: [{ ...cucm, nodes: ['192.0.2.10', 'cucm2', 'cucm1.example.com'] }] },
    finding: [
      ['error', 'system cucm', '192.0.2.10'],
      ['error', 'system cucm', 'cucm2'],
    ],
  },
  {
    code: 'UNIFIED_CM_NAME',
    says: 'from X14.0.8 even with TLS verify off',
    accepts: { ...withCore({ release: 'X14.0.7' }), systems: [{ ...cucm, nodes: ['cucm2'], tlsVerify: false }] },
    refuses: { ...withCore({ release: 'X14.0.8' }), systems: [{ ...cucm, nodes: ['cucm2'], tlsVerify: false }] },
    finding: [['error', 'system cucm', 'cucm2']],
  },
  {
    code: 'CRL_UPDATE_TIME',
    says: 'requirement 57: peers fetch at least an hour after signing',
    accepts: withCore({ crlUpdateTimeUtc: '03:00' }),
    refuses: withCore({ crlUpdateTimeUtc: '02:30' }),
    finding: [['warning', 'cluster core', '02:30']],
  },
  {
    code: 'CRL_CHANNEL',
    says: 'requirement 54: a policy server reads manual lists alone, LDAP those in the CA file (D17)',
    accepts: {
      systems: [
        {
          kind: 'policy-server',
          id: 'policy',
          clusters: ['core'],
          address: 'policy.example.com',
          revocationChecking: true,
        },
        { kind: 'ldap', id: 'ldap', clusters: ['core'], address: 'ldap.example.com', revocationChecking: 'all' },
      ],
    },
    refuses: {
      ...withCore({ crlChannels: ['automatic'] }),
      authorities: [
        { id: 'ca', subject: { commonName: 'Example CA' }, crl: { baseUrl: 'http://pki.example.com/crl/' } },
      ],
      systems: [
        {
          kind: 'policy-server',
          id: 'policy',
          clusters: ['core'],
          address: 'policy.example.com',
          revocationChecking: true,
        },
        { kind: 'ldap', id: 'ldap', clusters: ['core'], address: 'ldap.example.com', revocationChecking: 'all' },
      ],
    },
    finding: [
      ['error', 'cluster core', 'policy'],
      ['error', 'cluster core', 'ldap'],
    ],
  },
  {
    code: 'CRL_CHANNEL',
    says: 'requirement 53: SIP reads downloaded and manual lists',
    accepts: withCore({ crlChannels: [], revocationChecking: false }),
    refuses: withCore({ crlChannels: ['embedded'] }),
    finding: [['error', 'cluster core', 'uc']],
  },
  {
    code: 'CRL_ADDRESS_MISSING',
    says: 'requirements 55 and 56: automatic updates need an address (D16)',
    accepts: {
      ...withCore({ crlChannels: ['automatic'] }),
      authorities: [
        { id: 'ca', subject: { commonName: 'Example CA' }, crl: { baseUrl: 'http://pki.example.com/crl/' } },
      ],
    },
    refuses: withCore({ crlChannels: ['automatic'] }),
    finding: [['warning', 'authority ca', 'Example CA']],
  },
  {
    code: 'CRL_ADDRESS_MISSING',
    says: 'requirement 55: of the authorities that a cluster meets, and of no others',
    accepts: {
      ...withCore({ crlChannels: ['automatic'] }),
      authorities: [
        { id: 'ca', subject: { commonName: 'Example CA' }, crl: { baseUrl: 'http://pki.example.com/crl/' } },
        { id: 'other', subject: { commonName: 'Other CA' } },
      ],
    },
    refuses: {
      ...withCore({ crlChannels: ['automatic'] }),
      authorities: [
        { id: 'ca', subject: { commonName: 'Example CA' }, crl: { baseUrl: 'http://pki.example.com/crl/' } },
        { id: 'other', subject: { commonName: 'Other CA' } },
      ],
      trustLists: [{ id: 'trust', authorities: ['ca', 'other'], appliesTo: ['core', 'edge'] }],
    },
    finding: [['warning', 'authority other', 'Other CA']],
  },
  {
    code: 'VCS_FROZEN',
    says: 'VCS gets maintenance alone after X12.5',
    accepts: { clusters: [{ ...core, product: 'vcs-control', release: 'X12.5.9' }, edge] },
    refuses: { clusters: [{ ...core, product: 'vcs-control', release: 'X14.0' }, edge] },
    finding: [['advice', 'cluster core', 'vcs-control X14.0']],
  },
];

describe.each(cases)('$code: $says', ({ code, accepts, refuses, finding, at }) => {
  it('accepts', () => expect(found(code, accepts, at)).toEqual([]));
  it('refuses', () => expect(found(code, refuses, at)).toEqual(finding));
});

describe('every rule', () => {
  it('has its own code, a case above, and says what it is about', () => {
    expect(new Set(rules.map(({ code }) => code)).size).toBe(rules.length);
    expect(rules.map(({ code }) => code).filter((code) => !cases.some((one) => one.code === code))).toEqual([]);
    for (const { title, releases: about, holds } of rules) {
      expect(title).toMatch(/^[A-Z].*\.$/);
      expect(about).not.toBe('');
      for (const requirement of holds) expect(requirement >= 1 && requirement <= 90).toBe(true);
    }
  });
});

describe('suppressions', () => {
  const shared = withBoth({ certificateModel: 'shared' });

  it('mark findings and say why, where they name the place there alone', () => {
    const suppressions = [{ code: 'CERTIFICATE_SHARED', at: 'cluster core', reason: 'lab' }];
    const marked = findings(parseTopology({ ...healthy, ...shared, suppressions }, 'test'), now);
    expect(marked.map(({ at, suppressed }) => [at, suppressed])).toEqual([
      ['cluster core', 'lab'],
      ['cluster edge', undefined],
    ]);
  });

  it.each([
    ['an unknown code', 'CERTIFICATE_SHARDE', 'there is no rule CERTIFICATE_SHARDE', /use one of .*CERTIFICATE_SHARED/],
    [
      'I8: what the appliance refuses',
      'NAME_WILDCARD',
      "NAME_WILDCARD at core/expc1/server can't be accepted",
      /mend what the rule says/,
    ],
  ])('refuse %s', (_, code, message, fix) => {
    const wildcard = withCore({ chatNodeAliases: ['*.example.com'] });
    const topology = parseTopology({ ...healthy, ...wildcard, suppressions: [{ code, reason: 'because' }] }, 'test');
    expect(() => findings(topology, now)).toThrow(
      expect.objectContaining({
        code: 'SUPPRESSION_REFUSED',
        value: code,
        message: expect.stringContaining(message),
        fix: expect.stringMatching(fix),
      }),
    );
  });

  it('accept a warning of a rule whose errors the appliance refuses: X7.2 is not known to refuse wildcards', () => {
    const change = {
      clusters: [{ ...core, product: 'vcs-control' as const, release: 'X7.2', chatNodeAliases: ['*.example.com'] }],
      domains: [],
      zones: [],
      trustLists: [],
    };
    const suppressions = [{ code: 'NAME_WILDCARD', reason: 'lab' }];
    const marked = findings(parseTopology({ ...healthy, ...change, suppressions }, 'test'), now);
    expect(marked.filter(({ code }) => code === 'NAME_WILDCARD').map(({ suppressed }) => suppressed)).toEqual([
      'lab',
      'lab',
    ]);
  });

  it('need a reason', () => {
    const suppressions = [{ code: 'CERTIFICATE_SHARED', reason: '' }];
    expect(() => parseTopology({ ...healthy, suppressions }, 'test')).toThrow(/must say why/);
  });
});

/** `DNS:expe1.example.com, DNS:expe.example.com` has 43 characters, each of these 33: 28 of them make 967, 29 make 1000. */
function domainsOf(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    name: `d${String(index + 1).padStart(3, '0')}.conference.example.com`,
    unifiedCommunications: true,
  }));
}

function requestPem(): string {
  return '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n';
}

import { describe, expect, it } from 'vitest';
import { findings } from './findings.ts';
import type { TopologyInput } from './schema.ts';
import { parseTopology } from './topology.ts';

const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });
const core = {
  id: 'core',
  product: 'expressway-c' as const,
  release: 'X8.1' as const,
  issuer: 'ca',
  clusterName: 'expc.example.com',
  peers: [peer('expc1')],
};
const edge = {
  ...core,
  id: 'edge',
  product: 'expressway-e' as const,
  clusterName: 'expe.example.com',
  peers: [peer('expe1')],
};
const uc = { kind: 'traversal' as const, id: 'uc', client: 'core', server: 'edge', unifiedCommunications: true };
const healthy = {
  name: 'test',
  authorities: [{ id: 'ca', subject: { commonName: 'Example CA' } }],
  clusters: [core, edge],
  domains: [{ name: 'example.com', unifiedCommunications: true }],
  zones: [uc],
  trustLists: [{ id: 'trust', authorities: ['ca'], appliesTo: ['core', 'edge'] }],
};

function found(input: TopologyInput) {
  return findings(parseTopology(input, 'test'), new Date('2026-11-21T12:00:00Z')).map(
    ({ code, severity, at, value }) => ({ code, severity, at, value }),
  );
}

it('has nothing to say about a healthy collaboration edge', () => expect(found(healthy)).toEqual([]));

describe('requirement 15: no wildcard certificates', () => {
  it('refuses *.example.com for an X8.1 cluster', () => {
    expect(found({ ...healthy, clusters: [{ ...core, chatNodeAliases: ['*.example.com'] }, edge] })).toContainEqual({
      code: 'NAME_WILDCARD',
      severity: 'error',
      at: 'core/expc1/server',
      value: '*.example.com',
    });
  });

  it('only warns on X7.2, where the guide says nothing', () => {
    const clusters = [
      { ...core, product: 'vcs-control' as const, release: 'X7.2' as const, chatNodeAliases: ['*.example.com'] },
      { ...edge, product: 'vcs-expressway' as const, release: 'X8.1' as const },
    ];
    expect(found({ ...healthy, clusters })).toContainEqual(
      expect.objectContaining({ code: 'NAME_WILDCARD', severity: 'warning' }),
    );
  });
});

describe('requirement 41: keys of 8192 bits', () => {
  it('refuses them', () => {
    expect(found({ ...healthy, clusters: [{ ...core, key: 'rsa-8192' }, edge] })).toContainEqual({
      code: 'KEY_8192',
      severity: 'error',
      at: 'cluster core',
      value: 'rsa-8192',
    });
  });
  it('accepts 4096', () => expect(found({ ...healthy, clusters: [{ ...core, key: 'rsa-4096' }, edge] })).toEqual([]));
});

describe('requirement 30: self-signed certificates', () => {
  it('refuses a cluster without an issuer', () => {
    const { issuer: _, ...selfSigned } = core;
    expect(found({ ...healthy, clusters: [selfSigned, edge] })).toContainEqual({
      code: 'SELF_SIGNED',
      severity: 'error',
      at: 'cluster core',
      value: 'no issuer',
    });
  });
});

describe('requirement 62: IP addresses as peer addresses', () => {
  it.each(['192.0.2.1', '2001:db8::1'])('refuses %s with TLS verify on', (address) => {
    expect(found({ ...healthy, zones: [{ ...uc, peerAddresses: [address] }] })).toContainEqual({
      code: 'PEER_ADDRESS_IP',
      severity: 'error',
      at: 'zone uc',
      value: address,
    });
  });
  it('accepts them with TLS verify off', () => {
    expect(
      found({
        ...healthy,
        domains: [],
        zones: [{ ...uc, unifiedCommunications: false, tlsVerify: false, peerAddresses: ['192.0.2.1'] }],
      }),
    ).toEqual([]);
  });
});

describe('requirements 42 and 49: the whole chain on the own trust list', () => {
  it('refuses a list without the root', () => {
    const authorities = [
      { id: 'root', subject: { commonName: 'Root' } },
      { id: 'ca', issuer: 'root', subject: { commonName: 'Example CA' } },
    ];
    expect(found({ ...healthy, authorities })).toContainEqual({
      code: 'TRUST_LIST_INCOMPLETE',
      severity: 'error',
      at: 'cluster core',
      value: 'root',
    });
  });
});

describe('requirements 1 and 25: what begins with X8.1', () => {
  it('refuses an Expressway-C of X7.2, and unified communications on it', () => {
    const old = found({ ...healthy, clusters: [{ ...core, release: 'X7.2' }, edge] });
    expect(old.filter(({ code }) => code === 'RELEASE_TOO_OLD')).toHaveLength(2);
  });
});

describe('requirement 57: the two clocks of a day', () => {
  it('warns when peers fetch within the hour in which the list is signed', () => {
    const clusters = [{ ...core, crlUpdateTimeUtc: '02:30' }, edge];
    expect(found({ ...healthy, clusters })).toEqual([
      { code: 'CRL_UPDATE_TIME', severity: 'warning', at: 'cluster core', value: '02:30' },
    ]);
  });
  it('looks across midnight', () => {
    const authorities = [{ id: 'ca', subject: { commonName: 'Example CA' }, crl: { dailyUpdateUtc: '23:30' } }];
    const clusters = [
      { ...core, crlUpdateTimeUtc: '00:15' },
      { ...edge, crlUpdateTimeUtc: '00:30' },
    ];
    expect(found({ ...healthy, authorities, clusters }).map(({ at }) => at)).toEqual(['cluster core']);
  });
});

describe('requirement 35: a request is for one peer', () => {
  const request = '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n';
  const peers = [{ ...peer('expc1'), request }, peer('expc2')];

  it('refuses it for a certificate that peers share', () => {
    expect(found({ ...healthy, clusters: [{ ...core, certificateModel: 'shared', peers }, edge] })).toEqual([
      { code: 'REQUEST_SHARED', severity: 'error', at: 'cluster core', value: 'expc1' },
      { code: 'CERTIFICATE_SHARED', severity: 'advice', at: 'cluster core', value: 'shared' },
    ]);
  });
  it('accepts it for a certificate per peer', () => {
    expect(found({ ...healthy, clusters: [{ ...core, peers }, edge] })).toEqual([]);
  });
});

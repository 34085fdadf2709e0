import { describe, expect, it } from 'vitest';
import { demands, renewBeforeDaysOf } from './demands.ts';
import type { TopologyInput } from './schema.ts';
import { parseTopology } from './topology.ts';

const authority = { id: 'ca', subject: { commonName: 'Example CA' } };
const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });
const core = {
  id: 'core',
  product: 'expressway-c' as const,
  release: 'X8.1' as const,
  issuer: 'ca',
  clusterName: 'expc.example.com',
  peers: [peer('expc1'), peer('expc2')],
};
const edge = {
  ...core,
  id: 'edge',
  product: 'expressway-e' as const,
  clusterName: 'expe.example.com',
  peers: [peer('expe1')],
};
const uc = { kind: 'traversal' as const, id: 'uc', client: 'core', server: 'edge', unifiedCommunications: true };

function namesOf(input: Omit<TopologyInput, 'name'>): Record<string, { cn: string; names: readonly string[] }> {
  const topology = parseTopology({ name: 'test', authorities: [authority], ...input }, 'test');
  return Object.fromEntries(demands(topology).map(({ id, subject, names }) => [id, { cn: subject.commonName, names }]));
}

describe('names per deployment model', () => {
  it('requirement 11: a single appliance is named by its FQDN', () => {
    expect(namesOf({ clusters: [{ ...core, clusterName: undefined, peers: [peer('vcs')] }] })).toEqual({
      'core/vcs/server': { cn: 'vcs.example.com', names: ['vcs.example.com'] },
    });
  });

  it('requirements 12 and 14: a certificate per peer carries the peer, then the cluster', () => {
    expect(namesOf({ clusters: [core] })).toEqual({
      'core/expc1/server': { cn: 'expc1.example.com', names: ['expc1.example.com', 'expc.example.com'] },
      'core/expc2/server': { cn: 'expc2.example.com', names: ['expc2.example.com', 'expc.example.com'] },
    });
  });

  it('requirement 13: a shared certificate carries the cluster, then every peer', () => {
    expect(namesOf({ clusters: [{ ...core, certificateModel: 'shared' }] })).toEqual({
      'core/cluster/server': {
        cn: 'expc.example.com',
        names: ['expc.example.com', 'expc1.example.com', 'expc2.example.com'],
      },
    });
  });

  it('requirement 16: the FQDN of a peer is its host name and its domain', () => {
    const named = namesOf({
      clusters: [{ ...core, peers: [{ id: 'a', hostName: 'expc1', domain: 'emea.example.com' }] }],
    });
    expect(named['core/a/server']?.cn).toBe('expc1.emea.example.com');
  });
});

describe('names for unified communications', () => {
  const inside = {
    ...core,
    chatNodeAliases: ['chat1.example.com'],
    phoneSecurityProfiles: ['secure.phones.example.com'],
  };
  const domains = [
    { name: 'example.com', unifiedCommunications: true },
    { name: 'presence.example.com', presence: true },
    { name: 'other.example.com' },
  ];

  it('requirement 26: chat node aliases and phone security profiles on the Expressway-C', () => {
    expect(namesOf({ clusters: [inside, edge], zones: [uc], domains })['core/expc1/server']?.names).toEqual([
      'expc1.example.com',
      'expc.example.com',
      'chat1.example.com',
      'secure.phones.example.com',
    ]);
  });

  it('requirement 27: UC and presence domains, and the same chat node aliases, on the Expressway-E', () => {
    expect(namesOf({ clusters: [inside, edge], zones: [uc], domains })['edge/expe1/server']?.names).toEqual([
      'expe1.example.com',
      'expe.example.com',
      'example.com',
      'presence.example.com',
      'chat1.example.com',
    ]);
  });

  it('requirement 26: its own names on the Expressway-C whatever is declared of the other end, profiles in small letters', () => {
    const profiles = { ...inside, phoneSecurityProfiles: ['Secure.Phones.example.com'] };
    expect(namesOf({ clusters: [profiles] })['core/expc1/server']?.names).toEqual([
      'expc1.example.com',
      'expc.example.com',
      'chat1.example.com',
      'secure.phones.example.com',
    ]);
  });

  it('requirement 27: the domains where clients come in, though the zone behind is not declared', () => {
    const clients = [{ id: 'jabber', kind: 'mobile-and-remote-access' as const, clusters: ['edge'] }];
    expect(namesOf({ clusters: [edge], domains, clients })['edge/expe1/server']?.names).toEqual([
      'expe1.example.com',
      'expe.example.com',
      'example.com',
      'presence.example.com',
    ]);
  });

  it('requirement 27a: with DNS-SEC the domain need not be in certificates', () => {
    const secured = [{ name: 'example.com', unifiedCommunications: true, dnsSec: true }, ...domains.slice(1)];
    expect(namesOf({ clusters: [inside, edge], zones: [uc], domains: secured })['edge/expe1/server']?.names).toEqual([
      'expe1.example.com',
      'expe.example.com',
      'presence.example.com',
      'chat1.example.com',
    ]);
  });

  it('adds no domains where neither clients nor a unified communications zone lead', () => {
    const zones = [{ ...uc, unifiedCommunications: false }];
    expect(namesOf({ clusters: [inside, edge], zones, domains })['edge/expe1/server']?.names).toEqual([
      'expe1.example.com',
      'expe.example.com',
    ]);
  });

  it('names each only once', () => {
    const twice = { ...edge, chatNodeAliases: ['chat1.example.com', 'example.com'] };
    const { names = [] } = namesOf({ clusters: [inside, twice], zones: [uc], domains })['edge/expe1/server'] ?? {};
    expect([...new Set(names)]).toEqual(names);
  });
});

describe('usages and keys', () => {
  const topology = parseTopology({ name: 'test', authorities: [authority], clusters: [core] }, 'test');

  it('requirements 6, 20 and 23: every certificate is for server and client', () => {
    for (const { usages } of demands(topology)) expect(usages).toEqual(['serverAuth', 'clientAuth']);
  });

  it('requirement 32: with a request of the appliance, no key is generated', () => {
    const request = '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n';
    const clusters = [{ ...core, peers: [{ ...peer('expc1'), request }, peer('expc2')] }];
    const [first, second] = demands(parseTopology({ name: 'test', authorities: [authority], clusters }, 'test'));
    expect(first?.key).toEqual({ request });
    expect(second?.key).toEqual({ type: 'rsa-2048' });
  });

  it('renews at two thirds of the lifetime unless declared otherwise', () => {
    expect(renewBeforeDaysOf({ lifetimeDays: 365, renewBeforeDays: undefined })).toBe(121);
    expect(renewBeforeDaysOf({ lifetimeDays: 365, renewBeforeDays: 0 })).toBe(0);
  });
});

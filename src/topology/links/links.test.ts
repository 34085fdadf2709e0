import { describe, expect, it } from 'vitest';
import { parseTopology } from '../topology.ts';
import { links } from './links.ts';

const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });
const core = {
  id: 'core',
  product: 'expressway-c',
  release: 'X8.1',
  issuer: 'ca',
  clusterName: 'expc.example.com',
  peers: [peer('expc1'), peer('expc2')],
};
const edge = {
  ...core,
  id: 'edge',
  product: 'expressway-e',
  clusterName: 'expe.example.com',
  peers: [peer('expe1'), peer('expe2')],
};
const authorities = [{ id: 'ca', subject: { commonName: 'Example CA' } }];

function linksOf(zone: object, clusters: object[] = [core, edge]) {
  return links(parseTopology({ name: 'test', authorities, clusters, zones: [zone] }, 'test'));
}

describe('requirement 61: a traversal zone', () => {
  const zone = { kind: 'traversal', id: 'uc', client: 'core', server: 'edge' };

  it('connects every peer of the client to every peer of the server', () => {
    expect(linksOf(zone).map(({ id }) => id)).toEqual([
      'uc: core/expc1 -> edge/expe1',
      'uc: core/expc2 -> edge/expe1',
      'uc: core/expc1 -> edge/expe2',
      'uc: core/expc2 -> edge/expe2',
    ]);
  });

  it('has the client check the peer address, and the server the cluster name of the client', () => {
    const [first] = linksOf(zone);
    expect(first?.client.check?.referenceNames).toEqual(['expe1.example.com']);
    expect(first?.server.check?.referenceNames).toEqual(['expc.example.com']);
    expect(first?.client.presents).toBe('core/expc1/server');
  });

  it('expects the FQDN of a single appliance that is no cluster', () => {
    const [first] = linksOf(zone, [{ ...core, clusterName: undefined, peers: [peer('expc1')] }, edge]);
    expect(first?.server.check?.referenceNames).toEqual(['expc1.example.com']);
  });

  it('takes what is declared instead of the defaults', () => {
    const declared = linksOf({
      ...zone,
      peerAddresses: ['expe2.example.com'],
      tlsVerifySubjectName: 'other.example.com',
    });
    expect(declared.map(({ server }) => server.name)).toEqual(['edge/expe2', 'edge/expe2']);
    expect(declared[0]?.server.check?.referenceNames).toEqual(['other.example.com']);
  });

  it('leads to every peer under an address that is no peer of its own', () => {
    const declared = linksOf({ ...zone, peerAddresses: ['expe.example.com'] });
    expect(declared.map(({ server }) => server.fqdn.slice(0, 5)).sort()).toEqual(['expe1', 'expe1', 'expe2', 'expe2']);
  });

  it('checks nothing with TLS verify mode off', () => {
    for (const { client, server } of linksOf({ ...zone, tlsVerify: false })) {
      expect(client.check).toBeUndefined();
      expect(server.check).toBeUndefined();
    }
  });
});

describe('requirement 61: neighbor zones', () => {
  it('dial in both directions, each end accepting any peer of the other', () => {
    const found = linksOf({ kind: 'neighbor', id: 'n', cluster: 'core', neighbor: 'edge' });
    expect(found).toHaveLength(8);
    expect(found[0]?.server.check?.referenceNames).toEqual(['expc1.example.com', 'expc2.example.com']);
    expect(found[4]?.client.holder).toBe('edge');
  });
});

describe('2.3: SSH tunnels of unified communications', () => {
  const zone = { kind: 'traversal', id: 'uc', client: 'core', server: 'edge', unifiedCommunications: true };
  const edgeOn = (change: object) => [core, { ...edge, release: 'X15.5', ...change }];

  it('are links of their own where SIP does not check clientAuth: they still do', () => {
    const found = linksOf(zone, edgeOn({ clientAuthChecking: false })).filter(({ of }) => of === 'uc');
    expect(found.filter(({ kind }) => kind === 'traversal').map(({ server }) => server.check?.usage)).toEqual(
      Array(4).fill(false),
    );
    const tunnels = found.filter(({ kind }) => kind === 'ssh-tunnel');
    expect(tunnels.map(({ server }) => server.check?.usage)).toEqual(Array(4).fill(true));
    expect(
      tunnels.flatMap(({ client, server }) => [client, server].map(({ check }) => check?.revocation.mode)),
    ).toEqual(Array(8).fill('none'));
  });

  it('are none where it does: they could not fail while the zone is up', () => {
    expect(
      new Set(
        linksOf(zone, edgeOn({}))
          .filter(({ of }) => of === 'uc')
          .map(({ kind }) => kind),
      ),
    ).toEqual(new Set(['traversal']));
  });
});

describe('links among the peers of a cluster (X8.8)', () => {
  const zone = { kind: 'neighbor', id: 'n', cluster: 'core', neighbor: 'edge', tlsVerify: false };
  const among = (change: object) =>
    linksOf(zone, [{ ...core, ...change }, edge]).filter(({ kind, of }) => kind === 'cluster' && of === 'core');

  it('go both ways and check nothing in Permissive mode', () => {
    expect(among({ release: 'X8.8' }).map(({ id, client, server }) => [id, client.check, server.check])).toEqual([
      ['cluster core: core/expc1 -> core/expc2', undefined, undefined],
      ['cluster core: core/expc2 -> core/expc1', undefined, undefined],
    ]);
  });

  it('check the FQDN of the other peer in Enforce mode, and clientAuth before X15.4', () => {
    const [first] = among({ release: 'X15.3', clusterTls: 'enforce' });
    expect(first?.client.check).toMatchObject({ referenceNames: ['expc2.example.com'], usage: true });
    expect(first?.server.check).toMatchObject({ referenceNames: ['expc1.example.com'], usage: true });
    expect(among({ release: 'X15.4', clusterTls: 'enforce' })[0]?.server.check?.usage).toBe(false);
  });

  it('do not exist before', () => expect(among({ release: 'X8.7' })).toEqual([]));
});

describe('systems and clients', () => {
  const inside = {
    ...core,
    release: 'X14.2',
    peers: [peer('expc1')],
    phoneSecurityProfiles: ['secure.phones.example.com', { name: 'oauth', oauth: true }],
  };
  const outside = { ...edge, peers: [peer('expe1')] };
  const all = (rest: object) =>
    links(parseTopology({ name: 'test', authorities, clusters: [inside, outside], ...rest }, 'test')).map((link) => ({
      id: link.id,
      client: link.client.check && [link.client.check.referenceNames, link.client.check.revocation],
      server: link.server.check && [link.server.holder, link.server.check.referenceNames],
    }));
  const none = { mode: 'none', channels: [] };

  it('D20, D25: -C verifies the nodes of Unified CM, whose stores verify -C and the names of its phone profiles', () => {
    const cucm = { kind: 'unified-cm', id: 'cucm', clusters: ['core'], nodes: ['cucm1.example.com'] };
    expect(all({ systems: [cucm] })).toEqual([
      {
        id: 'cucm HTTPS: core/expc1 -> cucm1.example.com',
        client: [['cucm1.example.com'], { mode: 'none', channels: ['manual'] }],
        server: ['cucm tomcat-trust', []],
      },
      {
        id: 'cucm SIP: core/expc1 -> cucm1.example.com (profile secure.phones.example.com)',
        client: [['cucm1.example.com'], { mode: 'none', channels: ['manual'] }],
        server: ['cucm CallManager-trust', ['secure.phones.example.com']],
      },
    ]);
  });

  it('requirement 54: a policy server reads manual lists alone, LDAP those inside the CA file', () => {
    const systems = [
      {
        kind: 'policy-server',
        id: 'policy',
        clusters: ['core'],
        address: 'policy.example.com',
        revocationChecking: true,
      },
      { kind: 'ldap', id: 'ldap', clusters: ['core'], address: 'ldap.example.com', revocationChecking: 'peer' },
    ];
    expect(all({ systems })).toEqual([
      {
        id: 'policy: core/expc1 -> policy',
        client: [['policy.example.com'], { mode: 'all', channels: ['manual'] }],
        server: undefined,
      },
      {
        id: 'ldap: core/expc1 -> ldap',
        client: [['ldap.example.com'], { mode: 'peer', channels: ['embedded'] }],
        server: undefined,
      },
    ]);
  });

  it('D19: clients from outside look for the domain or its collab-edge name; with DNS-SEC they need neither', () => {
    const clients = [{ id: 'jabber', kind: 'mobile-and-remote-access', clusters: ['edge'] }];
    const domains = [
      { name: 'example.com', unifiedCommunications: true },
      { name: 'secure.example.com', unifiedCommunications: true, dnsSec: true },
      { name: 'im.example.com', presence: true },
    ];
    expect(all({ clients, domains })).toEqual([
      {
        id: 'jabber: jabber -> edge/expe1 for example.com',
        client: [['example.com', 'collab-edge.example.com'], none],
        server: undefined,
      },
    ]);
  });

  it('RFC 5922: a SIP server and a cluster verify each other, whoever dials', () => {
    const systems = [{ kind: 'sip-server', id: 'sbc', clusters: ['core'], address: 'sbc.partner.example' }];
    expect(all({ systems }).map(({ id, client, server }) => [id, client?.[0], server?.[1]])).toEqual([
      ['sbc: core/expc1 -> sbc', ['sbc.partner.example'], ['expc.example.com']],
      ['sbc: sbc -> core/expc1', ['expc.example.com'], ['sbc.partner.example']],
    ]);
    // Off on the appliances, it is still on over there.
    expect(
      all({ systems: [{ ...systems[0], tlsVerify: false }] }).map(({ client, server }) => [client?.[0], server?.[1]]),
    ).toEqual([
      [undefined, ['expc.example.com']],
      [['expc.example.com'], undefined],
    ]);
  });
});

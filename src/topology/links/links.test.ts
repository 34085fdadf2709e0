import { describe, expect, it } from 'vitest';
import { links } from './links.ts';
import { parseTopology } from './topology.ts';

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
    expect(first?.client.demand).toBe('core/expc1/server');
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
    expect(declared.map(({ server }) => server.peer)).toEqual(['expe2', 'expe2']);
    expect(declared[0]?.server.check?.referenceNames).toEqual(['other.example.com']);
  });

  it('leads to every peer under an address that is no peer of its own', () => {
    const declared = linksOf({ ...zone, peerAddresses: ['expe.example.com'] });
    expect(declared.map(({ server }) => server.peer).sort()).toEqual(['expe1', 'expe1', 'expe2', 'expe2']);
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
    expect(found[4]?.client.cluster).toBe('edge');
  });
});

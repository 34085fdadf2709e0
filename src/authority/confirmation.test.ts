import { describe, expect, it } from 'vitest';
import { demands } from '../topology/demands.ts';
import { parseTopology } from '../topology/topology.ts';
import type { Serial } from '../x509/certificate.ts';
import { type Confirmations, pendingFindings, standings, withConfirmation } from './confirmation.ts';
import { lockFileOf } from './lock-file.ts';
import type { RecordedState } from './plan.ts';
import { specificationOf } from './record.ts';

const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });
const topology = parseTopology(
  {
    name: 'test',
    authorities: [{ id: 'ca', subject: { commonName: 'CA' } }],
    clusters: [
      { id: 'core', product: 'expressway-c', release: 'X8.1', issuer: 'ca', peers: [peer('expc1')] },
      { id: 'edge', product: 'expressway-e', release: 'X8.1', issuer: 'ca', peers: [peer('expe1')] },
    ],
  },
  'test',
);
const state = (serial: string): RecordedState => ({
  authorities: new Map(),
  certificates: new Map(
    demands(topology).map((demand) => [
      demand.id,
      {
        serial: serial as Serial,
        notBefore: '2026-11-21T12:00:00Z',
        notAfter: '2027-11-21T12:00:00Z',
        issuance: {
          owner: { demand: demand.id },
          topology: 'test',
          issue: 1,
          reason: '',
          specification: specificationOf(demand),
        },
      },
    ]),
  ),
});
const at = '2026-11-22T08:00:00Z';
const installed: Confirmations = withConfirmation({}, 'core/expc1', 'server', {
  serial: '4A01',
  state: 'installed',
  at,
});
const served: Confirmations = withConfirmation({}, 'core/expc1', 'server', { serial: '4A01', state: 'served', at });
const codes = (serial: string, confirmations: Confirmations) =>
  pendingFindings(standings(topology, state(serial), confirmations), confirmations).map(
    ({ code, diagnosis, at: place }) => [code, diagnosis, place],
  );

describe('requirement 29, D28: issued, installed, served', () => {
  it('a certificate that was loaded waits for the restart', () =>
    expect(codes('4A01', installed)).toEqual([['RESTART_PENDING', 'D28', 'core/expc1/server']]));

  it('on X7.2 nothing waits for a restart: what is loaded is served', () => {
    const clusters = topology.clusters.map((cluster) => ({ ...cluster, release: 'X7.2' }));
    expect(standings({ ...topology, clusters }, state('4A01'), installed)).toMatchObject([
      { peer: 'core/expc1', state: 'served', since: at },
      { peer: 'edge/expe1', state: 'issued', since: undefined },
    ]);
  });

  it('one that is served needs nothing', () => expect(codes('4A01', served)).toEqual([]));

  it('a newer one waits to be loaded, whatever became of the one before', () => {
    expect(codes('4A02', served)).toEqual([['UPLOAD_PENDING', 'D28', 'core/expc1/server']]);
    expect(standings(topology, state('4A02'), served)[0]).toMatchObject({ serial: '4A02', state: 'issued' });
  });

  it('says nothing of peers that nobody ever confirmed', () => expect(codes('4A01', {})).toEqual([]));

  it('leaves the lock file with the peer', () => {
    const both = withConfirmation(served, 'gone/x1', 'server', { serial: '4A09', state: 'served', at });
    expect(lockFileOf('test', demands(topology), state('4A01'), both).peers).toEqual({
      'core/expc1': { server: { serial: '4A01', state: 'served', at } },
    });
    expect(lockFileOf('test', demands(topology), state('4A01')).peers).toBeUndefined();
  });
});

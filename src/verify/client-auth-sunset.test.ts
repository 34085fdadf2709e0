import { describe, expect, it } from 'vitest';
import { demands } from '../topology/demands.ts';
import { links } from '../topology/links/links.ts';
import { parseTopology } from '../topology/topology.ts';
import { predictAuthority, predictCrl, predictLeaf } from './predict.ts';
import { prove } from './prove.ts';

/** The layouts of "Navigate Client EKU Sunset with Expressway X15.5" (2.3), one peer on each side. */

const now = new Date('2026-11-21T12:00:00Z');
const peer = (hostName: string) => ({ id: hostName, hostName, domain: 'example.com' });

interface Layout {
  /** -C has a client certificate of its own, from the internal authority. */
  readonly clientCertificate: boolean;
  /** ExtendedKeyUsage Checking Mode of Expressway-E. */
  readonly checking: boolean;
}

/** The verdict of each link by its kind, with the step at which it fails. Public certificates are for servers alone. */
function verdicts({ clientCertificate, checking }: Layout): Record<string, string> {
  const cluster = { release: 'X15.5', issuer: 'public', usages: ['serverAuth'], clientAuthChecking: checking };
  const topology = parseTopology(
    {
      name: 'sunset',
      // Both stand for authorities with a list; which of them is public makes no difference to a handshake.
      authorities: [
        { id: 'public', subject: { commonName: 'Public CA' } },
        { id: 'internal', subject: { commonName: 'Internal CA' } },
      ],
      clusters: [
        {
          ...cluster,
          id: 'core',
          product: 'expressway-c',
          peers: [peer('expc1')],
          ...(clientCertificate && { clientCertificate: { issuer: 'internal' } }),
        },
        { ...cluster, id: 'edge', product: 'expressway-e', peers: [peer('expe1')] },
      ],
      domains: [{ name: 'example.com', unifiedCommunications: true }],
      zones: [{ kind: 'traversal', id: 'uc', client: 'core', server: 'edge', unifiedCommunications: true }],
    },
    'sunset',
  );
  const authorities = new Map(
    topology.authorities.map((authority) => [authority.id, predictAuthority(authority, undefined, 0, now)]),
  );
  const trusted = [...authorities.values()];
  const nextUpdate = new Date('2026-11-28T12:00:00Z');
  const found = prove(
    links(topology),
    {
      certificates: new Map(
        demands(topology).flatMap((demand) => {
          const issuer = authorities.get(demand.issuer);
          return issuer ? [[demand.id, predictLeaf(demand, issuer, now)]] : [];
        }),
      ),
      sent: new Map(),
      trustLists: new Map(topology.clusters.map(({ id }) => [id, trusted])),
      revocationLists: trusted.map((issuer) => predictCrl(issuer, { thisUpdate: now, nextUpdate, revoked: new Set() })),
      elsewhere: new Set(),
    },
    now,
  );
  return Object.fromEntries(
    found.map(({ link, verdict, refusals: [first] }) => [
      link.kind,
      first ? `${first.step} (${first.diagnosis})` : verdict,
    ]),
  );
}

describe('2.3, D14: the clientAuth sunset on X15.5', () => {
  it('success case: an internal client certificate with both usages on -C, all else public and for servers', () => {
    expect(verdicts({ clientCertificate: true, checking: true })).toEqual({ traversal: 'accepted' });
    expect(verdicts({ clientCertificate: true, checking: false })).toEqual({
      traversal: 'accepted',
      'ssh-tunnel': 'accepted',
    });
  });

  it('counter-case: everything public and for servers alone; the zone fails, or without checking the SSH tunnels do', () => {
    expect(verdicts({ clientCertificate: false, checking: true })).toEqual({ traversal: 'usage (D14)' });
    expect(verdicts({ clientCertificate: false, checking: false })).toEqual({
      traversal: 'accepted',
      'ssh-tunnel': 'usage (D14)',
    });
  });
});

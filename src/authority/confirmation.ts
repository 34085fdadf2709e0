import * as z from 'zod';
import { type Demand, demandIdOf, type Role } from '../topology/demands.ts';
import { releaseOf } from '../topology/releases/releases.ts';
import { type Finding, findingOf, type RuleFacts } from '../topology/rules/rule.ts';
import type { Topology } from '../topology/schema.ts';
import type { RecordedState } from './plan.ts';
import { type Timestamp, timestampSchema } from './record.ts';

/** How far a certificate has come on its peer, as somebody or a probe has confirmed it: loaded, then in use after a restart (29). */
export const confirmationSchema = z.strictObject({
  serial: z.string(),
  state: z.enum(['installed', 'served']),
  at: timestampSchema,
});
export type Confirmation = z.output<typeof confirmationSchema>;

/** By peer (`<cluster>/<peer>`), then by role. */
export type Confirmations = Readonly<Record<string, { readonly [R in Role]?: Confirmation | undefined }>>;

/** Where the newest certificate of a peer's store stands. */
export interface Standing {
  readonly peer: string;
  readonly role: Role;
  readonly serial: string;
  readonly issuedAt: Timestamp;
  readonly state: 'issued' | Confirmation['state'];
  /** Since when, where it was confirmed. */
  readonly since: Timestamp | undefined;
}

/** The standing of every certificate that a peer holds; those not issued yet are left out. Where no restart is needed, what is loaded is served. */
export function standings(topology: Topology, state: RecordedState, confirmations: Confirmations): Standing[] {
  return topology.clusters.flatMap((cluster) => {
    const needsRestart = releaseOf(cluster).restartFor.includes('server certificate');
    return cluster.peers.flatMap((peer) =>
      (cluster.clientCertificate ? (['server', 'client'] as const) : (['server'] as const)).flatMap((role) => {
        const record = state.certificates.get(demandIdOf(cluster, peer, role));
        if (!record) return [];
        const id = `${cluster.id}/${peer.id}`;
        const confirmed = confirmations[id]?.[role];
        const current = confirmed?.serial === record.serial ? confirmed : undefined;
        return {
          peer: id,
          role,
          serial: record.serial,
          issuedAt: record.notBefore,
          state: current && !needsRestart ? 'served' : (current?.state ?? 'issued'),
          since: current?.at,
        };
      }),
    );
  });
}

export const restartPending: RuleFacts = {
  code: 'RESTART_PENDING',
  title: 'A certificate has been loaded, and the peer has not been restarted: it still presents the old one.',
  holds: [29],
  diagnosis: 'D28',
  severity: 'warning',
  releases: 'from X8.1',
};

export const uploadPending: RuleFacts = {
  code: 'UPLOAD_PENDING',
  title: 'A newer certificate has been issued than the one that the peer presents.',
  holds: [29],
  diagnosis: 'D28',
  severity: 'advice',
  releases: 'all',
};

/** What is still to be done on peers of which it is recorded. Peers that nobody ever confirmed are left alone. */
export function pendingFindings(all: readonly Standing[], confirmations: Confirmations): Finding[] {
  return all.flatMap(({ peer, role, serial, state, since }) => {
    if (state === 'served' || confirmations[peer]?.[role] === undefined) return [];
    const common = { at: `${peer}/${role}`, value: serial };
    if (state === 'installed') {
      return findingOf(restartPending, {
        ...common,
        message: `was loaded on ${since?.slice(0, 10) ?? 'an unknown day'} and is not in use before a restart`,
        fix: `restart the peer, in a cluster the primary first, then run: vcs-pki confirm ${peer}`,
      });
    }
    return findingOf(uploadPending, {
      ...common,
      message: 'has been issued and not been loaded',
      fix: `load it as the bundle of ${peer} says, restart, then run: vcs-pki confirm ${peer}`,
    });
  });
}

/** The confirmations with one more, in place of what was confirmed of that store before. */
export function withConfirmation(
  confirmations: Confirmations,
  peer: string,
  role: Role,
  confirmation: Confirmation,
): Confirmations {
  return { ...confirmations, [peer]: { ...confirmations[peer], [role]: confirmation } };
}

/** Without peers that are no longer declared. */
export function keptConfirmations(confirmations: Confirmations, demands: readonly Demand[]): Confirmations {
  const peers = new Set(demands.flatMap(({ cluster, peers: held }) => held.map((peer) => `${cluster}/${peer}`)));
  return Object.fromEntries(Object.entries(confirmations).filter(([peer]) => peers.has(peer)));
}

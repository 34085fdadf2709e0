import { pendingFindings, standings } from '../../authority/confirmation.ts';
import { ownerText } from '../../authority/owner.ts';
import { type Action, type RecordedState, renewalTime } from '../../authority/plan.ts';
import { nextUpdateDue } from '../../authority/schedule.ts';
import { type Demand, demands } from '../../topology/demands.ts';
import { publicLifetimes } from '../../topology/rules/lifetime.ts';
import { PUBLIC_CLIENT_AUTH_ENDS } from '../../topology/rules/usage.ts';
import type { Authority, Topology } from '../../topology/schema.ts';
import { publicAuthorities } from '../../topology/topology.ts';
import type { Artefact } from '../../verify/diagnosis/artefact.ts';
import { titleOf } from '../../verify/predict.ts';
import { readCertificate } from '../../x509/certificate.ts';
import { decodeDerOrPem } from '../../x509/pem.ts';
import { day } from '../describe.ts';
import { plural, table } from '../output.ts';
import { ancestryReader, certificatesOf } from './certificates.ts';
import type { Declared } from './declared.ts';
import type { Checked } from './report.ts';

/** Something that ends, falls due or changes at a moment. */
export interface CalendarEntry {
  readonly at: Date;
  readonly kind:
    | 'end'
    | 'renewal'
    | 'list update'
    | 'list end'
    | 'due'
    | 'waiting'
    | 'to be loaded'
    | 'public authorities';
  readonly where: string;
  readonly what: string;
}

/** In order of time. What began before `now` and still waits comes first. */
export function calendar({ now, topologies, artefacts }: Checked): CalendarEntry[] {
  const declarations = topologies.map(({ declared }) => declared);
  return [
    ...declarations.flatMap((declared) => declaredEntries(declared, now)),
    ...evidenceEntries(artefacts),
    ...publicEntries(publicCertificates(declarations, artefacts), now),
  ].sort((a, b) => a.at.getTime() - b.at.getTime());
}

export function calendarTable(entries: readonly CalendarEntry[]): string {
  return table(
    ['WHEN', 'KIND', 'WHERE', 'WHAT'],
    entries.map(({ at, kind, where, what }) => [day(at), kind, where, what]),
  );
}

// ---- what is declared ----------------------------------------------------------------------------------------------

function declaredEntries({ session, state, plan }: Declared, now: Date): CalendarEntry[] {
  const { topology } = session.workspace;
  return [
    ...plan.actions.map((action): CalendarEntry => {
      return { at: now, kind: 'due', where: ownerOf(action), what: `${action.kind}: ${action.reason}` };
    }),
    ...plan.waiting.map(({ demand, since }): CalendarEntry => {
      const what = `${demand.issuer} has had its request since then, and has not signed it yet`;
      return { at: new Date(since), kind: 'waiting', where: demand.id, what };
    }),
    ...pendingEntries(topology, state, session.lock?.peers ?? {}),
    ...demands(topology).flatMap((demand) => certificateEntries(demand, state, now)),
    ...topology.authorities.flatMap((authority) => authorityEntries(authority, state)),
    ...topology.externalAuthorities.flatMap(({ id, certificates }) => ends(`external authority ${id}`, certificates)),
    ...topology.systems.flatMap(({ id, certificates }) => ends(`system ${id}`, certificates)),
  ];
}

function ownerOf(action: Action): string {
  switch (action.kind) {
    case 'create authority':
    case 'sign CRL':
      return `authority ${action.authority.id}`;
    case 'issue':
    case 'request':
      return action.demand.id;
    case 'restore':
      return ownerText(action.owner);
    case 'revoke':
      return action.owner ? ownerText(action.owner) : `authority ${action.authority}`;
  }
}

function pendingEntries(
  topology: Topology,
  state: RecordedState,
  confirmations: Parameters<typeof pendingFindings>[1],
): CalendarEntry[] {
  return standings(topology, state, confirmations).flatMap((standing) =>
    pendingFindings([standing], confirmations).map(({ at, message }) => ({
      at: new Date(standing.since ?? standing.issuedAt),
      kind: 'to be loaded',
      where: at,
      what: message,
    })),
  );
}

/** A renewal that is due already is an action of the plan; a certificate that ends with its issuer has none. */
function certificateEntries(demand: Demand, state: RecordedState, now: Date): CalendarEntry[] {
  const record = state.certificates.get(demand.id);
  if (!record || record.revocation) return [];
  const issuerEnds = state.authorities.get(demand.issuer)?.record.notAfter;
  const renewal = renewalTime(record, demand.renewBeforeDays);
  const isRenewed = renewal > now && (issuerEnds === undefined || record.notAfter < issuerEnds);
  return [
    ...(isRenewed ? [{ at: renewal, kind: 'renewal', where: demand.id, what: 'its renewal falls due' } as const] : []),
    { at: new Date(record.notAfter), kind: 'end', where: demand.id, what: `serial ${record.serial} expires` },
  ];
}

function authorityEntries({ id, crl: schedule }: Authority, state: RecordedState): CalendarEntry[] {
  const known = state.authorities.get(id);
  if (!known) return [];
  const { record, crl } = known;
  const where = `authority ${id}`;
  const end = { at: new Date(record.notAfter), kind: 'end', where, what: 'expires, and all that it issued' } as const;
  if (crl === undefined || crl === 'none' || crl === 'damaged') return [end];
  return [
    { at: nextUpdateDue(schedule, crl.signedAt), kind: 'list update', where, what: 'its next revocation list is due' },
    {
      at: crl.nextUpdate,
      kind: 'list end',
      where,
      what: 'its revocation list expires: all it issued counts as revoked (59)',
    },
    end,
  ];
}

function ends(where: string, pems: readonly string[]): CalendarEntry[] {
  return pems
    .flatMap((pem) => decodeDerOrPem(Buffer.from(pem), 'CERTIFICATE', where))
    .map((der) => readCertificate(der, where))
    .map((certificate) => ({ at: certificate.notAfter, kind: 'end', where, what: `${titleOf(certificate)} expires` }));
}

// ---- files and servers ---------------------------------------------------------------------------------------------

function evidenceEntries(artefacts: readonly Artefact[]): CalendarEntry[] {
  const lists = artefacts.flatMap(({ path, ...artefact }) =>
    artefact.kind === 'file'
      ? artefact.contents.items.flatMap((item) =>
          item.kind === 'crl' && item.crl.nextUpdate ? [{ path, crl: item.crl, at: item.crl.nextUpdate }] : [],
        )
      : [],
  );
  return [
    ...certificatesOf(artefacts).map(({ at: where, certificate }): CalendarEntry => {
      return { at: certificate.notAfter, kind: 'end', where, what: `${titleOf(certificate)} expires` };
    }),
    ...lists.map(({ path, crl, at }): CalendarEntry => {
      const of = titleOf({ subject: crl.issuer });
      return { at, kind: 'list end', where: path, what: `the revocation list of ${of} expires` };
    }),
  ];
}

// ---- publicly trusted authorities ----------------------------------------------------------------------------------

interface PublicCertificates {
  readonly where: readonly string[];
  /** Peers that load one and restart. */
  readonly peers: number;
  /** How many of them have clientAuth. */
  readonly forClients: number;
}

function publicCertificates(declarations: readonly Declared[], artefacts: readonly Artefact[]): PublicCertificates {
  const declared = declarations.flatMap(({ session: { workspace } }) => {
    const trusted = publicAuthorities(workspace.topology);
    return demands(workspace.topology).filter(({ issuer }) => trusted.has(issuer));
  });
  const held = certificatesOf(artefacts);
  const ancestryOf = ancestryReader(
    held.map(({ certificate }) => certificate),
    [],
  );
  const found = held.filter(
    ({ certificate }) =>
      certificate.basicConstraints?.authority !== true && ancestryOf(certificate).origin === 'public',
  );
  return {
    where: [...declared.map(({ id }) => id), ...found.map(({ at }) => at)],
    peers: declared.reduce((sum, { peers }) => sum + peers.length, 0) + found.length,
    forClients:
      declared.filter(({ usages }) => usages.includes('clientAuth')).length +
      found.filter(({ certificate }) => certificate.extendedKeyUsage?.includes('clientAuth')).length,
  };
}

/** The steps of ballot SC-081v3, and the end of clientAuth, as far as they are still to come. */
function publicEntries({ where, peers, forClients }: PublicCertificates, now: Date): CalendarEntry[] {
  const [first, ...others] = where;
  if (first === undefined) return [];
  const common = {
    kind: 'public authorities',
    where: others.length === 0 ? first : `${first} and ${others.length} more`,
  } as const;
  const steps = publicLifetimes.map(({ from, days }) => {
    const rounds = Math.ceil(365 / days);
    const work = `${plural(rounds, 'renewal')} a year, each with an upload and a restart on ${plural(peers, 'peer')}`;
    return { ...common, at: from, what: `they issue for ${days} days at most: ${work}` };
  });
  const sunset = {
    ...common,
    at: PUBLIC_CLIENT_AUTH_ENDS,
    what: `the last of them stop issuing clientAuth, which ${plural(forClients, 'certificate')} of these ${forClients === 1 ? 'has' : 'have'} (FN74362)`,
  };
  return [...steps, ...(forClients > 0 ? [sunset] : [])].filter(({ at }) => at > now);
}

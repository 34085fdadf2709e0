import type { Demand } from '../topology/demands.ts';
import type { AuthorityId, DemandId } from '../topology/ids.ts';
import type { Authority, Topology } from '../topology/schema.ts';
import { issuersFirst } from '../topology/topology.ts';
import type { Serial } from '../x509/certificate.ts';
import type { RevocationReason } from '../x509/crl.ts';
import type { AuthorityGeneration, Owner } from './owner.ts';
import {
  type CertificateRecord,
  type PendingRequest,
  type Specification,
  specificationOf,
  type Timestamp,
} from './record.ts';
import { addDays, nextUpdateDue } from './schedule.ts';

/** What is known of an authority's active generation: on disk, in the cluster, or from the lock file alone. */
export interface AuthorityState {
  readonly generation: number;
  readonly record: CertificateRecord;
  /** Hex of the subject key identifier. */
  readonly keyIdentifier: string;
  /** Absent where the state comes from a lock file. */
  readonly crl?: CrlState | 'none' | 'damaged';
  /** Absent: not looked at. */
  readonly material?: MaterialState;
}

/** The generation of an authority that signs; of one that is still to be created, the first. */
export function activeGeneration(
  authority: AuthorityId,
  { authorities }: Pick<RecordedState, 'authorities'>,
): AuthorityGeneration {
  return { authority, generation: authorities.get(authority)?.generation ?? 1 };
}

export interface CrlState {
  readonly signedAt: Date;
  readonly nextUpdate: Date;
  /** Serials on record as revoked that the published list does not carry. */
  readonly missing: readonly string[];
}

/** How the files or Secret of a certificate compare with the ledger. */
export type MaterialState = 'whole' | 'certificate missing' | 'certificate altered' | 'key missing' | 'key altered';

export interface RecordedState {
  readonly authorities: ReadonlyMap<AuthorityId, AuthorityState>;
  /** The newest record of each demand that this topology has or had. */
  readonly certificates: ReadonlyMap<DemandId, CertificateRecord>;
  /** All records of each of these demands, whichever authority signed them, in order of issue; absent: the newest alone is known. */
  readonly history?: ReadonlyMap<DemandId, readonly CertificateRecord[]>;
  /** Absent: not looked at. */
  readonly material?: ReadonlyMap<DemandId, MaterialState>;
  /** What becomes of removed demands; absent: revoke. */
  readonly onRemoval?: ReadonlyMap<DemandId, Demand['onRemoval']>;
  /** Requests that authorities elsewhere have not answered yet. */
  readonly requests?: ReadonlyMap<DemandId, PendingRequest>;
}

export type Action =
  | {
      readonly kind: 'create authority';
      readonly authority: Authority;
      readonly generation: number;
      /** The longest chain of authorities that there may be below it. */
      readonly pathLength: number | undefined;
      readonly reason: string;
    }
  | { readonly kind: 'issue'; readonly demand: Demand; readonly issue: number; readonly reason: string }
  /** To be signed elsewhere: key and request are made here, unless the request was made on the appliance. */
  | { readonly kind: 'request'; readonly demand: Demand; readonly issue: number; readonly reason: string }
  | { readonly kind: 'restore'; readonly owner: Owner; readonly issue: number; readonly reason: string }
  | {
      readonly kind: 'revoke';
      readonly authority: AuthorityId;
      readonly serial: Serial;
      /** Absent where somebody else (openssl) issued it. */
      readonly owner: Owner | undefined;
      /** What the list says; `reason` says it in words. */
      readonly because: RevocationReason;
      readonly reason: string;
    }
  | { readonly kind: 'sign CRL'; readonly authority: Authority; readonly reason: string };

/** What one decision comes to. `until` is when to look again though nothing changes. */
export type Decision =
  | { readonly kind: 'issue'; readonly issue: number; readonly reason: string }
  | { readonly kind: 'restore'; readonly issue: number; readonly reason: string }
  | { readonly kind: 'wait'; readonly until: Date };

/** A request is out with an authority elsewhere, and is not made anew before its certificate has come or it is discarded. */
export interface Waiting {
  readonly demand: Demand;
  readonly since: Timestamp;
  /** What has been declared otherwise since the request was made, in words. */
  readonly differences: readonly string[];
}

export interface Plan {
  readonly actions: readonly Action[];
  readonly waiting: readonly Waiting[];
  /** The next moment at which something falls due. */
  readonly until: Date | undefined;
}

/** What must be done so that the recorded state is what the topology demands: the sum of the small plans below. */
export function plan(topology: Topology, demands: readonly Demand[], state: RecordedState, now: Date): Plan {
  const actions: Action[] = [];
  const waiting: Waiting[] = [];
  const waits: Date[] = [];
  const own = new Set(topology.authorities.map(({ id }) => id));
  for (const authority of issuersFirst(topology.authorities)) {
    const known = state.authorities.get(authority.id);
    const decision = planAuthority(authority, known);
    if (decision.kind === 'create') {
      const { generation } = activeGeneration(authority.id, state);
      const pathLength = pathLengthBelow(topology, authority);
      actions.push({ kind: 'create authority', authority, generation, pathLength, reason: decision.reason });
    }
    if (decision.kind === 'restore' && known) {
      const { owner, issue } = known.record.issuance;
      actions.push({ kind: 'restore', owner, issue, reason: decision.reason });
    }
  }
  for (const demand of demands) {
    const decision = planCertificate(
      demand,
      state.certificates.get(demand.id),
      state.authorities.get(demand.issuer)?.record.notAfter,
      state.material?.get(demand.id),
      now,
    );
    if (decision.kind === 'issue' && own.has(demand.issuer)) actions.push({ ...decision, demand });
    else if (decision.kind === 'issue') {
      const pending = state.requests?.get(demand.id);
      if (!pending) actions.push({ ...decision, kind: 'request', demand });
      else
        waiting.push({
          demand,
          since: pending.createdAt,
          differences: compare(pending.specification, specificationOf(demand)),
        });
    } else if (decision.kind === 'restore') actions.push({ ...decision, owner: { demand: demand.id } });
    else waits.push(decision.until);
  }
  const revocations = planRemoved(demands, state, now);
  actions.push(...revocations);
  for (const authority of topology.authorities) {
    const revoked = revocations.filter((action) => action.authority === authority.id);
    const decision = planCrl(authority, state.authorities.get(authority.id), revoked.length, now);
    if (decision.kind === 'sign') actions.push({ kind: 'sign CRL', authority, reason: decision.reason });
    else if (decision.kind === 'wait') waits.push(decision.until);
  }
  const until =
    waits.length === 0 ? undefined : new Date(waits.reduce((least, wait) => Math.min(least, wait.getTime()), Infinity));
  return { actions, waiting, until };
}

/** Whether the newest certificate of a demand still serves; most compelling reason first. */
export function planCertificate(
  demand: Demand,
  record: CertificateRecord | undefined,
  issuerNotAfter: Timestamp | undefined,
  material: MaterialState | undefined,
  now: Date,
): Decision {
  if (!record) return { kind: 'issue', issue: 1, reason: 'no certificate yet' };
  const { issue } = record.issuance;
  const reissue = (reason: string): Decision => ({ kind: 'issue', issue: issue + 1, reason });
  if (record.revocation) return reissue(`serial ${record.serial} was revoked (${record.revocation.reason})`);
  const differences = compare(record.issuance.specification, specificationOf(demand));
  if (differences.length > 0) return reissue(differences.join(', '));
  const renewal = renewalTime(record, demand.renewBeforeDays);
  // A certificate that ends with its issuer can't be renewed into a longer one (I6).
  const outlives = issuerNotAfter === undefined || record.notAfter < issuerNotAfter;
  if (now >= renewal && outlives) return reissue(`renewal was due on ${renewal.toISOString().slice(0, 10)}`);
  if (material === 'key missing' || material === 'key altered') return reissue(`its private ${material}`);
  if (material !== undefined && material !== 'whole') return { kind: 'restore', issue, reason: material };
  return { kind: 'wait', until: outlives ? renewal : new Date(record.notAfter) };
}

type AuthorityDecision =
  | { readonly kind: 'create' | 'restore'; readonly reason: string }
  | { readonly kind: 'nothing'; readonly reason?: never };

export function planAuthority(
  authority: Authority,
  state: Pick<AuthorityState, 'material'> | undefined,
): AuthorityDecision {
  if (!state)
    return { kind: 'create', reason: authority.issuer ? `to be signed by ${authority.issuer}` : 'self-signed root' };
  const { material } = state;
  if (material === 'certificate missing' || material === 'certificate altered')
    return { kind: 'restore', reason: material };
  return { kind: 'nothing' };
}

/** What in an existing authority's certificate the declaration no longer says: that needs a new authority, never a silent re-key. */
export function authorityDifferences(authority: Authority, record: CertificateRecord): string[] {
  const declared = authoritySpecification(authority);
  const { subject, key, issuer } = record.issuance.specification;
  return compare({ ...declared, subject, key, issuer }, declared);
}

export function authoritySpecification(authority: Authority): Specification {
  return {
    subject: authority.subject,
    names: [],
    usages: [],
    key: { type: authority.key },
    issuer: authority.issuer ?? authority.id,
    lifetimeDays: authority.lifetimeDays,
  };
}

/** How many authorities the topology has below `authority`; the certificate allows no longer chain (RFC 5280 4.2.1.9). */
export function pathLengthBelow(topology: Pick<Topology, 'authorities'>, authority: Authority): number {
  const below = topology.authorities.filter((candidate) => candidate.issuer === authority.id);
  return below.reduce((longest, child) => Math.max(longest, 1 + pathLengthBelow(topology, child)), 0);
}

type CrlDecision = { kind: 'sign'; reason: string } | { kind: 'wait'; until: Date } | { kind: 'nothing' };

/** Whether an authority has to sign its list. `revoking`: how many of its certificates are about to be revoked. */
export function planCrl(
  authority: Pick<Authority, 'crl'>,
  state: Pick<AuthorityState, 'crl'> | undefined,
  revoking: number,
  now: Date,
): CrlDecision {
  const crl = state?.crl ?? (state ? undefined : 'none');
  if (revoking > 0)
    return { kind: 'sign', reason: `${revoking} ${revoking === 1 ? 'certificate' : 'certificates'} to be revoked` };
  if (crl === undefined) return { kind: 'nothing' };
  if (crl === 'none') return { kind: 'sign', reason: 'no list yet' };
  if (crl === 'damaged') return { kind: 'sign', reason: 'the published list cannot be read' };
  if (crl.missing.length > 0) return { kind: 'sign', reason: `not on the list yet: ${crl.missing.join(', ')}` };
  const due = nextUpdateDue(authority.crl, crl.signedAt);
  if (now >= due) return { kind: 'sign', reason: `update was due at ${due.toISOString().slice(0, 16)}Z` };
  const remaining = crl.nextUpdate.getTime() - addDays(crl.signedAt, authority.crl.validDays).getTime();
  if (remaining !== 0) return { kind: 'sign', reason: `validity is now ${authority.crl.validDays} days` };
  return { kind: 'wait', until: due };
}

/**
 * Every certificate of this topology that is still valid and whose demand is gone: which of them its appliance serves is
 * not known. Authorities are never among them: their files and duties stay.
 */
export function planRemoved(
  demands: readonly Demand[],
  state: RecordedState,
  now: Date,
): Extract<Action, { kind: 'revoke' }>[] {
  const wanted = new Set(demands.map((demand) => demand.id));
  const removed: Extract<Action, { kind: 'revoke' }>[] = [];
  for (const demand of state.certificates.keys()) {
    if (wanted.has(demand) || state.onRemoval?.get(demand) === 'keep') continue;
    for (const { serial, issuance } of validOf(demand, state, now)) {
      const { owner, signedElsewhere, specification } = issuance;
      if (signedElsewhere) continue;
      const reason = 'no longer declared';
      removed.push({ kind: 'revoke', authority: specification.issuer, serial, owner, because: REMOVED, reason });
    }
  }
  return removed;
}

/** A peer that is no longer declared has ceased to operate; nothing says that its key is known to others (RFC 5280 5.3.1). */
const REMOVED: RevocationReason = 'cessationOfOperation';

/** Certificates of a demand that have neither ended nor been revoked, in order of issue. */
export function validOf(
  demand: DemandId,
  { history, certificates }: Pick<RecordedState, 'history' | 'certificates'>,
  now: Date,
): CertificateRecord[] {
  const newest = certificates.get(demand);
  const all = history?.get(demand) ?? (newest ? [newest] : []);
  return all.filter((record) => isValid(record, now));
}

/** Neither ended nor revoked. */
export function isValid({ revocation, notAfter }: CertificateRecord, now: Date): boolean {
  return !revocation && new Date(notAfter) > now;
}

/** Counted back from expiry, but never before half of the lifetime: a window wider than the lifetime would reissue at every run. */
export function renewalTime(record: Pick<CertificateRecord, 'notBefore' | 'notAfter'>, renewBeforeDays: number): Date {
  const notBefore = Date.parse(record.notBefore);
  const notAfter = Date.parse(record.notAfter);
  return new Date(
    Math.max(addDays(new Date(notAfter), -renewBeforeDays).getTime(), notBefore + (notAfter - notBefore) / 2),
  );
}

/** In words, what the new specification asks for and the old one did not have. */
export function compare(old: Specification, wanted: Specification): string[] {
  const differences: string[] = [];
  for (const field of ['commonName', 'organization', 'organizationalUnit', 'locality', 'state', 'country'] as const) {
    if (field === 'commonName' && movesAmong(wanted.names, old.subject, wanted.subject)) continue;
    if (old.subject[field] !== wanted.subject[field]) {
      differences.push(`${words(field)} ${old.subject[field] ?? 'none'} -> ${wanted.subject[field] ?? 'none'}`);
    }
  }
  differences.push(
    ...compareLists('names', old.names, wanted.names),
    ...compareLists('usages', old.usages, wanted.usages),
  );
  differences.push(...keyDifference(old.key, wanted.key));
  if (old.issuer !== wanted.issuer) differences.push(`issuer ${old.issuer} -> ${wanted.issuer}`);
  if (old.lifetimeDays !== wanted.lifetimeDays)
    differences.push(`lifetime ${old.lifetimeDays} -> ${wanted.lifetimeDays} days`);
  return differences;
}

/** Which of its names is the common name is guidance, and differs between releases: it waits for the next renewal. */
function movesAmong(
  names: readonly string[],
  old: Specification['subject'],
  wanted: Specification['subject'],
): boolean {
  return names.includes(old.commonName) && names.includes(wanted.commonName);
}

function compareLists(what: string, old: readonly string[], wanted: readonly string[]): string[] {
  const added = wanted.filter((item) => !old.includes(item));
  const removed = old.filter((item) => !wanted.includes(item));
  const differences: string[] = [];
  if (added.length > 0) differences.push(`${what} added: ${added.join(' ')}`);
  if (removed.length > 0) differences.push(`${what} removed: ${removed.join(' ')}`);
  if (differences.length === 0 && old.join() !== wanted.join()) differences.push(`${what} in another order`);
  return differences;
}

function keyDifference(old: Specification['key'], wanted: Specification['key']): string[] {
  if ('request' in wanted)
    return 'request' in old && old.request === wanted.request ? [] : ['a new request from the appliance'];
  if ('request' in old) return [`key on the appliance -> ${wanted.type}`];
  return old.type === wanted.type ? [] : [`key ${old.type} -> ${wanted.type}`];
}

function words(field: string): string {
  return field.replace(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`);
}

import { VcsPkiError } from '../errors.ts';
import type { Demand } from '../topology/demands.ts';
import type { AuthorityId } from '../topology/ids.ts';
import type { Topology } from '../topology/schema.ts';
import type { Certificate, Serial } from '../x509/certificate.ts';
import type { Crl, RevocationReason } from '../x509/crl.ts';
import { generatePrivateKey } from '../x509/keys.ts';
import { makeRequest } from './elsewhere.ts';
import { checkRequests, createAuthority, type IssueOrder, issueCertificates, type Ports } from './issue.ts';
import type { Issuer } from './issuer.ts';
import { type AuthorityGeneration, type Owner, ownerText } from './owner.ts';
import type { Action } from './plan.ts';
import type { IssuedMaterial, Ledger, Requests } from './ports.ts';
import { revokeCertificates, signCrl } from './revocation-list.ts';

type ActionOf<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

/** What is done at once: one action, or all issues or revocations under one authority, in one durable write. */
export type Step =
  | ActionOf<'create authority' | 'restore' | 'request' | 'sign CRL'>
  | { readonly kind: 'issue'; readonly issuer: AuthorityId; readonly orders: readonly IssueOrder[] }
  | {
      readonly kind: 'revoke';
      readonly authority: AuthorityId;
      readonly because: RevocationReason;
      readonly actions: readonly ActionOf<'revoke'>[];
    };

/** Where a step is done. */
export interface Place {
  /** The name under which what is issued here goes on record. */
  readonly topology: string;
  readonly ports: Ports & { readonly requests?: Requests };
  /** Makes the place of a new authority generation, and its empty ledger. */
  prepare(of: AuthorityGeneration): Promise<Ledger>;
  /** The active generation, able to sign. */
  open(authority: AuthorityId): Promise<Issuer>;
  /** The recorded certificate and its issuers, for restoring a damaged file. */
  recorded(owner: Owner): Promise<IssuedMaterial>;
}

/** What has been done, as it happens. */
export type Done =
  | {
      readonly kind: 'created authority';
      readonly id: AuthorityId;
      readonly reason: string;
      readonly certificate: Certificate;
    }
  | { readonly kind: 'issued'; readonly demand: Demand; readonly reason: string; readonly certificate: Certificate }
  | { readonly kind: 'requested'; readonly demand: Demand; readonly reason: string }
  | { readonly kind: 'restored'; readonly owner: Owner; readonly reason: string }
  | {
      readonly kind: 'revoked';
      readonly authority: AuthorityId;
      readonly serial: Serial;
      readonly owner: Owner | undefined;
      readonly reason: string;
    }
  | { readonly kind: 'signed CRL'; readonly authority: AuthorityId; readonly crl: Crl; readonly reason: string };

export interface PerformOptions {
  readonly afterClockCorrection?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Carries out a plan. What would be refused of its requests and revocations is refused before anything is written. */
export async function perform(
  actions: readonly Action[],
  topology: Pick<Topology, 'authorities'>,
  place: Place,
  announce: (done: Done) => void,
  options: PerformOptions = {},
): Promise<void> {
  await checkRequests(demandsIn(actions), place.ports);
  refuseUndeclared(actions, topology);
  const issuers = new Map<AuthorityId, Promise<Issuer>>();
  const open = (id: AuthorityId): Promise<Issuer> => {
    const issuer = issuers.get(id) ?? place.open(id);
    issuers.set(id, issuer);
    return issuer;
  };
  for (const step of stepsOf(actions)) {
    options.signal?.throwIfAborted();
    await performOne(step, { ...place, open }, announce, options);
  }
}

/** The only code that signs or writes. Safe to be killed and done again: what a crash leaves undone is in the next plan. */
export async function performOne(
  step: Step,
  place: Place,
  announce: (done: Done) => void,
  { afterClockCorrection = false, signal }: PerformOptions = {},
): Promise<void> {
  const { ports } = place;
  switch (step.kind) {
    case 'create authority': {
      const { authority, generation, pathLength, reason } = step;
      const owner = { authority: authority.id, generation };
      const ledger = await place.prepare(owner);
      const key = await ports.material.key(owner, 1, () => generatePrivateKey(authority.key));
      const parent = authority.issuer === undefined ? undefined : await place.open(authority.issuer);
      const context = { reason, topology: place.topology, pathLength };
      const certificate = await createAuthority(authority, { generation, ledger, key }, parent, context, ports);
      return announce({ kind: 'created authority', id: authority.id, reason, certificate });
    }
    case 'restore': {
      const { owner, issue, reason } = step;
      await ports.material.store(owner, issue, await place.recorded(owner));
      return announce({ kind: 'restored', owner, reason });
    }
    case 'request': {
      const { requests } = ports;
      if (!requests) throw new TypeError(`${step.demand.id} is signed elsewhere, and there is no place for requests`);
      await makeRequest(step, { ...ports, requests });
      return announce({ kind: 'requested', demand: step.demand, reason: step.reason });
    }
    case 'issue': {
      const issued = ({ order, certificate }: { order: IssueOrder; certificate: Certificate }) =>
        announce({ kind: 'issued', demand: order.demand, reason: order.reason, certificate });
      const issuer = await place.open(step.issuer);
      return await issueCertificates(step.orders, issuer, place.topology, ports, issued, signal);
    }
    case 'revoke': {
      const serials = step.actions.map(({ serial }) => serial);
      await revokeCertificates(await place.open(step.authority), serials, step.because, ports.clock);
      for (const { authority, serial, owner, reason } of step.actions)
        announce({ kind: 'revoked', authority, serial, owner, reason });
      return;
    }
    case 'sign CRL': {
      const { authority, reason } = step;
      const issuer = await place.open(authority.id);
      const crl = await signCrl(issuer, { validDays: authority.crl.validDays, afterClockCorrection }, ports);
      return announce({ kind: 'signed CRL', authority: authority.id, crl, reason });
    }
  }
}

/** What certificates and requests are about to be made for. */
export function* demandsIn(actions: readonly Action[]): Generator<Demand> {
  for (const action of actions) if (action.kind === 'issue' || action.kind === 'request') yield action.demand;
}

/** What others depend on first: authorities in order, then certificates, then revocations and lists. */
function stepsOf(actions: readonly Action[]): Step[] {
  const first: Step[] = [];
  const orders = new Map<AuthorityId, IssueOrder[]>();
  const revocations = new Map<string, ActionOf<'revoke'>[]>();
  const lists: Step[] = [];
  for (const action of actions) {
    if (action.kind === 'issue') into(orders, action.demand.issuer, action);
    else if (action.kind === 'revoke') into(revocations, `${action.authority} ${action.because}`, action);
    else if (action.kind === 'sign CRL') lists.push(action);
    else first.push(action);
  }
  return [
    ...first,
    ...[...orders].map(([issuer, all]): Step => ({ kind: 'issue', issuer, orders: all })),
    ...[...revocations.values()].flatMap((all): Step[] => {
      const [one] = all;
      return one ? [{ kind: 'revoke', authority: one.authority, because: one.because, actions: all }] : [];
    }),
    ...lists,
  ];
}

function into<Key, Item>(groups: Map<Key, Item[]>, key: Key, item: Item): void {
  const known = groups.get(key);
  if (known) known.push(item);
  else groups.set(key, [item]);
}

function refuseUndeclared(actions: readonly Action[], { authorities }: Pick<Topology, 'authorities'>): void {
  for (const action of actions) {
    if (action.kind !== 'revoke' || authorities.some(({ id }) => id === action.authority)) continue;
    throw new VcsPkiError('AUTHORITY_IN_USE', {
      at: action.owner ? ownerText(action.owner) : action.serial,
      value: action.authority,
      message: `its authority ${action.authority} is no longer declared, and serial ${action.serial} is to be revoked`,
      fix: `declare ${action.authority} again until everything that it issued has been revoked or replaced`,
    });
  }
}

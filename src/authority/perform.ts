import { VcsPkiError } from '../errors.ts';
import type { Demand } from '../topology/demands.ts';
import type { AuthorityId } from '../topology/ids.ts';
import type { Authority, Topology } from '../topology/schema.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Crl, RevocationReason } from '../x509/crl.ts';
import { generatePrivateKey } from '../x509/keys.ts';
import { makeRequest } from './elsewhere.ts';
import { checkRequests, createAuthority, type IssueOrder, issueCertificates, type Ports } from './issue.ts';
import type { Issuer } from './issuer.ts';
import { type Owner, ownerText } from './owner.ts';
import { type Action, pathLengthBelow } from './plan.ts';
import type { IssuedMaterial, Ledger, Requests } from './ports.ts';
import type { CertificateRecord } from './record.ts';
import { revokeCertificates, signCrl } from './revocation-list.ts';

/** Where the authorities of a topology live. */
export interface Authorities {
  /** Makes the place for a new authority, and its empty ledger. */
  prepare(authority: Authority, generation: number): Promise<Ledger>;
  open(id: AuthorityId): Promise<Issuer>;
  /** The recorded certificate and its issuers, for restoring a damaged file. */
  recorded(owner: Owner): Promise<IssuedMaterial>;
}

/** What has been done, as it happens. */
export type Done =
  | { readonly kind: 'created authority'; readonly id: AuthorityId; readonly certificate: Certificate }
  | { readonly kind: 'issued'; readonly demand: Demand; readonly reason: string; readonly certificate: Certificate }
  | { readonly kind: 'requested'; readonly demand: Demand; readonly reason: string }
  | { readonly kind: 'restored'; readonly owner: Owner; readonly reason: string }
  | { readonly kind: 'revoked'; readonly record: CertificateRecord; readonly reason: string }
  | { readonly kind: 'signed CRL'; readonly authority: string; readonly crl: Crl; readonly reason: string };

export interface PerformOptions {
  readonly afterClockCorrection?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Carries out a plan, in the order in which it was made. */
export async function perform(
  actions: readonly Action[],
  topology: Topology,
  authorities: Authorities,
  ports: Ports & { readonly requests?: Requests },
  announce: (done: Done) => void,
  options: PerformOptions = {},
): Promise<void> {
  const { signal } = options;
  const issuers = new Map<AuthorityId, Promise<Issuer>>();
  const open = (id: AuthorityId): Promise<Issuer> => {
    const issuer = issuers.get(id) ?? authorities.open(id);
    issuers.set(id, issuer);
    return issuer;
  };
  await checkRequests(demandsIn(actions), ports);
  for (const action of actions) if (action.kind === 'revoke') issuerOf(action.record, topology);
  for (const action of actions) {
    signal?.throwIfAborted();
    if (action.kind === 'create authority') {
      const { authority, reason } = action;
      const ledger = await authorities.prepare(authority, 1);
      const generation = 1;
      const owner = { authority: authority.id, generation };
      const key = await ports.material.key(owner, 1, () => generatePrivateKey(authority.key));
      const parent = authority.issuer === undefined ? undefined : await open(authority.issuer);
      const context = { reason, topology: topology.name, pathLength: pathLengthBelow(topology, authority) };
      const certificate = await createAuthority(authority, { generation, ledger, key }, parent, context, ports);
      announce({ kind: 'created authority', id: authority.id, certificate });
    } else if (action.kind === 'restore') {
      await ports.material.store(action.owner, action.issue, await authorities.recorded(action.owner));
      announce({ kind: 'restored', owner: action.owner, reason: action.reason });
    } else if (action.kind === 'request') {
      const { requests } = ports;
      if (!requests) throw new TypeError(`${action.demand.id} is signed elsewhere, and there is no place for requests`);
      await makeRequest(action, { ...ports, requests });
      announce({ kind: 'requested', demand: action.demand, reason: action.reason });
    }
  }
  for (const [issuer, orders] of ordersByIssuer(actions)) {
    const issued = ({ order, certificate }: { order: IssueOrder; certificate: Certificate }) =>
      announce({ kind: 'issued', demand: order.demand, reason: order.reason, certificate });
    await issueCertificates(orders, await open(issuer), topology.name, ports, issued, signal);
  }
  for (const action of actions) {
    signal?.throwIfAborted();
    if (action.kind === 'revoke') {
      const { record, reason } = action;
      const issuer = await open(issuerOf(record, topology));
      await revokeCertificates(issuer, [record.serial], REMOVAL_REASON, ports.clock);
      announce({ kind: 'revoked', record, reason });
    } else if (action.kind === 'sign CRL') {
      const { authority, reason } = action;
      const correction = options.afterClockCorrection ? { afterClockCorrection: true } : {};
      const crl = await signCrl(await open(authority.id), { validDays: authority.crl.validDays, ...correction }, ports);
      announce({ kind: 'signed CRL', authority: authority.id, crl, reason });
    }
  }
}

/** What certificates and requests are about to be made for. */
export function* demandsIn(actions: readonly Action[]): Generator<Demand> {
  for (const action of actions) if (action.kind === 'issue' || action.kind === 'request') yield action.demand;
}

/** A peer that is no longer declared has ceased to operate; nothing says that its key is known to others (RFC 5280 5.3.1). */
const REMOVAL_REASON: RevocationReason = 'cessationOfOperation';

/** Plans put what others depend on first: authorities in order, then certificates, then revocations and lists. */
function ordersByIssuer(actions: readonly Action[]): Map<AuthorityId, IssueOrder[]> {
  const orders = new Map<AuthorityId, IssueOrder[]>();
  for (const action of actions) {
    if (action.kind !== 'issue') continue;
    const { demand, issue, reason } = action;
    const known = orders.get(demand.issuer) ?? [];
    known.push({ demand, issue, reason });
    orders.set(demand.issuer, known);
  }
  return orders;
}

function issuerOf(record: CertificateRecord, topology: Topology): AuthorityId {
  const { issuer } = record.issuance.specification;
  if (topology.authorities.some((authority) => authority.id === issuer)) return issuer;
  throw new VcsPkiError('AUTHORITY_IN_USE', {
    at: ownerText(record.issuance.owner),
    value: issuer,
    message: `its certificate is to be revoked, but its authority ${issuer} is no longer declared`,
    fix: `declare ${issuer} again until everything that it issued has been revoked or replaced`,
  });
}

import type { Plan, RecordedState } from '../authority/plan.ts';
import type { PkiDirectory } from '../store/pki-directory.ts';
import { readRecordedCrl } from '../store/pki-directory.ts';
import type { Demand } from '../topology/demands.ts';
import { unique } from '../topology/names.ts';
import type { Topology } from '../topology/schema.ts';
import { authorityChain, issuersFirst } from '../topology/topology.ts';
import { trustEntries } from '../trust/trust-list.ts';
import { type PresentedCertificate, predictAuthority, predictLeaf, presentedOf } from '../verify/presented.ts';
import type { Evidence, RevocationList } from '../verify/prove.ts';

/**
 * What a proof goes by: the certificates and lists that are there, and predictions for those that `plan` is about to
 * make. With an empty plan, the real ones alone.
 */
export async function gatherEvidence(
  topology: Topology,
  demands: readonly Demand[],
  directory: PkiDirectory,
  state: RecordedState,
  plan: Plan,
  now: Date,
): Promise<Evidence> {
  const recorded = await directory.certificateReader(topology);
  const authorities = new Map<string, PresentedCertificate>();
  for (const authority of issuersFirst(topology.authorities)) {
    const record = state.authorities.get(authority.id)?.record;
    const real = record && (await recorded(record));
    const issuer = authority.issuer === undefined ? undefined : authorities.get(authority.issuer);
    authorities.set(authority.id, real ? presentedOf(real) : predictAuthority(authority, issuer, now));
  }
  const issuing = new Set(plan.actions.flatMap((action) => (action.kind === 'issue' ? [action.demand.id] : [])));
  const certificates = new Map<string, PresentedCertificate>();
  for (const demand of demands) {
    const issuer = authorities.get(demand.issuer);
    const record = state.certificates.get(demand.id);
    const real = issuing.has(demand.id) || !record ? undefined : await recorded(record);
    if (real) certificates.set(demand.id, presentedOf(real));
    else if (issuer && issuing.has(demand.id)) certificates.set(demand.id, predictLeaf(demand, issuer, now));
  }
  const trustLists = new Map<string, PresentedCertificate[]>();
  for (const { id } of topology.clusters) {
    const entries = trustEntries(topology, id).flatMap((entry) =>
      entry.certificate ? [presentedOf(entry.certificate)] : (authorities.get(entry.authority) ?? []),
    );
    trustLists.set(id, entries);
  }
  const signing = new Map(
    plan.actions.flatMap((action) => (action.kind === 'sign CRL' ? [[action.authority.id, action.authority]] : [])),
  );
  const revocationLists = new Map<PresentedCertificate, RevocationList>();
  for (const [id, presented] of authorities) {
    const authority = signing.get(id);
    if (authority) {
      const entries = await directory.ledger(id).entries();
      const revoked = new Set(entries.flatMap((entry) => (entry.revocation ? [entry.serial] : [])));
      const nextUpdate = new Date(now.getTime() + authority.crl.validDays * 24 * 3600 * 1000);
      revocationLists.set(presented, { thisUpdate: now, nextUpdate, isRevoked: (serial) => revoked.has(serial) });
    } else {
      const list = await readRecordedCrl(directory, id);
      if (list) revocationLists.set(presented, list);
    }
  }
  return { certificates, trustLists, revocationLists };
}

/**
 * Ids of the authorities whose lists the peers of `cluster` need, with their issuers (52): those on its trust list, and
 * those that issue for the clusters at the other ends of its zones. An intermediate may reach it in a handshake alone; its list does not.
 */
export function crlAuthoritiesOf(topology: Topology, cluster: string): string[] {
  const trusted = trustEntries(topology, cluster).flatMap((entry) => entry.authority ?? []);
  const ends = topology.zones.map((zone) =>
    zone.kind === 'traversal' ? [zone.client, zone.server] : [zone.cluster, zone.neighbor],
  );
  const linked = new Set(ends.filter((pair) => pair.includes(cluster)).flat());
  const issuers = topology.clusters.flatMap(({ id, issuer }) =>
    linked.has(id) && issuer !== undefined ? [issuer] : [],
  );
  return unique(
    [...trusted, ...issuers].flatMap((id) => authorityChain(topology.authorities, id).map((authority) => authority.id)),
  );
}

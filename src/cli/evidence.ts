import { activeGeneration, type Plan, pathLengthBelow, type RecordedState } from '../authority/plan.ts';
import { addDays } from '../authority/schedule.ts';
import { serialFromHex } from '../authority/serial.ts';
import { type PkiDirectory, readRecordedCrl } from '../store/pki-directory.ts';
import { demands } from '../topology/demands.ts';
import type { AuthorityId } from '../topology/ids.ts';
import { callManagerTrust, tomcatTrust } from '../topology/links/systems.ts';
import { unique } from '../topology/names.ts';
import type { Topology } from '../topology/schema.ts';
import { authorityChain, issuersFirst, issuersOf } from '../topology/topology.ts';
import {
  type AuthorityReader,
  authorityEntries,
  authorityReader,
  listsOf,
  type TrustEntry,
  trustEntries,
} from '../trust/trust-list.ts';
import { type PathCertificate, type PathCrl, pathCertificate, pathCrl } from '../verify/path/path-certificate.ts';
import { predictAuthority, predictCrl, predictLeaf } from '../verify/predict.ts';
import type { Evidence } from '../verify/prove.ts';
import { readCertificate } from '../x509/certificate.ts';
import { decodeDerOrPem } from '../x509/pem.ts';

/**
 * What a proof goes by: the certificates and lists that are there, and predictions for those that `plan` is about to
 * make. With an empty plan, the real ones alone.
 */
export async function gatherEvidence(
  topology: Topology,
  directory: PkiDirectory,
  state: RecordedState,
  plan: Plan,
  now: Date,
): Promise<Evidence> {
  const recorded = await directory.certificateReader(topology);
  const authorities = new Map<AuthorityId, PathCertificate>();
  for (const authority of issuersFirst(topology.authorities)) {
    const record = state.authorities.get(authority.id)?.record;
    const real = record && (await recorded(record));
    const issuer = authority.issuer === undefined ? undefined : authorities.get(authority.issuer);
    const predict = () => predictAuthority(authority, issuer, pathLengthBelow(topology, authority), now);
    authorities.set(authority.id, real ? pathCertificate(real) : predict());
  }
  const read = authorityReader();
  const trust = declaredTrust(topology, authorities, read);
  const awaited = [
    ...plan.actions.flatMap((action) => (action.kind === 'issue' || action.kind === 'request' ? action.demand : [])),
    ...plan.waiting.map(({ demand }) => demand),
  ];
  const issuing = new Set(awaited.map(({ id }) => id));
  const certificates = new Map<string, PathCertificate>();
  for (const demand of demands(topology)) {
    const [issuer] = trust.entries(authorityEntries(topology, [demand.issuer], read));
    const record = state.certificates.get(demand.id);
    const real = issuing.has(demand.id) || !record ? undefined : await recorded(record);
    if (real) certificates.set(demand.id, pathCertificate(real));
    else if (issuer && issuing.has(demand.id)) certificates.set(demand.id, predictLeaf(demand, issuer, now));
  }
  const sent = new Map<string, readonly PathCertificate[]>();
  for (const system of topology.systems) {
    const [own, ...others] = system.certificates.flatMap((pem) => readAll(pem, `system ${system.id}`));
    if (own) certificates.set(system.id, own);
    sent.set(system.id, others);
  }
  const signing = new Map(
    plan.actions.flatMap((action) => (action.kind === 'sign CRL' ? [[action.authority.id, action.authority]] : [])),
  );
  const revocationLists: PathCrl[] = [];
  for (const [id, issuer] of authorities) {
    const of = activeGeneration(id, state);
    const authority = signing.get(id);
    if (authority) {
      const revoked = new Set<bigint>();
      for await (const { serial } of directory.ledger(of).revoked()) revoked.add(serialFromHex(serial));
      const nextUpdate = addDays(now, authority.crl.validDays);
      revocationLists.push(predictCrl(issuer, { thisUpdate: now, nextUpdate, revoked }));
    } else {
      const crl = await readRecordedCrl(directory, of);
      if (crl) revocationLists.push(pathCrl(crl));
    }
  }
  const own = new Set(authorities.values());
  const elsewhere = new Set([...trust.lists.values(), ...sent.values()].flat().filter((one) => !own.has(one)));
  return { certificates, sent, trustLists: trust.lists, revocationLists, elsewhere };
}

/** What every holder trusts; holders with the same entries share one list, and the same certificate is one object. */
function declaredTrust(topology: Topology, authorities: ReadonlyMap<string, PathCertificate>, read: AuthorityReader) {
  const foreign = new Map<string, PathCertificate>();
  const shared = new Map<string, readonly PathCertificate[]>();
  const certificateOf = ({ authority, certificate }: TrustEntry): PathCertificate | undefined => {
    if (authority !== undefined) return authorities.get(authority);
    const key = certificate.der.toString('base64');
    const known = foreign.get(key) ?? pathCertificate(certificate);
    foreign.set(key, known);
    return known;
  };
  const entries = (list: readonly TrustEntry[]): readonly PathCertificate[] => {
    const key = list.map(({ authority, certificate }) => authority ?? certificate.der.toString('base64')).join('\n');
    const known = shared.get(key) ?? list.flatMap((entry) => certificateOf(entry) ?? []);
    shared.set(key, known);
    return known;
  };
  const lists = new Map(topology.clusters.map(({ id }) => [id, entries(trustEntries(topology, id, read))]));
  const listed = new Set(topology.trustLists.flatMap(({ appliesTo }) => appliesTo));
  for (const { id, fixedTrust } of topology.clients) {
    const publicly = topology.externalAuthorities.filter(({ publiclyTrusted }) => publiclyTrusted);
    if (fixedTrust)
      lists.set(
        id,
        entries(
          authorityEntries(
            topology,
            publicly.map((authority) => authority.id),
            read,
          ),
        ),
      );
    else if (listed.has(id)) lists.set(id, entries(trustEntries(topology, id, read)));
  }
  for (const system of topology.systems) {
    if (listed.has(system.id)) lists.set(system.id, entries(trustEntries(topology, system.id, read)));
    if (system.kind !== 'unified-cm') continue;
    lists.set(tomcatTrust(system), entries(authorityEntries(topology, system.tomcatTrust, read)));
    lists.set(callManagerTrust(system), entries(authorityEntries(topology, system.callManagerTrust, read)));
  }
  return { lists, entries };
}

function readAll(pem: string, at: string): PathCertificate[] {
  return decodeDerOrPem(Buffer.from(pem), 'CERTIFICATE', at).map((der) => pathCertificate(readCertificate(der, at)));
}

/**
 * Ids of the authorities whose lists the peers of `cluster` need, with their issuers (52): those on its trust list, and
 * those that issue for the clusters at the other ends of its zones. An intermediate may reach it in a handshake alone; its list does not.
 */
export function crlAuthoritiesOf(topology: Topology, cluster: string): AuthorityId[] {
  const trusted = listsOf(topology, cluster).flatMap(({ authorities }) => authorities);
  const ends = topology.zones.map((zone) =>
    zone.kind === 'traversal' ? [zone.client, zone.server] : [zone.cluster, zone.neighbor],
  );
  const linked = new Set(ends.filter((pair) => pair.includes(cluster)).flat());
  const issuers = topology.clusters.flatMap((candidate) => (linked.has(candidate.id) ? issuersOf(candidate) : []));
  return unique(
    [...trusted, ...issuers].flatMap((id) => authorityChain(topology.authorities, id).map((authority) => authority.id)),
  );
}

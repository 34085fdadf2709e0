import type { CertificateRecord } from '../../authority/record.ts';
import { type Demand, demands } from '../../topology/demands.ts';
import type { AuthorityId, DemandId } from '../../topology/ids.ts';
import type { Link } from '../../topology/links/link.ts';
import { links } from '../../topology/links/links.ts';
import type { ExternalAuthority, System, Topology } from '../../topology/schema.ts';
import { authorityChain } from '../../topology/topology.ts';
import { titleOf } from '../../verify/predict.ts';
import { type Certificate, readCertificate, serialHex } from '../../x509/certificate.ts';
import { describeKey } from '../../x509/keys.ts';
import { decodeDerOrPem } from '../../x509/pem.ts';
import { day } from '../describe.ts';
import { plural, table } from '../output.ts';
import { type Ancestry, ancestryReader, certificatesOf, type Origin } from './certificates.ts';
import type { Declared } from './declared.ts';
import type { Checked } from './report.ts';

/** Who holds which certificate, and what for: the first step before publicly trusted clientAuth ends (FN74362). */
export interface InventoryRow {
  /** A demand id, what declares it, or its file or server. */
  readonly where: string;
  readonly state: 'issued' | 'to be issued' | 'declared' | 'in a file' | 'served';
  readonly holder: string;
  readonly names: readonly string[];
  /** Undefined where nothing limits them, as for an authority. */
  readonly usages: readonly string[] | undefined;
  readonly issuer: string;
  readonly root: string | undefined;
  readonly origin: Origin;
  readonly notAfter: Date | undefined;
  readonly key: string;
  readonly serial: string | undefined;
  /** Links with mutual TLS on which it is presented; undefined where no declaration says so. */
  readonly asClient: readonly string[] | undefined;
  readonly asServer: readonly string[] | undefined;
  readonly sunset: Sunset;
}

/** Whether the end of publicly trusted clientAuth is felt. */
interface Sunset {
  readonly affected: 'yes' | 'no' | 'unknown';
  readonly why: string;
}

export async function inventory({ topologies, artefacts }: Checked): Promise<InventoryRow[]> {
  const held = certificatesOf(artefacts);
  const declared = await Promise.all(topologies.map((one) => certificatesIn(one.declared)));
  const trusted = declared.flatMap(({ external }) => external.filter(({ authority }) => authority.publiclyTrusted));
  const ancestryOf = ancestryReader(
    [...declared.flatMap(allOf), ...held.map(({ certificate }) => certificate)],
    trusted.map(({ certificate }) => certificate),
  );
  return [
    ...topologies.flatMap((one, index) => declaredRows(one.declared, declared[index] ?? NOTHING, ancestryOf)),
    ...held.map(({ at, state, certificate }) => rowOf(at, state, certificate, ancestryOf(certificate))),
  ];
}

/** What decides; the other forms of output have the names, the keys and the serial numbers too. */
export function inventoryTable(rows: readonly InventoryRow[]): string {
  return table(
    ['WHERE', 'STATE', 'HOLDER', 'USAGES', 'ISSUER', 'ROOT', 'ENDS', 'MUTUAL TLS', 'SUNSET'],
    rows.map((row) => [
      row.where,
      row.state,
      row.holder,
      row.usages?.join(' ') ?? 'any',
      row.issuer,
      row.origin === 'unknown' ? (row.root ?? '?') : `${row.root ?? '?'} (${row.origin})`,
      row.notAfter ? day(row.notAfter) : '',
      usesText(row),
      `${row.sunset.affected}: ${row.sunset.why}`,
    ]),
  );
}

function usesText({ asClient, asServer }: InventoryRow): string {
  if (!asClient || !asServer) return '?';
  const words = [
    ...(asClient.length > 0 ? [`client ${asClient.length}`] : []),
    ...(asServer.length > 0 ? [`server ${asServer.length}`] : []),
  ];
  return words.join(', ') || 'none';
}

// ---- what is declared ----------------------------------------------------------------------------------------------

interface DeclaredCertificates {
  readonly authorities: ReadonlyMap<AuthorityId, Certificate>;
  readonly issued: ReadonlyMap<DemandId, Certificate>;
  readonly external: readonly { readonly authority: ExternalAuthority; readonly certificate: Certificate }[];
  readonly systems: readonly { readonly system: System; readonly certificate: Certificate }[];
}

const NOTHING: DeclaredCertificates = { authorities: new Map(), issued: new Map(), external: [], systems: [] };

async function certificatesIn({ session, state }: Declared): Promise<DeclaredCertificates> {
  const { topology } = session.workspace;
  const read = await session.directory.certificateReader(topology);
  const certificateOf = async (record: CertificateRecord) => (record.revocation ? undefined : read(record));
  const authorities = new Map<AuthorityId, Certificate>();
  for (const [id, { record }] of state.authorities) {
    const certificate = await certificateOf(record);
    if (certificate) authorities.set(id, certificate);
  }
  const issued = new Map<DemandId, Certificate>();
  for (const [id, record] of state.certificates) {
    const certificate = await certificateOf(record);
    if (certificate) issued.set(id, certificate);
  }
  const all = (pems: readonly string[], at: string) =>
    pems.flatMap((pem) => decodeDerOrPem(Buffer.from(pem), 'CERTIFICATE', at)).map((der) => readCertificate(der, at));
  return {
    authorities,
    issued,
    external: topology.externalAuthorities.flatMap((authority) =>
      all(authority.certificates, `external authority ${authority.id}`).map((certificate) => ({
        authority,
        certificate,
      })),
    ),
    systems: topology.systems.flatMap((system) =>
      all(system.certificates, `system ${system.id}`).map((certificate) => ({ system, certificate })),
    ),
  };
}

function allOf({ authorities, issued, external, systems }: DeclaredCertificates): Certificate[] {
  return [
    ...authorities.values(),
    ...issued.values(),
    ...[...external, ...systems].map(({ certificate }) => certificate),
  ];
}

function declaredRows(
  { session }: Declared,
  { authorities, issued, external, systems }: DeclaredCertificates,
  ancestryOf: (certificate: Certificate) => Ancestry,
): InventoryRow[] {
  const { topology } = session.workspace;
  const mutual = links(topology).filter(isMutual);
  const asClients = byPresented(mutual, 'client');
  const asServers = byPresented(mutual, 'server');
  const uses = (presented: string) => ({
    asClient: asClients.get(presented) ?? [],
    asServer: asServers.get(presented) ?? [],
  });
  const none = { asClient: [], asServer: [] };
  const row = (where: string, state: InventoryRow['state'], certificate: Certificate, used: Uses) =>
    rowOf(where, state, certificate, ancestryOf(certificate), used);
  // Of a system the first certificate is its own; the others it sends along.
  const seen = new Set<System>();
  return [
    ...topology.authorities.map((authority) => {
      const certificate = authorities.get(authority.id);
      const where = `authority ${authority.id}`;
      return certificate ? row(where, 'issued', certificate, none) : unissued(topology, { ...authority, where }, none);
    }),
    ...external.map(({ authority, certificate }) =>
      row(`external authority ${authority.id}`, 'declared', certificate, none),
    ),
    ...demands(topology).map((demand) => {
      const certificate = issued.get(demand.id);
      const used = uses(demand.id);
      return certificate ? row(demand.id, 'issued', certificate, used) : unissued(topology, fromDemand(demand), used);
    }),
    ...systems.map(({ system, certificate }) => {
      const isOwn = seen.size !== seen.add(system).size;
      return row(`system ${system.id}`, 'declared', certificate, isOwn ? uses(system.id) : none);
    }),
  ];
}

/** Ids of links, by what is presented at one end. */
function byPresented(all: readonly Link[], end: 'client' | 'server'): ReadonlyMap<string | undefined, string[]> {
  const ids = new Map<string | undefined, string[]>();
  for (const link of all) {
    const known = ids.get(link[end].presents);
    if (known) known.push(link.id);
    else ids.set(link[end].presents, [link.id]);
  }
  return ids;
}

function isMutual({ client, server }: Link): boolean {
  return [client, server].every(({ presents, check }) => presents !== undefined && check !== undefined);
}

// ---- rows ----------------------------------------------------------------------------------------------------------

interface Uses {
  readonly asClient: readonly string[];
  readonly asServer: readonly string[];
}

function rowOf(
  where: string,
  state: InventoryRow['state'],
  certificate: Certificate,
  { root, origin }: Ancestry,
  uses?: Uses,
): InventoryRow {
  const { extendedKeyUsage: usages, basicConstraints } = certificate;
  const isAuthority = basicConstraints?.authority === true;
  return {
    where,
    state,
    holder: titleOf(certificate),
    names: [...certificate.dnsNames, ...certificate.ipAddresses],
    usages,
    issuer: titleOf({ subject: certificate.issuer }),
    root: root && titleOf(root),
    origin,
    notAfter: certificate.notAfter,
    key: describeKey(certificate.subjectPublicKeyInfo),
    serial: serialHex(certificate.serialNumber),
    asClient: uses?.asClient,
    asServer: uses?.asServer,
    sunset: isAuthority ? NO_LEAF : sunsetOf(origin, usages, uses),
  };
}

interface Unissued {
  readonly where: string;
  readonly subject: { readonly commonName: string };
  readonly names?: readonly string[];
  readonly usages?: readonly string[];
  readonly issuer?: string | undefined;
  readonly key: string;
}

function fromDemand({ id, key, ...demand }: Demand): Unissued {
  return { ...demand, where: id, key: 'type' in key ? key.type : 'on the appliance' };
}

/** As it is declared: there is no certificate yet. */
function unissued(topology: Topology, declared: Unissued, uses: Uses): InventoryRow {
  const { where, subject, names = [], usages, key } = declared;
  const chain = declared.issuer === undefined ? [] : authorityChain(topology.authorities, declared.issuer);
  const external = topology.externalAuthorities.find(({ id }) => id === declared.issuer);
  const origin = external?.publiclyTrusted ? 'public' : 'internal';
  return {
    where,
    state: 'to be issued',
    holder: subject.commonName,
    names,
    usages,
    issuer: chain[0]?.subject.commonName ?? external?.id ?? subject.commonName,
    root: external ? undefined : (chain.at(-1) ?? declared).subject.commonName,
    origin,
    notAfter: undefined,
    key,
    serial: undefined,
    ...uses,
    sunset: usages ? sunsetOf(origin, usages, uses) : NO_LEAF,
  };
}

const NO_LEAF: Sunset = { affected: 'no', why: 'an authority' };

function sunsetOf(origin: Origin, usages: readonly string[] | undefined, uses: Uses | undefined): Sunset {
  if (origin === 'internal') return { affected: 'no', why: 'internal authorities go on issuing clientAuth' };
  if (origin === 'unknown')
    return { affected: 'unknown', why: 'whether its root is publicly trusted is not known here' };
  const isForClients = usages?.includes('clientAuth') === true;
  const dialled = uses?.asClient.length ?? 0;
  if (dialled > 0) {
    const where = `on ${plural(dialled, 'link')} with mutual TLS it is the client`;
    return {
      affected: 'yes',
      why: isForClients ? `its renewals lack clientAuth; ${where}` : `it lacks clientAuth; ${where}`,
    };
  }
  if (!isForClients) return { affected: 'no', why: 'it is for servers alone' };
  return uses
    ? { affected: 'no', why: 'its renewals lack clientAuth, which no declared link needs' }
    : { affected: 'yes', why: 'its renewals lack clientAuth, which it has; a topology tells whether a link needs it' };
}

import { createHash, type KeyObject, scryptSync } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { activeGeneration, isValid, type RecordedState } from '../authority/plan.ts';
import { BUNDLE_FILES, type BundleFile, bundleFiles } from '../delivery/bundle.ts';
import { requestKit } from '../delivery/request-kit.ts';
import { type Change, isEmptyChange, runbook, type WayBack, type WaysBack } from '../delivery/runbook.ts';
import type { Secret } from '../secret.ts';
import { layout } from '../store/disk-material.ts';
import { makeDirectories, writeAtomically } from '../store/file-system.ts';
import type { PkiDirectory } from '../store/pki-directory.ts';
import { type Demand, demandIdOf, endpointsOf } from '../topology/demands.ts';
import type { DemandId } from '../topology/ids.ts';
import type { Topology } from '../topology/schema.ts';
import { authorityReader, trustEntries } from '../trust/trust-list.ts';
import type { Certificate } from '../x509/certificate.ts';
import { privateKeyPem } from '../x509/keys.ts';
import { crlAuthoritiesOf } from './evidence.ts';

/** Digests of what the last complete delivery put into each bundle, by `<cluster>/<peer>`: what a runbook tells the change from. */
const peerSchema = z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/);
const deliveredSchema = z.record(peerSchema, z.object({ trustList: z.string(), certificate: z.string() }));
type Delivered = z.output<typeof deliveredSchema>;

/** The last change that there was something to load for. */
const changeSchema = z.object({
  trustList: z.array(peerSchema),
  certificate: z.array(peerSchema),
  removed: z.array(peerSchema),
});

export interface Delivery {
  readonly folder: string;
  readonly change: Change;
  /** Peers whose server.p12 went: it was that of another certificate, and no password was given for a new one. */
  readonly withdrawn: readonly string[];
}

export interface DeliveryOptions {
  readonly now: Date;
  /** Also writes server.p12, under this password. */
  readonly password?: Secret<string> | undefined;
}

/**
 * Writes an upload bundle per peer, and a runbook when there is something to load. Files whose content stays are not
 * touched; one of ours that is no part of the bundle any more goes, for it would be loaded one day.
 */
export async function deliver(
  topology: Topology,
  directory: PkiDirectory,
  state: RecordedState,
  { now, password }: DeliveryOptions,
): Promise<Delivery> {
  const folder = join(directory.path, layout.bundles, topology.name);
  const before = await readDelivered(directory, folder);
  const after: Delivered = {};
  const withdrawn: string[] = [];
  const authorities = await authorityCertificates(topology, directory, state);
  const read = authorityReader();
  for (const cluster of topology.clusters) {
    const trusted = trustEntries(topology, cluster.id, read).flatMap(
      (entry) => entry.certificate ?? authorities.get(entry.authority) ?? [],
    );
    const crls: Buffer[] = [];
    const urls: string[] = [];
    for (const id of crlAuthoritiesOf(topology, cluster.id)) {
      const crl = await directory.material.crl(activeGeneration(id, state));
      if (crl) crls.push(crl);
      const authority = topology.authorities.find((candidate) => candidate.id === id);
      const url = authority && endpointsOf(authority, activeGeneration(authority.id, state).generation).crlUrl;
      if (url !== undefined) urls.push(url);
    }
    for (const peer of cluster.peers) {
      const demand = demandIdOf(cluster, peer, 'server');
      const material = await materialOf(demand, directory, state);
      if (!material?.certificate) continue;
      const client =
        cluster.clientCertificate && (await materialOf(demandIdOf(cluster, peer, 'client'), directory, state));
      const { certificate } = material;
      const files = bundleFiles({
        cluster,
        peer,
        certificate,
        key: material.key && privateKeyPem(material.key),
        client: client?.certificate && {
          certificate: client.certificate,
          key: client.key && privateKeyPem(client.key),
        },
        trusted,
        crls,
        crlUrls: urls,
      });
      const path = join(folder, cluster.id, peer.id);
      await makeDirectories(directory.fs, directory.path, path, 0o700);
      for (const file of files)
        await writeAtomically(directory.fs, join(path, file.name), file.content.reveal(), file.mode);
      const present = new Set(files.map(({ name }) => name));
      await removeFiles(
        directory,
        path,
        BUNDLE_FILES.filter((name) => !present.has(name)),
      );
      const pfx = material.key && {
        key: material.key,
        chain: (material.chain ?? []).map(({ der }) => der),
        certificate,
      };
      if (pfx && password) await writePkcs12(directory, path, pfx, password);
      else if (await withdrawPkcs12(directory, path, pfx?.certificate)) withdrawn.push(`${cluster.id}/${peer.id}`);
      after[`${cluster.id}/${peer.id}`] = digests(files);
    }
  }
  const change = changeBetween(before, after);
  for (const peer of change.removed)
    await removeFiles(directory, join(folder, peer), [...BUNDLE_FILES, ...PKCS12_FILES]);
  if (!isEmptyChange(change)) {
    await makeDirectories(directory.fs, directory.path, folder, 0o700);
    await writeJson(directory, notePath(folder, 'change'), {
      trustList: [...change.trustList],
      certificate: [...change.certificate],
      removed: change.removed,
    });
    await writeJson(directory, notePath(folder, 'delivered'), after);
  }
  // The way back of the last change may have been revoked since.
  const last = isEmptyChange(change) ? await readLastChange(directory, folder) : change;
  if (last) {
    const text = runbook(topology, last, waysBack(topology, state, now));
    await writeAtomically(directory.fs, join(folder, 'RUNBOOK.txt'), Buffer.from(text));
  }
  return { folder, change, withdrawn };
}

/** What is to be sent to authorities elsewhere, beside each request that is in progress. */
export async function deliverRequests(demands: readonly Demand[], directory: PkiDirectory): Promise<void> {
  const pending = await directory.requests.pending();
  for (const demand of demands) {
    const request = pending.get(demand.id);
    if (!request) continue;
    const folder = directory.requests.folder(demand.id);
    for (const file of requestKit(demand, Buffer.from(request.request, 'base64')))
      await writeAtomically(directory.fs, join(folder, file.name), file.content.reveal(), file.mode);
  }
}

async function materialOf(demand: DemandId, directory: PkiDirectory, state: RecordedState) {
  const record = state.certificates.get(demand);
  return record && directory.material.load({ demand }, record.issuance.issue);
}

const PKCS12 = 'server.p12';
/**
 * Beside server.p12, what it is, for the file does not tell without its password and takes long to tell with it: a line each
 * for the serial number of its certificate, its SHA-256, and its password under scrypt. Versions before wrote the first alone.
 */
const PKCS12_NOTE = '.server.p12.serial';
const PKCS12_FILES = [PKCS12, PKCS12_NOTE];

/** Ours alone: what others put into the folder is not ours to remove. */
async function removeFiles({ fs }: PkiDirectory, folder: string, names: readonly string[]): Promise<void> {
  const present = new Set(await fs.readDirectory(folder));
  for (const name of names) if (present.has(name)) await fs.removeFile(join(folder, name));
}

interface Pkcs12Content {
  readonly key: KeyObject;
  readonly chain: readonly Buffer[];
  readonly certificate: Certificate;
}

/** Encryption draws new salts each time: a file of this certificate under this password stays. */
async function writePkcs12(
  { fs }: PkiDirectory,
  folder: string,
  { key, chain, certificate }: Pkcs12Content,
  password: Secret<string>,
): Promise<void> {
  const path = join(folder, PKCS12);
  const note = join(folder, PKCS12_NOTE);
  const noteFor = (file: Buffer) =>
    [certificate.serialNumber, sha256(file), scryptOf(password, certificate.der), ''].join('\n');
  const present = await fs.readFile(path);
  if (present && (await fs.readFile(note))?.toString() === noteFor(present)) return;
  const { encodePkcs12 } = await import('../x509/pkcs12.ts');
  const friendlyName = certificate.subject.commonName ?? 'server';
  const pfx = await encodePkcs12({ key, chain, certificate: certificate.der, friendlyName }, password);
  await writeAtomically(fs, path, pfx, 0o600);
  await writeAtomically(fs, note, Buffer.from(noteFor(pfx)), 0o600);
}

/** True where there was a server.p12 of another certificate than `certificate`: it goes. */
async function withdrawPkcs12(
  directory: PkiDirectory,
  folder: string,
  certificate: Certificate | undefined,
): Promise<boolean> {
  const { fs } = directory;
  const file = await fs.readFile(join(folder, PKCS12));
  if (!file) return false;
  const [serial, digest] = (await fs.readFile(join(folder, PKCS12_NOTE)))?.toString().split('\n') ?? [];
  const isOfThis = certificate !== undefined && serial === `${certificate.serialNumber}`;
  if (isOfThis && (!digest || digest === sha256(file))) return false;
  await removeFiles(directory, folder, PKCS12_FILES);
  return true;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Tells one password from another, and costs who would guess it as much as the file itself does. */
function scryptOf(password: Secret<string>, certificate: Buffer): string {
  return scryptSync(password.reveal(), certificate, 32, { N: 2 ** 15, r: 8, maxmem: 2 ** 26 }).toString('hex');
}

/** What each peer can go back to: the certificate before its newest, where it is still valid. By demand id. */
function waysBack(topology: Topology, state: RecordedState, now: Date): WaysBack {
  const found = new Map<string, WayBack>();
  for (const cluster of topology.clusters) {
    for (const peer of cluster.peers) {
      for (const role of ['server', 'client'] as const) {
        const demand = demandIdOf(cluster, peer, role);
        const earlier = state.history?.get(demand)?.slice(0, -1) ?? [];
        const before = earlier.findLast((record) => isValid(record, now)) ?? earlier.at(-1);
        if (!before) continue;
        const { serial, notAfter, revocation } = before;
        const ended = revocation
          ? `was revoked on ${revocation.at.slice(0, 10)} (${revocation.reason})`
          : new Date(notAfter) <= now
            ? `ended on ${notAfter.slice(0, 10)}`
            : undefined;
        found.set(demand, { serial, folder: layout.certificate(demand, before.issuance.issue), notAfter, ended });
      }
    }
  }
  return found;
}

async function authorityCertificates(
  topology: Topology,
  directory: PkiDirectory,
  state: RecordedState,
): Promise<Map<string, Certificate>> {
  const certificates = new Map<string, Certificate>();
  for (const { id } of topology.authorities) {
    const { certificate } = await directory.material.load(activeGeneration(id, state), 1);
    if (certificate) certificates.set(id, certificate);
  }
  return certificates;
}

function digests(files: readonly BundleFile[]): Delivered[string] {
  const digest = (name: string) => {
    const file = files.find((candidate) => candidate.name === name);
    return file ? sha256(file.content.reveal()) : '';
  };
  return { trustList: digest('ca.pem'), certificate: `${digest('server.pem')}${digest('client.pem')}` };
}

function changeBetween(before: Delivered, after: Delivered): Change {
  const changed = (part: keyof Delivered[string]) =>
    new Set(Object.entries(after).flatMap(([peer, now]) => (before[peer]?.[part] === now[part] ? [] : [peer])));
  return {
    trustList: changed('trustList'),
    certificate: changed('certificate'),
    removed: Object.keys(before).filter((peer) => !(peer in after)),
  };
}

/** What can't be read tells of nothing: then everything counts as new. */
async function readDelivered(directory: PkiDirectory, folder: string): Promise<Delivered> {
  return (await readJson(directory, notePath(folder, 'delivered'), deliveredSchema)) ?? {};
}

/** What RUNBOOK.txt is about; versions before kept no note of it. */
async function readLastChange(directory: PkiDirectory, folder: string): Promise<Change | undefined> {
  const noted = await readJson(directory, notePath(folder, 'change'), changeSchema);
  return noted && { ...noted, trustList: new Set(noted.trustList), certificate: new Set(noted.certificate) };
}

async function readJson<T>({ fs }: PkiDirectory, path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const bytes = await fs.readFile(path);
  try {
    return bytes && schema.parse(JSON.parse(bytes.toString()));
  } catch {
    return undefined;
  }
}

function writeJson({ fs }: PkiDirectory, path: string, value: unknown): Promise<void> {
  return writeAtomically(fs, path, Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`));
}

function notePath(folder: string, what: 'delivered' | 'change'): string {
  return join(dirname(folder), `.${basename(folder)}.${what}.json`);
}

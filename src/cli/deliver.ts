import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import type { RecordedState } from '../authority/plan.ts';
import { authorityOwner } from '../authority/record.ts';
import { type BundleFile, bundleFiles } from '../delivery/bundle.ts';
import { requestKit } from '../delivery/request-kit.ts';
import { type Change, isEmptyChange, runbook } from '../delivery/runbook.ts';
import type { Secret } from '../secret.ts';
import { layout } from '../store/disk-material.ts';
import { makeDirectories, writeAtomically } from '../store/file-system.ts';
import type { PkiDirectory } from '../store/pki-directory.ts';
import { crlUrl, type Demand, demandIdOf } from '../topology/demands.ts';
import type { Topology } from '../topology/schema.ts';
import { authorityReader, trustEntries } from '../trust/trust-list.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { privateKeyPem } from '../x509/keys.ts';
import { crlAuthoritiesOf } from './evidence.ts';

/** Digests of what the last complete delivery put into each bundle: what a runbook tells the change from. */
const deliveredSchema = z.record(z.string(), z.object({ trustList: z.string(), certificate: z.string() }));
type Delivered = z.output<typeof deliveredSchema>;

export interface Delivery {
  readonly folder: string;
  readonly change: Change;
}

/** Writes an upload bundle per peer, and a runbook when there is something to load. Files whose content stays are not touched. */
export async function deliver(
  topology: Topology,
  directory: PkiDirectory,
  state: RecordedState,
  pkcs12Password?: Secret<string>,
): Promise<Delivery> {
  const folder = join(directory.path, layout.bundles, topology.name);
  const before = await readDelivered(directory, folder);
  const after: Delivered = {};
  const authorities = await authorityCertificates(topology, directory);
  const read = authorityReader();
  for (const cluster of topology.clusters) {
    const trusted = trustEntries(topology, cluster.id, read).flatMap(
      (entry) => entry.certificate ?? authorities.get(entry.authority) ?? [],
    );
    const crls: Buffer[] = [];
    const urls: string[] = [];
    for (const id of crlAuthoritiesOf(topology, cluster.id)) {
      const crl = await directory.material.crl(id, 1);
      if (crl) crls.push(crl);
      const authority = topology.authorities.find((candidate) => candidate.id === id);
      const url = authority && crlUrl(authority, 1);
      if (url !== undefined) urls.push(url);
    }
    for (const peer of cluster.peers) {
      const demand = demandIdOf(cluster, peer, 'server');
      const material = await materialOf(demand, directory, state);
      if (!material?.certificate) continue;
      const client =
        cluster.clientCertificate && (await materialOf(demandIdOf(cluster, peer, 'client'), directory, state));
      const certificate = readCertificate(material.certificate, demand);
      const files = bundleFiles({
        cluster,
        peer,
        certificate,
        key: material.key && privateKeyPem(material.key),
        client: client?.certificate && {
          certificate: readCertificate(client.certificate, `${demand}, client certificate`),
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
      if (pkcs12Password && material.key) {
        await writePkcs12(
          directory,
          path,
          certificate,
          { key: material.key, chain: material.chain ?? [] },
          pkcs12Password,
        );
      }
      after[`${cluster.id}/${peer.id}`] = digests(files);
    }
  }
  const change = changeBetween(before, after);
  for (const peer of change.removed) await emptyFolder(directory, join(folder, peer));
  if (!isEmptyChange(change)) {
    await makeDirectories(directory.fs, directory.path, folder, 0o700);
    await writeAtomically(directory.fs, join(folder, 'RUNBOOK.txt'), Buffer.from(runbook(topology, change)));
    await writeAtomically(directory.fs, deliveredPath(folder), Buffer.from(`${JSON.stringify(after, undefined, 2)}\n`));
  }
  return { folder, change };
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

async function materialOf(demand: string, directory: PkiDirectory, state: RecordedState) {
  const record = state.certificates.get(demand);
  return record && directory.material.load(demand, record.issuance.generation);
}

/** A bundle left behind would be loaded one day. The certificates and keys themselves stay in their own folders. */
async function emptyFolder(directory: PkiDirectory, folder: string): Promise<void> {
  for (const name of await directory.fs.readDirectory(folder)) await directory.fs.removeFile(join(folder, name));
}

/** Encryption draws new salts each time: an existing file for the same certificate stays. */
async function writePkcs12(
  directory: PkiDirectory,
  path: string,
  certificate: Certificate,
  content: { key: Parameters<typeof privateKeyPem>[0]; chain: readonly Buffer[] },
  password: Secret<string>,
): Promise<void> {
  const file = join(path, 'server.p12');
  const marker = join(path, '.server.p12.serial');
  const serial = Buffer.from(`${certificate.serialNumber}\n`);
  if ((await directory.fs.readFile(marker))?.equals(serial) && (await directory.fs.readFile(file))) return;
  const { encodePkcs12 } = await import('../x509/pkcs12.ts');
  const friendlyName = certificate.subject.commonName ?? 'server';
  const pfx = await encodePkcs12({ ...content, certificate: certificate.der, friendlyName }, password);
  await writeAtomically(directory.fs, file, pfx, 0o600);
  await writeAtomically(directory.fs, marker, serial);
}

async function authorityCertificates(topology: Topology, directory: PkiDirectory): Promise<Map<string, Certificate>> {
  const certificates = new Map<string, Certificate>();
  for (const { id } of topology.authorities) {
    const { certificate } = await directory.material.load(authorityOwner(id), 1);
    if (certificate) certificates.set(id, readCertificate(certificate, id));
  }
  return certificates;
}

function digests(files: readonly BundleFile[]): Delivered[string] {
  const digest = (name: string) => {
    const file = files.find((candidate) => candidate.name === name);
    return file ? createHash('sha256').update(file.content.reveal()).digest('hex') : '';
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

async function readDelivered(directory: PkiDirectory, folder: string): Promise<Delivered> {
  const bytes = await directory.fs.readFile(deliveredPath(folder));
  const parsed = deliveredSchema.safeParse(bytes ? JSON.parse(bytes.toString()) : {});
  return parsed.success ? parsed.data : {};
}

function deliveredPath(folder: string): string {
  return join(dirname(folder), `.${folder.slice(dirname(folder).length + 1)}.delivered.json`);
}

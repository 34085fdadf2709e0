import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { type CompromisedKeys, compromiseReasons } from '../authority/compromised-key.ts';
import type { Issuer } from '../authority/issuer.ts';
import { localSigner } from '../authority/issuer.ts';
import type { Authorities } from '../authority/perform.ts';
import type { AuthorityState, MaterialState, RecordedState } from '../authority/plan.ts';
import {
  authorityOwner,
  type CertificateRecord,
  isAuthorityOwner,
  type LedgerEntry,
  latestByOwner,
  recordOf,
} from '../authority/record.ts';
import { crlStateOf, materialStateOf } from '../authority/recorded.ts';
import { readPublished } from '../authority/revoke.ts';
import { VcsPkiError } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { crlUrl, type Demand } from '../topology/demands.ts';
import { unique } from '../topology/names.ts';
import type { Authority, Topology } from '../topology/schema.ts';
import { authorityChain } from '../topology/topology.ts';
import { type Certificate, readCertificate, serialHex } from '../x509/certificate.ts';
import type { Crl } from '../x509/crl.ts';
import { keyId, keyIdentifier, subjectPublicKeyInfo } from '../x509/keys.ts';
import { DiskLedger } from './disk-ledger.ts';
import { DiskMaterial, layout } from './disk-material.ts';
import { DiskRequests } from './disk-requests.ts';
import { type FileSystem, makeDirectories, writeAtomically } from './file-system.ts';
import { generatedOpensslConfig } from './openssl-config.ts';
import { type LockOptions, withWriterLock } from './writer-lock.ts';

/** Renewals share their subject with the certificate they replace (1P). */
const UNIQUE_SUBJECT = 'unique_subject = no\n';

/** Private keys do not belong in Git. */
const IGNORE_ALL = '*\n';

/** A PKI directory: every authority in the layout of `openssl ca`, keys and certificates by demand, published lists. */
export class PkiDirectory {
  readonly path: string;
  readonly fs: FileSystem;
  readonly material: DiskMaterial;
  readonly requests: DiskRequests;
  readonly #writable: boolean;
  readonly #ledgers = new Map<string, DiskLedger>();

  constructor(fs: FileSystem, path: string, options: { writable: boolean; passphrase?: Secret<string> | undefined }) {
    this.fs = fs;
    this.path = path;
    this.material = new DiskMaterial(fs, path, options.passphrase);
    this.requests = new DiskRequests(fs, path);
    this.#writable = options.writable;
  }

  /** Runs `work` as the only writer of the directory, which is created when it is not there. See withWriterLock. */
  static async write<T>(
    fs: FileSystem,
    path: string,
    options: LockOptions & { readonly passphrase?: Secret<string> | undefined },
    work: (directory: PkiDirectory) => Promise<T>,
  ): Promise<T> {
    await makeDirectories(fs, join(path, '..'), path, 0o700);
    return withWriterLock(fs, path, options, async (fenced) => {
      const ignored = join(path, '.gitignore');
      if ((await fenced.readFile(ignored)) === undefined)
        await writeAtomically(fenced, ignored, Buffer.from(IGNORE_ALL));
      return work(new PkiDirectory(fenced, path, { writable: true, passphrase: options.passphrase }));
    });
  }

  /**
   * Makes the directory that of a Terraform workspace, or refuses one that belongs to another (DIRECTORY_TAKEN): what one
   * workspace destroys, the other serves. Undefined: not run by Terraform.
   */
  async claim(workspace: string | undefined): Promise<void> {
    if (workspace === undefined) return;
    const path = join(this.path, 'workspace');
    const holder = (await this.fs.readFile(path))?.toString().trim();
    if (holder === workspace) return;
    if (holder === undefined) return writeAtomically(this.fs, path, Buffer.from(`${workspace}\n`));
    throw new VcsPkiError('DIRECTORY_TAKEN', {
      at: this.path,
      value: workspace,
      message: `belongs to Terraform workspace ${holder}, and this is workspace ${workspace}`,
      fix: `run: terraform workspace select ${holder}; or give workspace ${workspace} a PKI directory of its own by PkiStorage`,
    });
  }

  /** The ledger of an authority's generation 1. */
  ledger(authority: string): DiskLedger {
    const ledger =
      this.#ledgers.get(authority) ?? new DiskLedger(this.fs, this.authorityPath(authority), this.#writable);
    this.#ledgers.set(authority, ledger);
    return ledger;
  }

  authorityPath(authority: string): string {
    return join(this.path, layout.authority(authority));
  }

  /** Makes the `openssl ca` directory of an authority that is about to be created (requirement 69). */
  async prepareAuthority(authority: Authority, firstSerial: bigint): Promise<void> {
    const directory = this.authorityPath(authority.id);
    for (const folder of ['certs', 'newcerts'])
      await makeDirectories(this.fs, this.path, join(directory, folder), 0o755);
    const files = {
      'openssl.cnf': generatedOpensslConfig(authority),
      'index.txt.attr': UNIQUE_SUBJECT,
      serial: `${serialHex(firstSerial)}\n`,
      crlnumber: '01\n',
      'index.txt': '',
    };
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, name);
      if ((await this.fs.readFile(path)) === undefined) await writeAtomically(this.fs, path, Buffer.from(text));
    }
  }

  /**
   * Refuses the place of an authority that is not on record and has certificates all the same (LEDGER_LOST_ENTRIES): another
   * authority of its name would take the place of the one whose records were lost.
   */
  async refuseUnrecorded(id: string): Promise<void> {
    const place = this.authorityPath(id);
    const hasCertificate = (await this.fs.readFile(join(place, 'cacert.pem'))) !== undefined;
    const hasIssued = (await this.fs.readDirectory(join(place, 'newcerts'))).length > 0;
    const hasIndex = ((await this.fs.readFile(join(place, 'index.txt')))?.length ?? 0) > 0;
    if (!hasCertificate && !hasIssued && !hasIndex) return;
    throw new VcsPkiError('LEDGER_LOST_ENTRIES', {
      at: place,
      message: `has certificates in it, but authority ${id} is not on record: its records were lost, or it is of another program`,
      fix: 'restore records.jsonl and index.txt of its issuer from a backup, or take the authority in with: vcs-pki adopt',
    });
  }

  /** Makes the place where certificates of an authority elsewhere are put on record. */
  async prepareExternal(id: string): Promise<DiskLedger> {
    const directory = this.authorityPath(id);
    await makeDirectories(this.fs, this.path, join(directory, 'newcerts'), 0o755);
    await writeAtomically(this.fs, join(directory, 'index.txt.attr'), Buffer.from(UNIQUE_SUBJECT));
    return this.ledger(id);
  }

  /** The places and keys of the authorities of a topology, for `perform`. */
  authorities(topology: Topology, firstSerial: () => bigint): Authorities {
    return {
      prepare: async (authority) => {
        await this.prepareAuthority(authority, firstSerial());
        return this.ledger(authority.id);
      },
      open: (id) => this.openIssuer(topology, id),
      recorded: (owner) => this.#recorded(topology, owner),
    };
  }

  /** The authority, able to issue. Its key must fit its certificate (KEY_MISMATCH). */
  async openIssuer(topology: Pick<Topology, 'authorities'>, id: string): Promise<Issuer> {
    const authority = topology.authorities.find((candidate) => candidate.id === id);
    if (!authority) throw new TypeError(`no authority ${id}: the topology was not parsed`);
    const { key, certificate: der } = await this.material.load(authorityOwner(id), 1);
    const place = this.authorityPath(id);
    if (!der || !key) {
      throw new VcsPkiError('AUTHORITY_MISSING', {
        at: place,
        message: `the ${der ? 'key' : 'certificate'} of authority ${id} is not there`,
        fix: `restore it from a backup: ${der ? 'private/cakey.pem' : 'cacert.pem'}`,
      });
    }
    const certificate = readCertificate(der, join(place, 'cacert.pem'));
    if (!subjectPublicKeyInfo(createPublicKey(key)).equals(certificate.subjectPublicKeyInfo)) {
      throw new VcsPkiError('KEY_MISMATCH', {
        at: join(place, 'private', 'cakey.pem'),
        message: `is not the key of cacert.pem of authority ${id}`,
        fix: 'restore both from the same backup',
      });
    }
    return {
      id,
      generation: 1,
      certificate,
      chain: await this.#chainFrom(topology, id, ''),
      signer: localSigner(key),
      ledger: this.ledger(id),
      crlUrl: crlUrl(authority, 1),
    };
  }

  /**
   * What is on record and on disk for a topology, read without changing anything.
   * @param look whose files to hold against the record; by default everybody's
   */
  async state(
    topology: Topology,
    demands: readonly Demand[],
    look: (owner: string) => boolean = () => true,
  ): Promise<RecordedState> {
    const entries = new Map<string, readonly LedgerEntry[]>();
    for (const id of await this.#authorities(topology)) entries.set(id, await this.ledger(id).entries());
    const all = [...entries.values()].flat();
    const records = all.flatMap((entry) => recordOf(entry) ?? []);
    refuseTaken(records, topology.name, demands);
    const ours = records.filter(
      ({ issuance }) => issuance.topology === topology.name || isAuthorityOwner(issuance.owner),
    );
    const latest = latestByOwner(ours);
    const certificates = new Map<string, CertificateRecord>();
    const material = new Map<string, MaterialState>();
    const authorities = new Map<string, AuthorityState>();
    const entryOf = byOwnerAndSerial(all);
    for (const authority of topology.authorities) {
      const owner = authorityOwner(authority.id);
      const record = latest.get(owner);
      if (!record) continue;
      const der = await entryOf(record)?.certificate();
      if (!der) throw lostCertificate(record, this.authorityPath(authority.issuer ?? authority.id));
      const certificate = readCertificate(der, owner);
      if (look(owner)) {
        const recorded = { owner, generation: 1, certificate: der, keyOnAppliance: false };
        material.set(owner, await materialStateOf(this.material, recorded));
      }
      authorities.set(authority.id, {
        record,
        keyIdentifier: keyIdentifier(certificate.subjectPublicKeyInfo).toString('hex'),
        crl: crlStateOf(await this.material.crl(authority.id, 1), entries.get(authority.id) ?? [], authority.id),
      });
    }
    for (const [owner, record] of latest) {
      if (isAuthorityOwner(owner)) continue;
      certificates.set(owner, record);
      if (!look(owner)) continue;
      const der = await entryOf(record)?.certificate();
      if (!der || record.revocation) continue;
      const { generation, specification } = record.issuance;
      const keyOnAppliance = specification.key.startsWith('request ');
      const recorded = { owner, generation, certificate: der, keyOnAppliance };
      material.set(owner, await materialStateOf(this.material, recorded));
    }
    return { authorities, certificates, history: byOwner(ours), material, requests: await this.requests.pending() };
  }

  /** The keys that were revoked for compromise in any ledger of the directory, by their id (`keyId`), with a serial number that says so. */
  async #compromised(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for (const id of await this.fs.readDirectory(join(this.path, 'authorities'))) {
      for (const entry of await this.ledger(id).entries()) {
        if (!entry.revocation || !compromiseReasons.has(entry.revocation.reason)) continue;
        const der = await entry.certificate();
        if (der) found.set(keyId(readCertificate(der, entry.serial).subjectPublicKeyInfo), entry.serial);
      }
    }
    return found;
  }

  /** See CompromisedKeys: as recorded when it is asked first. */
  compromisedKeys(): CompromisedKeys {
    let known: Promise<ReadonlyMap<string, string>> | undefined;
    return async (key) => {
      known ??= this.#compromised();
      return (await known).get(keyId(key));
    };
  }

  /** Certificates with this key (`keyId`) that have neither ended nor been revoked, with the authority whose ledger has them. */
  async validWithKey(id: string, now: Date): Promise<{ readonly authority: string; readonly serial: string }[]> {
    const found: { authority: string; serial: string }[] = [];
    for (const authority of await this.fs.readDirectory(join(this.path, 'authorities'))) {
      for (const entry of await this.ledger(authority).entries()) {
        if (entry.revocation || new Date(entry.notAfter) <= now) continue;
        const der = await entry.certificate();
        if (!der || keyId(readCertificate(der, entry.serial).subjectPublicKeyInfo) !== id) continue;
        found.push({ authority, serial: entry.serial });
      }
    }
    return found;
  }

  /** Reads certificates on record, from whichever ledger has them. */
  async certificateReader(
    topology: Topology,
  ): Promise<(record: CertificateRecord) => Promise<Certificate | undefined>> {
    const entries: (readonly LedgerEntry[])[] = [];
    for (const id of await this.#authorities(topology)) entries.push(await this.ledger(id).entries());
    const find = byOwnerAndSerial(entries.flat());
    return async (record) => {
      const der = await find(record)?.certificate();
      return der && readCertificate(der, record.issuance.owner);
    };
  }

  /** Those declared, and those of earlier declarations: their certificates still count. */
  async #authorities(topology: Topology): Promise<string[]> {
    const present = await this.fs.readDirectory(join(this.path, 'authorities'));
    return unique([...topology.authorities.map((authority) => authority.id), ...present]);
  }

  async #recorded(topology: Topology, owner: string): Promise<{ certificate: Buffer; chain: readonly Buffer[] }> {
    const entries = (
      await Promise.all((await this.#authorities(topology)).map((id) => this.ledger(id).entries()))
    ).flat();
    const record = latestByOwner(entries.flatMap((entry) => recordOf(entry) ?? [])).get(owner);
    const certificate = record && (await byOwnerAndSerial(entries)(record)?.certificate());
    if (!record || !certificate) throw new TypeError(`${owner} is not on record`);
    return { certificate, chain: await this.#chainFrom(topology, record.issuance.specification.issuer, owner) };
  }

  /** DER of the issuers of `owner`, from `issuer` up to and without the root. */
  async #chainFrom(topology: Pick<Topology, 'authorities'>, issuer: string, owner: string): Promise<Buffer[]> {
    const chain: Buffer[] = [];
    for (const link of authorityChain(topology.authorities, issuer)) {
      if (link.issuer === undefined || authorityOwner(link.id) === owner) continue;
      const { certificate } = await this.material.load(authorityOwner(link.id), 1);
      if (certificate) chain.push(certificate);
    }
    return chain;
  }
}

function byOwner(records: readonly CertificateRecord[]): Map<string, CertificateRecord[]> {
  const history = new Map<string, CertificateRecord[]>();
  for (const record of records) {
    const known = history.get(record.issuance.owner);
    if (known) known.push(record);
    else history.set(record.issuance.owner, [record]);
  }
  // Several authorities may have signed for one owner.
  for (const all of history.values()) all.sort((a, b) => a.issuance.generation - b.issuance.generation);
  return history;
}

/** A serial number alone may stand in the ledgers of several authorities: those of others begin at 1 or 10. */
function byOwnerAndSerial(
  entries: readonly LedgerEntry[],
): (record: Pick<CertificateRecord, 'serial' | 'issuance'>) => LedgerEntry | undefined {
  const key = (serial: string, owner: string | undefined) => `${serial} ${owner}`;
  const found = new Map(entries.map((entry) => [key(entry.serial, entry.issuance?.owner), entry]));
  return ({ serial, issuance }) => found.get(key(serial, issuance.owner));
}

/** The published list of an authority, as a proof asks it; none where it is damaged. */
export async function readRecordedCrl(directory: PkiDirectory, authority: string): Promise<Crl | undefined> {
  return readPublished(await directory.material.crl(authority, 1), authority);
}

function lostCertificate(record: CertificateRecord, directory: string): VcsPkiError {
  return new VcsPkiError('LEDGER_LOST_ENTRIES', {
    at: join(directory, 'newcerts', `${record.serial}.pem`),
    message: `the certificate of ${record.issuance.owner} is on record but its file is gone`,
    fix: 'restore the file from a backup',
  });
}

function refuseTaken(records: readonly CertificateRecord[], topology: string, demands: readonly Demand[]): void {
  const wanted = new Set(demands.map((demand) => demand.id));
  const taken = records.find(({ issuance }) => issuance.topology !== topology && wanted.has(issuance.owner));
  if (!taken) return;
  const { owner, topology: other } = taken.issuance;
  throw new VcsPkiError('OWNER_TAKEN', {
    at: owner,
    value: other,
    message: `topology ${other} has a certificate under this id in the same PKI directory`,
    fix: 'give one of the two clusters another id, or each topology its own PKI directory',
  });
}

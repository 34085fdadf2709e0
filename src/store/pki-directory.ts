import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { type CompromisedKeys, compromiseReasons } from '../authority/compromised-key.ts';
import type { Ports } from '../authority/issue.ts';
import type { Issuer } from '../authority/issuer.ts';
import { localSigner } from '../authority/issuer.ts';
import { type AuthorityGeneration, type Owner, ownerText } from '../authority/owner.ts';
import type { Place } from '../authority/perform.ts';
import type { AuthorityState, MaterialState, RecordedState } from '../authority/plan.ts';
import type { IssuedMaterial } from '../authority/ports.ts';
import { type CertificateRecord, type LedgerEntry, recordOf } from '../authority/record.ts';
import { crlStateOf, materialStateOf } from '../authority/recorded.ts';
import { readPublished } from '../authority/revocation-list.ts';
import { VcsPkiError } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { type Demand, endpointsOf } from '../topology/demands.ts';
import type { AuthorityId, DemandId } from '../topology/ids.ts';
import type { Authority, Topology } from '../topology/schema.ts';
import { authorityChain } from '../topology/topology.ts';
import { type Certificate, type Serial, serialHex } from '../x509/certificate.ts';
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

  /** One that is not writable opens no encrypted key of an authority. */
  constructor(fs: FileSystem, path: string, options: { writable: boolean; passphrase?: Secret<string> | undefined }) {
    this.fs = fs;
    this.path = path;
    this.material = new DiskMaterial(fs, path, options.passphrase, options.writable);
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

  ledger(of: AuthorityGeneration): DiskLedger {
    const path = this.authorityPath(of);
    const ledger = this.#ledgers.get(path) ?? new DiskLedger(this.fs, path, this.#writable);
    this.#ledgers.set(path, ledger);
    return ledger;
  }

  authorityPath(of: AuthorityGeneration): string {
    return join(this.path, layout.authority(of));
  }

  /** Makes the `openssl ca` directory of an authority that is about to be created (requirement 69). */
  async prepareAuthority(authority: Authority, generation: number, firstSerial: bigint): Promise<void> {
    const directory = this.authorityPath({ authority: authority.id, generation });
    for (const folder of ['certs', 'newcerts'])
      await makeDirectories(this.fs, this.path, join(directory, folder), 0o755);
    const files = {
      'openssl.cnf': generatedOpensslConfig(authority, generation),
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
  async refuseUnrecorded(id: AuthorityId): Promise<void> {
    const place = this.authorityPath({ authority: id, generation: 1 });
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
  async prepareExternal(id: AuthorityId): Promise<DiskLedger> {
    const of = { authority: id, generation: 1 };
    const directory = this.authorityPath(of);
    await makeDirectories(this.fs, this.path, join(directory, 'newcerts'), 0o755);
    await writeAtomically(this.fs, join(directory, 'index.txt.attr'), Buffer.from(UNIQUE_SUBJECT));
    return this.ledger(of);
  }

  /** Where the steps of a topology's plan are done. @param firstSerial the one that openssl would use first in a new authority */
  place(topology: Topology, ports: Pick<Ports, 'clock' | 'random'>, firstSerial: () => bigint): Place {
    const { material, requests } = this;
    return {
      topology: topology.name,
      ports: { ...ports, material, requests, compromised: this.compromisedKeys() },
      prepare: async (of) => {
        await this.prepareAuthority(declaredAuthority(topology, of.authority), of.generation, firstSerial());
        return this.ledger(of);
      },
      open: (id) => this.openIssuer(topology, id),
      recorded: (owner) => this.#recorded(topology, owner),
    };
  }

  /** The authority, able to issue. Its key must fit its certificate (KEY_MISMATCH). */
  async openIssuer(topology: Pick<Topology, 'authorities'>, id: AuthorityId): Promise<Issuer> {
    const authority = declaredAuthority(topology, id);
    const generation = await this.#activeGeneration(authority);
    const of = { authority: id, generation };
    const { key, certificate } = await this.material.load(of, 1);
    const place = this.authorityPath(of);
    if (!certificate || !key) {
      throw new VcsPkiError('AUTHORITY_MISSING', {
        at: place,
        message: `the ${certificate ? 'key' : 'certificate'} of authority ${id} is not there`,
        fix: `restore it from a backup: ${certificate ? 'private/cakey.pem' : 'cacert.pem'}`,
      });
    }
    if (!subjectPublicKeyInfo(createPublicKey(key)).equals(certificate.subjectPublicKeyInfo)) {
      throw new VcsPkiError('KEY_MISMATCH', {
        at: join(place, 'private', 'cakey.pem'),
        message: `is not the key of cacert.pem of authority ${id}`,
        fix: 'restore both from the same backup',
      });
    }
    return {
      id,
      generation,
      certificate,
      chain: await this.#chainFrom(topology, id),
      signer: localSigner(key),
      ledger: this.ledger(of),
      endpoints: endpointsOf(authority, generation),
    };
  }

  /** Encrypts the keys of authorities that lie plain though a passphrase is given; resolves with whose. */
  async encryptKeys({ authorities }: Pick<Topology, 'authorities'>): Promise<string[]> {
    const encrypted: string[] = [];
    for (const authority of authorities) {
      const generation = await this.#activeGeneration(authority);
      if (await this.material.encryptKey({ authority: authority.id, generation })) encrypted.push(authority.id);
    }
    return encrypted;
  }

  /**
   * What is on record and on disk for a topology, read without changing anything.
   * @param look whose files to hold against the record; by default everybody's
   */
  async state(
    topology: Topology,
    demands: readonly Demand[],
    look: (owner: Owner) => boolean = () => true,
  ): Promise<RecordedState> {
    const all = await this.#entries(topology);
    const records = all.flatMap((entry) => recordOf(entry) ?? []);
    refuseTaken(records, topology.name, demands);
    const entryOf = byOwnerAndSerial(all);
    const authorities = new Map<AuthorityId, AuthorityState>();
    for (const authority of topology.authorities) {
      const newest = newestOf(records, authority.id);
      if (!newest) continue;
      const { owner, record } = newest;
      const certificate = await entryOf(record)?.certificate();
      if (!certificate)
        throw lostCertificate(
          record,
          this.authorityPath({ authority: authority.issuer ?? authority.id, generation: 1 }),
        );
      const recorded = { owner, issue: record.issuance.issue, certificate, keyOnAppliance: false };
      authorities.set(authority.id, {
        generation: owner.generation,
        record,
        keyIdentifier: keyIdentifier(certificate.subjectPublicKeyInfo).toString('hex'),
        crl: await crlStateOf(await this.material.crl(owner), this.ledger(owner).revoked(), authority.id),
        ...(look(owner) && { material: await materialStateOf(this.material, recorded) }),
      });
    }
    const history = byDemand(records, topology.name);
    const certificates = new Map<DemandId, CertificateRecord>();
    const material = new Map<DemandId, MaterialState>();
    for (const [demand, issued] of history) {
      const record = issued.at(-1);
      if (!record) continue;
      certificates.set(demand, record);
      const owner = { demand };
      const certificate = look(owner) ? await entryOf(record)?.certificate() : undefined;
      if (!certificate || record.revocation) continue;
      const { issue, specification } = record.issuance;
      const recorded = { owner, issue, certificate, keyOnAppliance: 'request' in specification.key };
      material.set(demand, await materialStateOf(this.material, recorded));
    }
    return { authorities, certificates, history, material, requests: await this.requests.pending() };
  }

  /** The keys that were revoked for compromise in any ledger of the directory, by their id (`keyId`), with a serial number that says so. */
  async #compromised(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for (const of of await this.#present()) {
      for await (const entry of this.ledger(of).revoked()) {
        if (!compromiseReasons.has(entry.revocation.reason)) continue;
        const certificate = await entry.certificate();
        if (certificate) found.set(keyId(certificate.subjectPublicKeyInfo), entry.serial);
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
  async validWithKey(id: string, now: Date): Promise<{ readonly authority: AuthorityId; readonly serial: Serial }[]> {
    const found: { authority: AuthorityId; serial: Serial }[] = [];
    for (const of of await this.#present())
      for (const { serial, revocation, notAfter } of await this.ledger(of).byKey(id))
        if (!revocation && new Date(notAfter) > now) found.push({ authority: of.authority, serial });
    return found;
  }

  /** Reads certificates on record, from whichever ledger has them. */
  async certificateReader(
    topology: Topology,
  ): Promise<(record: CertificateRecord) => Promise<Certificate | undefined>> {
    const find = byOwnerAndSerial(await this.#entries(topology));
    return async (record) => find(record)?.certificate();
  }

  async #entries(topology: Pick<Topology, 'authorities'>): Promise<LedgerEntry[]> {
    const entries: (readonly LedgerEntry[])[] = [];
    for (const of of await this.#authorities(topology)) entries.push(await this.ledger(of).entries());
    return entries.flat();
  }

  /** Those declared, and those of earlier declarations: their certificates still count. */
  async #authorities(topology: Pick<Topology, 'authorities'>): Promise<AuthorityGeneration[]> {
    const first = topology.authorities.map(({ id }) => ({ authority: id, generation: 1 }));
    const declared = new Set(first.map((of) => this.authorityPath(of)));
    return [...first, ...(await this.#present()).filter((of) => !declared.has(this.authorityPath(of)))];
  }

  /** Those that have a folder. */
  async #present(): Promise<AuthorityGeneration[]> {
    return (await this.fs.readDirectory(join(this.path, 'authorities'))).map(authorityInFolder);
  }

  /** The newest generation on record; the first, where there is none. */
  async #activeGeneration(authority: Authority): Promise<number> {
    const own = [
      { authority: authority.id, generation: 1 },
      { authority: authority.issuer ?? authority.id, generation: 1 },
    ];
    const entries = await Promise.all(own.map((of) => this.ledger(of).entries()));
    return (
      newestOf(
        entries.flat().flatMap((entry) => recordOf(entry) ?? []),
        authority.id,
      )?.owner.generation ?? 1
    );
  }

  async #recorded(topology: Topology, owner: Owner): Promise<IssuedMaterial> {
    const all = await this.#entries(topology);
    const text = ownerText(owner);
    const records = all.flatMap((entry) => recordOf(entry) ?? []);
    const [record] = records.filter(({ issuance }) => ownerText(issuance.owner) === text).sort(newestFirst);
    const certificate = record && (await byOwnerAndSerial(all)(record)?.certificate());
    if (!record || !certificate) throw new TypeError(`${text} is not on record`);
    const { issuer } = record.issuance.specification;
    const isRoot = 'authority' in owner && owner.authority === issuer;
    return { certificate, chain: isRoot ? [] : await this.#chainFrom(topology, issuer) };
  }

  /** The certificates from `issuer` up to and without the root. */
  async #chainFrom(topology: Pick<Topology, 'authorities'>, issuer: AuthorityId): Promise<Certificate[]> {
    const chain: Certificate[] = [];
    for (const link of authorityChain(topology.authorities, issuer)) {
      if (link.issuer === undefined) continue;
      const of = { authority: link.id, generation: await this.#activeGeneration(link) };
      const { certificate } = await this.material.load(of, 1);
      if (certificate) chain.push(certificate);
    }
    return chain;
  }
}

function declaredAuthority({ authorities }: Pick<Topology, 'authorities'>, id: AuthorityId): Authority {
  const authority = authorities.find((candidate) => candidate.id === id);
  if (!authority) throw new TypeError(`no authority ${id}: the topology was not parsed`);
  return authority;
}

function authorityInFolder(name: string): AuthorityGeneration {
  const { authority = name, generation = 1 } = /^(?<authority>.+)-g(?<generation>[1-9]\d*)$/.exec(name)?.groups ?? {};
  return { authority: authority as AuthorityId, generation: Number(generation) };
}

/** The newest certificate of an authority's newest generation. */
function newestOf(
  records: readonly CertificateRecord[],
  authority: AuthorityId,
): { readonly owner: AuthorityGeneration; readonly record: CertificateRecord } | undefined {
  const own = records.flatMap((record) => {
    const { owner } = record.issuance;
    return 'authority' in owner && owner.authority === authority ? [{ owner, record }] : [];
  });
  const [newest] = own.sort((a, b) => b.owner.generation - a.owner.generation || newestFirst(a.record, b.record));
  return newest;
}

function newestFirst({ issuance: a }: CertificateRecord, { issuance: b }: CertificateRecord): number {
  return b.issue - a.issue;
}

/** Those of one topology, in order of issue: several authorities may have signed for one demand. */
function byDemand(records: readonly CertificateRecord[], topology: string): Map<DemandId, CertificateRecord[]> {
  const history = new Map<DemandId, CertificateRecord[]>();
  for (const record of records) {
    const { owner, topology: of } = record.issuance;
    if (of !== topology || !('demand' in owner)) continue;
    const known = history.get(owner.demand);
    if (known) known.push(record);
    else history.set(owner.demand, [record]);
  }
  for (const all of history.values()) all.sort((a, b) => a.issuance.issue - b.issuance.issue);
  return history;
}

/** A serial number alone may stand in the ledgers of several authorities: those of others begin at 1 or 10. */
function byOwnerAndSerial(
  entries: readonly LedgerEntry[],
): (record: Pick<CertificateRecord, 'serial' | 'issuance'>) => LedgerEntry | undefined {
  const key = (serial: Serial, owner: Owner | undefined) => `${serial} ${owner && ownerText(owner)}`;
  const found = new Map(entries.map((entry) => [key(entry.serial, entry.issuance?.owner), entry]));
  return ({ serial, issuance }) => found.get(key(serial, issuance.owner));
}

/** The published list of an authority, as a proof asks it; none where it is damaged. */
export async function readRecordedCrl(directory: PkiDirectory, of: AuthorityGeneration): Promise<Crl | undefined> {
  return readPublished(await directory.material.crl(of), of.authority);
}

function lostCertificate(record: CertificateRecord, directory: string): VcsPkiError {
  return new VcsPkiError('LEDGER_LOST_ENTRIES', {
    at: join(directory, 'newcerts', `${record.serial}.pem`),
    message: `the certificate of ${ownerText(record.issuance.owner)} is on record but its file is gone`,
    fix: 'restore the file from a backup',
  });
}

function refuseTaken(records: readonly CertificateRecord[], topology: string, demands: readonly Demand[]): void {
  const wanted = new Set(demands.map((demand) => demand.id));
  const taken = records.find(
    ({ issuance: { owner, topology: of } }) => of !== topology && 'demand' in owner && wanted.has(owner.demand),
  );
  if (!taken) return;
  const { owner, topology: other } = taken.issuance;
  throw new VcsPkiError('OWNER_TAKEN', {
    at: ownerText(owner),
    value: other,
    message: `topology ${other} has a certificate under this id in the same PKI directory`,
    fix: 'give one of the two clusters another id, or each topology its own PKI directory',
  });
}

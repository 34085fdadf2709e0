import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { AuthorityGeneration, Owner } from '../authority/owner.ts';
import type { IssuedMaterial, KeptMaterial, Material } from '../authority/ports.ts';
import { isSameList, replacedMeanwhile } from '../authority/publish-gate.ts';
import { VcsPkiError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { crlFileName } from '../topology/demands.ts';
import type { DemandId } from '../topology/ids.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { isEncrypted, keyId, parsePrivateKey, privateKeyPem, subjectPublicKeyInfo } from '../x509/keys.ts';
import { decodePem, encodePem } from '../x509/pem.ts';
import { type FileSystem, makeDirectories, writeAtomically } from './file-system.ts';

/** Where everything of a PKI directory lies, relative to it. */
export const layout = {
  /** Of one authority generation: an `openssl ca` directory. */
  authority: ({ authority, generation }: AuthorityGeneration) =>
    join('authorities', generation === 1 ? authority : `${authority}-g${generation}`),
  /** Of one certificate of a demand. */
  certificate: (demand: DemandId, issue: number) => join('certificates', ...demand.split('/'), String(issue)),
  published: 'published',
  bundles: 'bundles',
} as const;

/** Keys, certificates and lists in a PKI directory. A key has mode 0600 and stays in the folder of its issue or generation (I1, I6). */
export class DiskMaterial implements Material {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #passphrase: Secret<string> | undefined;
  readonly #opensKeys: boolean;

  /**
   * @param passphrase protects the keys of authorities; those of peers stay plain, an appliance takes no other (requirement 37)
   * @param opensKeys whether an encrypted key of an authority is opened when it is loaded: who only looks needs no passphrase
   */
  constructor(fs: FileSystem, directory: string, passphrase: Secret<string> | undefined, opensKeys = true) {
    this.#opensKeys = opensKeys;
    this.#fs = fs;
    this.#directory = directory;
    this.#passphrase = passphrase;
  }

  async key(owner: Owner, issue: number, create: () => Promise<KeyObject>): Promise<KeyObject> {
    const { key } = this.#paths(owner, issue);
    const present = await this.#readKey(owner, key);
    const isAuthority = 'authority' in owner;
    if (present && isAuthority) await this.#refuseStrange(present, key);
    if (present) return present;
    const created = await create();
    const passphrase = isAuthority ? this.#passphrase : undefined;
    await makeDirectories(this.#fs, this.#directory, join(key, '..'), 0o700);
    if (isAuthority) await writeAtomically(this.#fs, intentPath(key), Buffer.from(intentFor(created)), 0o600);
    await writeAtomically(this.#fs, key, Buffer.from(privateKeyPem(created, passphrase).reveal()), 0o600);
    return created;
  }

  async store(owner: Owner, issue: number, material: IssuedMaterial): Promise<void> {
    const { certificate, chain } = this.#paths(owner, issue);
    await makeDirectories(this.#fs, this.#directory, join(certificate, '..'), 0o700);
    await writeAtomically(
      this.#fs,
      chain,
      Buffer.from(material.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('')),
    );
    await writeAtomically(this.#fs, certificate, Buffer.from(encodePem('CERTIFICATE', material.certificate.der)));
  }

  /** Gives up the key of an issue that no certificate was issued for. */
  async discardKey(owner: Owner, issue: number): Promise<void> {
    const { key, certificate } = this.#paths(owner, issue);
    if ((await this.#fs.readFile(certificate)) === undefined) await this.#fs.removeFile(key);
  }

  async hasKey(owner: Owner, issue: number): Promise<boolean> {
    return (await this.#fs.readFile(this.#paths(owner, issue).key)) !== undefined;
  }

  async load(owner: Owner, issue: number): Promise<KeptMaterial> {
    const paths = this.#paths(owner, issue);
    const sealed = !this.#opensKeys && 'authority' in owner && (await this.#isEncrypted(paths.key));
    const key = sealed ? undefined : await this.#readKey(owner, paths.key);
    const [certificate] = await this.#readCertificates(paths.certificate);
    const chain = await this.#readCertificates(paths.chain);
    return { chain, ...(key && { key }), ...(sealed && { sealed }), ...(certificate && { certificate }) };
  }

  /**
   * Encrypts the key of an authority that lies plain, where there is a passphrase; whether it did. A key that is not that of
   * the certificate beside it stays as it is, to be seen as what it is. Fails with STORAGE_FAILED, the plain key in place.
   */
  async encryptKey(owner: AuthorityGeneration): Promise<boolean> {
    const paths = this.#paths(owner, 1);
    const plain = await this.#fs.readFile(paths.key);
    if (!this.#passphrase || !plain || (await this.#isEncrypted(paths.key))) return false;
    const [certificate] = await this.#readCertificates(paths.certificate);
    const key = await this.#readKey(owner, paths.key);
    if (!certificate || !key) return false;
    const publicKey = subjectPublicKeyInfo(key);
    if (!certificate.subjectPublicKeyInfo.equals(publicKey)) return false;
    await writeAtomically(this.#fs, paths.key, Buffer.from(privateKeyPem(key, this.#passphrase).reveal()), 0o600);
    const kept = await this.#readKey(owner, paths.key).catch(() => undefined);
    if (kept && subjectPublicKeyInfo(kept).equals(publicKey)) return true;
    await writeAtomically(this.#fs, paths.key, plain, 0o600);
    throw new VcsPkiError('STORAGE_FAILED', {
      at: paths.key,
      message: 'could not be read back after it was encrypted, and is as it was before: not encrypted',
      fix: 'check the disk, and run again',
    });
  }

  /** Both forms that appliances fetch (requirement 56). The DER form comes last: it tells that the list is published. */
  async publishCrl(of: AuthorityGeneration, crl: Buffer, replaces: Buffer | undefined): Promise<void> {
    if (!isSameList(await this.crl(of), replaces)) throw replacedMeanwhile(of);
    const path = this.#crlPath(of);
    await makeDirectories(this.#fs, this.#directory, join(path, '..'));
    await writeAtomically(this.#fs, `${path}.pem`, Buffer.from(encodePem('X509 CRL', crl)));
    await writeAtomically(this.#fs, path, crl);
  }

  async crl(of: AuthorityGeneration): Promise<Buffer | undefined> {
    return this.#fs.readFile(this.#crlPath(of));
  }

  #crlPath({ authority, generation }: AuthorityGeneration): string {
    return join(this.#directory, layout.published, crlFileName(authority, generation));
  }

  #paths(owner: Owner, issue: number): { key: string; certificate: string; chain: string } {
    if ('authority' in owner) {
      const directory = join(this.#directory, layout.authority(owner));
      return {
        key: join(directory, 'private', 'cakey.pem'),
        certificate: join(directory, 'cacert.pem'),
        chain: join(directory, 'chain.pem'),
      };
    }
    const directory = join(this.#directory, layout.certificate(owner.demand, issue));
    return {
      key: join(directory, 'key.pem'),
      certificate: join(directory, 'cert.pem'),
      chain: join(directory, 'chain.pem'),
    };
  }

  /** I14: until it is on record, the key of an authority is ours by the intent alone that was written before it. */
  async #refuseStrange(key: KeyObject, path: string): Promise<void> {
    if ((await this.#fs.readFile(intentPath(path)))?.toString() === intentFor(key)) return;
    throw new VcsPkiError('OBJECT_TAKEN', {
      at: path,
      message: 'is a key that no run of vcs-pki has made: no certificate of an authority is on record for it',
      fix: 'move it away; to go on with an authority that exists, use: vcs-pki adopt',
    });
  }

  async #readKey(owner: Owner, path: string): Promise<KeyObject | undefined> {
    const bytes = await this.#fs.readFile(path);
    if (!bytes) return undefined;
    const passphrase = 'authority' in owner ? this.#passphrase : undefined;
    return parsePrivateKey(new Secret(bytes.toString()), { at: path, ...(passphrase && { passphrase }) });
  }

  async #isEncrypted(path: string): Promise<boolean> {
    const bytes = await this.#fs.readFile(path);
    return bytes !== undefined && isEncrypted(new Secret(bytes.toString()), path);
  }

  async #readCertificates(path: string): Promise<Certificate[]> {
    const bytes = await this.#fs.readFile(path);
    if (!bytes || bytes.length === 0) return [];
    const blocks = decodePem(bytes.toString(), path);
    const other = blocks.find((block) => block.label !== 'CERTIFICATE');
    if (other) {
      throw new VcsPkiError('PEM_INVALID', {
        at: path,
        message: `holds a ${other.label}, not only certificates`,
        fix: 'remove the file and run again: it is written anew from the ledger',
      });
    }
    return blocks.map(({ der }) => readCertificate(der, path));
  }
}

function intentPath(key: string): string {
  return key.replace(/\.pem$/, '.intent');
}

function intentFor(key: KeyObject): string {
  return `${keyId(subjectPublicKeyInfo(key))}\n`;
}

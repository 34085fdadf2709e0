import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { IssuedMaterial, KeptMaterial, Material } from '../authority/ports.ts';
import { authorityOwner, isAuthorityOwner } from '../authority/record.ts';
import { VcsPkiError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { crlFileName } from '../topology/demands.ts';
import { readCertificate } from '../x509/certificate.ts';
import { isEncrypted, keyId, parsePrivateKey, privateKeyPem, subjectPublicKeyInfo } from '../x509/keys.ts';
import { decodePem, encodePem } from '../x509/pem.ts';
import { type FileSystem, makeDirectories, writeAtomically } from './file-system.ts';

/** Where everything of a PKI directory lies, relative to it. */
export const layout = {
  /** Of one authority generation: an `openssl ca` directory. */
  authority: (id: string, generation = 1) => join('authorities', generation === 1 ? id : `${id}-g${generation}`),
  /** Of one generation of a demand's certificate. */
  certificate: (demand: string, generation: number) => join('certificates', ...demand.split('/'), String(generation)),
  published: 'published',
  bundles: 'bundles',
} as const;

/** Keys, certificates and lists in a PKI directory. A key has mode 0600 and stays in the folder of its generation (I1, I6). */
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

  async key(owner: string, generation: number, create: () => Promise<KeyObject>): Promise<KeyObject> {
    const { key } = this.#paths(owner, generation);
    const present = await this.#readKey(owner, key);
    const isAuthority = isAuthorityOwner(owner);
    if (present && isAuthority) await this.#refuseStrange(present, key);
    if (present) return present;
    const created = await create();
    const passphrase = isAuthority ? this.#passphrase : undefined;
    await makeDirectories(this.#fs, this.#directory, join(key, '..'), 0o700);
    if (isAuthority) await writeAtomically(this.#fs, intentPath(key), Buffer.from(intentFor(created)), 0o600);
    await writeAtomically(this.#fs, key, Buffer.from(privateKeyPem(created, passphrase).reveal()), 0o600);
    return created;
  }

  async store(owner: string, generation: number, material: IssuedMaterial): Promise<void> {
    const { certificate, chain } = this.#paths(owner, generation);
    await makeDirectories(this.#fs, this.#directory, join(certificate, '..'), 0o700);
    await writeAtomically(
      this.#fs,
      chain,
      Buffer.from(material.chain.map((der) => encodePem('CERTIFICATE', der)).join('')),
    );
    await writeAtomically(this.#fs, certificate, Buffer.from(encodePem('CERTIFICATE', material.certificate)));
  }

  /** Gives up the key of a generation that no certificate was issued for. */
  async discardKey(owner: string, generation: number): Promise<void> {
    const { key, certificate } = this.#paths(owner, generation);
    if ((await this.#fs.readFile(certificate)) === undefined) await this.#fs.removeFile(key);
  }

  async hasKey(owner: string, generation: number): Promise<boolean> {
    return (await this.#fs.readFile(this.#paths(owner, generation).key)) !== undefined;
  }

  async load(owner: string, generation: number): Promise<KeptMaterial> {
    const paths = this.#paths(owner, generation);
    const sealed = !this.#opensKeys && isAuthorityOwner(owner) && (await this.#isEncrypted(paths.key));
    const key = sealed ? undefined : await this.#readKey(owner, paths.key);
    const [certificate] = await this.#readCertificates(paths.certificate);
    const chain = await this.#readCertificates(paths.chain);
    return { chain, ...(key && { key }), ...(sealed && { sealed }), ...(certificate && { certificate }) };
  }

  /**
   * Encrypts the key of an authority that lies plain, where there is a passphrase; whether it did. A key that is not that of
   * the certificate beside it stays as it is, to be seen as what it is. Fails with STORAGE_FAILED, the plain key in place.
   */
  async encryptKey(owner: string, generation: number): Promise<boolean> {
    const paths = this.#paths(owner, generation);
    const plain = await this.#fs.readFile(paths.key);
    if (!this.#passphrase || !plain || (await this.#isEncrypted(paths.key))) return false;
    const [certificate] = await this.#readCertificates(paths.certificate);
    const key = await this.#readKey(owner, paths.key);
    if (!certificate || !key) return false;
    const publicKey = subjectPublicKeyInfo(key);
    if (!readCertificate(certificate, paths.certificate).subjectPublicKeyInfo.equals(publicKey)) return false;
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
  async publishCrl(authority: string, generation: number, crl: Buffer): Promise<void> {
    const path = this.#crlPath(authority, generation);
    await makeDirectories(this.#fs, this.#directory, join(path, '..'));
    await writeAtomically(this.#fs, `${path}.pem`, Buffer.from(encodePem('X509 CRL', crl)));
    await writeAtomically(this.#fs, path, crl);
  }

  async crl(authority: string, generation: number): Promise<Buffer | undefined> {
    return this.#fs.readFile(this.#crlPath(authority, generation));
  }

  #crlPath(authority: string, generation: number): string {
    return join(this.#directory, layout.published, crlFileName(authority, generation));
  }

  #paths(owner: string, generation: number): { key: string; certificate: string; chain: string } {
    if (isAuthorityOwner(owner)) {
      const directory = join(this.#directory, layout.authority(owner.slice(authorityOwner('').length), generation));
      return {
        key: join(directory, 'private', 'cakey.pem'),
        certificate: join(directory, 'cacert.pem'),
        chain: join(directory, 'chain.pem'),
      };
    }
    const directory = join(this.#directory, layout.certificate(owner, generation));
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

  async #readKey(owner: string, path: string): Promise<KeyObject | undefined> {
    const bytes = await this.#fs.readFile(path);
    if (!bytes) return undefined;
    const passphrase = isAuthorityOwner(owner) ? this.#passphrase : undefined;
    return parsePrivateKey(new Secret(bytes.toString()), { at: path, ...(passphrase && { passphrase }) });
  }

  async #isEncrypted(path: string): Promise<boolean> {
    const bytes = await this.#fs.readFile(path);
    return bytes !== undefined && isEncrypted(new Secret(bytes.toString()), path);
  }

  async #readCertificates(path: string): Promise<Buffer[]> {
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
    return blocks.map((block) => block.der);
  }
}

function intentPath(key: string): string {
  return key.replace(/\.pem$/, '.intent');
}

function intentFor(key: KeyObject): string {
  return `${keyId(subjectPublicKeyInfo(key))}\n`;
}

import { createHash, type KeyObject } from 'node:crypto';
import { type AuthorityGeneration, type Owner, ownerText } from '../../src/authority/owner.ts';
import type { IssuedMaterial, Material } from '../../src/authority/ports.ts';
import { isSameList, replacedMeanwhile } from '../../src/authority/publish-gate.ts';
import { readPublished } from '../../src/authority/revocation-list.ts';
import { Secret } from '../../src/secret.ts';
import { crlFileName } from '../../src/topology/demands.ts';
import type { DemandId } from '../../src/topology/ids.ts';
import { type Certificate, readCertificate, serialHex } from '../../src/x509/certificate.ts';
import { parsePrivateKey, privateKeyPem } from '../../src/x509/keys.ts';
import { decodeDerOrPem, encodePem } from '../../src/x509/pem.ts';
import type { KubeApi } from './client.ts';
import { hasReason } from './errors.ts';
import { MANAGER, names, refuseTaken } from './labels.ts';
import { type ConfigMapObject, configMaps, type SecretObject, type Stored, secrets } from './resource.ts';

/** What one ConfigMap holds of a list; the API server takes a MiB in all. */
const PART_BYTES = 900 * 1024;
const PARTS = 'parts';

/** Keys of peers that are not in a Secret yet: made in this process, gone with it. */
export type PendingKeys = Map<string, KeyObject>;

export interface KubeMaterialOptions {
  readonly client: KubeApi;
  readonly namespace: string;
  /** The Secret of a peer's certificate. */
  readonly secretName: (demand: DemandId) => string;
  /** The root above what is stored; undefined where that is a root itself. Asked for when it is needed. */
  readonly root: () => Promise<Certificate | undefined>;
  readonly pending: PendingKeys;
  /**
   * Which issue of `owner` a Secret holds, by what proves it; undefined where it holds none.
   * Fails with OBJECT_TAKEN or LEDGER_LOST_ENTRIES for what is not to be touched.
   */
  readonly issueIn: IssueIn;
}

export type IssueIn = (secret: Stored<SecretObject>, place: string, owner: Owner) => number | undefined;

interface Held {
  readonly secret: Stored<SecretObject>;
  readonly issue: number | undefined;
}

/** The Secret of an authority generation. */
export function authoritySecretName({ authority, generation }: AuthorityGeneration): string {
  return generation === 1 ? `${authority}-ca` : `${authority}-g${generation}-ca`;
}

/** Whether a ConfigMap is named as the part of a list, as `KubeMaterial` names them. */
export function isPartOf(list: string, name: string): boolean {
  return name.startsWith(list) && /^-[0-9a-f]{10}-\d+$/.test(name.slice(list.length));
}

/** The ConfigMap of an authority generation's list: the list itself, or where its parts are. */
export function crlConfigMapName({ authority, generation }: AuthorityGeneration): string {
  return crlFileName(authority, generation).replace(/\.crl$/, '-crl');
}

/**
 * Keys and certificates in Secrets, lists in ConfigMaps. Every write carries the resourceVersion that was read before, so make
 * one of these per decision. A Secret holds the newest issue alone. The key of a peer is written together with its
 * certificate; that of an authority before anything is signed with it.
 */
export class KubeMaterial implements Material {
  readonly #options: KubeMaterialOptions;
  readonly #secrets = new Map<string, Held | undefined>();
  readonly #lists = new Map<string, Stored<ConfigMapObject> | undefined>();
  readonly #published = new Map<string, Buffer | undefined>();

  constructor(options: KubeMaterialOptions) {
    this.#options = options;
  }

  async key(owner: Owner, issue: number, create: () => Promise<KeyObject>): Promise<KeyObject> {
    await this.#read(owner);
    const key = this.#key(owner, issue);
    if (key) return key;
    const created = await create();
    if ('authority' in owner) await this.#write(owner, issue, { 'tls.key': privateKeyPem(created).reveal() });
    else this.#options.pending.set(this.#pendingId(owner, issue), created);
    return created;
  }

  async store(owner: Owner, issue: number, material: IssuedMaterial): Promise<void> {
    if (!this.#secrets.has(this.#name(owner))) await this.#read(owner);
    const key = this.#key(owner, issue);
    const certificates = await this.#certificates(material);
    await this.#write(
      owner,
      issue,
      { ...(key && { 'tls.key': privateKeyPem(key).reveal() }), ...certificates },
      serialHex(material.certificate.serialNumber),
    );
    this.#options.pending.delete(this.#pendingId(owner, issue));
  }

  async load(owner: Owner, issue: number): Promise<Partial<IssuedMaterial> & { readonly key?: KeyObject }> {
    await this.#read(owner);
    const key = this.#key(owner, issue);
    const data = this.#data(owner, issue)?.['tls.crt'];
    const [certificate, ...chain] = certificatesIn(data, `${this.#place(owner)}: tls.crt`);
    return { chain, ...(key && { key }), ...(certificate && { certificate }) };
  }

  /** Fails with OBJECT_TAKEN or LEDGER_LOST_ENTRIES where the Secret is not to be touched. */
  look(owner: Owner): Promise<void> {
    return this.#read(owner);
  }

  /** Whether what was loaded last is, byte for byte and mark for mark, what `store` would write. */
  async isWhole(owner: Owner, issue: number, material: IssuedMaterial): Promise<boolean> {
    const data = this.#data(owner, issue);
    const expected = Object.entries(await this.#certificates(material));
    return expected.every(([name, text]) => data?.[name] === base64(text)) && this.#isMarked(owner, issue);
  }

  /** The root that the Secret names. */
  async storedRoot(owner: Owner, issue: number): Promise<Certificate | undefined> {
    const data = this.#data(owner, issue)?.['ca.crt'];
    return certificatesIn(data, `${this.#place(owner)}: ca.crt`)[0];
  }

  async publishCrl(of: AuthorityGeneration, crl: Buffer, replaces: Buffer | undefined): Promise<void> {
    const { authority } = of;
    const name = crlConfigMapName(of);
    const file = crlFileName(authority, of.generation);
    if (!this.#lists.has(name)) await this.crl(of);
    if (!isSameList(this.#published.get(name), replaces)) throw replacedMeanwhile(of);
    const before = this.#lists.get(name);
    const pem = encodePem('X509 CRL', crl);
    const small = crl.length + pem.length <= PART_BYTES;
    const parts = small ? [] : await this.#writeParts(of, name, crl);
    const content = small
      ? { binaryData: { [file]: crl.toString('base64') }, data: { [`${file}.pem`]: pem } }
      : { data: { [PARTS]: parts.join('\n') } };
    const object = { metadata: { ...this.#metadata(name, of) }, ...content };
    const { client } = this.#options;
    const written = before
      ? await client.update(configMaps, { ...object, metadata: { ...before.metadata, ...object.metadata } })
      : await client.create(configMaps, object);
    this.#lists.set(name, written);
    this.#published.set(name, crl);
    await this.#removeOtherParts(authority, name, parts);
  }

  async crl(of: AuthorityGeneration): Promise<Buffer | undefined> {
    const { client, namespace } = this.#options;
    const name = crlConfigMapName(of);
    const list = await client.get(configMaps, { namespace, name });
    const bytes = list && (await this.#listIn(list, crlFileName(of.authority, of.generation)));
    // One that lost its mark is judged by what it holds: whoever publishes the next list sees whose it is.
    if (list && !readPublished(bytes, of.authority)) refuseTaken(list, `ConfigMap ${namespace}/${name}`, of);
    this.#lists.set(name, list);
    this.#published.set(name, bytes);
    return bytes;
  }

  /** The ConfigMaps that hold the list which was read or published last, in order. */
  crlConfigMaps(of: AuthorityGeneration): string[] {
    const list = this.#lists.get(crlConfigMapName(of));
    const parts = partsOf(list);
    return list && parts.length === 0 ? [list.metadata.name] : parts;
  }

  /** Named after the list, so that the parts of two lists never mix: the list is published when its index names them. */
  async #writeParts(of: AuthorityGeneration, name: string, crl: Buffer): Promise<string[]> {
    const hash = createHash('sha256').update(crl).digest('hex').slice(0, 10);
    const parts: string[] = [];
    for (let start = 0; start < crl.length; start += PART_BYTES) {
      const part = `${name}-${hash}-${parts.length}`;
      const metadata = this.#metadata(part, of);
      const object = {
        metadata: { ...metadata, labels: { ...metadata.labels, [names.part]: name.slice(-63) } },
        binaryData: { [name.replace(/-crl$/, '.crl')]: crl.subarray(start, start + PART_BYTES).toString('base64') },
      };
      await unlessThere(this.#options.client.create(configMaps, object));
      parts.push(part);
    }
    return parts;
  }

  /** The list itself, or its parts put together; undefined where one is missing. */
  async #listIn(list: ConfigMapObject, file: string): Promise<Buffer | undefined> {
    const { client, namespace } = this.#options;
    const whole = list.binaryData?.[file];
    if (whole !== undefined) return Buffer.from(whole, 'base64');
    const parts: Buffer[] = [];
    for (const part of partsOf(list)) {
      const content = (await client.get(configMaps, { namespace, name: part }))?.binaryData?.[file];
      if (content === undefined) return undefined;
      parts.push(Buffer.from(content, 'base64'));
    }
    return parts.length === 0 ? undefined : Buffer.concat(parts);
  }

  async #removeOtherParts(authority: string, name: string, kept: readonly string[]): Promise<void> {
    const { client, namespace } = this.#options;
    const labelSelector = `${names.authority}=${authority},${names.part}=${name.slice(-63)}`;
    const { items } = await client.list({ ...configMaps, metadataOnly: true }, { namespace, labelSelector });
    const old = items.filter(({ metadata }) => isPartOf(name, metadata.name) && !kept.includes(metadata.name));
    for (const { metadata } of old) await client.delete(configMaps, metadata);
  }

  /** From the Secret, or made in this process and not yet written. */
  #key(owner: Owner, issue: number): KeyObject | undefined {
    const pem = this.#data(owner, issue)?.['tls.key'];
    if (pem === undefined) return this.#options.pending.get(this.#pendingId(owner, issue));
    const at = `${this.#place(owner)}: tls.key`;
    return parsePrivateKey(new Secret(Buffer.from(pem, 'base64').toString()), { at });
  }

  /** What the Secret holds, if it is that of this issue. */
  #data(owner: Owner, issue: number): Readonly<Record<string, string>> | undefined {
    const held = this.#secrets.get(this.#name(owner));
    return held?.issue === issue ? (held.secret.data ?? {}) : undefined;
  }

  async #read(owner: Owner): Promise<void> {
    const { client, namespace, issueIn } = this.#options;
    const name = this.#name(owner);
    const secret = await client.get(secrets, { namespace, name });
    const held = secret && { secret, issue: issueIn(secret, this.#place(owner), owner) };
    this.#secrets.set(name, held);
  }

  #isMarked(owner: Owner, issue: number): boolean {
    const { labels, annotations } = this.#secrets.get(this.#name(owner))?.secret.metadata ?? {};
    const wanted = this.#metadata('', owner);
    return (
      Object.entries(wanted.labels).every(([name, value]) => labels?.[name] === value) &&
      Object.entries(wanted.annotations).every(([name, value]) => annotations?.[name] === value) &&
      annotations?.[names.issue] === `${issue}`
    );
  }

  async #write(owner: Owner, issue: number, texts: Record<string, string>, serial?: string): Promise<void> {
    const name = this.#name(owner);
    const before = this.#secrets.get(name)?.secret;
    const { labels, annotations, ...metadata } = this.#metadata(name, owner);
    const type = 'demand' in owner && 'tls.key' in texts ? 'kubernetes.io/tls' : 'Opaque';
    const data = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, base64(text)]));
    const marks = {
      ...annotations,
      [names.issue]: `${issue}`,
      ...(serial !== undefined && { [names.serial]: serial }),
    };
    const { client } = this.#options;
    const written = before
      ? await client.update(secrets, {
          ...before,
          metadata: {
            ...before.metadata,
            labels: { ...before.metadata.labels, ...labels },
            annotations: { ...before.metadata.annotations, ...marks },
          },
          // I6: nothing of an earlier issue stays beside the certificate of this one.
          data: { ...withoutCertificate(before.data), ...this.#data(owner, issue), ...data },
        })
      : await client.create(secrets, { metadata: { ...metadata, labels, annotations: marks }, type, data });
    this.#secrets.set(name, { secret: written, issue });
  }

  /** tls.crt begins with the certificate and goes on to below the root; ca.crt begins with the root and goes back down. */
  async #certificates({ certificate, chain }: IssuedMaterial): Promise<Record<'tls.crt' | 'ca.crt', string>> {
    const root = await this.#options.root();
    const pem = (all: readonly Certificate[]) => all.map(({ der }) => encodePem('CERTIFICATE', der)).join('');
    return {
      'tls.crt': pem([certificate, ...chain]),
      'ca.crt': pem([root ?? certificate, ...[...chain].reverse()]),
    };
  }

  #metadata(name: string, owner: Owner) {
    return {
      namespace: this.#options.namespace,
      name,
      labels: { [names.managedBy]: MANAGER, ...('authority' in owner && { [names.authority]: owner.authority }) },
      annotations: { [names.owner]: ownerText(owner) },
    };
  }

  #name(owner: Owner): string {
    return 'authority' in owner ? authoritySecretName(owner) : this.#options.secretName(owner.demand);
  }

  #place(owner: Owner): string {
    return `Secret ${this.#options.namespace}/${this.#name(owner)}`;
  }

  #pendingId(owner: Owner, issue: number): string {
    return `${this.#options.namespace}/${ownerText(owner)}/${issue}`;
  }
}

function certificatesIn(data: string | undefined, at: string): Certificate[] {
  const bytes = Buffer.from(data ?? '', 'base64');
  const ders = bytes.length === 0 ? [] : decodeDerOrPem(bytes, 'CERTIFICATE', at);
  return ders.map((der) => readCertificate(der, at));
}

/** What others have put into the Secret. */
function withoutCertificate(data: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(data).filter(([name]) => !['tls.key', 'tls.crt', 'ca.crt'].includes(name)));
}

function partsOf(list: ConfigMapObject | undefined): string[] {
  return list?.data?.[PARTS]?.split('\n') ?? [];
}

/** Parts are named after their content: what is there already is the same. */
async function unlessThere(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { definitionFiles } from '../../operator/api/definition-files.ts';
import {
  certificateAuthorities,
  certificates,
  type DeclaredObject,
  issuedCertificates,
} from '../../operator/api/resources.ts';
import { ABANDONED } from '../../operator/controllers/abandoned.ts';
import { type KubeApi, KubeClient, type MergePatch } from '../../operator/kube/client.ts';
import { loadKubeConfig } from '../../operator/kube/credentials.ts';
import { KubeApiError } from '../../operator/kube/errors.ts';
import type { IssueIn } from '../../operator/kube/kube-material.ts';
import { names, refuseTaken } from '../../operator/kube/labels.ts';
import { Reflector } from '../../operator/kube/reflector.ts';
import {
  type ConfigMapObject,
  configMaps,
  type KubeObject,
  type ResourceType,
  type SecretObject,
  type Stored,
  secrets,
} from '../../operator/kube/resource.ts';
import { events } from '../../operator/runtime/events.ts';
import { pause, systemScheduler } from '../../operator/runtime/scheduler.ts';
import { RecordedLog } from '../../operator/runtime/testing/recorded-log.ts';
import type { IssuedCertificateSpec } from '../../src/resources/issued-certificate.ts';
import { type Condition, conditionSchema } from '../../src/resources/resource.ts';
import { isIssuedBy, readCertificate, serialHex } from '../../src/x509/certificate.ts';
import { type Crl, readCrl } from '../../src/x509/crl.ts';
import { decodePem } from '../../src/x509/pem.ts';
import type { ControlPlane } from './control-plane.ts';

/** Installs custom resource definitions, by default the present ones, and waits until they are served. */
export async function installDefinitions(
  plane: ControlPlane,
  namespace: string,
  contents: Iterable<string> = definitionFiles().values(),
): Promise<void> {
  for (const content of contents) {
    const definition: KubeObject & { spec: { names: { kind: string; plural: string } } } = parse(content);
    await plane.applyManifest([definition]);
    const { kind, plural } = definition.spec.names;
    const type = { group: 'vcs-pki.dev', version: 'v1alpha1', plural, kind, namespaced: true };
    for (let served = false; !served; ) {
      served = await plane.client.list(type, { namespace }).then(
        () => true,
        () => false,
      );
    }
  }
}

/** The documents of a file in operator/deploy. */
export function deployedObjects(file: string): KubeObject[] {
  const path = fileURLToPath(new URL(`../../operator/deploy/${file}`, import.meta.url));
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS());
}

/** A client that may do what the operator's Role in `namespace` allows, and nothing else. */
export async function operatorClient(plane: ControlPlane, namespace: string): Promise<KubeClient> {
  const objects = deployedObjects('rbac.yaml').map((object) => ({
    ...object,
    metadata: { ...object.metadata, namespace },
    ...('subjects' in object && { subjects: [{ kind: 'ServiceAccount', name: 'vcs-pki', namespace }] }),
  }));
  await plane.applyManifest(objects);
  const config = await loadKubeConfig({ file: plane.kubeconfig.path });
  const user = `system:serviceaccount:${namespace}:vcs-pki`;
  for (const each of config.users) Object.assign(each, { impersonateUser: user });
  return new KubeClient(config, systemScheduler);
}

/** What a Secret says that it holds, where no record is at hand that would vouch for it. */
export const issueByMarks: IssueIn = (secret, place, owner) => {
  refuseTaken(secret, place, owner);
  return Number(secret.metadata.annotations?.[names.issue]);
};

/** Thrown by everything that a dead process would still have tried. */
export class Dead extends Error {}

/**
 * A client whose process dies at its n-th write: before it took effect, or after it did and the answer was lost. Nothing gets
 * through from then on. Events are no writes here: nothing depends on them.
 */
export class MortalClient implements KubeApi {
  writes = 0;
  readonly #client: KubeApi;
  readonly #dieAt: number;
  readonly #moment: 'before' | 'after';
  #dead = false;

  constructor(client: KubeApi, dieAt: number, moment: 'before' | 'after') {
    this.#client = client;
    this.#dieAt = dieAt;
    this.#moment = moment;
  }

  get dead(): boolean {
    return this.#dead;
  }

  get: KubeApi['get'] = (type, ref, options) => this.#alive(() => this.#client.get(type, ref, options));
  list: KubeApi['list'] = (type, options) => this.#alive(() => this.#client.list(type, options));
  watch: KubeApi['watch'] = (type, options) => this.#alive(() => this.#client.watch(type, options));
  create: KubeApi['create'] = (type, object, options) =>
    type.kind === 'Event'
      ? this.#alive(() => this.#client.create(type, object, options))
      : this.#write(() => this.#client.create(type, object, options));
  update: KubeApi['update'] = (type, object, options) => this.#write(() => this.#client.update(type, object, options));
  patch: KubeApi['patch'] = (type, ref, changes, options) =>
    type.kind === 'Event'
      ? this.#alive(() => this.#client.patch(type, ref, changes, options))
      : this.#write(() => this.#client.patch(type, ref, changes, options));
  applyStatus: KubeApi['applyStatus'] = (type, object, options) =>
    this.#write(() => this.#client.applyStatus(type, object, options));
  delete: KubeApi['delete'] = (type, ref, options) => this.#write(() => this.#client.delete(type, ref, options));

  async #alive<T>(act: () => Promise<T>): Promise<T> {
    if (this.#dead) throw new Dead();
    const result = await act();
    if (this.#dead) throw new Dead();
    return result;
  }

  async #write<T>(act: () => Promise<T>): Promise<T> {
    if (this.#dead) throw new Dead();
    this.writes += 1;
    if (this.writes < this.#dieAt) return this.#alive(act);
    this.#dead = true;
    if (this.#moment === 'after') await act();
    throw new Dead();
  }
}

/** A client that counts what is written through it. */
export class CountingClient implements KubeApi {
  /** As `create Secret`, in order. */
  readonly writes: string[] = [];
  readonly #client: KubeApi;

  constructor(client: KubeApi) {
    this.#client = client;
  }

  get: KubeApi['get'] = (type, ref, options) => this.#client.get(type, ref, options);
  list: KubeApi['list'] = (type, options) => this.#client.list(type, options);
  watch: KubeApi['watch'] = (type, options) => this.#client.watch(type, options);
  create: KubeApi['create'] = (type, object, options) =>
    this.#count('create', type, () => this.#client.create(type, object, options));
  update: KubeApi['update'] = (type, object, options) =>
    this.#count('update', type, () => this.#client.update(type, object, options));
  patch: KubeApi['patch'] = (type, ref, changes, options) =>
    this.#count('patch', type, () => this.#client.patch(type, ref, changes, options));
  applyStatus: KubeApi['applyStatus'] = (type, object, options) =>
    this.#count('apply status of', type, () => this.#client.applyStatus(type, object, options));
  delete: KubeApi['delete'] = (type, ref, options) =>
    this.#count('delete', type, () => this.#client.delete(type, ref, options));

  #count<T>(verb: string, { kind }: ResourceType, act: () => Promise<T>): Promise<T> {
    this.writes.push(`${verb} ${kind}`);
    return act();
  }
}

/** Ends what would never come; a busy machine must not reach it. */
const PATIENCE_MS = 600_000;

/** Looks until there is something to see. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s in vain until ${what}`);
    await pause(systemScheduler, 20);
  }
}

/** A namespace of its own with what a test declares in it, seen with the eyes of an administrator. */
export class Site {
  readonly namespace: string;
  readonly admin: KubeClient;
  /** Every version of every published list, in order. */
  readonly lists: { readonly authority: string; readonly crl: Crl }[] = [];
  readonly #reflector: Reflector<ConfigMapObject>;

  constructor(admin: KubeClient, namespace: string) {
    this.admin = admin;
    this.namespace = namespace;
    const log = new RecordedLog();
    const random = () => 0;
    this.#reflector = new Reflector({
      client: admin,
      type: configMaps,
      namespace,
      scheduler: systemScheduler,
      random,
      log,
    });
    this.#reflector.cache.onChange(({ kind, object }) => {
      if (kind === 'deleted') return;
      for (const [file, base64] of Object.entries(object.binaryData ?? {})) {
        const authority = file.replace('.crl', '');
        const crl = readCrl(Buffer.from(base64, 'base64'), file);
        const last = this.lists.findLast((each) => each.authority === authority);
        if (!last?.crl.der.equals(crl.der)) this.lists.push({ authority, crl });
      }
    });
    this.#reflector.start();
  }

  static async in(plane: ControlPlane): Promise<Site> {
    return new Site(plane.client, await plane.createNamespace());
  }

  close(): Promise<void> {
    return this.#reflector.stop();
  }

  async authority(name: string, spec: object = {}): Promise<void> {
    const object: DeclaredObject = {
      metadata: { namespace: this.namespace, name },
      spec: { subject: { commonName: `Test ${name}` }, keyType: 'ec-p256', ...spec },
    };
    await this.admin.create<DeclaredObject>(certificateAuthorities, object);
  }

  /** Of the peer `expc1.example.com` where `name` is `expc1`. */
  async certificate(name: string, spec: object = {}): Promise<void> {
    const object: DeclaredObject = {
      metadata: { namespace: this.namespace, name },
      spec: {
        demandId: `core/${name}/server`,
        subject: { commonName: `${name}.example.com` },
        dnsNames: [`${name}.example.com`],
        usages: ['serverAuth', 'clientAuth'],
        ...(!('request' in spec) && { keyType: 'ec-p256' }),
        issuerRef: { name: 'root-ca' },
        renewBeforeDays: 30,
        secretName: name,
        peers: [name],
        ...spec,
      },
    };
    await this.admin.create<DeclaredObject>(certificates, object);
  }

  /** As `kubectl patch` does it: whatever the operator writes meanwhile. */
  patch<T extends KubeObject>(type: ResourceType<T>, name: string, changes: MergePatch): Promise<Stored<T>> {
    return eventually(`${type.kind} ${name} is patched`, async () => {
      const object = await this.admin.get(type, { namespace: this.namespace, name });
      try {
        return await this.admin.patch(type, object!.metadata, changes);
      } catch (error) {
        if (error instanceof KubeApiError && error.status === 409) return false;
        throw error;
      }
    });
  }

  /** Changes a spec. */
  async edit(type: ResourceType<DeclaredObject>, name: string, spec: object): Promise<void> {
    await this.patch(type, name, { spec });
  }

  async status(type: ResourceType<DeclaredObject>, name: string): Promise<Status> {
    const object = await this.admin.get(type, { namespace: this.namespace, name });
    return statusSchema.parse(object?.status ?? {});
  }

  /** Resolves with the status as soon as the condition says so about the present spec. */
  condition(type: ResourceType<DeclaredObject>, name: string, wanted: Partial<Condition>): Promise<Status> {
    return eventually(`${type.kind} ${name} is ${JSON.stringify(wanted)}`, async () => {
      const object = await this.admin.get(type, { namespace: this.namespace, name });
      const status = statusSchema.parse(object?.status ?? {});
      const found = status.conditions.find(({ type: each }) => each === (wanted.type ?? 'Ready'));
      const matches = Object.entries(wanted).every(([key, value]) => `${Object(found)[key]}`.includes(`${value}`));
      return matches && found?.observedGeneration === object?.metadata.generation && status;
    });
  }

  ready(type: ResourceType<DeclaredObject>, ...named: string[]): Promise<Status[]> {
    return Promise.all(named.map((name) => this.condition(type, name, { status: 'True' })));
  }

  async secret(name: string): Promise<Stored<SecretObject> | undefined> {
    return this.admin.get(secrets, { namespace: this.namespace, name });
  }

  async records(owner?: string): Promise<IssuedCertificateSpec[]> {
    const { items } = await this.admin.list(issuedCertificates, { namespace: this.namespace });
    const specs = items.map(({ spec }) => spec).filter((spec) => owner === undefined || spec.owner === owner);
    return specs.sort((a, b) => a.generation - b.generation);
  }

  /** Serials that the Certificate shows as abandoned. */
  async abandoned(name: string): Promise<string[]> {
    const { conditions } = await this.status(certificates, name);
    const { message = '' } = conditions.find(({ type, status }) => type === ABANDONED && status === 'True') ?? {};
    return [...message.matchAll(/serial ([0-9A-F]+) \(valid until/g)].map(([, serial = '']) => serial);
  }

  /** Reasons and notes of the events about one object. */
  async events(name: string): Promise<string[]> {
    const { items } = await this.admin.list(events, { namespace: this.namespace });
    return items
      .filter(({ regarding }) => regarding.name === name)
      .sort((a, b) => (a.eventTime < b.eventTime ? -1 : 1))
      .map(({ reason, note }) => `${reason}: ${note}`);
  }

  /** The published list. */
  async list(authority: string): Promise<Crl | undefined> {
    const object = await this.admin.get(configMaps, { namespace: this.namespace, name: `${authority}-crl` });
    const der = object?.binaryData?.[`${authority}.crl`];
    return der === undefined ? undefined : readCrl(Buffer.from(der, 'base64'), authority);
  }

  isListed(authority: string, serial: string): Promise<Crl> {
    return eventually(`${serial} is on the list of ${authority}`, async () => {
      const list = await this.list(authority);
      return list?.find(BigInt(`0x${serial}`)) && list;
    });
  }

  /** I1-I6, as far as they can be seen at rest. */
  async checkInvariants(): Promise<void> {
    const records = await this.records();
    const kept = (await this.admin.list(secrets, { namespace: this.namespace })).items;
    for (const { metadata, data = {} } of kept) {
      const [der, ...chain] = pemBlocks(data['tls.crt']);
      if (!der) continue;
      const certificate = readCertificate(der, metadata.name);
      const serial = serialHex(certificate.serialNumber);
      const record = records.find((each) => each.serial === serial);
      expect(record?.certificate, `I2: ${metadata.name} is on record`).toBe(der.toString('base64'));
      const key = data['tls.key'];
      if (key !== undefined) {
        const publicKey = createPublicKey(Buffer.from(key, 'base64').toString()).export({
          type: 'spki',
          format: 'der',
        });
        expect(publicKey.equals(certificate.subjectPublicKeyInfo), `I6: key of ${metadata.name}`).toBe(true);
      }
      const [root] = pemBlocks(data['ca.crt']);
      const path = [der, ...chain, root!].map((each) => readCertificate(each, metadata.name));
      path.slice(1).forEach((issuer, index) => {
        const issued = path[index]!;
        expect(isIssuedBy(issued, issuer), `I6: chain of ${metadata.name}`).toBe(true);
        expect(issued.notAfter <= issuer.notAfter, `I6: ${metadata.name} outlives its issuer`).toBe(true);
      });
    }
    const last = new Map<string, Crl>();
    for (const { authority, crl } of this.lists) {
      const before = last.get(authority);
      last.set(authority, crl);
      if (!before) continue;
      expect(crl.crlNumber, `I3: ${authority}`).toBeGreaterThan(before.crlNumber!);
      for (const { serialNumber } of before.entries()) expect(crl.find(serialNumber), `I4: ${authority}`).toBeDefined();
    }
    for (const { authority, serial, revocation } of records)
      if (revocation) expect((await this.list(authority))?.find(BigInt(`0x${serial}`)), 'I4').toBeDefined();
  }

  /** I1: no private key outside the Secrets, in any encoding. @param lines of the log */
  async checkSecrecy(lines: readonly string[]): Promise<void> {
    const kept = (await this.admin.list(secrets, { namespace: this.namespace })).items;
    const keys = kept.flatMap(({ data }) => data?.['tls.key'] ?? []);
    // The lines of the PEM text that have the secret number in them; the public key after it is in the certificate too.
    const bodies = keys.flatMap((key) => {
      const pem = Buffer.from(key, 'base64').toString();
      return [key.slice(0, 60), ...pem.split('\n').slice(1, 3)];
    });
    expect(bodies.length).toBeGreaterThan(0);
    const seen: unknown[] = [...lines];
    for (const type of [certificateAuthorities, certificates, issuedCertificates, configMaps, events])
      seen.push(...(await this.admin.list<KubeObject>(type, { namespace: this.namespace })).items);
    const text = JSON.stringify(seen);
    expect(text).not.toContain('PRIVATE KEY');
    for (const body of bodies) expect(text.includes(body), 'I1: a private key outside its Secret').toBe(false);
  }
}

const statusSchema = z.looseObject({
  conditions: z.array(conditionSchema).default([]),
  serial: z.string().optional(),
  issue: z.number().optional(),
  reason: z.string().optional(),
  notAfter: z.string().optional(),
  renewalTime: z.string().optional(),
  crl: z
    .object({ number: z.string(), entries: z.number(), nextUpdate: z.string(), configMaps: z.array(z.string()) })
    .optional(),
});
export type Status = z.output<typeof statusSchema>;

export function pemBlocks(base64: string | undefined): Buffer[] {
  return base64 === undefined ? [] : decodePem(Buffer.from(base64, 'base64').toString(), 'test').map(({ der }) => der);
}

import type { Ledger } from '../../src/authority/ports.ts';
import {
  issuanceSchema,
  type LedgerEntry,
  type NewEntry,
  type Revocation,
  timestamp,
} from '../../src/authority/record.ts';
import { VcsPkiError } from '../../src/errors.ts';
import { issuedCertificateName } from '../../src/resources/issued-certificate.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { type IssuedCertificateObject, issuedCertificates } from '../api/resources.ts';
import type { KubeApi } from './client.ts';
import { hasReason } from './errors.ts';
import { authoritySecretName } from './kube-material.ts';
import { MANAGER, names, ownerHash } from './labels.ts';
import { secrets } from './resource.ts';

const CRL_NUMBER = 'crl-number';

export interface KubeLedgerOptions {
  readonly client: KubeApi;
  readonly namespace: string;
  readonly authority: string;
  readonly generation: number;
}

/**
 * The ledger of one authority generation: an IssuedCertificate per serial, whose name is the fence of I2, and the CRL number in
 * the authority's Secret, each of whose changes carries the resourceVersion that it was decided on (I3).
 *
 * The API server has no transactions: of a batch with several certificates a crash may leave some. The operator issues one at a time.
 */
export class KubeLedger implements Ledger {
  readonly #client: KubeApi;
  readonly #namespace: string;
  readonly #authority: string;
  readonly #generation: number;

  constructor({ client, namespace, authority, generation }: KubeLedgerOptions) {
    this.#client = client;
    this.#namespace = namespace;
    this.#authority = authority;
    this.#generation = generation;
  }

  async entries(): Promise<readonly LedgerEntry[]> {
    const labelSelector = `${names.authority}=${this.#authority}`;
    const { items } = await this.#client.list(issuedCertificates, { namespace: this.#namespace, labelSelector });
    return inOrder(items.filter(({ spec }) => spec.authorityGeneration === this.#generation)).map(entryOf);
  }

  async record(entries: readonly NewEntry[]): Promise<void> {
    const objects = entries.map((entry) => this.#object(entry));
    const serials = entries.map(({ serial }) => serial);
    if (new Set(serials).size < serials.length) throw this.#reused(serials.join(', '));
    if (objects.length > 1) for (const { metadata, spec } of objects) await this.#refuseUsed(metadata, spec.serial);
    for (const object of objects) await this.#create(object);
  }

  async revoke(serial: string, revocation: Revocation): Promise<void> {
    for (;;) {
      const object = await this.#client.get(issuedCertificates, this.#ref(serial));
      if (!object) {
        throw new VcsPkiError('SERIAL_UNKNOWN', {
          at: `IssuedCertificate ${this.#ref(serial).name}`,
          value: serial,
          message: `serial ${serial} was not issued by ${this.#authority}`,
          fix: 'check the serial, and which authority issued the certificate',
        });
      }
      if (object.spec.revocation) return;
      const revoked = { ...object, spec: { ...object.spec, revocation: { ...revocation } } };
      if (await unlessChanged(this.#client.update(issuedCertificates, revoked))) return;
    }
  }

  async reserveCrlNumber(floor: bigint): Promise<bigint> {
    const ref = { namespace: this.#namespace, name: authoritySecretName(this.#authority, this.#generation) };
    for (;;) {
      const secret = await this.#client.get(secrets, ref);
      if (!secret) {
        throw new VcsPkiError('AUTHORITY_MISSING', {
          at: `Secret ${ref.namespace}/${ref.name}`,
          message: `the key of authority ${this.#authority} is not there`,
          fix: 'restore the Secret from a backup',
        });
      }
      const stored = parseNumber(secret.data?.[CRL_NUMBER], `Secret ${ref.namespace}/${ref.name}`);
      const number = (stored > floor ? stored : floor) + 1n;
      const data = { [CRL_NUMBER]: Buffer.from(`${number}`).toString('base64') };
      if (await unlessChanged(this.#client.patch(secrets, { ...ref, ...secret.metadata }, { data }))) return number;
    }
  }

  /** The answer to a create can be lost: what is there then may be what we wrote. */
  async #create(object: IssuedCertificateObject): Promise<void> {
    try {
      await this.#client.create(issuedCertificates, object);
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) throw this.#reused(object.spec.serial);
      if (!(error instanceof VcsPkiError) || error.code !== 'KUBE_UNREACHABLE') throw error;
      const present = await this.#client.get(issuedCertificates, object.metadata);
      if (present?.spec.certificate !== object.spec.certificate) throw error;
    }
  }

  async #refuseUsed(ref: { readonly namespace?: string; readonly name: string }, serial: string): Promise<void> {
    if (await this.#client.get(issuedCertificates, ref)) throw this.#reused(serial);
  }

  #object({ serial, certificate, issuance }: NewEntry): IssuedCertificateObject {
    const { notBefore, notAfter } = readCertificate(certificate, issuance.owner);
    return {
      metadata: {
        ...this.#ref(serial),
        labels: {
          [names.managedBy]: MANAGER,
          [names.authority]: this.#authority,
          [names.ownerHash]: ownerHash(issuance.owner),
        },
      },
      spec: {
        authority: this.#authority,
        authorityGeneration: this.#generation,
        serial,
        certificate: certificate.toString('base64'),
        notBefore: timestamp(notBefore),
        notAfter: timestamp(notAfter),
        owner: issuance.owner,
        generation: issuance.generation,
        reason: issuance.reason.slice(0, REASON_LIMIT),
        specification: JSON.stringify(issuance.specification),
      },
    };
  }

  #ref(serial: string): { namespace: string; name: string } {
    return { namespace: this.#namespace, name: issuedCertificateName(this.#authority, this.#generation, serial) };
  }

  #reused(serial: string): VcsPkiError {
    return new VcsPkiError('SERIAL_REUSED', {
      at: `IssuedCertificates of ${this.#authority}`,
      value: serial,
      message: `serial ${serial} is on record already`,
      fix: 'nothing: another serial is drawn by itself',
    });
  }
}

/** As the definition of IssuedCertificate bounds it. */
const REASON_LIMIT = 4096;

/** Everything on record for one owner, whoever signed it, in order of issue. */
export async function entriesOfOwner(
  client: KubeApi,
  namespace: string,
  owner: string,
): Promise<readonly LedgerEntry[]> {
  const labelSelector = `${names.ownerHash}=${ownerHash(owner)}`;
  const { items } = await client.list(issuedCertificates, { namespace, labelSelector });
  return inOrder(items.filter(({ spec }) => spec.owner === owner)).map(entryOf);
}

/** The name that records of a namespace give as their topology. */
export function topologyOf(namespace: string): string {
  return `kubernetes/${namespace}`;
}

/** Objects come back by name. Those of one second come by the owner's count, then by serial: the same order every time. */
function inOrder(objects: readonly IssuedCertificateObject[]): IssuedCertificateObject[] {
  return [...objects].sort(
    ({ spec: a }, { spec: b }) =>
      compare(a.notBefore, b.notBefore) || a.generation - b.generation || compare(a.serial, b.serial),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function entryOf({ metadata, spec }: IssuedCertificateObject): LedgerEntry {
  const { serial, notBefore, notAfter, revocation, owner, generation, reason } = spec;
  return {
    serial,
    notBefore,
    notAfter,
    revocation,
    issuance: issuanceSchema.parse({
      owner,
      topology: topologyOf(metadata.namespace ?? ''),
      generation,
      reason,
      specification: JSON.parse(spec.specification),
    }),
    certificate: async () => Buffer.from(spec.certificate, 'base64'),
  };
}

function parseNumber(base64: string | undefined, at: string): bigint {
  const text = Buffer.from(base64 ?? '', 'base64').toString();
  if (/^\d*$/.test(text)) return BigInt(text);
  throw new VcsPkiError('LEDGER_CORRUPT', {
    at: `${at}: ${CRL_NUMBER}`,
    message: 'must hold one decimal number',
    fix: `remove ${CRL_NUMBER} from the Secret: the number of the published list is known`,
  });
}

/** False where somebody else was quicker. */
async function unlessChanged(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (hasReason(error, 'Conflict')) return false;
    throw error;
  }
}

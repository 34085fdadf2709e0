import { type AuthorityGeneration, type Owner, ownerText } from '../../src/authority/owner.ts';
import type { Ledger } from '../../src/authority/ports.ts';
import {
  isRevoked,
  type LedgerEntry,
  type NewEntry,
  newestOf,
  type Revocation,
  type RevokedEntry,
  timestamp,
} from '../../src/authority/record.ts';
import { serialFromHex } from '../../src/authority/serial.ts';
import { VcsPkiError } from '../../src/errors.ts';
import { issuedCertificateName } from '../../src/resources/issued-certificate.ts';
import { type Serial, serialHex } from '../../src/x509/certificate.ts';
import { keyId } from '../../src/x509/keys.ts';
import { type IssuedCertificateObject, issuedCertificates } from '../api/resources.ts';
import type { KubeApi } from './client.ts';
import { hasReason } from './errors.ts';
import { authoritySecretName } from './kube-material.ts';
import { MANAGER, names, ownerHash } from './labels.ts';
import { entryOf, recordsWhere, revokeRecord, unlessChanged } from './records.ts';
import { secrets } from './resource.ts';

const CRL_NUMBER = 'crl-number';

export interface KubeLedgerOptions {
  readonly client: KubeApi;
  readonly namespace: string;
  readonly of: AuthorityGeneration;
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
  readonly #of: AuthorityGeneration;

  constructor({ client, namespace, of }: KubeLedgerOptions) {
    this.#client = client;
    this.#namespace = namespace;
    this.#of = of;
  }

  async find(serial: Serial): Promise<LedgerEntry | undefined> {
    const object = await this.#client.get(issuedCertificates, this.#ref(serial));
    return object && entryOf(object);
  }

  async newestOf(owner: Owner): Promise<LedgerEntry | undefined> {
    return newestOf(await this.#where({ owner: ownerText(owner) }));
  }

  async unexpiredOf(owner: Owner, now: Date): Promise<readonly LedgerEntry[]> {
    const entries = await this.#where({ owner: ownerText(owner) });
    return entries.filter(({ notAfter }) => new Date(notAfter) > now);
  }

  /** Records that a version before wrote have no key id until the operator adds it. */
  async byKey(keyId: string): Promise<readonly LedgerEntry[]> {
    return this.#where({ keyId });
  }

  async *revoked(): AsyncGenerator<RevokedEntry> {
    for (const entry of await this.#where({})) if (isRevoked(entry)) yield entry;
  }

  async record(entries: readonly NewEntry[]): Promise<void> {
    const objects = entries.map((entry) => this.#object(entry));
    const serials = objects.map(({ spec }) => spec.serial);
    if (new Set(serials).size < serials.length) throw this.#reused(serials.join(', '));
    if (objects.length > 1) for (const { metadata, spec } of objects) await this.#refuseUsed(metadata, spec.serial);
    for (const object of objects) await this.#create(object);
  }

  async revoke(serials: readonly Serial[], revocation: Revocation): Promise<void> {
    for (const serial of serials) if (!(await this.find(serial))) throw this.#unknown(serial);
    for (const serial of serials)
      if (!(await revokeRecord(this.#client, this.#ref(serial), revocation))) throw this.#unknown(serial);
  }

  /** Of this authority generation, in order of issue; a serial once, though somebody recorded it under a second name. */
  async #where(values: Parameters<typeof recordsWhere>[2]): Promise<LedgerEntry[]> {
    const { authority, generation } = this.#of;
    const of = { ...values, authority, authorityGeneration: `${generation}` };
    const entries = new Map<string, LedgerEntry>();
    for (const entry of (await recordsWhere(this.#client, this.#namespace, of)).map(entryOf))
      if (isListable(entry.serial) && !entries.get(entry.serial)?.revocation) entries.set(entry.serial, entry);
    return [...entries.values()];
  }

  async reserveCrlNumber(floor: bigint): Promise<bigint> {
    const ref = { namespace: this.#namespace, name: authoritySecretName(this.#of) };
    for (;;) {
      const secret = await this.#client.get(secrets, ref);
      if (!secret) {
        throw new VcsPkiError('AUTHORITY_MISSING', {
          at: `Secret ${ref.namespace}/${ref.name}`,
          message: `the key of authority ${this.#of.authority} is not there`,
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

  #object({ certificate, issuance }: NewEntry): IssuedCertificateObject {
    const { notBefore, notAfter, subjectPublicKeyInfo } = certificate;
    const serial = serialHex(certificate.serialNumber);
    return {
      metadata: {
        ...this.#ref(serial),
        labels: {
          [names.managedBy]: MANAGER,
          [names.authority]: this.#of.authority,
          [names.ownerHash]: ownerHash(issuance.owner),
        },
      },
      spec: {
        authority: this.#of.authority,
        authorityGeneration: this.#of.generation,
        serial,
        certificate: certificate.der.toString('base64'),
        notBefore: timestamp(notBefore),
        notAfter: timestamp(notAfter),
        owner: ownerText(issuance.owner),
        generation: issuance.issue,
        reason: issuance.reason.slice(0, REASON_LIMIT),
        specification: JSON.stringify(issuance.specification),
        keyId: keyId(subjectPublicKeyInfo),
      },
    };
  }

  #ref(serial: string): { namespace: string; name: string } {
    return { namespace: this.#namespace, name: issuedCertificateName(this.#of, serial) };
  }

  #unknown(serial: Serial): VcsPkiError {
    return new VcsPkiError('SERIAL_UNKNOWN', {
      at: `IssuedCertificate ${this.#ref(serial).name}`,
      value: serial,
      message: `serial ${serial} was not issued by ${this.#of.authority}`,
      fix: 'check the serial, and which authority issued the certificate',
    });
  }

  #reused(serial: string): VcsPkiError {
    return new VcsPkiError('SERIAL_REUSED', {
      at: `IssuedCertificates of ${this.#of.authority}`,
      value: serial,
      message: `serial ${serial} is on record already`,
      fix: 'nothing: another serial is drawn by itself',
    });
  }
}

/** Serial and CRL numbers are positive and have at most 20 octets (RFC 5280 4.1.2.2, 5.2.3). */
const BEYOND = 1n << 159n;

/** As the definition of IssuedCertificate bounds it. */
const REASON_LIMIT = 4096;

/** Whether a list can carry the number: one that nobody could have drawn must not keep the others off it. */
function isListable(serial: string): boolean {
  const number = serialFromHex(serial);
  return number > 0n && number < BEYOND && serialHex(number) === serial;
}

function parseNumber(base64: string | undefined, at: string): bigint {
  const text = Buffer.from(base64 ?? '', 'base64').toString();
  if (/^\d{0,48}$/.test(text) && BigInt(text) < BEYOND) return BigInt(text);
  throw new VcsPkiError('LEDGER_CORRUPT', {
    at: `${at}: ${CRL_NUMBER}`,
    message: 'must hold one decimal number of at most 20 octets',
    fix: `remove ${CRL_NUMBER} from the Secret: the number of the published list is known`,
  });
}

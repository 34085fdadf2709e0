import type { KeyObject } from 'node:crypto';
import { VcsPkiError } from '../errors.ts';
import type { Demand } from '../topology/demands.ts';
import type { Authority } from '../topology/schema.ts';
import {
  type Certificate,
  type CertificateContent,
  encodeSigned,
  encodeTbsCertificate,
  readCertificate,
} from '../x509/certificate.ts';
import { generatePrivateKey, type KeyType, keyIdentifier, keyTypes, subjectPublicKeyInfo } from '../x509/keys.ts';
import { encodeName } from '../x509/name.ts';
import { decodeDerOrPem } from '../x509/pem.ts';
import { type CertificateRequest, readRequest } from '../x509/request.ts';
import { signatureAlgorithmFor } from '../x509/signature.ts';
import type { CompromisedKeys } from './compromised-key.ts';
import { type Issuer, keyIdentifierOf, localSigner } from './issuer.ts';
import { ownerText } from './owner.ts';
import { refusePathTooLong } from './path-length.ts';
import { authoritySpecification } from './plan.ts';
import type { Clock, Ledger, Material, Random, Signer } from './ports.ts';
import { authorityExtensions, leafExtensions } from './profile.ts';
import { type Issuance, type NewEntry, specificationOf } from './record.ts';
import { checkRequest } from './request-check.ts';
import { addDays, BACKDATE_MS } from './schedule.ts';
import { randomSerial } from './serial.ts';
import { refuseUnfit } from './unfit-key.ts';

/** Signatures per ledger write: large enough that one fsync serves many, small enough that a crash repeats little. */
const BATCH = 64;

export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly material: Material;
  readonly compromised: CompromisedKeys;
}

export interface IssueOrder {
  readonly demand: Demand;
  readonly issue: number;
  readonly reason: string;
}

export interface Issued {
  readonly order: IssueOrder;
  readonly certificate: Certificate;
}

/**
 * Issues certificates of one authority. Order of writes: keys durable, serials, signed in memory, on record with the
 * whole certificate, material. What a crash leaves undone, the next run finishes from the record.
 * @param announce called once a certificate is in place
 */
export async function issueCertificates(
  orders: readonly IssueOrder[],
  issuer: Issuer,
  topology: string,
  ports: Ports,
  announce: (issued: Issued) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (let start = 0; start < orders.length; start += BATCH) {
    signal?.throwIfAborted();
    const signed: (NewEntry & { readonly order: IssueOrder })[] = [];
    for (const order of orders.slice(start, start + BATCH)) {
      const certificate = await signLeaf(order, issuer, ports);
      signed.push({ order, certificate, issuance: issuanceOf(order, topology) });
    }
    await issuer.ledger.record(signed);
    for (const { order, certificate } of signed) {
      await ports.material.store({ demand: order.demand.id }, order.issue, { certificate, chain: issuer.chain });
      announce({ order, certificate });
    }
  }
}

async function signLeaf({ demand, issue }: IssueOrder, issuer: Issuer, ports: Ports): Promise<Certificate> {
  const publicKey = await publicKeyOf(demand, issue, ports.material);
  await refuseUnfit(publicKey, demand.id, ports);
  if (publicKey.equals(issuer.certificate.subjectPublicKeyInfo)) {
    throw new VcsPkiError('KEY_REUSED', {
      at: demand.id,
      message: `its key is the key of authority ${issuer.id}`,
      fix: 'generate another key for the peer',
    });
  }
  const now = ports.clock.now();
  return sign(
    {
      serialNumber: randomSerial(ports.random),
      issuer: issuer.certificate.subject.der,
      subject: encodeName(demand.subject),
      ...validityWithin(issuer.certificate, now, demand.lifetimeDays, demand.id),
      subjectPublicKeyInfo: publicKey,
      extensions: leafExtensions({
        subjectPublicKeyInfo: publicKey,
        issuerKeyIdentifier: keyIdentifierOf(issuer.certificate),
        names: demand.names,
        usages: demand.usages,
        endpoints: issuer.endpoints,
      }),
    },
    issuer.signer,
    demand.id,
  );
}

async function publicKeyOf(demand: Demand, issue: number, material: Material): Promise<Buffer> {
  const request = await readDemandedRequest(demand);
  if (request) return request.subjectPublicKeyInfo;
  return subjectPublicKeyInfo(await keyOf(demand, issue, material));
}

/** The key of this issue, made when it is not there yet. */
export async function keyOf(demand: Demand, issue: number, material: Material): Promise<KeyObject> {
  const type = 'type' in demand.key ? demand.key.type : undefined;
  if (!isKeyType(type)) {
    throw new VcsPkiError('KEY_TYPE_REFUSED', {
      at: demand.id,
      value: String(type),
      message: 'keys of this size are not generated',
      fix: `use one of ${keyTypes.join(', ')}`,
    });
  }
  return material.key({ demand: demand.id }, issue, () => generatePrivateKey(type));
}

/** What appliances ask for must be what is demanded, with keys that may be certified: told before anything is written (I10, I12). */
export async function checkRequests(demands: Iterable<Demand>, ports: Pick<Ports, 'compromised'>): Promise<void> {
  for (const demand of demands) {
    const request = await readDemandedRequest(demand);
    if (request) await refuseUnfit(request.subjectPublicKeyInfo, demand.id, ports);
  }
}

/** The request of a demand whose key is on the appliance, checked; undefined where the key is generated here. */
export async function readDemandedRequest(demand: Demand): Promise<CertificateRequest | undefined> {
  if (!('request' in demand.key)) return undefined;
  const [der] = decodeDerOrPem(Buffer.from(demand.key.request), 'CERTIFICATE REQUEST', demand.id);
  if (!der) throw new TypeError('decodeDerOrPem returned no block');
  const request = await readRequest(der, demand.id);
  checkRequest(request, demand);
  return request;
}

function isKeyType(type: string | undefined): type is KeyType {
  return keyTypes.some((known) => known === type);
}

/** From a little before now, as long as asked, never outside the issuer's own validity (I6). */
function validityWithin(
  issuer: Certificate,
  now: Date,
  lifetimeDays: number,
  at: string,
): { notBefore: Date; notAfter: Date } {
  if (now >= issuer.notAfter) {
    throw new VcsPkiError('ISSUER_EXPIRED', {
      at,
      value: issuer.notAfter.toISOString(),
      message: 'the certificate of its issuer has expired',
      fix: 'declare a new authority and make it the issuer',
    });
  }
  const notBefore = seconds(Math.max(now.getTime() - BACKDATE_MS, issuer.notBefore.getTime()));
  const notAfter = new Date(Math.min(addDays(notBefore, lifetimeDays).getTime(), issuer.notAfter.getTime()));
  return { notBefore, notAfter };
}

/**
 * Creates a generation of an authority: self-signed on its own ledger, or signed by `parent` and on its ledger.
 * @param pathLength the longest chain of authorities that the topology has below this one
 */
export async function createAuthority(
  authority: Authority,
  own: { readonly generation: number; readonly ledger: Ledger; readonly key: KeyObject },
  parent: Issuer | undefined,
  context: { readonly reason: string; readonly topology: string; readonly pathLength: number | undefined },
  ports: Ports,
): Promise<Certificate> {
  const owner = { authority: authority.id, generation: own.generation };
  const at = ownerText(owner);
  const publicKey = subjectPublicKeyInfo(own.key);
  await refuseUnfit(publicKey, at, ports);
  if (parent) refusePathTooLong(parent, at);
  const ledger = parent?.ledger ?? own.ledger;
  const subject = encodeName(authority.subject);
  const now = ports.clock.now();
  const notBefore = seconds(now.getTime() - BACKDATE_MS);
  const certificate = await sign(
    {
      serialNumber: randomSerial(ports.random),
      issuer: parent?.certificate.subject.der ?? subject,
      subject,
      ...(parent
        ? validityWithin(parent.certificate, now, authority.lifetimeDays, at)
        : { notBefore, notAfter: addDays(notBefore, authority.lifetimeDays) }),
      subjectPublicKeyInfo: publicKey,
      extensions: authorityExtensions({
        subjectPublicKeyInfo: publicKey,
        issuerKeyIdentifier: parent ? keyIdentifierOf(parent.certificate) : keyIdentifier(publicKey),
        root: parent === undefined,
        pathLength: context.pathLength,
        endpoints: parent?.endpoints ?? {},
      }),
    },
    parent?.signer ?? localSigner(own.key),
    at,
  );
  const issuance: Issuance = {
    owner,
    topology: context.topology,
    issue: 1,
    reason: context.reason,
    specification: authoritySpecification(authority),
  };
  await ledger.record([{ certificate, issuance }]);
  await ports.material.store(owner, 1, { certificate, chain: parent?.chain ?? [] });
  return certificate;
}

async function sign(content: CertificateContent, signer: Signer, at: string): Promise<Certificate> {
  const algorithm = signatureAlgorithmFor(signer.subjectPublicKeyInfo);
  const tbs = encodeTbsCertificate(content, algorithm);
  return readCertificate(encodeSigned(tbs, algorithm, await signer.sign(tbs)), at);
}

function issuanceOf({ demand, issue, reason }: IssueOrder, topology: string): Issuance {
  return { owner: { demand: demand.id }, topology, issue, reason, specification: specificationOf(demand) };
}

function seconds(milliseconds: number): Date {
  return new Date(Math.floor(milliseconds / 1000) * 1000);
}

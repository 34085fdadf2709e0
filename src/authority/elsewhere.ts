import type { KeyObject } from 'node:crypto';
import { VcsPkiError } from '../errors.ts';
import type { Demand } from '../topology/demands.ts';
import type { DemandId } from '../topology/ids.ts';
import { type Certificate, isIssuedBy, serialHex } from '../x509/certificate.ts';
import { describeKey, keyTypeOf, keyTypes, subjectPublicKeyInfo } from '../x509/keys.ts';
import { formatName, sameName } from '../x509/name.ts';
import { createRequest, readRequest } from '../x509/request.ts';
import { isVerifiable, weakDigest } from '../x509/signature.ts';
import { keyOf, type Ports, readDemandedRequest } from './issue.ts';
import type { Ledger, Requests } from './ports.ts';
import { type Issuance, type PendingRequest, specificationOf, timestamp } from './record.ts';
import { checkRequestForElsewhere } from './request-check.ts';
import { refuseUnfit } from './unfit-key.ts';

/** Certificates that authorities elsewhere sign: their requests (31-35), and what comes back. */

export interface RequestOrder {
  readonly demand: Demand;
  readonly issue: number;
  readonly reason: string;
}

/** Makes the request of a demand, key first, or takes the one that the appliance made; durable when it resolves. */
export async function makeRequest(
  { demand, issue, reason }: RequestOrder,
  ports: Ports & { readonly requests: Requests },
): Promise<PendingRequest> {
  const declared = await readDemandedRequest(demand);
  const { subject, names, usages } = demand;
  const der =
    declared?.der ??
    (await createRequest(await keyOf(demand, issue, ports.material), {
      subject,
      dnsNames: names,
      purposes: usages,
    }));
  const request = declared ?? (await readRequest(der, demand.id));
  checkRequestForElsewhere(request, demand);
  await refuseUnfit(request.subjectPublicKeyInfo, demand.id, ports);
  const pending = {
    issue,
    reason,
    createdAt: timestamp(ports.clock.now()),
    specification: specificationOf(demand),
    request: der.toString('base64'),
  };
  await ports.requests.store(demand.id, pending);
  return pending;
}

/** What came back, and for whom. */
export interface Arrival extends Pick<PendingRequest, 'issue' | 'reason' | 'specification'> {
  readonly demand: Demand;
  readonly certificate: Certificate;
  /** Its issuers, from its own to the root, as far as they are known. */
  readonly chain: readonly Certificate[];
}

/** Requirement 35: the request that a certificate answers, told by its public key. */
export async function requestOf(
  certificate: Certificate,
  pending: ReadonlyMap<DemandId, PendingRequest>,
): Promise<DemandId | undefined> {
  for (const [id, { request }] of pending) {
    const { subjectPublicKeyInfo: key } = await readRequest(Buffer.from(request, 'base64'), id);
    if (key.equals(certificate.subjectPublicKeyInfo)) return id;
  }
  return undefined;
}

/**
 * Refuses a certificate that is not what was asked for: CERTIFICATE_UNFIT with what is wrong.
 * @param authority the certificates of the authority that is declared as its issuer, its own first
 */
export function checkArrival({ demand, certificate }: Arrival, authority: readonly Certificate[], now: Date): void {
  const unfit = (message: string, fix: string, value?: string) =>
    new VcsPkiError('CERTIFICATE_UNFIT', { at: demand.id, message, fix, ...(value !== undefined && { value }) });
  const { signatureAlgorithmName: algorithm, subjectPublicKeyInfo: key } = certificate;
  if (!isVerifiable(algorithm) || weakDigest(algorithm) !== undefined)
    throw unfit(
      `it is signed with ${algorithm}, which ${isVerifiable(algorithm) ? "is too weak for today's TLS (D30)" : 'is not supported'}`,
      'ask for a signature with SHA-256',
      algorithm,
    );
  if (keyTypeOf(key) === undefined)
    throw unfit(
      `its key is ${describeKey(key)}, which is not supported (41, D29)`,
      `have it issued for a key of ${keyTypes.join(', ')}`,
      describeKey(key),
    );
  const [issuer] = authority;
  if (!issuer || !isIssuedBy(certificate, issuer)) {
    throw unfit(
      `it was issued by ${formatName(certificate.issuer)}, not by ${demand.issuer}`,
      'give external authority the certificate of the authority that really signs, or ask the one that is declared',
      formatName(certificate.issuer),
    );
  }
  const wildcards = [certificate.subject.commonName ?? '', ...certificate.dnsNames].filter((name) =>
    name.includes('*'),
  );
  if (wildcards.length > 0) {
    throw unfit(
      `it has ${wildcards.join(', ')}, and appliances support no wildcard certificates (15)`,
      `have ${demand.issuer} issue it for the names of the request`,
      wildcards.join(', '),
    );
  }
  if (certificate.subject.commonName === undefined) {
    throw unfit(
      'it has no common name: appliances raise an alarm, and mobile and remote access may fail (D22)',
      `have ${demand.issuer} issue it with ${demand.subject.commonName} as its common name`,
    );
  }
  const names = demand.names.filter((name) => !certificate.dnsNames.some((present) => present.toLowerCase() === name));
  if (names.length > 0) {
    throw unfit(
      `it lacks ${names.join(', ')} among its alternative names`,
      `have ${demand.issuer} issue it for all names of the request: ask for a multi-SAN certificate`,
      names.join(', '),
    );
  }
  const usages = demand.usages.filter((usage) => certificate.extendedKeyUsage?.includes(usage) === false);
  if (usages.length > 0) {
    throw unfit(
      `its extended key usage lacks ${usages.join(', ')} (requirements 20, 23)`,
      usages.includes('clientAuth')
        ? 'ask for a profile or template with client authentication, or declare usages serverAuth alone and see what vcs-pki check says of it'
        : 'ask for a profile for servers',
      certificate.extendedKeyUsage?.join(', '),
    );
  }
  if (certificate.serialNumber < 0n) {
    throw unfit(
      `its serial number is ${serialHex(certificate.serialNumber)}; a serial number must be positive (RFC 5280 4.1.2.2)`,
      `have ${demand.issuer} issue it with a positive serial number`,
      serialHex(certificate.serialNumber),
    );
  }
  if (now >= certificate.notAfter || now < certificate.notBefore) {
    throw unfit(
      `it is valid from ${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()}`,
      now < certificate.notBefore ? 'check the clock' : 'ask for a new one',
    );
  }
}

/**
 * Refuses a serial number under which another certificate of the authority is on record: SERIAL_REUSED.
 * @returns whether this very certificate is on record already
 */
export async function isOnRecord({ demand, certificate }: Arrival, ledger: Ledger): Promise<boolean> {
  const serial = serialHex(certificate.serialNumber);
  const present = await ledger.find(serial);
  if (!present) return false;
  if ((await present.certificate())?.der.equals(certificate.der)) return true;
  throw serialUsedTwice(demand, serial);
}

export function serialUsedTwice({ id, issuer }: Demand, serial: string): VcsPkiError {
  return new VcsPkiError('SERIAL_REUSED', {
    at: id,
    value: serial,
    message: `${issuer} has used serial ${serial} for another certificate too`,
    fix: `ask ${issuer} for a certificate with a serial number of its own (RFC 5280 4.1.2.2)`,
  });
}

/** Puts a certificate that was signed elsewhere on record and in its place; its request is answered then. */
export async function acceptArrival(
  arrival: Arrival,
  topology: string,
  ledger: Ledger,
  ports: Ports & { readonly requests: Requests },
): Promise<void> {
  const { demand, issue, reason, specification, certificate, chain } = arrival;
  const owner = { demand: demand.id };
  const issuance: Issuance = { owner, topology, issue, reason, specification, signedElsewhere: true };
  if (!(await isOnRecord(arrival, ledger))) await ledger.record([{ certificate, issuance }]);
  const issuers = chain.filter(({ subject, issuer }) => !sameName(subject, issuer));
  await ports.material.store(owner, issue, { certificate, chain: issuers });
  await ports.requests.remove(demand.id);
}

/** Keeps a key that was made elsewhere, where none of ours waits for a certificate (38). */
export async function keepKey(
  { demand, issue }: RequestOrder,
  key: KeyObject,
  { material }: Pick<Ports, 'material'>,
): Promise<void> {
  const kept = await material.key({ demand: demand.id }, issue, async () => key);
  if (subjectPublicKeyInfo(kept).equals(subjectPublicKeyInfo(key))) return;
  throw otherKeyAwaited(demand.id);
}

export function otherKeyAwaited(demand: string): VcsPkiError {
  return new VcsPkiError('REQUEST_IN_PROGRESS', {
    at: demand,
    message: 'a request with another key is in progress, and no key can be loaded meanwhile (38)',
    fix: `import the certificate for that request, or discard it first: vcs-pki request ${demand} --discard`,
  });
}

import type { Demand } from '../topology/demands.ts';
import type { Authority } from '../topology/schema.ts';
import { integer } from '../x509/der.ts';
import { extensionOids } from '../x509/extensions.ts';
import { encodeName, formatName, readName } from '../x509/name.ts';
import type { PathCertificate, PathCrl } from './path/path-certificate.ts';

/** What a certificate is called in messages: its common name, or its whole subject; peers may share that, and differ in their first name. */
export function titleOf({ subject, alternativeNames }: Titled): string {
  const title = subject.commonName ?? (formatName(subject) || 'a certificate without a subject');
  const first = alternativeNames?.find(({ kind }) => kind === 'DNS')?.value;
  return first === undefined || first.toLowerCase() === title.toLowerCase() ? title : `${title} (${first})`;
}

type Titled = Pick<PathCertificate, 'subject'> & Partial<Pick<PathCertificate, 'alternativeNames'>>;

/** The certificate that issuing `demand` at `now` will give. */
export function predictLeaf(demand: Demand, issuer: PathCertificate, now: Date): PathCertificate {
  return {
    ...UNISSUED,
    subject: readName(encodeName(demand.subject)),
    issuer: issuer.subject,
    ...validity(now, demand.lifetimeDays, issuer.notAfter),
    alternativeNames: demand.names.map((value) => ({ kind: 'DNS', value })),
    keyUsage: ['digitalSignature', 'keyEncipherment'],
    extendedKeyUsage: demand.usages,
    basicConstraints: undefined,
    isSignedBy: (candidate) => candidate === issuer,
  };
}

/** The certificate that creating `authority` at `now` will give. @param issuer absent for a root */
export function predictAuthority(
  authority: Authority,
  issuer: PathCertificate | undefined,
  pathLength: number | undefined,
  now: Date,
): PathCertificate {
  const subject = readName(encodeName(authority.subject));
  const predicted: PathCertificate = {
    ...UNISSUED,
    subject,
    issuer: issuer?.subject ?? subject,
    ...validity(now, authority.lifetimeDays, issuer?.notAfter),
    alternativeNames: [],
    keyUsage: ['keyCertSign', 'cRLSign'],
    extendedKeyUsage: undefined,
    basicConstraints: { authority: true, pathLength },
    isSignedBy: (candidate) => candidate === (issuer ?? predicted),
  };
  return predicted;
}

/** The complete list that `issuer` will sign, valid through `nextUpdate`. */
export function predictCrl(
  issuer: PathCertificate,
  { thisUpdate, nextUpdate, revoked }: { thisUpdate: Date; nextUpdate: Date; revoked: ReadonlySet<bigint> },
): PathCrl {
  return {
    issuer: issuer.subject,
    thisUpdate,
    nextUpdate,
    crlNumber: 1n,
    baseCrlNumber: undefined,
    authorityKeyIdentifier: undefined,
    issuingDistributionPoint: undefined,
    extensions: [{ oid: extensionOids.crlNumber, critical: false, value: integer(1) }],
    criticalEntryExtensions: [],
    find: (serialNumber) => (revoked.has(serialNumber) ? { serialNumber, revokedAt: thisUpdate } : undefined),
    isSignedBy: (candidate) => candidate === issuer,
  };
}

/** What a certificate has only once it is issued. */
const UNISSUED = {
  version: 3,
  serialNumber: undefined,
  subjectPublicKeyInfo: undefined,
  der: undefined,
  signatureAlgorithmName: undefined,
  publicKey: () => undefined,
  extensions: [],
  subjectKeyIdentifier: undefined,
  authorityKeyIdentifier: undefined,
  nameConstraints: undefined,
  policies: undefined,
  policyMappings: [],
  policyConstraints: undefined,
  inhibitAnyPolicy: undefined,
  distributionPoints: [],
} as const;

function validity(now: Date, lifetimeDays: number, latest: Date | undefined): { notBefore: Date; notAfter: Date } {
  const notAfter = now.getTime() + lifetimeDays * 24 * 3600 * 1000;
  return { notBefore: now, notAfter: new Date(Math.min(notAfter, latest?.getTime() ?? notAfter)) };
}

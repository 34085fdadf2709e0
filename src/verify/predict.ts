import type { Demand } from '../topology/demands.ts';
import type { Authority } from '../topology/schema.ts';
import { type Certificate, isIssuedBy, serialHex } from '../x509/certificate.ts';
import { formatName } from '../x509/name.ts';

/** What a proof looks at in a certificate, whether it exists already or is only going to be issued. */
export interface PresentedCertificate {
  /** Who it is, for people. */
  readonly title: string;
  readonly subject: string;
  readonly commonName: string | undefined;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** Undefined: for any purpose. */
  readonly usages: readonly string[] | undefined;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly authority: boolean;
  /** Upper-case hex; absent while it is not issued. */
  readonly serial: string | undefined;
  readonly selfSigned: boolean;
  isIssuedBy(issuer: PresentedCertificate): boolean;
  /** The real certificate, if it exists. */
  readonly certificate: Certificate | undefined;
}

export function presentedOf(certificate: Certificate): PresentedCertificate {
  const subject = formatName(certificate.subject);
  return {
    title: certificate.subject.commonName ?? subject,
    subject,
    commonName: certificate.subject.commonName,
    dnsNames: certificate.dnsNames,
    ipAddresses: certificate.ipAddresses,
    usages: certificate.extendedKeyUsage,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    authority:
      certificate.basicConstraints?.authority === true && certificate.keyUsage?.includes('keyCertSign') !== false,
    serial: serialHex(certificate.serialNumber),
    selfSigned: certificate.subject.der.equals(certificate.issuer.der) && isIssuedBy(certificate, certificate),
    isIssuedBy: (issuer) => issuer.certificate !== undefined && isIssuedBy(certificate, issuer.certificate),
    certificate,
  };
}

/** The certificate that issuing `demand` at `now` will give. */
export function predictLeaf(demand: Demand, issuer: PresentedCertificate, now: Date): PresentedCertificate {
  return {
    title: demand.id,
    subject: `CN=${demand.subject.commonName}`,
    commonName: demand.subject.commonName,
    dnsNames: demand.names,
    ipAddresses: [],
    usages: demand.usages,
    ...validity(now, demand.lifetimeDays, issuer.notAfter),
    authority: false,
    serial: undefined,
    selfSigned: false,
    isIssuedBy: (candidate) => candidate === issuer,
    certificate: undefined,
  };
}

/** The certificate that creating `authority` at `now` will give. @param issuer absent for a root */
export function predictAuthority(
  authority: Authority,
  issuer: PresentedCertificate | undefined,
  now: Date,
): PresentedCertificate {
  const predicted: PresentedCertificate = {
    title: authority.subject.commonName,
    subject: `CN=${authority.subject.commonName}`,
    commonName: authority.subject.commonName,
    dnsNames: [],
    ipAddresses: [],
    usages: undefined,
    ...validity(now, authority.lifetimeDays, issuer?.notAfter),
    authority: true,
    serial: undefined,
    selfSigned: issuer === undefined,
    isIssuedBy: (candidate) => candidate === (issuer ?? predicted),
    certificate: undefined,
  };
  return predicted;
}

function validity(now: Date, lifetimeDays: number, latest: Date | undefined): { notBefore: Date; notAfter: Date } {
  const notAfter = now.getTime() + lifetimeDays * 24 * 3600 * 1000;
  return { notBefore: now, notAfter: new Date(Math.min(notAfter, latest?.getTime() ?? notAfter)) };
}

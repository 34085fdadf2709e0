import { isIpAddress } from '../topology/names.ts';
import type { PresentedCertificate } from './presented.ts';

/**
 * The name in a certificate that satisfies a reference name, or undefined. Requirement 61: the common name
 * or any alternative name, whole and without regard to case; a wildcard stands for itself only (15, RFC 5922 7.2).
 */
export function matchName(
  certificate: Pick<PresentedCertificate, 'commonName' | 'dnsNames' | 'ipAddresses'>,
  reference: string,
): string | undefined {
  const wanted = canonical(reference);
  const { commonName, dnsNames, ipAddresses } = certificate;
  const presented = isIpAddress(wanted) ? ipAddresses : dnsNames;
  return [...presented, ...(commonName === undefined ? [] : [commonName])].find((name) => canonical(name) === wanted);
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

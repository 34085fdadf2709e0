import { VcsPkiError } from '../errors.ts';
import type { Demand } from '../topology/demands.ts';
import { keyTypeOf, keyTypes } from '../x509/keys.ts';
import type { CertificateRequest } from '../x509/request.ts';

/**
 * Requirements 32-35: what the appliance asked for must be what the topology demands. Throws REQUEST_SURPLUS_NAMES or
 * KEY_TYPE_REFUSED. Names that are missing do not matter to an authority of ours, which puts in what is demanded.
 */
export function checkRequest(request: CertificateRequest, demand: Demand): void {
  const surplus = [...askedNames(request).filter((name) => !demand.names.includes(name)), ...request.otherNames];
  if (surplus.length > 0) {
    throw new VcsPkiError('REQUEST_SURPLUS_NAMES', {
      at: demand.id,
      value: surplus.join(', '),
      message: `the request asks for names that ${demand.id} is not declared to have: ${surplus.join(', ')}`,
      fix: 'check that the request is of this peer (35); declare the names, or discard the request and generate one without them',
    });
  }
  if (keyTypeOf(request.subjectPublicKeyInfo) === undefined) {
    throw new VcsPkiError('KEY_TYPE_REFUSED', {
      at: demand.id,
      message: 'the key of the request is of a type or size that is not supported',
      fix: `discard the request on the peer and generate one with a key of ${keyTypes.join(', ')}`,
    });
  }
}

/** As `checkRequest`, for an authority elsewhere: it signs what it is asked for. Also throws REQUEST_INCOMPLETE. */
export function checkRequestForElsewhere(request: CertificateRequest, demand: Demand): void {
  checkRequest(request, demand);
  const asked = askedNames(request);
  const names = demand.names.filter((name) => !asked.includes(name));
  const usages = demand.usages.filter((usage) => !request.extendedKeyUsage?.includes(usage));
  const missing = [...names, ...usages];
  if (missing.length === 0) return;
  throw new VcsPkiError('REQUEST_INCOMPLETE', {
    at: demand.id,
    value: missing.join(', '),
    message: `the request does not ask for ${missing.join(', ')}, which ${demand.issuer} would then leave out`,
    fix: 'configure what the names come from on the peer first (25), discard the request there, and generate a new one',
  });
}

function askedNames({ dnsNames, subject }: CertificateRequest): string[] {
  const commonName = subject.commonName === undefined ? [] : [subject.commonName];
  return [...new Set([...dnsNames, ...commonName].map((name) => name.toLowerCase()))];
}

import { type Certificate, fingerprint, serialHex } from './certificate.ts';
import type { NameConstraints } from './constraints.ts';
import type { Crl } from './crl.ts';
import type { DistributionPointName, IssuingDistributionPoint } from './distribution-points.ts';
import { type Extension, extensionOids } from './extensions.ts';
import { describeKey, keyIdentifier } from './keys.ts';
import { formatName, type Name } from './name.ts';
import type { CertificateRequest } from './request.ts';
import { signatureAlgorithmName } from './signature.ts';

/** A certificate decoded for people, a fact per line. Extensions that are not known appear by their OID. */
export function certificateText(
  certificate: Certificate,
  options: { readonly friendlyName?: string | undefined } = {},
): string {
  const { alternativeNames, extendedKeyUsage, basicConstraints, nameConstraints, policyConstraints } = certificate;
  const critical = (oid: string) =>
    certificate.extensions.some((extension) => extension.oid === oid && extension.critical) ? ' (critical)' : '';
  return lines([
    ['Friendly name', options.friendlyName],
    ['Subject', name(certificate.subject)],
    ['Issuer', name(certificate.issuer)],
    ['Serial number', serialHex(certificate.serialNumber)],
    ['Valid from', instant(certificate.notBefore)],
    ['Valid until', instant(certificate.notAfter)],
    ['Key', key(certificate.subjectPublicKeyInfo)],
    ['Signature algorithm', certificate.signatureAlgorithmName],
    [
      `Names${critical(extensionOids.subjectAlternativeName)}`,
      alternativeNames.map(({ kind, value }) => `${kind}:${value}`),
    ],
    [`Basic constraints${critical(extensionOids.basicConstraints)}`, basicConstraints && constraints(basicConstraints)],
    [`Key usage${critical(extensionOids.keyUsage)}`, certificate.keyUsage?.join(', ')],
    [`Extended key usage${critical(extensionOids.extendedKeyUsage)}`, extendedKeyUsage?.join(', ')],
    ['Subject key id', certificate.subjectKeyIdentifier && colons(certificate.subjectKeyIdentifier)],
    ['Authority key id', certificate.authorityKeyIdentifier && colons(certificate.authorityKeyIdentifier)],
    [`Name constraints${critical(extensionOids.nameConstraints)}`, nameConstraints && subtrees(nameConstraints)],
    [`Policies${critical(extensionOids.certificatePolicies)}`, certificate.policies],
    [
      `Policy mappings${critical(extensionOids.policyMappings)}`,
      certificate.policyMappings.map((mapping) => `${mapping.issuerDomainPolicy} as ${mapping.subjectDomainPolicy}`),
    ],
    [
      `Policy constraints${critical(extensionOids.policyConstraints)}`,
      policyConstraints && [
        ...after('a policy is required', policyConstraints.requireExplicitPolicy),
        ...after('no policy is mapped', policyConstraints.inhibitPolicyMapping),
      ],
    ],
    [
      `Inhibit any policy${critical(extensionOids.inhibitAnyPolicy)}`,
      after('any policy is ignored', certificate.inhibitAnyPolicy),
    ],
    ['CRL', certificate.crlUrls],
    ['Delta CRL', certificate.freshestCrlUrls],
    ['Issuer certificate', certificate.caIssuerUrls],
    ['OCSP', certificate.ocspUrls],
    ...unknownExtensions(certificate.extensions),
    ['SHA-256 fingerprint', fingerprint(certificate.der)],
  ]);
}

/** A request decoded for people. */
export function requestText(request: CertificateRequest): string {
  return lines([
    ['Subject', name(request.subject)],
    ['Key', key(request.subjectPublicKeyInfo)],
    ['Names', [...request.dnsNames.map((dnsName) => `DNS:${dnsName}`), ...request.otherNames]],
    ['Extended key usage', request.extendedKeyUsage?.join(', ')],
    ['Other extensions', request.requestedExtensions.filter((oid) => !known.has(oid))],
    ['SHA-256 fingerprint', fingerprint(request.der)],
  ]);
}

/** A CRL decoded for people, with its first entries; `limit` says how many, 100 unless told. */
export function crlText(crl: Crl, options: { readonly limit?: number } = {}): string {
  const { limit = 100 } = options;
  const entries: string[] = [];
  for (const { serialNumber, revokedAt, reason } of crl.entries()) {
    if (entries.length >= limit) break;
    entries.push(`${serialHex(serialNumber)}  ${instant(revokedAt)}${reason ? `  ${reason}` : ''}`);
  }
  if (crl.size > entries.length) entries.push(`and ${crl.size - entries.length} more`);
  return lines([
    ['Issuer', name(crl.issuer)],
    ['This update', instant(crl.thisUpdate)],
    ['Next update', crl.nextUpdate ? instant(crl.nextUpdate) : 'not given'],
    ['CRL number', crl.crlNumber === undefined ? 'not given' : `${crl.crlNumber}`],
    ['Changes since CRL number', crl.baseCrlNumber === undefined ? undefined : `${crl.baseCrlNumber}`],
    ['Only for', crl.issuingDistributionPoint && scope(crl.issuingDistributionPoint)],
    ['Authority key id', crl.authorityKeyIdentifier && colons(crl.authorityKeyIdentifier)],
    ['Delta CRL', crl.freshestCrlUrls],
    ['Signature algorithm', signatureAlgorithmName(crl.signatureAlgorithm)],
    ...unknownExtensions(crl.extensions),
    ['SHA-256 fingerprint', fingerprint(crl.der)],
    ['Revoked', `${crl.size}`],
    ['', entries],
  ]);
}

type Fact = readonly [label: string, value: string | readonly string[] | undefined];

const known: ReadonlySet<string> = new Set(Object.values(extensionOids));
const LABEL_COLUMNS = 32;

/** Facts without a value are left out; those with several take a line each. */
function lines(facts: readonly Fact[]): string {
  return facts
    .flatMap(([label, value]) =>
      (typeof value === 'string' ? [value] : (value ?? [])).map((item, index) => {
        const head = index === 0 && label ? `${label}:` : '';
        return `${head.padEnd(LABEL_COLUMNS)}${visible(item)}\n`;
      }),
    )
    .join('');
}

/** Names come from whoever made the certificate: nothing in them may steer a terminal. */
function visible(text: string): string {
  return text.replace(
    /\p{Cc}|\p{Cf}|\p{Cs}|\u2028|\u2029/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

function name(value: Name): string {
  return formatName(value) || '(empty)';
}

function instant(date: Date): string {
  return date.toISOString().replace('.000', '');
}

function key(spki: Buffer): string {
  try {
    return `${describeKey(spki)}, id ${colons(keyIdentifier(spki))}`;
  } catch {
    return 'unreadable';
  }
}

function constraints({ authority, pathLength }: { authority: boolean; pathLength: number | undefined }): string {
  if (!authority) return 'no authority';
  return pathLength === undefined ? 'authority' : `authority, at most ${pathLength} authorities below it`;
}

function subtrees({ permitted, excluded }: NameConstraints): string[] {
  return [
    ...permitted.map(({ base }) => `permitted ${base.kind}:${base.value}`),
    ...excluded.map(({ base }) => `excluded ${base.kind}:${base.value}`),
  ];
}

function after(what: string, certificates: number | undefined): string[] {
  return certificates === undefined ? [] : [`${what} after ${certificates} more certificates`];
}

/** What a CRL is limited to; an indirect one goes beyond its own issuer. */
function scope(point: IssuingDistributionPoint): string[] {
  return [
    ...(point.name ? pointNames(point.name).map((pointName) => `distribution point ${pointName}`) : []),
    ...(point.onlyContainsUserCerts ? ['end entities'] : []),
    ...(point.onlyContainsCaCerts ? ['authorities'] : []),
    ...(point.onlyContainsAttributeCerts ? ['attribute certificates'] : []),
    ...(point.onlySomeReasons === undefined ? [] : ['some reasons of revocation']),
    ...(point.indirectCrl ? ['any issuer that its entries name'] : []),
  ];
}

function pointNames(point: DistributionPointName): string[] {
  if ('relativeName' in point) return [`${formatName(point.relativeName)} of the issuer`];
  return point.fullName.map(({ kind, value }) => `${kind}:${value}`);
}

function unknownExtensions(extensions: readonly Extension[]): Fact[] {
  return extensions
    .filter(({ oid }) => !known.has(oid))
    .map(({ oid, critical, value }) => [`${oid}${critical ? ' (critical)' : ''}`, abbreviate(value.toString('hex'))]);
}

function abbreviate(hex: string): string {
  return hex.length <= 64 ? hex : `${hex.slice(0, 64)}... (${hex.length / 2} octets)`;
}

function colons(bytes: Buffer): string {
  return bytes
    .toString('hex')
    .toUpperCase()
    .replace(/..(?=.)/g, '$&:');
}

import type { Subtree } from '../../x509/constraints.ts';
import type { GeneralName } from '../../x509/general-name.ts';
import { formatName } from '../../x509/name.ts';
import type { Budget } from './budget.ts';
import { isSelfIssued, type PathCertificate } from './path-certificate.ts';

/** Name constraints: RFC 5280 4.2.1.10, 6.1.3 (b), (c) and 6.1.4 (g). */

interface NameViolation {
  readonly certificate: PathCertificate;
  /** As in "DNS:expe.example.com". */
  readonly name: string;
  readonly constrainedBy: PathCertificate;
}

/**
 * @param constrainers those of the path whose constraints count; the target, which comes first in `path`, has none
 * @param commonNames a target without DNS names is held to its common names, as OpenSSL does (RFC 5280 is silent)
 */
export function findNameViolation(
  path: readonly PathCertificate[],
  constrainers: readonly PathCertificate[],
  budget: Budget,
  commonNames = false,
): NameViolation | undefined {
  for (const constrainedBy of constrainers) {
    const { nameConstraints } = constrainedBy;
    if (!nameConstraints) continue;
    for (const certificate of path.slice(0, path.indexOf(constrainedBy))) {
      if (certificate !== path[0] && isSelfIssued(certificate)) continue;
      const hosts = commonNames && certificate === path[0] ? hostsInSubject(certificate) : [];
      for (const name of [...namesOf(certificate), ...hosts]) {
        const { permitted, excluded } = nameConstraints;
        if (budget.spend(permitted.length + excluded.length) && isAllowed(name, permitted, excluded)) continue;
        return { certificate, name: `${name.kind}:${name.value}`, constrainedBy };
      }
    }
  }
  return undefined;
}

/** What the constraints are about: subject, alternative names, and the addresses in the subject, as OpenSSL checks them. */
function namesOf({ subject, alternativeNames }: PathCertificate): GeneralName[] {
  if (subject.attributes.length === 0) return [...alternativeNames];
  const addresses = subject.attributes
    .filter(({ type }) => type === 'emailAddress')
    .map(({ value }) => ({ kind: 'email', value }));
  return [{ kind: 'DirName', value: formatName(subject), name: subject }, ...addresses, ...alternativeNames];
}

/** The common names that OpenSSL takes for DNS names where there are none: two labels or more, no wildcard. */
function hostsInSubject({ subject, alternativeNames }: PathCertificate): GeneralName[] {
  if (alternativeNames.some(({ kind }) => kind === 'DNS')) return [];
  return subject.attributes
    .filter(({ type }) => type === 'CN')
    .map(({ value }) => ({ kind: 'DNS', value: value.replace(/\0+$/, '') }))
    .filter(({ value }) => isHostName(value));
}

function isHostName(value: string): boolean {
  const labels = value.split('.');
  return labels.length > 1 && labels.every((label) => /^\w(?:[\w-]*\w)?$/.test(label));
}

/** A form of name that is not constrained is allowed. A name or constraint that cannot be compared is not. */
function isAllowed(name: GeneralName, permitted: readonly Subtree[], excluded: readonly Subtree[]): boolean {
  const ofForm = ({ base }: Subtree) => sameForm(name, base);
  const matches = (subtree: Subtree) => (subtree.bounded ? undefined : isWithin(name, subtree.base));
  const permissions = permitted.filter(ofForm).map(matches);
  const exclusions = excluded.filter(ofForm);
  return (
    (permissions.length === 0 || (permissions.includes(true) && !permissions.includes(undefined))) &&
    exclusions.every((subtree) => matches(subtree) === false && !coversExcluded(name, subtree.base))
  );
}

/** Other names of different types are different forms. */
function sameForm(name: GeneralName, base: GeneralName): boolean {
  return name.kind === base.kind && (name.kind !== 'othername' || name.value === base.value);
}

/** Undefined where nothing says how names of this form are compared, or the name is malformed. */
function isWithin(name: GeneralName, base: GeneralName): boolean | undefined {
  switch (name.kind) {
    case 'DirName':
      return base.name?.parts.every((part, index) => part === name.name?.parts[index]);
    case 'DNS':
      return isDnsWithin(name.value, base.value);
    case 'email':
      return isMailWithin(name.value, base.value);
    case 'URI':
      return isUriWithin(name.value, base.value);
    case 'IP':
      return isAddressWithin(name.octets, base.octets);
    default:
      return undefined;
  }
}

/** The host itself, or labels added to its left. After a leading dot, which OpenSSL takes too, only the latter. */
function isDnsWithin(name: string, base: string): boolean {
  const host = name.toLowerCase();
  const domain = base.toLowerCase();
  return domain === '' || host === domain || host.endsWith(domain.startsWith('.') ? domain : `.${domain}`);
}

/** A wildcard covers an excluded host of its own level although it is not written below it. */
function coversExcluded(name: GeneralName, base: GeneralName): boolean {
  return (
    name.kind === 'DNS' &&
    name.value.startsWith('*.') &&
    isDnsWithin(base.value, name.value.slice(1)) &&
    base.value.split('.').length === name.value.split('.').length
  );
}

/** One mailbox, all of a host, or with a leading dot all of the hosts of a domain. The local part keeps its case. */
function isMailWithin(name: string, base: string): boolean | undefined {
  const at = name.lastIndexOf('@');
  if (at < 1) return undefined;
  const host = name.slice(at + 1).toLowerCase();
  const baseAt = base.lastIndexOf('@');
  if (baseAt < 0) return isHostWithin(host, base);
  return name.slice(0, at) === base.slice(0, baseAt) && host === base.slice(baseAt + 1).toLowerCase();
}

/** The host of the URI; without one, or with an address in its place, it is refused. */
function isUriWithin(uri: string, base: string): boolean | undefined {
  const [, authority = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(uri) ?? [];
  const host = authority
    .slice(authority.lastIndexOf('@') + 1)
    .replace(/:\d*$/, '')
    .toLowerCase();
  if (!/[a-z]/.test(host) || host.startsWith('[')) return undefined;
  return isHostWithin(host, base);
}

function isHostWithin(host: string, base: string): boolean {
  const domain = base.toLowerCase();
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain;
}

/** An address of the other family is outside. */
function isAddressWithin(address: Buffer | undefined, range: Buffer | undefined): boolean | undefined {
  if (!address || !range) return undefined;
  if (range.length !== address.length * 2) return false;
  return address.every((octet, index) => ((octet ^ (range[index] ?? 0)) & (range[address.length + index] ?? 0)) === 0);
}

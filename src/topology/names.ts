/** One label of a host name: letters, digits and hyphens, 1 to 63 of them (RFC 1123 2.1). */
const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';

/** It begins with a letter: else an IP address would be a name (RFC 1123 2.1). */
const LAST_LABEL = '[a-z]([a-z0-9-]{0,61}[a-z0-9])?';

/** RE2-safe, so that the same patterns serve zod, JSON Schema and custom resource definitions. */
export const patterns = {
  label: `^${LABEL}$`,
  fqdn: `^(${LABEL}\\.)+${LAST_LABEL}$`,
  /** A name for a certificate. The leading wildcard is let through here, so that the rule on wildcards can say why not. */
  dnsName: `^(\\*\\.)?(${LABEL}\\.)+${LAST_LABEL}$`,
  timeOfDay: '^([01][0-9]|2[0-3]):[0-5][0-9]$',
  /** Printable ASCII without blanks, which is what a certificate can carry (RFC 5280 4.2.1.13), and without query and fragment. */
  httpUrl: '^https?://[!-"$-.0->@-~]+(/[!-"$->@-~]*)?/$',
} as const;

const IPV4 = /^(\d{1,3}\.){3}\d{1,3}$/;

export function isIpAddress(name: string): boolean {
  return IPV4.test(name) || name.includes(':');
}

export function isWildcard(name: string): boolean {
  return name.startsWith('*.');
}

/** Requirement 16: the name of a peer is its host name followed by its domain. */
export function fqdn(peer: { readonly hostName: string; readonly domain: string }): string {
  return `${peer.hostName}.${peer.domain}`;
}

/** `RootCa` and `root ca` become `root-ca`: the form that ids of a topology have. */
export function toId(text: string): string {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase();
}

/** The first spelling of each, in the order given. */
export function unique<T>(items: Iterable<T>): T[] {
  return [...new Set(items)];
}

/**
 * How a verifier compares the names of a certificate with the one that it expects.
 * - `cn-or-san`: the common name or any alternative name (requirement 61)
 * - `san-only`: an alternative name; the common name is not looked at
 * - `rfc5922`: SIP URIs of the alternative name, else its DNS names, else the common name (RFC 5922 7.1)
 */
export const nameMatchings = ['cn-or-san', 'san-only', 'rfc5922'] as const;
export type NameMatching = (typeof nameMatchings)[number];

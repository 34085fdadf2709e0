import { isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { isIpAddress } from '../topology/names.ts';
import type { NameMatching } from '../topology/releases/name-matching.ts';
import type { GeneralName } from '../x509/general-name.ts';

/** The names of a certificate, as far as matching looks at them. */
export interface PresentedNames {
  readonly commonName: string | undefined;
  readonly alternativeNames: readonly GeneralName[];
}

/**
 * The name in a certificate that satisfies a reference name (a DNS name or an IP address), or undefined. Names are
 * compared whole, without regard to ASCII case; an empty one matches nothing, and a wildcard stands for itself only (requirement 15, RFC 5922 7.2).
 */
export function matchName(names: PresentedNames, reference: string, mode: NameMatching): string | undefined {
  const wanted = canonical(asciiForm(reference));
  if (wanted === '') return undefined;
  return identities(names, isIpAddress(wanted), mode).find((name) => canonical(name) === wanted);
}

/** The names of a certificate that this way of matching goes by. */
export function identities(
  { commonName, alternativeNames }: PresentedNames,
  ofAddress: boolean,
  mode: NameMatching,
): string[] {
  const values = (kind: string) => alternativeNames.filter((name) => name.kind === kind).map(({ value }) => value);
  const common = commonName === undefined ? [] : [commonName];
  switch (mode) {
    case 'cn-or-san':
      return [...values(ofAddress ? 'IP' : 'DNS'), ...common];
    case 'san-only':
      return values(ofAddress ? 'IP' : 'DNS');
    case 'rfc5922': {
      if (ofAddress) return [];
      if (alternativeNames.length === 0) return common;
      const sip = values('URI').flatMap((uri) => sipDomain(uri) ?? []);
      return sip.length > 0 ? sip : values('DNS');
    }
  }
}

/** RFC 5922 7.1: the host of a `sip:` URI without a user; `sips:` and others identify nobody. */
function sipDomain(uri: string): string | undefined {
  return /^sip:([^@:;?]+)(?::\d+)?(?:[;?][^@]*)?$/i.exec(uri)?.[1];
}

/** An international name as A-labels. Names in certificates are taken as they are: what only looks like a letter is none. */
function asciiForm(name: string): string {
  return /^[ -~]*$/.test(name) ? name : domainToASCII(name) || name;
}

/** ASCII letters small, no final dot, an IPv6 address in its shortest form. */
function canonical(name: string): string {
  const plain = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).replace(/\.$/, '');
  return isIPv6(plain) ? new URL(`http://[${plain}]`).hostname.slice(1, -1) : plain;
}

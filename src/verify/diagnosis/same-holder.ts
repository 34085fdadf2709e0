import type { Name } from '../../x509/name.ts';

interface Named {
  readonly subject: Name;
  readonly dnsNames: readonly string[];
}

/**
 * Whether two certificates or requests are of one peer: they have the same common name. That may be the name of a
 * cluster, whose peers then differ in exactly one name each, their own.
 */
export function sameHolder(one: Named, other: Named): boolean {
  const name = one.subject.commonName?.toLowerCase();
  if (name === undefined || name !== other.subject.commonName?.toLowerCase()) return false;
  return !(lostNames(one, other).length === 1 && lostNames(other, one).length === 1);
}

/** The DNS names of the first that the second does not have. */
export function lostNames(one: Named, other: Named): string[] {
  const kept = new Set(other.dnsNames.map((name) => name.toLowerCase()));
  return one.dnsNames.filter((name) => !kept.has(name.toLowerCase()));
}

import type { Name } from '../../x509/name.ts';

interface Named {
  readonly subject: Name;
  readonly dnsNames: readonly string[];
}

/**
 * Whether two certificates or requests are of one peer, as far as their names tell. With the same common name they are,
 * unless each has names that the other lacks: then that may be the name of a cluster, and these those of two peers. Hosts
 * are numbered more often than clusters. A common name that was changed for that of the cluster, or back (X14.0), is
 * among the alternative names of the other.
 */
export function sameHolder(one: Named, other: Named): 'yes' | 'no' | 'perhaps' {
  const name = one.subject.commonName?.toLowerCase();
  if (name === undefined || name !== other.subject.commonName?.toLowerCase())
    return nameEachOther(one, other) ? 'perhaps' : 'no';
  const lost = lostNames(one, other);
  const gained = lostNames(other, one);
  if (lost.length === 0 || gained.length === 0) return 'yes';
  const series = new Set(gained.filter(isNumbered).map(hostPattern));
  const areSeries = lost.some((own) => isNumbered(own) && series.has(hostPattern(own)));
  if (areSeries === isNumbered(name)) return 'perhaps';
  return areSeries ? 'no' : 'yes';
}

/** The DNS names of the first that the second does not have. */
export function lostNames(one: Named, other: Named): string[] {
  const kept = new Set(other.dnsNames.map((name) => name.toLowerCase()));
  return one.dnsNames.filter((name) => !kept.has(name.toLowerCase()));
}

/** Equal for hosts that are numbered or lettered in one way: `expe1.example.com` and `expe2...`, `vcs-a...` and `vcs-b...`. */
export function hostPattern(name: string): string {
  const [label = '', ...domain] = name.toLowerCase().split('.');
  return [label.replace(COUNTER, '#'), ...domain].join('.');
}

export function isNumbered(name: string): boolean {
  return hostPattern(name) !== name.toLowerCase();
}

const COUNTER = /\d+|(?<=[-_])[a-z]$/g;

/** A certificate without a common name names nobody, and is named by its alternative names. */
function nameEachOther(one: Named, other: Named): boolean {
  const [name, otherName] = [one, other].map(({ subject }) => subject.commonName?.toLowerCase());
  const has = (who: Named, wanted: string) => who.dnsNames.some((own) => own.toLowerCase() === wanted);
  if (name === undefined && otherName === undefined) return false;
  return (name === undefined || has(other, name)) && (otherName === undefined || has(one, otherName));
}

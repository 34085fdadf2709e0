import { VcsPkiError } from '../errors.ts';
import { demands } from './demands.ts';
import { links } from './links/links.ts';
import { crlAddress, crlChannel } from './rules/crl-channel.ts';
import { crlTimes } from './rules/crl-times.ts';
import { evidenceCodes } from './rules/evidence-codes.ts';
import { ipPeerAddress, subjectNameOfOnePeer } from './rules/ip-peer-address.ts';
import { keySize, keyType } from './rules/key-size.ts';
import { authorityShort, lateExpiry, publicLifetime } from './rules/lifetime.ts';
import {
  chatAliasesDiffer,
  clusterNameMissing,
  domainMissing,
  domainUnused,
  namesTooLong,
  phoneProfileName,
  sharedCertificate,
  vcsFrozen,
} from './rules/names.ts';
import { productLacks, productRelease } from './rules/product-release.ts';
import { type Finding, findingOf, type Rule, type Severity } from './rules/rule.ts';
import { selfSigned } from './rules/self-signed.ts';
import { sharedRequest } from './rules/shared-request.ts';
import { ownChainTrusted, unifiedCmTrust } from './rules/trust-list.ts';
import { acmeScheduler, clientStore, publicClientAuth, serverAuthOnlyUpload, usageMissing } from './rules/usage.ts';
import { wildcardName } from './rules/wildcard-name.ts';
import {
  clusterSize,
  privateAuthorityOnEdge,
  traversalEnds,
  unifiedCmName,
  unifiedCommunicationsVerify,
} from './rules/zones.ts';
import type { Cluster, Topology } from './schema.ts';

/** The rules on declarations. */
export const rules: readonly Rule[] = [
  productRelease,
  productLacks,
  traversalEnds,
  clusterSize,
  clusterNameMissing,
  wildcardName,
  namesTooLong,
  phoneProfileName,
  chatAliasesDiffer,
  domainMissing,
  domainUnused,
  sharedCertificate,
  sharedRequest,
  selfSigned,
  keySize,
  keyType,
  usageMissing,
  serverAuthOnlyUpload,
  clientStore,
  acmeScheduler,
  publicClientAuth,
  publicLifetime,
  privateAuthorityOnEdge,
  lateExpiry,
  authorityShort,
  ipPeerAddress,
  subjectNameOfOnePeer,
  unifiedCommunicationsVerify,
  ownChainTrusted,
  unifiedCmTrust,
  unifiedCmName,
  crlTimes,
  crlChannel,
  crlAddress,
  vcsFrozen,
];

const order: Readonly<Record<Severity, number>> = { error: 0, warning: 1, advice: 2 };

export function bySeverity(a: Pick<Finding, 'severity'>, b: Pick<Finding, 'severity'>): number {
  return order[a.severity] - order[b.severity];
}

/** What the rules have to say about a topology, errors first. */
export function findings(topology: Topology, now: Date): Finding[] {
  const clusters = new Map(topology.clusters.map((cluster) => [cluster.id, cluster]));
  const clusterOf = (id: string): Cluster => {
    const cluster = clusters.get(id);
    if (!cluster) throw new TypeError(`no cluster ${id}: the topology was not parsed`);
    return cluster;
  };
  const suppress = suppressor(topology);
  const input = { topology, demands: demands(topology), links: links(topology), now, clusterOf };
  return rules
    .flatMap((rule) => [...rule.check(input)].map((found) => suppress(findingOf(rule, found))))
    .sort(bySeverity);
}

/** Marks the findings that the declaration accepts. Throws SUPPRESSION_REFUSED for a code that is unknown, or not to be accepted. */
export function suppressor({ suppressions, name }: Topology): <F extends Finding>(finding: F) => F {
  const acceptable = rules.filter(({ refusedByRelease }) => !refusedByRelease).map(({ code }) => code);
  const known = new Set<string>([...acceptable, ...evidenceCodes]);
  for (const { code } of suppressions) {
    if (known.has(code)) continue;
    const isRule = rules.some((rule) => rule.code === code);
    throw new VcsPkiError('SUPPRESSION_REFUSED', {
      at: `${name}: suppressions`,
      value: code,
      message: isRule
        ? `${code} can't be accepted: the appliance itself refuses what it is about`
        : `there is no rule ${code} whose findings can be accepted`,
      fix: isRule
        ? 'remove the suppression, and mend what the rule says'
        : `use one of ${acceptable.join(', ')}, or what vcs-pki check says of files`,
    });
  }
  return (finding) => {
    const accepted = suppressions.find(({ code, at }) => code === finding.code && (at ?? finding.at) === finding.at);
    return accepted ? { ...finding, suppressed: accepted.reason } : finding;
  };
}

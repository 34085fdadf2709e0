import { VcsPkiError } from '../errors.ts';
import { demands } from './demands.ts';
import { links } from './links/links.ts';
import { clusterSize } from './rules/cluster-size.ts';
import { crlAddress, crlChannel } from './rules/crl-channel.ts';
import { crlTimes } from './rules/crl-times.ts';
import { evidenceCodes } from './rules/evidence-codes.ts';
import { ipPeerAddress } from './rules/ip-peer-address.ts';
import { keySize, keyType } from './rules/key-size.ts';
import { authorityShort, lateExpiry, publicLifetime } from './rules/lifetime.ts';
import {
  chatAliasesDiffer,
  clusterNameMissing,
  domainMissing,
  domainUnused,
  namesTooLong,
  phoneProfileName,
} from './rules/names.ts';
import { privateAuthorityOnEdge } from './rules/private-authority.ts';
import { productLacks, productRelease } from './rules/product-release.ts';
import { type Finding, findingOf, type Rule, type Severity } from './rules/rule.ts';
import { selfSigned } from './rules/self-signed.ts';
import { sharedCertificate } from './rules/shared-certificate.ts';
import { sharedRequest } from './rules/shared-request.ts';
import { subjectNameOfOnePeer } from './rules/subject-name.ts';
import { ownChainTrusted } from './rules/trust-list.ts';
import { unifiedCmName, unifiedCmTrust } from './rules/unified-cm.ts';
import { acmeScheduler, clientStore, publicClientAuth, serverAuthOnlyUpload, usageMissing } from './rules/usage.ts';
import { vcsFrozen } from './rules/vcs-frozen.ts';
import { wildcardName } from './rules/wildcard-name.ts';
import { traversalEnds, unifiedCommunicationsVerify } from './rules/zones.ts';
import type { Topology } from './schema.ts';
import { clusterReader } from './topology.ts';

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
  const suppress = suppressor(topology);
  const input = {
    topology,
    demands: demands(topology),
    links: links(topology),
    now,
    clusterOf: clusterReader(topology),
  };
  return rules
    .flatMap((rule) => [...rule.check(input)].map((found) => suppress(findingOf(rule, found))))
    .sort(bySeverity);
}

/**
 * Marks the findings that the declaration accepts. Throws SUPPRESSION_REFUSED for a code that is unknown, and for a finding
 * of what the appliance itself refuses (I8).
 */
export function suppressor({ suppressions, name }: Topology): <F extends Finding>(finding: F) => F {
  const refused = (value: string, message: string, fix: string) =>
    new VcsPkiError('SUPPRESSION_REFUSED', { at: `${name}: suppressions`, value, message, fix });
  const known = new Set<string>([...rules.map(({ code }) => code), ...evidenceCodes]);
  for (const { code } of suppressions) {
    if (known.has(code)) continue;
    const codes = rules.map((rule) => rule.code).join(', ');
    throw refused(
      code,
      `there is no rule ${code} whose findings can be accepted`,
      `use one of ${codes}, or what vcs-pki check says of files`,
    );
  }
  const final = new Set(rules.flatMap(({ code, refusedByRelease }) => (refusedByRelease ? code : [])));
  return (finding) => {
    const { code, at, severity } = finding;
    const accepted = suppressions.find((one) => one.code === code && (one.at ?? at) === at);
    if (!accepted) return finding;
    if (severity !== 'error' || !final.has(code)) return { ...finding, suppressed: accepted.reason };
    throw refused(
      code,
      `${code} at ${at} can't be accepted: the appliance itself refuses what it is about`,
      'remove the suppression, and mend what the rule says',
    );
  };
}

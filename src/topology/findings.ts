import { demands } from './demands.ts';
import { crlTimes } from './rules/crl-times.ts';
import { ipPeerAddress } from './rules/ip-peer-address.ts';
import { keySize } from './rules/key-size.ts';
import { productRelease } from './rules/product-release.ts';
import type { Finding, Rule } from './rules/rule.ts';
import { selfSigned } from './rules/self-signed.ts';
import { sharedRequest } from './rules/shared-request.ts';
import { ownChainTrusted } from './rules/trust-list.ts';
import { wildcardName } from './rules/wildcard-name.ts';
import type { Topology } from './schema.ts';

export const rules: readonly Rule[] = [
  wildcardName,
  keySize,
  selfSigned,
  ipPeerAddress,
  sharedRequest,
  ownChainTrusted,
  productRelease,
  crlTimes,
];

/** What the rules have to say about a topology, errors first. */
export function findings(topology: Topology): Finding[] {
  const input = { topology, demands: demands(topology) };
  const order = { error: 0, warning: 1, advice: 2 };
  return rules
    .flatMap((rule) =>
      [...rule.check(input)].map((found) => ({
        severity: rule.severity,
        ...found,
        code: rule.code,
        holds: rule.holds,
      })),
    )
    .sort((a, b) => order[a.severity] - order[b.severity]);
}

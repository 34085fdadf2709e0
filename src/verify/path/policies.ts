import { ANY_POLICY } from '../../x509/constraints.ts';
import type { Budget } from './budget.ts';
import { isSelfIssued, type PathCertificate } from './path-certificate.ts';

/** Certificate policies: RFC 5280 6.1 in the form of RFC 9618, a graph that grows with its input alone. */

export interface PolicyOptions {
  /** OIDs that are acceptable; any policy unless told (6.1.1 c). */
  readonly initialPolicies?: readonly string[] | undefined;
  /** The path must be valid for one of them (6.1.1 f). */
  readonly explicitPolicy?: boolean | undefined;
  /** 6.1.1 e. */
  readonly inhibitPolicyMapping?: boolean | undefined;
  /** 6.1.1 g. */
  readonly inhibitAnyPolicy?: boolean | undefined;
}

/** `failedAt`: the certificate with which no policy is left. */
type PolicyOutcome = { readonly policies: readonly string[] } | { readonly failedAt: PathCertificate };

/** @param certificates from the one below the anchor to the target: 1 to n of RFC 5280 */
export function checkPolicies(
  certificates: readonly PathCertificate[],
  options: PolicyOptions,
  budget: Budget,
): PolicyOutcome {
  const { initialPolicies = [ANY_POLICY] } = options;
  const beyond = certificates.length + 1;
  let explicitPolicy = options.explicitPolicy ? 0 : beyond;
  let policyMapping = options.inhibitPolicyMapping ? 0 : beyond;
  let inhibitAnyPolicy = options.inhibitAnyPolicy ? 0 : beyond;
  let level: Level = new Map([[ANY_POLICY, { expected: new Set([ANY_POLICY]), parents: [] }]]);
  const levels = [level];
  for (const [index, certificate] of certificates.entries()) {
    const { policies, policyMappings, policyConstraints } = certificate;
    const isLast = index === certificates.length - 1;
    const selfIssued = isSelfIssued(certificate);
    // 6.1.3 (d), (e). An empty level is the NULL of the RFC: nothing can grow from it.
    const acceptsAny = inhibitAnyPolicy > 0 || (!isLast && selfIssued);
    const next = nextLevel(level, policies ?? [], acceptsAny);
    if (explicitPolicy === 0 && next.size === 0) return { failedAt: certificate };
    if (!isLast) {
      // 6.1.4 (a), (b)
      if (policyMappings.some(mapsAnyPolicy)) return { failedAt: certificate };
      applyMappings(next, level, certificate, policyMapping > 0);
    }
    level = next;
    levels.push(level);
    if (!budget.spend(level.size + policyMappings.length)) return { failedAt: certificate };
    // 6.1.4 (h) to (j), 6.1.5 (a), (b)
    if (isLast || !selfIssued) {
      explicitPolicy = Math.max(explicitPolicy - 1, 0);
      policyMapping = Math.max(policyMapping - 1, 0);
      inhibitAnyPolicy = Math.max(inhibitAnyPolicy - 1, 0);
    }
    const { requireExplicitPolicy = beyond, inhibitPolicyMapping = beyond } = policyConstraints ?? {};
    explicitPolicy = Math.min(explicitPolicy, requireExplicitPolicy);
    policyMapping = Math.min(policyMapping, inhibitPolicyMapping);
    inhibitAnyPolicy = Math.min(inhibitAnyPolicy, certificate.inhibitAnyPolicy ?? beyond);
  }
  const policies = userConstrained(authorityConstrained(levels), initialPolicies);
  const target = certificates.at(-1);
  return explicitPolicy > 0 || policies.length > 0 || !target ? { policies } : { failedAt: target };
}

interface Node {
  /** What continues this policy in the next certificate: the policy itself unless it is mapped. */
  expected: ReadonlySet<string>;
  readonly parents: readonly Node[];
}

/** The nodes of one depth by valid_policy. */
type Level = Map<string, Node>;

/** 6.1.3 (d): the nodes of the policies that the certificate asserts and its issuers have led to. */
function nextLevel(level: Level, policies: readonly string[], acceptsAny: boolean): Level {
  const expecting = new Map<string, Node[]>();
  for (const node of level.values())
    for (const policy of node.expected) {
      const nodes = expecting.get(policy);
      if (nodes) nodes.push(node);
      else expecting.set(policy, [node]);
    }
  const any = level.get(ANY_POLICY);
  const next: Level = new Map();
  const add = (policy: string, parents: readonly Node[]) => next.set(policy, { expected: new Set([policy]), parents });
  for (const policy of policies) {
    if (policy === ANY_POLICY) continue;
    const parents = expecting.get(policy) ?? (any && [any]);
    if (parents) add(policy, parents);
  }
  if (acceptsAny && policies.includes(ANY_POLICY)) for (const [policy, parents] of expecting) add(policy, parents);
  return next;
}

/** 6.1.4 (b). */
function applyMappings(level: Level, above: Level, { policyMappings }: PathCertificate, allowed: boolean): void {
  const mapped = new Map<string, Set<string>>();
  for (const { issuerDomainPolicy, subjectDomainPolicy } of policyMappings) {
    const policies = mapped.get(issuerDomainPolicy);
    if (policies) policies.add(subjectDomainPolicy);
    else mapped.set(issuerDomainPolicy, new Set([subjectDomainPolicy]));
  }
  const anyAbove = above.get(ANY_POLICY);
  for (const [policy, expected] of mapped) {
    const node = level.get(policy);
    if (!allowed) level.delete(policy);
    else if (node) node.expected = expected;
    else if (level.has(ANY_POLICY) && anyAbove) level.set(policy, { expected, parents: [anyAbove] });
  }
}

function mapsAnyPolicy({ issuerDomainPolicy, subjectDomainPolicy }: PathCertificate['policyMappings'][number]) {
  return issuerDomainPolicy === ANY_POLICY || subjectDomainPolicy === ANY_POLICY;
}

/**
 * 6.1.5 (g) 2 to 4: the policies in the words of the anchor's domain that lead to the target. The graph is not pruned on
 * the way, so what leads nowhere is left out here.
 */
function authorityConstrained(levels: readonly Level[]): Set<string> {
  const last = levels.at(-1);
  const alive = new Set(last?.values());
  const found = new Set(last?.has(ANY_POLICY) ? [ANY_POLICY] : []);
  for (const [index, level] of [...levels.entries()].reverse()) {
    const anyAbove = levels[index - 1]?.get(ANY_POLICY);
    for (const [policy, node] of level) {
      if (!alive.has(node)) continue;
      for (const parent of node.parents) alive.add(parent);
      if (policy !== ANY_POLICY && anyAbove && node.parents.includes(anyAbove)) found.add(policy);
    }
  }
  return found;
}

/** 6.1.5 (g) 5, 6. */
function userConstrained(authority: ReadonlySet<string>, initial: readonly string[]): string[] {
  if (initial.includes(ANY_POLICY)) return [...authority];
  return [...new Set(initial)].filter((policy) => authority.has(policy) || authority.has(ANY_POLICY));
}

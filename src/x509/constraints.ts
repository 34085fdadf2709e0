import { contextTag, type DerReader, derInvalid, Tag } from './der.ts';
import { type GeneralName, readConstraintBase } from './general-name.ts';

/** What an authority allows the certificates below it: names (RFC 5280 4.2.1.10) and policies (4.2.1.4, 5, 11, 14). */

export interface NameConstraints {
  /** Empty where nothing is said of what is permitted. */
  readonly permitted: readonly Subtree[];
  readonly excluded: readonly Subtree[];
}

export interface Subtree {
  readonly base: GeneralName;
  /** It has a minimum other than 0, or a maximum: RFC 5280 uses neither, and wants such names refused. */
  readonly bounded: boolean;
}

export interface PolicyMapping {
  readonly issuerDomainPolicy: string;
  readonly subjectDomainPolicy: string;
}

/** How many certificates may follow before it applies; undefined where it never does. */
export interface PolicyConstraints {
  readonly requireExplicitPolicy: number | undefined;
  readonly inhibitPolicyMapping: number | undefined;
}

export const ANY_POLICY = '2.5.29.32.0';

export function readNameConstraints(reader: DerReader): NameConstraints {
  const what = 'name constraints';
  const fields = reader.enter(Tag.sequence, what);
  const permitted = readSubtrees(fields.enterOptional(contextTag(0, 'constructed'), what));
  const excluded = readSubtrees(fields.enterOptional(contextTag(1, 'constructed'), what));
  fields.end(what);
  return { permitted, excluded };
}

function readSubtrees(reader: DerReader | undefined): Subtree[] {
  const what = 'a name constraint';
  const subtrees: Subtree[] = [];
  while (reader?.more) {
    const fields = reader.enter(Tag.sequence, what);
    const base = readConstraintBase(fields);
    const minimum = readNumber(fields, 0, what);
    const maximum = readNumber(fields, 1, what);
    fields.end(what);
    subtrees.push({ base, bounded: (minimum ?? 0) > 0 || maximum !== undefined });
  }
  return subtrees;
}

/** The OIDs of certificate policies; the qualifiers are left out, for they decide nothing. */
export function readPolicies(reader: DerReader): string[] {
  const what = 'certificate policies';
  const list = reader.enter(Tag.sequence, what);
  const policies: string[] = [];
  while (list.more) {
    const policy = list.enter(Tag.sequence, what);
    policies.push(policy.oid(what));
    policy.optional(Tag.sequence, 'policy qualifiers');
    policy.end(what);
  }
  return policies;
}

export function readPolicyMappings(reader: DerReader): PolicyMapping[] {
  const what = 'policy mappings';
  const list = reader.enter(Tag.sequence, what);
  const mappings: PolicyMapping[] = [];
  while (list.more) {
    const mapping = list.enter(Tag.sequence, what);
    mappings.push({ issuerDomainPolicy: mapping.oid(what), subjectDomainPolicy: mapping.oid(what) });
    mapping.end(what);
  }
  return mappings;
}

export function readPolicyConstraints(reader: DerReader): PolicyConstraints {
  const what = 'policy constraints';
  const fields = reader.enter(Tag.sequence, what);
  const requireExplicitPolicy = readNumber(fields, 0, what);
  const inhibitPolicyMapping = readNumber(fields, 1, what);
  fields.end(what);
  return { requireExplicitPolicy, inhibitPolicyMapping };
}

export function readInhibitAnyPolicy(reader: DerReader): number {
  const value = Number(reader.integer('inhibit any policy'));
  if (value < 0) throw derInvalid(reader.at, 'inhibit any policy is below 0');
  return value;
}

/** INTEGER (0..MAX) under a context-specific tag, which the check of the encoding does not look into. */
function readNumber(reader: DerReader, tag: number, what: string): number | undefined {
  const content = reader.optional(contextTag(tag, 'primitive'), what)?.content;
  if (!content) return undefined;
  const [first = 0x80] = content;
  if (first >= 0x80) throw derInvalid(reader.at, `${what} has a number below 0, or none`);
  return Number(`0x${content.toString('hex')}`);
}

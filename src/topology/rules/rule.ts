import type { Demand } from '../demands.ts';
import type { Link } from '../links/link.ts';
import type { Cluster, Topology } from '../schema.ts';

export type Severity = 'error' | 'warning' | 'advice';

/** The faults that engineers know by their symptom, D01 to D36. */
export type DiagnosisId = `D${0 | 1 | 2 | 3}${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}`;

/** What is said of a rule in its page of docs/rules.md, whatever it looks at. */
export interface RuleFacts {
  readonly code: string;
  /** What is wrong where it speaks: one sentence. */
  readonly title: string;
  /** Numbers of the requirements that it holds. */
  readonly holds: readonly number[];
  readonly diagnosis?: DiagnosisId;
  /** The gravest that it gives. */
  readonly severity: Severity;
  /** The releases that it is about. */
  readonly releases: string;
  /** The appliance or the release itself refuses it, so that no declaration can accept it (I8). */
  readonly refusedByRelease?: true;
}

/** What a rule found, with the value and the way to mend it. */
export interface Finding {
  readonly code: string;
  readonly severity: Severity;
  /** The part of the declaration: a demand id, or a kind and an id. */
  readonly at: string;
  readonly value: string;
  readonly message: string;
  readonly fix: string;
  readonly holds: readonly number[];
  readonly diagnosis?: DiagnosisId;
  /** Why it was accepted, where the declaration suppresses it. */
  readonly suppressed?: string;
}

/** What the rule of a finding leaves to it. */
export type Found = Pick<Finding, 'at' | 'value' | 'message' | 'fix'> & { readonly severity?: Severity };

export interface RuleInput {
  readonly topology: Topology;
  readonly demands: readonly Demand[];
  readonly links: readonly Link[];
  readonly now: Date;
  /** A cluster that the topology refers to. */
  readonly clusterOf: (id: string) => Cluster;
}

/** A requirement as data and one small generator. `check` may override the severity where releases differ. */
export interface Rule extends RuleFacts {
  readonly check: (input: RuleInput) => Iterable<Found>;
}

/** A finding in full. */
export function findingOf(rule: RuleFacts, found: Found): Finding {
  const { code, holds, severity, diagnosis } = rule;
  return { severity, ...found, code, holds, ...(diagnosis && { diagnosis }) };
}

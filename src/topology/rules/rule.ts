import type { Demand } from '../demands.ts';
import type { Topology } from '../schema.ts';

export type Severity = 'error' | 'warning' | 'advice';

/** What a rule found, with the value and the way to mend it. */
export interface Finding {
  readonly code: string;
  readonly severity: Severity;
  /** The part of the declaration: a demand id, or a kind and an id. */
  readonly at: string;
  readonly value: string;
  readonly message: string;
  readonly fix: string;
  /** Numbers of the requirements that the rule holds. */
  readonly holds: readonly number[];
}

export interface RuleInput {
  readonly topology: Topology;
  readonly demands: readonly Demand[];
}

/** A requirement as data and one small generator. `check` may override the severity where releases differ. */
export interface Rule {
  readonly code: string;
  readonly holds: readonly number[];
  readonly severity: Severity;
  readonly check: (
    input: RuleInput,
  ) => Iterable<Omit<Finding, 'code' | 'holds' | 'severity'> & { severity?: Severity }>;
}

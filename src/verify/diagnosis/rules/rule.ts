import type { EvidenceCode } from '../../../topology/rules/evidence-codes.ts';
import type { Found, RuleFacts } from '../../../topology/rules/rule.ts';
import type { Collection } from '../collection.ts';

/** A rule on evidence: data and one small generator, like a rule on declarations. */
export interface EvidenceRule extends RuleFacts {
  readonly code: EvidenceCode;
  readonly check: (collection: Collection) => Iterable<Found>;
}

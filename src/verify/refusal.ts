import type { DiagnosisId } from '../topology/rules/rule.ts';

/** The steps of a verification. The first to fail is named; TLS stacks agree on the verdict, not always on the order. */
export const steps = ['chain', 'dates', 'revocation', 'usage', 'name'] as const;
export type Step = (typeof steps)[number];

/** Why one end of a link does not accept the other. */
export interface Refusal {
  readonly step: Step;
  /** `<cluster>/<peer>`, system or client group that refuses. */
  readonly by: string;
  readonly message: string;
  readonly fix: string;
  readonly diagnosis?: DiagnosisId;
}

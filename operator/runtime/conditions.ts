/** A condition of a status, as metav1.Condition (Kubernetes API conventions, "Typical status properties"). */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase, for programs. */
  readonly reason: string;
  /** A sentence for people, not empty. */
  readonly message: string;
  /** The metadata.generation that this was decided on. */
  readonly observedGeneration: number;
  /** When `status` last changed, RFC 3339 in whole seconds. */
  readonly lastTransitionTime: string;
}

/** The list with `next` in the place of the condition of its type; the very same list when that says nothing new. */
export function setCondition(
  conditions: readonly Condition[],
  next: Omit<Condition, 'lastTransitionTime'>,
  now: Date,
): readonly Condition[] {
  const before = findCondition(conditions, next.type);
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : wholeSeconds(now);
  const condition = { ...next, lastTransitionTime };
  if (!before) return [...conditions, condition];
  if (saysTheSame(before, condition)) return conditions;
  return conditions.map((each) => (each === before ? condition : each));
}

export function findCondition(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

function saysTheSame(a: Condition, b: Condition): boolean {
  return (
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.observedGeneration === b.observedGeneration
  );
}

function wholeSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

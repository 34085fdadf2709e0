import { Construct } from 'constructs';
import { parseInput } from '../src/topology/input.ts';
import { suppressionSchema } from '../src/topology/schema.ts';
import { refuseTokens } from './input.ts';
import { StackTopology } from './stack-topology.ts';

export interface SuppressionProps {
  /** Code of the rule. */
  readonly code: string;
  /** Why its findings are accepted: it stands in every report. */
  readonly reason: string;
  /**
   * The place, as the finding names it.
   * @default everywhere
   */
  readonly at?: string;
}

/** Accepts the findings of a rule. What the appliance itself refuses can't be accepted. */
export class Suppression extends Construct {
  constructor(scope: Construct, id: string, props: SuppressionProps) {
    super(scope, id);
    refuseTokens(this, props);
    parseInput(suppressionSchema, props, this.node.path);
    StackTopology.of(this).add('suppressions', this, () => ({ ...props }));
  }
}

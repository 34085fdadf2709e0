import { Construct } from 'constructs';
import { parseInput } from '../src/topology/input.ts';
import { domainSchema } from '../src/topology/schema.ts';
import { refuseTokens } from './input.ts';
import { StackTopology } from './stack-topology.ts';

export interface DomainProps {
  readonly name: string;
  /**
   * Configured for unified communications: in the certificates of the Expressway-E (27).
   * @default false
   */
  readonly unifiedCommunications?: boolean;
  /**
   * A presence domain (27).
   * @default false
   */
  readonly presence?: boolean;
  /**
   * With DNS-SEC the domain need not be in certificates (27).
   * @default false
   */
  readonly dnsSec?: boolean;
  /**
   * Which name stands for it on the Expressway-E: the domain, or `collab-edge.<domain>`.
   * @default 'domain'
   */
  readonly certificateName?: 'domain' | 'collab-edge';
}

/** A domain that users sign in with. */
export class Domain extends Construct {
  constructor(scope: Construct, id: string, props: DomainProps) {
    super(scope, id);
    refuseTokens(this, props);
    parseInput(domainSchema, props, this.node.path);
    StackTopology.of(this).add('domains', this, () => ({ ...props }));
  }
}

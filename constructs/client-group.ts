import { Construct } from 'constructs';
import { parseInput } from '../src/topology/input.ts';
import { toId } from '../src/topology/names.ts';
import { clientGroupSchema, type ClientGroup as Declaration } from '../src/topology/schema.ts';
import { refuseTokens } from './input.ts';
import { StackTopology } from './stack-topology.ts';
import type { VcsCluster } from './vcs-cluster.ts';

export interface ClientGroupProps {
  /** Jabber and phones from outside, or browsers of administrators. */
  readonly kind: Declaration['kind'];
  /** Where they connect to. */
  readonly clusters: readonly VcsCluster[];
  /**
   * Their trust list is built in, like that of 7800 and 8800 phones: publicly trusted authorities alone.
   * @default false: they trust what the trust lists that apply to them say
   */
  readonly fixedTrust?: boolean;
}

/** Clients that come in without a certificate of their own. */
export class ClientGroup extends Construct {
  /** Its id in the topology. */
  readonly groupId: string;

  constructor(scope: Construct, id: string, props: ClientGroupProps) {
    super(scope, id);
    refuseTokens(this, props);
    this.groupId = toId(id);
    const { clusters, ...rest } = props;
    const declaration = { ...rest, id: this.groupId, clusters: clusters.map(({ clusterId }) => clusterId) };
    parseInput(clientGroupSchema, declaration, this.node.path);
    StackTopology.of(this).add('clients', this, () => declaration);
  }
}

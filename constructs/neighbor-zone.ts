import { Construct } from 'constructs';
import { parseInput } from '../src/topology/input.ts';
import { toId } from '../src/topology/names.ts';
import { neighborZoneSchema } from '../src/topology/schema.ts';
import { refuseTokens } from './input.ts';
import { StackTopology } from './stack-topology.ts';
import type { VcsCluster } from './vcs-cluster.ts';

export interface NeighborZoneProps {
  readonly cluster: VcsCluster;
  readonly neighbor: VcsCluster;
  /** @default true */
  readonly tlsVerify?: boolean;
  /**
   * Peer addresses set on `cluster`; those set on the neighbor are the FQDNs of the peers of `cluster`.
   * @default the FQDNs of the peers of the neighbor
   */
  readonly peerAddresses?: readonly string[];
}

/** A pair of neighbor zones: each of the two clusters dials the other. */
export class NeighborZone extends Construct {
  constructor(scope: Construct, id: string, props: NeighborZoneProps) {
    super(scope, id);
    refuseTokens(this, props);
    const { cluster, neighbor, peerAddresses, ...rest } = props;
    const declaration = {
      ...rest,
      kind: 'neighbor' as const,
      id: toId(id),
      cluster: cluster.clusterId,
      neighbor: neighbor.clusterId,
      ...(peerAddresses && { peerAddresses: [...peerAddresses] }),
    };
    parseInput(neighborZoneSchema, declaration, this.node.path);
    StackTopology.of(this).add('zones', this, () => declaration);
  }
}

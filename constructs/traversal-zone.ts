import { Construct } from 'constructs';
import { parseInput } from '../src/topology/input.ts';
import { toId } from '../src/topology/names.ts';
import { traversalZoneSchema } from '../src/topology/schema.ts';
import { refuseTokens } from './input.ts';
import { StackTopology } from './stack-topology.ts';
import type { VcsCluster } from './vcs-cluster.ts';

export interface TraversalZoneProps {
  /** The VCS Control or Expressway-C cluster: it dials. */
  readonly client: VcsCluster;
  /** The VCS Expressway or Expressway-E cluster. */
  readonly server: VcsCluster;
  /** @default true */
  readonly tlsVerify?: boolean;
  /**
   * Mobile and remote access goes through it (25-30).
   * @default false
   */
  readonly unifiedCommunications?: boolean;
  /**
   * Peer addresses set on the client.
   * @default the FQDNs of the peers of the server
   */
  readonly peerAddresses?: readonly string[];
  /**
   * TLS verify subject name set on the server.
   * @default the cluster name of the client, or the FQDN of its only peer
   */
  readonly tlsVerifySubjectName?: string;
}

/** A traversal zone, both ends of it. */
export class TraversalZone extends Construct {
  constructor(scope: Construct, id: string, props: TraversalZoneProps) {
    super(scope, id);
    refuseTokens(this, props);
    const { client, server, peerAddresses, ...rest } = props;
    const declaration = {
      ...rest,
      kind: 'traversal' as const,
      id: toId(id),
      client: client.clusterId,
      server: server.clusterId,
      ...(peerAddresses && { peerAddresses: [...peerAddresses] }),
    };
    parseInput(traversalZoneSchema, declaration, this.node.path);
    StackTopology.of(this).add('zones', this, () => declaration);
  }
}

import { Construct } from 'constructs';
import { parseInput } from '../src/topology/input.ts';
import { toId } from '../src/topology/names.ts';
import { trustListSchema } from '../src/topology/schema.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { ClientGroup } from './client-group.ts';
import type { ExternalAuthority } from './external-authority.ts';
import { readDeclaredFile, refuseTokens } from './input.ts';
import { StackTopology } from './stack-topology.ts';
import { System } from './systems.ts';
import type { VcsCluster } from './vcs-cluster.ts';

export interface TrustListProps {
  /** @default none */
  readonly authorities?: readonly (CertificateAuthority | ExternalAuthority)[];
  /**
   * PEM files with certificates of authorities that are not declared here.
   * @default none
   */
  readonly certificateFiles?: readonly string[];
  /** Who loads it: the peers of clusters, systems beside them, clients. */
  readonly appliesTo: readonly (VcsCluster | System | ClientGroup)[];
}

/** Trusted authorities of one or more clusters. A cluster to which several lists apply trusts them all. */
export class TrustList extends Construct {
  constructor(scope: Construct, id: string, props: TrustListProps) {
    super(scope, id);
    refuseTokens(this, props);
    const { authorities = [], certificateFiles = [], appliesTo } = props;
    const declaration = {
      id: toId(id),
      authorities: authorities.map((authority) => authority.authorityId),
      certificates: certificateFiles.map((path) =>
        readDeclaredFile(this, 'certificateFiles', path, 'name a PEM file with the certificate of an authority'),
      ),
      appliesTo: appliesTo.map(holderId),
    };
    parseInput(trustListSchema, declaration, this.node.path);
    StackTopology.of(this).add('trustLists', this, () => declaration);
  }
}

function holderId(holder: VcsCluster | System | ClientGroup): string {
  if (holder instanceof System) return holder.systemId;
  return holder instanceof ClientGroup ? holder.groupId : holder.clusterId;
}

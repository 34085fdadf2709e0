import { Construct } from 'constructs';
import { parseInput } from '../src/topology/input.ts';
import { toId } from '../src/topology/names.ts';
import { externalAuthoritySchema } from '../src/topology/schema.ts';
import { readDeclaredFile, refuseTokens } from './input.ts';
import { StackTopology } from './stack-topology.ts';

export interface ExternalAuthorityProps {
  /** PEM files: the certificate of the authority that issues, then those above it up to the root. */
  readonly certificateFiles: readonly string[];
  /**
   * Its root is in the trust stores of browsers, phones and operating systems.
   * @default false
   */
  readonly publiclyTrusted?: boolean;
}

/** An authority that signs elsewhere: requests go to it, and its certificates are imported. */
export class ExternalAuthority extends Construct {
  /** Its id in the topology. */
  readonly authorityId: string;

  constructor(scope: Construct, id: string, props: ExternalAuthorityProps) {
    super(scope, id);
    refuseTokens(this, props);
    this.authorityId = toId(id);
    const { certificateFiles, publiclyTrusted = false } = props;
    const declaration = {
      id: this.authorityId,
      certificates: certificateFiles.map((path) =>
        readDeclaredFile(this, 'certificateFiles', path, 'name a PEM file with the certificate of the authority'),
      ),
      publiclyTrusted,
    };
    parseInput(externalAuthoritySchema, declaration, this.node.path);
    StackTopology.of(this).add('externalAuthorities', this, () => declaration);
  }
}

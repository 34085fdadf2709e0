import { Construct } from 'constructs';
import { refuseTokens } from './input.ts';
import { StackTopology } from './stack-topology.ts';

export interface PkiStorageProps {
  /**
   * The PKI directory, relative to where the program runs. Stacks may share one.
   * @default 'pki'
   */
  readonly directory?: string;
  /**
   * The lock file, relative to where the program runs; each stack has its own.
   * @default 'vcs-pki.lock.json'
   */
  readonly lockFile?: string;
  /**
   * The moment that renewals are planned for.
   * @default VCS_PKI_NOW of the environment, or now
   */
  readonly now?: Date;
  /**
   * Whether `terraform destroy` revokes what is declared, but for what its cluster keeps. It must have been applied before;
   * nothing else that Terraform destroys is ever revoked for that.
   * @default false
   */
  readonly revokeOnDestroy?: boolean;
}

/** Where a stack keeps its keys, certificates and lock file. */
export class PkiStorage extends Construct {
  constructor(scope: Construct, id: string, props: PkiStorageProps) {
    super(scope, id);
    refuseTokens(this, props);
    StackTopology.of(this).setStorage(this, props);
  }
}

import { Construct } from 'constructs';
import { parseInput } from '../src/topology/input.ts';
import { toId } from '../src/topology/names.ts';
import type { NameMatching } from '../src/topology/releases/name-matching.ts';
import { systemSchema, type TopologyInput } from '../src/topology/schema.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import type { ExternalAuthority } from './external-authority.ts';
import { readDeclaredFile, refuseTokens } from './input.ts';
import { StackTopology } from './stack-topology.ts';
import type { VcsCluster } from './vcs-cluster.ts';

export interface SystemProps {
  /** The clusters that it is connected with. */
  readonly clusters: readonly VcsCluster[];
  /**
   * PEM files: the certificate that it presents, then those that it sends along.
   * @default not known; the proof says that it could not look
   */
  readonly certificateFiles?: readonly string[];
  /**
   * Whether the appliances verify it.
   * @default true
   */
  readonly tlsVerify?: boolean;
}

type Declaration = NonNullable<TopologyInput['systems']>[number];
type Kind = Declaration['kind'];
type Own<K extends Kind> = Omit<Extract<Declaration, { kind: K }>, 'id' | 'clusters' | 'certificates' | 'tlsVerify'>;

/** A system beside the appliances, at the other end of TLS links. */
export abstract class System extends Construct {
  /** Its id in the topology. */
  readonly systemId: string;

  protected constructor(
    scope: Construct,
    id: string,
    props: SystemProps,
    own: Own<'unified-cm'> | Own<'sip-server'> | Own<'ldap'> | Own<'policy-server'>,
  ) {
    super(scope, id);
    refuseTokens(this, { ...props, ...own });
    this.systemId = toId(id);
    const { clusters, certificateFiles = [], tlsVerify = true } = props;
    const declaration = {
      ...own,
      id: this.systemId,
      clusters: clusters.map(({ clusterId }) => clusterId),
      certificates: certificateFiles.map((path) =>
        readDeclaredFile(
          this,
          'certificateFiles',
          path,
          'name a PEM file with the certificate that the system presents',
        ),
      ),
      tlsVerify,
    };
    parseInput(systemSchema, declaration, this.node.path);
    StackTopology.of(this).add('systems', this, () => declaration);
  }
}

export interface UnifiedCmProps extends SystemProps {
  /** Its nodes, by the names under which Expressway-C discovered them. */
  readonly nodes: readonly string[];
  /**
   * SIP over TLS between it and Expressway-C.
   * @default true
   */
  readonly secureSip?: boolean;
  /**
   * Authorities that are loaded in tomcat-trust.
   * @default none
   */
  readonly tomcatTrust?: readonly (CertificateAuthority | ExternalAuthority)[];
  /**
   * Authorities that are loaded in CallManager-trust.
   * @default none
   */
  readonly callManagerTrust?: readonly (CertificateAuthority | ExternalAuthority)[];
}

/** Cisco Unified CM. */
export class UnifiedCm extends System {
  constructor(scope: Construct, id: string, props: UnifiedCmProps) {
    const { nodes, secureSip = true, tomcatTrust = [], callManagerTrust = [] } = props;
    super(scope, id, props, {
      kind: 'unified-cm',
      nodes: [...nodes],
      secureSip,
      tomcatTrust: tomcatTrust.map(({ authorityId }) => authorityId),
      callManagerTrust: callManagerTrust.map(({ authorityId }) => authorityId),
    });
  }
}

export interface SipServerProps extends SystemProps {
  /** Peer address of the neighbor zone to it. */
  readonly address: string;
  /**
   * How it compares names.
   * @default 'rfc5922'
   */
  readonly nameMatching?: NameMatching;
}

/** A SIP system that is no appliance of this stack, at the other end of a neighbor zone. */
export class SipServer extends System {
  constructor(scope: Construct, id: string, props: SipServerProps) {
    const { address, nameMatching = 'rfc5922' } = props;
    super(scope, id, props, { kind: 'sip-server', address, nameMatching });
  }
}

export interface LdapServerProps extends SystemProps {
  readonly address: string;
  /**
   * CRL mode of the LDAP connection: it reads lists inside the trusted CA file alone.
   * @default 'none'
   */
  readonly revocationChecking?: 'none' | 'peer' | 'all';
}

/** The directory that remote login accounts are looked up in. */
export class LdapServer extends System {
  constructor(scope: Construct, id: string, props: LdapServerProps) {
    const { address, revocationChecking = 'none' } = props;
    super(scope, id, props, { kind: 'ldap', address, revocationChecking });
  }
}

export interface PolicyServerProps extends SystemProps {
  readonly address: string;
  /**
   * Whether revocation is checked: manually loaded lists alone.
   * @default false
   */
  readonly revocationChecking?: boolean;
}

/** An external policy server. */
export class PolicyServer extends System {
  constructor(scope: Construct, id: string, props: PolicyServerProps) {
    const { address, revocationChecking = false } = props;
    super(scope, id, props, { kind: 'policy-server', address, revocationChecking });
  }
}

import { Construct } from 'constructs';
import { VcsPkiError } from '../src/errors.ts';
import { parseInput } from '../src/topology/input.ts';
import { toId } from '../src/topology/names.ts';
import type { ReleaseName } from '../src/topology/releases/releases.ts';
import { type Cluster, clusterSchema, type Product as ProductName } from '../src/topology/schema.ts';
import type { CertificateAuthority, SubjectProps } from './certificate-authority.ts';
import { refuseTokens } from './input.ts';
import { Peer, type PeerProps } from './peer.ts';
import { StackTopology } from './stack-topology.ts';

export const Product = {
  VCS_CONTROL: 'vcs-control',
  VCS_EXPRESSWAY: 'vcs-expressway',
  EXPRESSWAY_C: 'expressway-c',
  EXPRESSWAY_E: 'expressway-e',
} as const satisfies Record<string, ProductName>;

export const Release = { X7_2: 'X7.2', X8_1: 'X8.1' } as const satisfies Record<string, ReleaseName>;

export interface VcsClusterProps {
  readonly product: ProductName;
  readonly release: ReleaseName;
  /**
   * FQDN of the cluster.
   * @default a single appliance, not clustered
   */
  readonly clusterName?: string;
  /**
   * The authority of its certificates.
   * @default self-signed certificates, which the rules refuse
   */
  readonly issuer?: CertificateAuthority;
  /**
   * One certificate per peer (requirement 12), or one that all peers share (13).
   * @default 'per-peer'
   */
  readonly certificateModel?: Cluster['certificateModel'];
  /**
   * What the certificates say of their holder beside the common name, which the model sets.
   * @default nothing
   */
  readonly subject?: Omit<SubjectProps, 'commonName'>;
  /** @default 'rsa-2048' */
  readonly key?: Cluster['key'];
  /**
   * Validity of a certificate, in days; never longer than its issuer's.
   * @default 365
   */
  readonly lifetimeDays?: number;
  /**
   * Days before expiry at which a certificate is renewed.
   * @default a third of the lifetime
   */
  readonly renewBeforeDays?: number;
  /**
   * What becomes of the certificate of a peer that is no longer declared.
   * @default 'revoke'
   */
  readonly onRemoval?: Cluster['onRemoval'];
  /**
   * IM and Presence chat node aliases: names on both sides of a unified communications zone (26, 27).
   * @default none
   */
  readonly chatNodeAliases?: readonly string[];
  /**
   * Encrypted phone security profiles, as FQDNs (26).
   * @default none
   */
  readonly phoneSecurityProfiles?: readonly string[];
  /**
   * Certificate revocation checking mode of SIP (60).
   * @default true
   */
  readonly revocationChecking?: boolean;
  /**
   * When its peers download revocation lists, UTC, `HH:MM` (57).
   * @default '06:00'
   */
  readonly crlUpdateTimeUtc?: string;
}

/** A cluster of VCS Control, VCS Expressway, Expressway-C or Expressway-E appliances, or a single one. */
export class VcsCluster extends Construct {
  /** Its id in the topology. */
  readonly clusterId: string;
  readonly #peers: Peer[] = [];

  constructor(scope: Construct, id: string, props: VcsClusterProps) {
    super(scope, id);
    refuseTokens(this, props);
    this.clusterId = toId(id);
    const { issuer, chatNodeAliases = [], phoneSecurityProfiles = [], ...rest } = props;
    const own = {
      ...rest,
      id: this.clusterId,
      chatNodeAliases: [...chatNodeAliases],
      phoneSecurityProfiles: [...phoneSecurityProfiles],
      ...(issuer && { issuer: issuer.authorityId }),
    };
    parseInput(clusterSchema.omit({ peers: true }), own, this.node.path);
    StackTopology.of(this).addCluster(this, () => ({ ...own, peers: this.#peers.map((peer) => peer.declaration) }));
  }

  /** A peer by its FQDN: host name and domain as set on the appliance (16). */
  addPeer(fqdn: string, props: PeerProps = {}): Peer {
    const twin = this.#peers.find((peer) => peer.fqdn === fqdn);
    if (twin) {
      throw new VcsPkiError('INPUT_INVALID', {
        at: `${this.node.path}: peers`,
        value: fqdn,
        message: `must not list ${fqdn} twice`,
        fix: 'remove one of the two',
      });
    }
    const peer = new Peer(this, fqdn, props);
    this.#peers.push(peer);
    return peer;
  }

  get peers(): readonly Peer[] {
    return [...this.#peers];
  }
}

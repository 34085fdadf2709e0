import { Construct } from 'constructs';
import { VcsPkiError } from '../src/errors.ts';
import { parseInput } from '../src/topology/input.ts';
import { toId } from '../src/topology/names.ts';
import type { ReleaseName } from '../src/topology/releases/releases.ts';
import { type Cluster, clusterSchema, type Product as ProductName } from '../src/topology/schema.ts';
import type { CertificateAuthority, SubjectProps } from './certificate-authority.ts';
import type { ExternalAuthority } from './external-authority.ts';
import { refuseTokens } from './input.ts';
import { Peer, type PeerProps } from './peer.ts';
import { StackTopology } from './stack-topology.ts';

export const Product = {
  VCS_CONTROL: 'vcs-control',
  VCS_EXPRESSWAY: 'vcs-expressway',
  EXPRESSWAY_C: 'expressway-c',
  EXPRESSWAY_E: 'expressway-e',
} as const satisfies Record<string, ProductName>;

export const Release = {
  X7_2: 'X7.2',
  X8_1: 'X8.1',
  X8_2: 'X8.2',
  X8_5: 'X8.5',
  X8_5_1: 'X8.5.1',
  X8_5_2: 'X8.5.2',
  X8_6: 'X8.6',
  X8_7: 'X8.7',
  X8_8: 'X8.8',
  X8_9: 'X8.9',
  X8_9_2: 'X8.9.2',
  X8_10: 'X8.10',
  X8_11: 'X8.11',
  X12_5: 'X12.5',
  X12_6: 'X12.6',
  X12_7: 'X12.7',
  X14_0: 'X14.0',
  X14_0_2: 'X14.0.2',
  X14_0_8: 'X14.0.8',
  X14_2: 'X14.2',
  X14_3: 'X14.3',
  X15_0: 'X15.0',
  X15_2: 'X15.2',
  X15_3: 'X15.3',
  X15_4: 'X15.4',
  X15_5: 'X15.5',
} as const satisfies Record<string, ReleaseName>;

export interface CertificateSettings {
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
   * Extended key usage (20, 23).
   * @default serverAuth and clientAuth
   */
  readonly usages?: readonly Cluster['usages'][number][];
}

export interface ClientCertificateProps extends CertificateSettings {
  readonly issuer: CertificateAuthority | ExternalAuthority;
}

export interface VcsClusterProps extends CertificateSettings {
  readonly product: ProductName;
  /** One of `Release`, or a maintenance release of one, like `X14.0.11`. */
  readonly release: ReleaseName | `X${number}.${number}.${number}`;
  /**
   * FQDN of the cluster.
   * @default a single appliance, not clustered
   */
  readonly clusterName?: string;
  /**
   * The authority of its certificates.
   * @default self-signed certificates, which the rules refuse
   */
  readonly issuer?: CertificateAuthority | ExternalAuthority;
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
   * Encrypted phone security profiles, as FQDNs (26); with OAuth their names need not be in certificates.
   * @default none
   */
  readonly phoneSecurityProfiles?: readonly (string | { readonly name: string; readonly oauth?: boolean })[];
  /**
   * From X15.5: certificates of their own for the client stores.
   * @default the server certificate serves both roles
   */
  readonly clientCertificate?: ClientCertificateProps;
  /**
   * From X8.8: TLS verification mode between its peers.
   * @default 'permissive'
   */
  readonly clusterTls?: Cluster['clusterTls'];
  /**
   * From X15.5: ExtendedKeyUsage Checking Mode of inbound SIP TLS.
   * @default true
   */
  readonly clientAuthChecking?: boolean;
  /**
   * X15.4 on Expressway-E: EnableServerEkuUpload is On.
   * @default false
   */
  readonly serverAuthOnlyUpload?: boolean;
  /**
   * The ACME scheduler of Expressway-E is on.
   * @default false
   */
  readonly acme?: boolean;
  /**
   * How revocation lists reach its peers (53).
   * @default all: automatic, manual and embedded
   */
  readonly crlChannels?: readonly Cluster['crlChannels'][number][];
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
    const {
      issuer,
      clientCertificate,
      usages,
      crlChannels,
      chatNodeAliases = [],
      phoneSecurityProfiles = [],
      ...rest
    } = props;
    const own = {
      ...rest,
      id: this.clusterId,
      chatNodeAliases: [...chatNodeAliases],
      phoneSecurityProfiles: [...phoneSecurityProfiles],
      ...(usages && { usages: [...usages] }),
      ...(crlChannels && { crlChannels: [...crlChannels] }),
      ...(issuer && { issuer: issuer.authorityId }),
      ...(clientCertificate && { clientCertificate: declarationOf(clientCertificate) }),
    };
    parseInput(clusterSchema.omit({ peers: true }), own, this.node.path);
    StackTopology.of(this).add('clusters', this, () => ({
      ...own,
      peers: this.#peers.map((peer) => peer.declaration),
    }));
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

function declarationOf({ issuer, usages, ...rest }: ClientCertificateProps) {
  return { ...rest, issuer: issuer.authorityId, ...(usages && { usages: [...usages] }) };
}

/** The constructs of vcs-pki: `import { VcsCluster } from 'vcs-pki/constructs'`. */
export {
  CertificateAuthority,
  type CertificateAuthorityProps,
  type CrlProps,
  type SubjectProps,
} from './certificate-authority.ts';
export { ClientGroup, type ClientGroupProps } from './client-group.ts';
export { Domain, type DomainProps } from './domain.ts';
export { ExternalAuthority, type ExternalAuthorityProps } from './external-authority.ts';
export { NeighborZone, type NeighborZoneProps } from './neighbor-zone.ts';
export { Peer, type PeerProps } from './peer.ts';
export { PkiStorage, type PkiStorageProps } from './pki-storage.ts';
export { Suppression, type SuppressionProps } from './suppression.ts';
export {
  LdapServer,
  type LdapServerProps,
  PolicyServer,
  type PolicyServerProps,
  SipServer,
  type SipServerProps,
  type System,
  type SystemProps,
  UnifiedCm,
  type UnifiedCmProps,
} from './systems.ts';
export { TraversalZone, type TraversalZoneProps } from './traversal-zone.ts';
export { TrustList, type TrustListProps } from './trust-list.ts';
export {
  type CertificateSettings,
  type ClientCertificateProps,
  Product,
  Release,
  VcsCluster,
  type VcsClusterProps,
} from './vcs-cluster.ts';

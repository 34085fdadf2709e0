/** The constructs of vcs-pki: `import { VcsCluster } from 'vcs-pki/constructs'`. */
export {
  CertificateAuthority,
  type CertificateAuthorityProps,
  type CrlProps,
  type SubjectProps,
} from './certificate-authority.ts';
export { Domain, type DomainProps } from './domain.ts';
export { NeighborZone, type NeighborZoneProps } from './neighbor-zone.ts';
export { Peer, type PeerProps } from './peer.ts';
export { PkiStorage, type PkiStorageProps } from './pki-storage.ts';
export { TraversalZone, type TraversalZoneProps } from './traversal-zone.ts';
export { TrustList, type TrustListProps } from './trust-list.ts';
export { Product, Release, VcsCluster, type VcsClusterProps } from './vcs-cluster.ts';

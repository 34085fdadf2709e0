import type { NameMatching } from './name-matching.ts';
import type { Source } from './sources.ts';

/** The keys that peers are given. */
export const peerKeyTypes = ['rsa-2048', 'rsa-4096', 'ec-p256', 'ec-p384', 'ec-p521'] as const;

/** Where the pages of the web interface are (requirements 31, 55, 60). */
export interface Menus {
  readonly serverCertificate: string;
  readonly clientCertificate: string | undefined;
  readonly trustedCa: string;
  readonly crl: string;
  readonly sip: string;
  readonly restart: string;
}

/** What one software release does with certificates. Some of it decides, some is for people to know (docs/releases.md). */
export interface ReleaseFacts {
  /** Requirement 15. */
  readonly wildcards: 'refused' | 'not known to be accepted';
  /** How a verifying peer compares names; where the changeover is not established a name must pass all of them. */
  readonly nameMatching: readonly NameMatching[];
  /** The common name of a certificate per peer in a cluster: guidance only, either works. */
  readonly commonName: 'peer' | 'cluster';
  /** One certificate for all peers of a cluster (13). */
  readonly sharedCertificate: 'a listed model' | 'possible' | 'not recommended';
  /** Characters of the list of alternative names beyond which names are ignored, silently. */
  readonly alternativeNamesLimit: number | undefined;
  /** Whether names of phone security profiles that are no FQDNs stop the signing request. */
  readonly phoneProfileNames: 'should be FQDNs' | 'must be FQDNs';
  /** Smallest to largest, of those that the documents name for certificates of peers. */
  readonly keys: readonly (typeof peerKeyTypes)[number][];
  /** The digests that a signing request can be made with. */
  readonly requestDigests: readonly ('sha1' | 'sha256')[];
  /** Requirement 43: what uploading a trusted CA file does to the list that is there. */
  readonly trustListUpload: 'replace' | 'append';
  /** What is in use only after a restart (29). */
  readonly restartFor: readonly ('server certificate' | 'trusted CA')[];
  /** Requirements 25-30. */
  readonly unifiedCommunications: boolean;
  /** The Expressway products beside VCS (requirement 1). */
  readonly expresswayProducts: boolean;
  /** Whether the VCS products still get what is new. */
  readonly vcsProducts: 'supported' | 'maintenance only';
  /** Whether the peers of a cluster speak TLS among themselves, Permissive or Enforce. */
  readonly clusterTls: boolean;
  /** Names of peers mapped to addresses, without which Enforce fails on an Expressway-E with two interfaces. */
  readonly clusterAddressMapping: boolean;
  /** Whether the cluster database wants clientAuth of the peers in Enforce. */
  readonly clusterClientAuth: boolean;
  /** Who checks that the client of a SIP TLS connection has clientAuth. `setting`: ExtendedKeyUsage Checking Mode. */
  readonly clientAuthCheck: 'all' | 'all but Expressway-C' | 'setting';
  /** Whether a server certificate without clientAuth can be loaded while unified communications are on. */
  readonly serverAuthOnlyUpload: 'refused' | 'Expressway-E after a setting' | 'accepted';
  /** One certificate for both roles, or one store for each. */
  readonly certificateStores: 'one' | 'server and client';
  /** Whether -C's issuers must be in tomcat-trust and CallManager-trust of Unified CM: always, or for secure SIP only. */
  readonly unifiedCmTrust: 'secure SIP only' | 'always';
  /** Whether -C verifies the HTTPS certificates of Unified CM, IM and Presence and Unity, even with TLS verify off. */
  readonly verifiesUnifiedCm: boolean;
  /** Whether Unified CM may answer with its ECDSA certificates, often self-signed. */
  readonly unifiedCmEcdsa: boolean;
  /** The Let's Encrypt client of Expressway-E. */
  readonly acme: boolean;
  /** Whether the documents warn of certificates that expire after 2049, and of unusual attributes in names. */
  readonly warnsOfLateExpiry: boolean;
  /** Whether certificates of authorities without basic constraints are refused. */
  readonly wantsBasicConstraints: boolean;
  readonly menus: Menus;
}

/** Facts that begin with a release, and where they are written. */
export type Change = Partial<ReleaseFacts> & { readonly source: readonly Source[] };

/** A row of the table: what this release changed against the row before. */
export interface ReleaseRow {
  readonly name: string;
  readonly changes: readonly Change[];
}

export interface Release extends ReleaseFacts {
  readonly name: string;
}

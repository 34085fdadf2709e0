import type { Secret } from '../secret.ts';
import type { Cluster, Peer } from '../topology/schema.ts';
import type { Certificate } from '../x509/certificate.ts';

/** What is to be loaded onto one peer. */
export interface BundleContent {
  readonly cluster: Cluster;
  readonly peer: Peer;
  readonly certificate: Certificate;
  /** PKCS #8 PEM, unencrypted and ending in a newline (requirements 37, 40); absent where the appliance has it. */
  readonly key: Secret<string> | undefined;
  /** For the client store of X15.5; absent where the server certificate serves both roles. */
  readonly client?: { readonly certificate: Certificate; readonly key: Secret<string> | undefined } | undefined;
  readonly trusted: readonly Certificate[];
  /** The newest list of every authority in the chains that the peer verifies. */
  readonly crls: readonly Buffer[];
  /** Distribution points for automatic updates. */
  readonly crlUrls: readonly string[];
}

import type { Certificate } from '../../x509/certificate.ts';

/** What a server presented in one TLS handshake. */
export interface ServedCertificates {
  /** `host:port`, as it was asked for. */
  readonly address: string;
  /** The names that its certificate should have: host name or IP address, and the server name sent, where it differs. */
  readonly names: readonly string[];
  readonly at: Date;
  /** As OpenSSL writes them: `TLSv1.3`, `TLS_AES_256_GCM_SHA384`. */
  readonly protocol: string | undefined;
  readonly cipher: string | undefined;
  /** In the order sent: the certificate of the server first. */
  readonly chain: readonly Certificate[];
  /** The names of authorities from which it wants client certificates; undefined where it asked for none. */
  readonly requestedAuthorities: readonly string[] | undefined;
}

import { decodePem } from '../x509/pem.ts';

/** What `openssl s_client -showcerts` prints of a handshake. */
export interface Handshake {
  /** DER, in the order sent. */
  readonly chain: readonly Buffer[];
  readonly protocol: string | undefined;
  readonly cipher: string | undefined;
  /** Undefined where no client certificate was asked for. */
  readonly requestedAuthorities: readonly string[] | undefined;
}

/** Names as `formatName` writes them: what a name holds cannot look like a line of the output. */
export const NAME_OPTIONS = 'esc_2253,esc_ctrl,utf8,dump_nostr,dump_der,sep_comma_plus_space,sname';

/**
 * Reads the output of `openssl s_client -showcerts`; undefined where the server presented no certificate. What the
 * server said after the handshake stands behind all of this, and is not looked at. Fails with PEM_INVALID.
 */
export function readHandshake(output: string, at: string): Handshake | undefined {
  const certificates = /^Certificate chain\n([\s\S]*?)^---$/m.exec(output);
  if (!certificates) return undefined;
  const rest = output.slice(certificates.index + certificates[0].length);
  const agreed = rest.slice(0, Math.max(0, rest.indexOf('\nSSL handshake has read ')));
  const [, version, cipher] = /^New, (\S+), Cipher is (\S+)$/m.exec(rest) ?? [];
  // Up to TLS 1.2 that line has the version from which the cipher is known; the session has the one in use.
  const protocol = version === 'TLSv1.3' ? version : /^ +Protocol *: (\S+)$/m.exec(rest)?.[1];
  return {
    chain: decodePem(certificates[1] ?? '', at).map(({ der }) => der),
    protocol: cipher === NONE ? undefined : protocol,
    cipher: cipher === NONE ? undefined : cipher,
    requestedAuthorities: REQUEST.test(agreed) ? namesIn(agreed) : undefined,
  };
}

/** What a request for a certificate has although it names no authority, from TLS 1.3 on and before (RFC 8446 4.3.2, RFC 5246 7.4.4). */
const REQUEST = /^(?:Requested Signature Algorithms|Client Certificate Types): /m;

function namesIn(text: string): string[] {
  const names = /^Acceptable client certificate CA names\n([\s\S]*?)^(?:Client Certificate Types|Requested Signature)/m;
  return (names.exec(text)?.[1] ?? '').split('\n').filter((line) => line !== '');
}

/** A handshake that was broken off. */
const NONE = '(NONE)';

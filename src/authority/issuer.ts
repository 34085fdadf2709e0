import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import { subjectPublicKeyInfo } from '../x509/keys.ts';
import { signBytes } from '../x509/signature.ts';
import type { Ledger, Signer } from './ports.ts';

/** An authority generation that can issue: its certificate, its key behind a port, its ledger. */
export interface Issuer {
  readonly id: string;
  readonly generation: number;
  readonly certificate: Certificate;
  /** DER of the certificates to hand out with a leaf: this one's and those above it, without the root. */
  readonly chain: readonly Buffer[];
  readonly signer: Signer;
  readonly ledger: Ledger;
  /** The distribution point in its certificates. */
  readonly crlUrl: string | undefined;
}

/** A signer whose key is in this process. */
export function localSigner(key: KeyObject): Signer {
  return {
    subjectPublicKeyInfo: subjectPublicKeyInfo(createPublicKey(key)),
    sign: async (bytes) => signBytes(key, bytes),
  };
}

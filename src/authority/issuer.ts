import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Endpoints } from '../topology/demands.ts';
import type { AuthorityId } from '../topology/ids.ts';
import type { Certificate } from '../x509/certificate.ts';
import { keyIdentifier, subjectPublicKeyInfo } from '../x509/keys.ts';
import { signBytes } from '../x509/signature.ts';
import type { AuthorityGeneration } from './owner.ts';
import type { Ledger, Signer } from './ports.ts';

/** An authority generation that can issue: its certificate, its key behind a port, its ledger. */
export interface Issuer {
  readonly id: AuthorityId;
  readonly generation: number;
  readonly certificate: Certificate;
  /** What is handed out with a leaf: this certificate and those above it, without the root. */
  readonly chain: readonly Certificate[];
  /** The root above, where it is known. */
  readonly root?: Certificate | undefined;
  readonly signer: Signer;
  readonly ledger: Ledger;
  readonly endpoints: Endpoints;
}

export function generationOf({ id, generation }: Pick<Issuer, 'id' | 'generation'>): AuthorityGeneration {
  return { authority: id, generation };
}

/** What its certificates and lists name as the key of their issuer (RFC 5280 4.2.1.1). */
export function keyIdentifierOf({ subjectKeyIdentifier, subjectPublicKeyInfo: spki }: Certificate): Buffer {
  return subjectKeyIdentifier ?? keyIdentifier(spki);
}

/** A signer whose key is in this process. */
export function localSigner(key: KeyObject): Signer {
  return {
    subjectPublicKeyInfo: subjectPublicKeyInfo(createPublicKey(key)),
    sign: async (bytes) => signBytes(key, bytes),
  };
}

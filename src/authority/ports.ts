import type { KeyObject } from 'node:crypto';
import type { DemandId } from '../topology/ids.ts';
import type { Certificate, Serial } from '../x509/certificate.ts';
import type { AuthorityGeneration, Owner } from './owner.ts';
import type { LedgerEntry, NewEntry, PendingRequest, Revocation, RevokedEntry } from './record.ts';

/** The time. Injected, so that tests decide what time it is. */
export interface Clock {
  now(): Date;
}

/** A cryptographic source of randomness. */
export interface Random {
  bytes(size: number): Buffer;
}

/** Signs with the key of one authority generation; the key may live elsewhere. */
export interface Signer {
  /** DER SubjectPublicKeyInfo. */
  readonly subjectPublicKeyInfo: Buffer;
  /** Signs with the algorithm that `signatureAlgorithmFor(subjectPublicKeyInfo)` names. */
  sign(bytes: Buffer): Promise<Buffer>;
}

/** What one authority generation has issued, asked by question. Every write is durable when its promise resolves. */
export interface Ledger {
  find(serial: Serial): Promise<LedgerEntry | undefined>;
  newestOf(owner: Owner): Promise<LedgerEntry | undefined>;
  /** Also those that were revoked, in order of issue. */
  unexpiredOf(owner: Owner, now: Date): Promise<readonly LedgerEntry[]>;
  /** Every certificate for a public key (`keyId`). */
  byKey(keyId: string): Promise<readonly LedgerEntry[]>;
  /** Also those that have ended, in order of issue. */
  revoked(): AsyncIterable<RevokedEntry>;
  /** All or, after a crash, none of them. Rejects with SERIAL_REUSED, writing nothing, when a serial is there already (I2). */
  record(entries: readonly NewEntry[]): Promise<void>;
  /** The first revocation of a serial stands. Rejects with SERIAL_UNKNOWN, writing nothing, where one was never issued. */
  revoke(serials: readonly Serial[], revocation: Revocation): Promise<void>;
  /** A number above `floor` and above every number returned before, stored before it is returned (I3). */
  reserveCrlNumber(floor: bigint): Promise<bigint>;
}

/** A certificate as handed out, with its issuers up to and without the root. */
export interface IssuedMaterial {
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
}

/** What is there of an issue. `sealed`: its key is there, encrypted, and was not opened. */
export interface KeptMaterial extends Partial<IssuedMaterial> {
  readonly key?: KeyObject;
  readonly sealed?: true;
}

/** Where keys, certificates and revocation lists are kept. `issue`: of a demand, which certificate; those of an authority's generation share one place. */
export interface Material {
  /** The key of this issue: the one kept, or a new one from `create`. Never in the same place as that of an earlier issue or generation (I6). */
  key(owner: Owner, issue: number, create: () => Promise<KeyObject>): Promise<KeyObject>;
  store(owner: Owner, issue: number, material: IssuedMaterial): Promise<void>;
  /** What is kept of this issue, whether or not it is whole. */
  load(owner: Owner, issue: number): Promise<KeptMaterial>;
  /** @param replaces the published list on which this one was decided; rejects with CRL_REFUSED where another is published by now */
  publishCrl(of: AuthorityGeneration, crl: Buffer, replaces: Buffer | undefined): Promise<void>;
  crl(of: AuthorityGeneration): Promise<Buffer | undefined>;
}

/** Requests that authorities elsewhere are to sign: one at a time for each demand (requirement 34). */
export interface Requests {
  pending(): Promise<ReadonlyMap<DemandId, PendingRequest>>;
  store(demand: DemandId, request: PendingRequest): Promise<void>;
  remove(demand: DemandId): Promise<void>;
}

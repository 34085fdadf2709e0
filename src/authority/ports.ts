import type { KeyObject } from 'node:crypto';
import type { LedgerEntry, NewEntry, PendingRequest, Revocation } from './record.ts';

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

/** What one authority generation has issued. Every write is durable when its promise resolves. */
export interface Ledger {
  /** In order of issue. */
  entries(): Promise<readonly LedgerEntry[]>;
  /** All or, after a crash, none of them. Rejects with SERIAL_REUSED, writing nothing, when a serial is there already (I2). */
  record(entries: readonly NewEntry[]): Promise<void>;
  /** The first revocation of a serial stands. Rejects with SERIAL_UNKNOWN. */
  revoke(serial: string, revocation: Revocation): Promise<void>;
  /** A number above `floor` and above every number returned before, stored before it is returned (I3). */
  reserveCrlNumber(floor: bigint): Promise<bigint>;
}

/** A certificate as handed out: DER, with its issuers up to and without the root. */
export interface IssuedMaterial {
  readonly certificate: Buffer;
  readonly chain: readonly Buffer[];
}

/** What is there of a generation. `sealed`: its key is there, encrypted, and was not opened. */
export interface KeptMaterial extends Partial<IssuedMaterial> {
  readonly key?: KeyObject;
  readonly sealed?: true;
}

/** Where keys, certificates and revocation lists are kept. An owner is a demand id or `authorityOwner(id)`. */
export interface Material {
  /** The key of this generation of `owner`: the one kept, or a new one from `create`. Never in the same place as an earlier generation's (I6). */
  key(owner: string, generation: number, create: () => Promise<KeyObject>): Promise<KeyObject>;
  store(owner: string, generation: number, material: IssuedMaterial): Promise<void>;
  /** What is kept of this generation, whether or not it is whole. */
  load(owner: string, generation: number): Promise<KeptMaterial>;
  publishCrl(authority: string, generation: number, crl: Buffer): Promise<void>;
  crl(authority: string, generation: number): Promise<Buffer | undefined>;
}

/** Requests that authorities elsewhere are to sign: one at a time for each demand (requirement 34). */
export interface Requests {
  /** By demand id. */
  pending(): Promise<ReadonlyMap<string, PendingRequest>>;
  store(demand: string, request: PendingRequest): Promise<void>;
  remove(demand: string): Promise<void>;
}

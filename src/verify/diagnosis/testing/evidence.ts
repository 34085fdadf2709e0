import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { VcsPkiError } from '../../../errors.ts';
import type { ReleaseName } from '../../../topology/releases/releases.ts';
import { findRelease } from '../../../topology/releases/releases.ts';
import { encodeSigned, readCertificate } from '../../../x509/certificate.ts';
import { readContents } from '../../../x509/contents.ts';
import { encodeTbsCrl, type RevokedEntry } from '../../../x509/crl.ts';
import { bitString, contextTag, encodeDer, integer, oid, sequence, Tag } from '../../../x509/der.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  type Extension,
  encodeExtensions,
  extendedKeyUsage,
  type KeyPurpose,
  type KeyUsage,
  keyUsage,
  subjectAlternativeName,
  subjectKeyIdentifier,
} from '../../../x509/extensions.ts';
import { keyIdentifier, privateKeyPem, subjectPublicKeyInfo } from '../../../x509/keys.ts';
import { encodeName, type Subject } from '../../../x509/name.ts';
import { encodePem } from '../../../x509/pem.ts';
import { createRequest } from '../../../x509/request.ts';
import { type SignatureAlgorithm, signatureAlgorithmFor } from '../../../x509/signature.ts';
import { encodeTime } from '../../../x509/time.ts';
import { smallFactor } from '../../../x509/weak-key.ts';
import { parseApplianceLog } from '../appliance-log.ts';
import type { Artefact } from '../artefact.ts';
import { examine } from '../examine.ts';
import { type OpensslDirectoryFiles, readOpensslDirectory } from '../openssl-directory.ts';

/** Certificates, keys and lists as tests of diagnoses need them: right in everything but what the test changes. */

export const now = new Date('2026-11-21T12:00:00Z');

export function days(count: number): Date {
  return new Date(now.getTime() + count * 86_400_000);
}

/** Who has a key: an authority, or a peer. */
export interface Holder {
  readonly name: Buffer;
  readonly key: KeyObject;
}

export function holder(subject: string | Subject | Buffer, key: KeyObject = newKey()): Holder {
  const name = typeof subject === 'string' ? encodeName({ commonName: subject, organization: 'Example' }) : subject;
  return { name: Buffer.isBuffer(name) ? name : encodeName(name), key };
}

export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** The public half of an RSA key of any size, which nobody has the private half of. */
export function rsaPublicKey(bits: number): Buffer {
  let modulus = BigInt(`0x${'a5'.repeat(bits / 8)}`);
  while (smallFactor(modulus) !== undefined) modulus += 2n;
  const key = sequence(integer(modulus), integer(65537));
  return sequence(sequence(oid('1.2.840.113549.1.1.1'), encodeDer(Tag.null)), bitString(key));
}

/** ECDSA with SHA-1, which nothing here signs with otherwise. */
export const ecdsaWithSha1: SignatureAlgorithm = {
  name: 'ecdsa-with-SHA1',
  der: sequence(oid('1.2.840.10045.4.1')),
  digest: 'sha1',
};

interface CertificateChange {
  readonly publicKey?: Buffer;
  readonly serial?: bigint;
  readonly begin?: Date;
  readonly end?: Date;
  readonly algorithm?: SignatureAlgorithm;
  /** Instead of all the usual ones but the key identifiers. */
  readonly extensions?: readonly Extension[];
  readonly keyIdentifiers?: false;
}

export interface PeerChange extends CertificateChange {
  readonly names?: readonly string[];
  readonly usages?: readonly KeyPurpose[];
}

/** A certificate of a peer as PEM; valid for a year since three weeks. */
export function peerCertificate(subject: Holder, issuer: Holder, change: PeerChange = {}): string {
  const { names = ['expe1.example.com', 'expe.example.com'], usages = ['serverAuth', 'clientAuth'] } = change;
  const usual = [
    basicConstraints({ authority: false }),
    keyUsage(['digitalSignature']),
    ...(usages.length > 0 ? [extendedKeyUsage(usages)] : []),
    ...(names.length > 0 ? [subjectAlternativeName(names)] : []),
  ];
  return certificate(subject, issuer, { begin: days(-21), end: days(344), extensions: usual, ...change });
}

interface AuthorityChange extends CertificateChange {
  /** Empty for none. */
  readonly keyUsages?: readonly KeyUsage[];
}

/** A certificate of an authority as PEM; of a root where the issuer is itself. Valid for ten years. */
export function authorityCertificate(subject: Holder, issuer: Holder = subject, change: AuthorityChange = {}): string {
  const { keyUsages = ['keyCertSign', 'cRLSign'] } = change;
  const usual = [basicConstraints({ authority: true }), ...(keyUsages.length > 0 ? [keyUsage(keyUsages)] : [])];
  return certificate(subject, issuer, { begin: days(-100), end: days(3550), extensions: usual, ...change });
}

/** Written out, because the encoder of certificates refuses odd serial numbers. */
function certificate(subject: Holder, issuer: Holder, content: CertificateChange): string {
  const { publicKey = subjectPublicKeyInfo(subject.key), begin = now, end = now, extensions = [] } = content;
  const issuerKey = subjectPublicKeyInfo(issuer.key);
  const algorithm = content.algorithm ?? signatureAlgorithmFor(issuerKey);
  const identifiers =
    content.keyIdentifiers === false
      ? []
      : [subjectKeyIdentifier(keyIdentifier(publicKey)), authorityKeyIdentifier(keyIdentifier(issuerKey))];
  const tbs = sequence(
    encodeDer(contextTag(0, 'constructed'), integer(2)),
    integer(content.serial ?? BigInt(`0x40${randomBytes(15).toString('hex')}`)),
    algorithm.der,
    issuer.name,
    sequence(encodeTime(begin), encodeTime(end)),
    subject.name,
    publicKey,
    encodeDer(contextTag(3, 'constructed'), encodeExtensions([...extensions, ...identifiers])),
  );
  return encodePem('CERTIFICATE', encodeSigned(tbs, algorithm, sign(algorithm.digest, tbs, issuer.key)));
}

interface ListChange {
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date;
  readonly entries?: readonly RevokedEntry[];
  readonly algorithm?: SignatureAlgorithm;
}

/** A revocation list as PEM, valid for six more days. */
export function revocationList(issuer: Holder, change: ListChange = {}): string {
  const spki = subjectPublicKeyInfo(issuer.key);
  const { thisUpdate = days(-1), nextUpdate = days(6), entries = [], algorithm = signatureAlgorithmFor(spki) } = change;
  const content = { issuer: issuer.name, thisUpdate, nextUpdate, crlNumber: 7n, entries };
  const tbs = encodeTbsCrl({ ...content, authorityKeyIdentifier: keyIdentifier(spki) }, algorithm);
  return encodePem('X509 CRL', encodeSigned(tbs, algorithm, sign(algorithm.digest, tbs, issuer.key)));
}

/** A request as PEM for both usages. */
export async function request(key: KeyObject, commonName: string, names: readonly string[]): Promise<string> {
  const content = { subject: { commonName }, dnsNames: names, purposes: ['serverAuth', 'clientAuth'] } as const;
  return encodePem('CERTIFICATE REQUEST', await createRequest(key, content));
}

export function keyPem(key: KeyObject): string {
  return privateKeyPem(key).reveal();
}

export function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64');
}

// ---- artefacts -----------------------------------------------------------------------------------------------------

/** Files as the command reads them: their content by path. */
export async function files(contents: Readonly<Record<string, string | Buffer>>): Promise<Artefact[]> {
  const artefacts: Artefact[] = [];
  for (const [path, content] of Object.entries(contents)) {
    const bytes = Buffer.from(content);
    artefacts.push(
      await readContents(bytes, path).then(
        (found): Artefact => ({ path, kind: 'file', contents: found }),
        (error: VcsPkiError): Artefact => ({ path, kind: 'unreadable', error }),
      ),
    );
  }
  return artefacts;
}

export function log(path: string, text: string): Artefact {
  return { path, kind: 'log', events: parseApplianceLog(text) };
}

export function served(address: string, names: readonly string[], ...chain: readonly string[]): Artefact {
  return {
    path: address,
    kind: 'served',
    served: {
      address,
      names,
      at: now,
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      chain: chain.map((pem) => readCertificate(derOf(pem), address)),
      requestedAuthorities: undefined,
    },
  };
}

export function directory(path: string, facts: OpensslDirectoryFiles): Artefact {
  return { path, kind: 'openssl directory', directory: readOpensslDirectory(facts) };
}

/** What is found, as `CODE D00 severity at`. */
export function found(artefacts: readonly Artefact[], release?: ReleaseName): string[] {
  const facts = release === undefined ? undefined : findRelease(release);
  const { findings } = examine({ artefacts, now, ...(facts && { release: facts }) });
  return findings.map(({ code, diagnosis = '-', severity, at }) => `${code} ${diagnosis} ${severity} ${at}`);
}

// ---- a bundle in which nothing is wrong ----------------------------------------------------------------------------

export interface Material {
  readonly root: Holder;
  readonly issuing: Holder;
  readonly peer: Holder;
  /** PEM of the two authorities. */
  readonly rootPem: string;
  readonly issuingPem: string;
}

export function material(): Material {
  const root = holder('Example UC Root CA');
  const issuing = holder('Example UC Issuing CA');
  const rootPem = authorityCertificate(root);
  const issuingPem = authorityCertificate(issuing, root);
  return { root, issuing, peer: holder('expe1.example.com'), rootPem, issuingPem };
}

/** The upload folder of one peer. */
export function bundle({ root, issuing, peer, rootPem, issuingPem }: Material, folder = 'expe1') {
  return {
    [`${folder}/server.pem`]: peerCertificate(peer, issuing),
    [`${folder}/privatekey.pem`]: keyPem(peer.key),
    [`${folder}/ca.pem`]: rootPem + issuingPem,
    [`${folder}/crl.pem`]: revocationList(root) + revocationList(issuing),
  };
}

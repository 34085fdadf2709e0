import { encodeSigned } from '../../../x509/certificate.ts';
import { readCrl } from '../../../x509/crl.ts';
import { encodeDer, integer, oid, sequence } from '../../../x509/der.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  decodeExtensions,
  type Extension,
  encodeExtensions,
  extensionOids,
  keyUsage,
  subjectKeyIdentifier,
} from '../../../x509/extensions.ts';
import { encodeName, type Name, readName } from '../../../x509/name.ts';
import type { SignatureAlgorithm } from '../../../x509/signature.ts';
import { crlNumber, directoryName } from '../../../x509/testing/extensions.ts';
import { encodeTime } from '../../../x509/time.ts';
import type { PathCertificate, PathCrl } from '../path-certificate.ts';

/** Certificates and CRLs whose keys are words: whatever bears the word of a key is signed by it. */

export const now = new Date('2026-11-21T12:00:00Z');
const day = 86_400_000;
const algorithm: SignatureAlgorithm = { name: 'paper', der: sequence(oid('1.2.3.4')), digest: 'none' };

export const days = (count: number) => new Date(now.getTime() + count * day);

export interface PaperCertificate {
  /** As in `directoryName`. */
  readonly subject: string;
  /** The issuer's name; the subject itself for a root. */
  readonly issuer?: string;
  /** Its own key; the subject unless told. */
  readonly key?: string;
  /** The key that signed it; that of the issuer's name unless told. */
  readonly signedBy?: string;
  readonly serial?: bigint;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly version?: 1 | 3;
  readonly extensions?: readonly Extension[];
}

export function paperCertificate(content: PaperCertificate): PathCertificate {
  const { subject, issuer = subject, key = subject, signedBy = issuer, serial = 7n, extensions = [] } = content;
  return {
    ...decodeExtensions(extensions, subject),
    version: content.version ?? 3,
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    serialNumber: serial,
    notBefore: content.notBefore ?? days(-100),
    notAfter: content.notAfter ?? days(100),
    subjectPublicKeyInfo: Buffer.from(key),
    der: undefined,
    extensions,
    signatureAlgorithmName: undefined,
    publicKey: () => undefined,
    isSignedBy: (candidate) => candidate.subjectPublicKeyInfo?.toString() === signedBy,
  };
}

/** With basic constraints and key usage as an authority has them. */
export function paperAuthority(content: PaperCertificate & { readonly pathLength?: number }): PathCertificate {
  const { pathLength, extensions = [] } = content;
  const own = [basicConstraints({ authority: true, pathLength }), keyUsage(['keyCertSign', 'cRLSign'])];
  return paperCertificate({ ...content, extensions: [...own, ...extensions] });
}

export interface PaperCrl {
  readonly issuer: string;
  readonly signedBy?: string;
  readonly number?: bigint;
  readonly thisUpdate?: Date;
  /** Null for none. */
  readonly nextUpdate?: Date | null;
  readonly entries?: readonly { readonly serial: bigint; readonly extensions?: readonly Extension[] }[];
  /** Besides the CRL number. */
  readonly extensions?: readonly Extension[];
}

export function paperCrl(content: PaperCrl): PathCrl {
  const { issuer, signedBy = issuer, number = 1n, entries = [], extensions = [] } = content;
  const { nextUpdate = days(7) } = content;
  const list = entries.map(({ serial, extensions: own }) =>
    sequence(integer(serial), encodeTime(days(-5)), ...(own ? [encodeExtensions(own)] : [])),
  );
  const numbered = extensions.some((extension) => extension.oid === extensionOids.crlNumber)
    ? extensions
    : [crlNumber(number), ...extensions];
  const tbs = sequence(
    integer(1),
    algorithm.der,
    nameOf(issuer).der,
    encodeTime(content.thisUpdate ?? days(-1)),
    ...(nextUpdate ? [encodeTime(nextUpdate)] : []),
    ...(list.length > 0 ? [sequence(...list)] : []),
    encodeDer(0xa0, encodeExtensions(numbered)),
  );
  const crl = readCrl(encodeSigned(tbs, algorithm, Buffer.alloc(8)), issuer);
  return { ...crl, isSignedBy: (candidate) => candidate.subjectPublicKeyInfo?.toString() === signedBy };
}

export function keyIdentifiers(own: string, issuer: string): Extension[] {
  return [subjectKeyIdentifier(Buffer.from(own)), authorityKeyIdentifier(Buffer.from(issuer))];
}

export function nameOf(text: string): Name {
  return readName(encodeName(directoryName(text)));
}

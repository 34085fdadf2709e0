import { type KeyObject, webcrypto } from 'node:crypto';
import { VcsPkiError } from '../errors.ts';
import { readSigned } from './certificate.ts';
import { DerReader, Tag } from './der.ts';
import {
  decodeExtensions,
  type Extension,
  extendedKeyUsage,
  type KeyPurpose,
  subjectAlternativeName,
} from './extensions.ts';
import { subjectPublicKeyInfo } from './keys.ts';
import { encodeName, type Name, readName, type Subject } from './name.ts';
import { signatureAlgorithmFor, verifySignature } from './signature.ts';

export interface RequestContent {
  readonly subject: Subject;
  readonly dnsNames: readonly string[];
  readonly purposes: readonly KeyPurpose[];
}

/** A PKCS #10 request (RFC 2986) as DER, signed with the key, with the names and purposes as requested extensions. */
export async function createRequest(key: KeyObject, content: RequestContent): Promise<Buffer> {
  const { Extension: RequestExtension, Name: RequestName, Pkcs10CertificateRequestGenerator } = await loadX509();
  const { subject, dnsNames, purposes } = content;
  const extensions: Extension[] = [];
  if (dnsNames.length > 0) extensions.push(subjectAlternativeName(dnsNames));
  if (purposes.length > 0) extensions.push(extendedKeyUsage(purposes));
  const request = await Pkcs10CertificateRequestGenerator.create({
    ...(await importKeyPair(key)),
    name: new RequestName(encodeName(subject)),
    extensions: extensions.map(({ oid, critical, value }) => new RequestExtension(oid, critical, value)),
  });
  return Buffer.from(request.rawData);
}

/** What a request asks for. An authority decides for itself what to grant. */
export interface CertificateRequest {
  readonly der: Buffer;
  readonly subject: Name;
  readonly dnsNames: readonly string[];
  /** Names of other kinds, like "IP:10.0.0.1", "URI:sip:room@example.com", "email:room@example.com". */
  readonly otherNames: readonly string[];
  /** Names of the purposes that are known, dotted OIDs of others. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectPublicKeyInfo: Buffer;
  /** OIDs of all extensions that are asked for. */
  readonly requestedExtensions: readonly string[];
}

/**
 * Reads a request of at most 64 kB of strict DER and verifies that the key it names has signed it.
 * Fails with REQUEST_UNREADABLE or REQUEST_SIGNATURE_INVALID.
 */
export async function readRequest(der: Uint8Array, at: string): Promise<CertificateRequest> {
  const { Pkcs10CertificateRequest } = await loadX509();
  try {
    const signed = readSigned(DerReader.open(der, at), 'the request');
    signed.fields.integer('the version');
    const subject = readName(signed.fields.next(Tag.sequence, 'the subject').der, at);
    const spki = signed.fields.next(Tag.sequence, 'the public key').der;
    if (!verifySignature(spki, signed.tbs, signed.signature, signed.signatureAlgorithm)) throw notSigned(at);
    const extensions = new Pkcs10CertificateRequest(signed.der).extensions.map(({ type, critical, value }) => ({
      oid: type,
      critical,
      value: Buffer.from(value),
    }));
    const { dnsNames, alternativeNames, extendedKeyUsage } = decodeExtensions(extensions, at);
    return {
      der: signed.der,
      subject,
      dnsNames,
      otherNames: alternativeNames.filter(({ kind }) => kind !== 'DNS').map(({ kind, value }) => `${kind}:${value}`),
      extendedKeyUsage,
      subjectPublicKeyInfo: spki,
      requestedExtensions: extensions.map(({ oid }) => oid),
    };
  } catch (cause) {
    if (cause instanceof VcsPkiError && cause.code === 'REQUEST_SIGNATURE_INVALID') throw cause;
    // The library throws TypeError, RangeError and more on malformed input.
    throw new VcsPkiError('REQUEST_UNREADABLE', {
      at,
      message: 'it is not a certificate request (PKCS #10) that can be read',
      fix: 'download the request again from the peer that made it',
      cause,
    });
  }
}

/** Loaded when first needed: it takes longer than all the rest of this room. It needs reflect-metadata before it. */
async function loadX509() {
  await import('reflect-metadata');
  return await import('@peculiar/x509');
}

async function importKeyPair(key: KeyObject) {
  const spki = subjectPublicKeyInfo(key);
  const hash = signatureAlgorithmFor(spki).digest.replace('sha', 'SHA-');
  const signingAlgorithm =
    key.asymmetricKeyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash }
      : { name: 'ECDSA', hash, namedCurve: curves[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? '' };
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  try {
    const privateKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, signingAlgorithm, false, ['sign']);
    const publicKey = await webcrypto.subtle.importKey('spki', spki, signingAlgorithm, true, ['verify']);
    return { keys: { privateKey, publicKey }, signingAlgorithm };
  } finally {
    pkcs8.fill(0);
  }
}

const curves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function notSigned(at: string): VcsPkiError {
  return new VcsPkiError('REQUEST_SIGNATURE_INVALID', {
    at,
    message: 'the request is not signed by the key that it asks a certificate for',
    fix: 'make a new request on the peer and download it again; this one was damaged or changed',
  });
}

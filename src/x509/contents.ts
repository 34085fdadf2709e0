import type { KeyObject } from 'node:crypto';
import { VcsPkiError } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import { type Crl, readCrl } from './crl.ts';
import { DerReader, derInvalid } from './der.ts';
import { decryptPrivateKey, keyEncryption, openPrivateKey } from './keys.ts';
import { decodeText, type PemBlock, type PemPart, scanPem, standardLabel, startsAsDer } from './pem.ts';
import { readPkcs7 } from './pkcs7.ts';
import { readPkcs12 } from './read-pkcs12.ts';
import { recognize } from './recognize.ts';
import { type CertificateRequest, readRequest } from './request.ts';
import { type WorkLimit, workLimit } from './work-limit.ts';

/** What PKCS #12, and OpenSSL in the text before a PEM block, say of a key and of its certificate. */
export interface BagAttributes {
  readonly friendlyName?: string;
  readonly localKeyId?: Buffer;
}

export type Content =
  | ({ readonly kind: 'certificate'; readonly certificate: Certificate } & BagAttributes)
  | { readonly kind: 'request'; readonly request: CertificateRequest }
  | { readonly kind: 'crl'; readonly crl: Crl }
  | ({ readonly kind: 'key'; readonly key: KeyObject } & BagAttributes)
  /** No password was given; one that does not open the key is an error. */
  | ({ readonly kind: 'encrypted key'; readonly format: 'PKCS #8' | 'traditional' } & BagAttributes)
  /** What no appliance is given and what does no harm: a public key, parameters. */
  | { readonly kind: 'other'; readonly label: string }
  | { readonly kind: 'unreadable'; readonly label: string; readonly error: VcsPkiError };

export interface Contents {
  /** PEM blocks of PKCS #7 alone count as PKCS #7. */
  readonly form: 'PEM' | 'DER' | 'PKCS #7' | 'PKCS #12';
  /** In the order of the file. */
  readonly items: readonly Content[];
  /** Requirement 40; true for binary forms, which need no newline. */
  readonly endsWithNewline: boolean;
  /** Text outside the blocks other than blank lines and what `openssl pkcs12` writes there. */
  readonly textOutside: boolean;
  /**
   * Whether OpenSSL, and so a peer, finds all blocks that are found here: no byte order mark, no UTF-16, line ends of LF or
   * CRLF, no indentation, no label of its own. True for binary forms.
   */
  readonly plainText: boolean;
}

/**
 * What is in a file, by its content, never by its name: PEM with any mix of blocks, DER, PKCS #7, PKCS #12. At most 16 MiB,
 * 64 MiB for CRLs. A broken block does not hide the others; a file without any fails with PEM_INVALID, DER_INVALID,
 * CONTENT_UNKNOWN or what the reader of its one value says. The password may also fail with KEY_ENCRYPTED (PKCS #12),
 * KEY_PASSPHRASE_WRONG or KEY_DERIVATION_TOO_LONG.
 */
export async function readContents(
  bytes: Uint8Array,
  at: string,
  options: { readonly password?: Secret<string> | undefined } = {},
): Promise<Contents> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const opening = { password: options.password, limit: workLimit() };
  if (view.length > MAX_CRL_BYTES) throw tooLarge(at, view.length, MAX_CRL_BYTES);
  try {
    return await (startsAsDer(view) ? readBinary(view, at, opening) : readText(view, at, opening));
  } catch (cause) {
    throw asTypedError(cause, at);
  }
}

interface Opening {
  readonly password: Secret<string> | undefined;
  readonly limit: WorkLimit;
}

const MAX_BYTES = 16 * 1024 * 1024;
const MAX_CRL_BYTES = 64 * 1024 * 1024;
const MAX_ITEMS = 2000;

// ---- binary forms --------------------------------------------------------------------------------------------------

async function readBinary(bytes: Buffer, at: string, opening: Opening): Promise<Contents> {
  const label = recognize(bytes);
  if (label !== 'X509 CRL' && bytes.length > MAX_BYTES) throw tooLarge(at, bytes.length, MAX_BYTES);
  const binary = { endsWithNewline: true, textOutside: false, plainText: true };
  if (label === 'PKCS12') return { form: 'PKCS #12', items: await readPkcs12Items(bytes, at, opening), ...binary };
  if (label === 'PKCS7') return { form: 'PKCS #7', items: await readPkcs7Items(bytes, at, opening), ...binary };
  if (label === undefined) {
    DerReader.open(bytes, at, MAX_BYTES);
    throw unknown(at, 'it is DER, but no certificate, request, revocation list or private key');
  }
  return { form: 'DER', items: [await readValue({ label, der: bytes, headers: [] }, at, opening)], ...binary };
}

// ---- containers ----------------------------------------------------------------------------------------------------

async function readPkcs7Items(bytes: Buffer, at: string, opening: Opening): Promise<Content[]> {
  const items: Content[] = [];
  for (const [index, { label, der }] of readPkcs7(bytes, at).entries())
    items.push(await readOrExplain({ label, der, headers: [] }, `${at}, part ${index + 1}`, opening));
  return items;
}

async function readPkcs12Items(bytes: Buffer, at: string, opening: Opening): Promise<Content[]> {
  const items: Content[] = [];
  for (const [index, { label, der, ...attributes }] of (await readPkcs12(bytes, { at, ...opening })).entries()) {
    const item = await readOrExplain({ label, der, headers: [] }, `${at}, part ${index + 1}`, opening);
    items.push(withAttributes(item, attributes));
    if (label === 'PRIVATE KEY') der.fill(0);
  }
  return items;
}

// ---- PEM -----------------------------------------------------------------------------------------------------------

async function readText(bytes: Buffer, at: string, opening: Opening): Promise<Contents> {
  if (bytes.length > MAX_BYTES) refuseLargeText(bytes, at);
  const text = decodeText(bytes);
  const { parts, textAfter } = scanPem(text, at);
  if (parts.length === 0) throw noBlock(text, at);
  if (bytes.length > MAX_BYTES && !parts.every(({ label }) => standardLabel(label) === 'X509 CRL'))
    throw tooLarge(at, bytes.length, MAX_BYTES);
  const items: Content[] = [];
  for (const part of parts) {
    if (Math.max(parts.length, items.length) > MAX_ITEMS)
      throw unknown(at, `it holds more than ${MAX_ITEMS} items`, SPLIT);
    items.push(...(await readPart(part, at, opening)));
  }
  return {
    form: parts.every(isPkcs7) ? 'PKCS #7' : 'PEM',
    items,
    endsWithNewline: text.endsWith('\n'),
    textOutside: [...parts.map(({ textBefore }) => textBefore), textAfter].some(isForeignText),
    plainText: !/^\uFEFF|\r(?!\n)|^[ \t]+-----(?:BEGIN|END)/m.test(text) && parts.every(({ label }) => label !== 'CRL'),
  };
}

/** Before it is decoded: what is no list is too large, or no PEM at all. */
function refuseLargeText(bytes: Buffer, at: string): void {
  const begin = bytes.indexOf(BEGIN);
  if (begin < 0) throw noForm(at);
  const label = bytes.toString('latin1', begin + BEGIN.length, begin + BEGIN.length + 'X509 CRL-----'.length);
  if (!/^(?:X509 )?CRL-----/.test(label)) throw tooLarge(at, bytes.length, MAX_BYTES);
}

const BEGIN = '-----BEGIN ';

async function readPart(part: PemPart, at: string, opening: Opening): Promise<Content[]> {
  if ('error' in part) return [{ kind: 'unreadable', label: part.label, error: part.error }];
  const { block, textBefore } = part;
  const where = `${at}, line ${block.line}`;
  if (block.label === 'EC PARAMETERS') return [];
  if (!isPkcs7(part)) {
    const item = await readOrExplain({ ...block, label: standardLabel(block.label) }, where, opening);
    return [withAttributes(item, bagAttributes(textBefore))];
  }
  try {
    return await readPkcs7Items(block.der, where, opening);
  } catch (error) {
    return [unreadable(block.label, where, error)];
  }
}

/** certsrv and `certutil -encode` write PKCS #7 under the label of a certificate. */
function isPkcs7(part: PemPart): boolean {
  const label = standardLabel(part.label);
  return 'block' in part && (label === 'PKCS7' || (label === 'CERTIFICATE' && recognize(part.block.der) === 'PKCS7'));
}

/** What `openssl pkcs12` writes before a block (requirements 85 and 86). */
function bagAttributes(text: string): BagAttributes {
  const attributes = text.slice(Math.max(0, text.lastIndexOf('Bag Attributes')));
  const friendlyName = /^[ \t]*friendlyName: (.*)$/m.exec(attributes)?.[1]?.trim();
  const localKeyId = /^[ \t]*localKeyID: ([0-9A-F ]+)$/im.exec(attributes)?.[1]?.replaceAll(' ', '');
  return {
    ...(friendlyName && { friendlyName }),
    ...(localKeyId && { localKeyId: Buffer.from(localKeyId, 'hex') }),
  };
}

/** Whether there is a line that `openssl pkcs12` would not have written outside a block. */
function isForeignText(text: string): boolean {
  let afterAttributes = false;
  for (const [line] of text.matchAll(/\S[^\r\n]*/g)) {
    if (/^(Bag|Key) Attributes/.test(line)) afterAttributes = true;
    else if (!/^(subject|issuer)=/.test(line) && !(afterAttributes && ATTRIBUTE.test(line))) return true;
  }
  return false;
}

/** "name: value", or octets that did not fit in its line. */
const ATTRIBUTE = /^[^:]+:|^[0-9A-F\s]+$/;

// ---- values --------------------------------------------------------------------------------------------------------

/** A value under its label, and the header lines of its block. */
type Value = Omit<PemBlock, 'line'>;

async function readValue(value: Value, at: string, opening: Opening): Promise<Content> {
  const { label, der } = value;
  const found = keyEncryption(value) === 'traditional' ? label : recognize(der);
  if (readableLabels.has(label) && found !== undefined && found !== label) throw mislabelled(at, label, found);
  switch (label) {
    case 'CERTIFICATE':
      return { kind: 'certificate', certificate: readCertificate(der, at) };
    case 'CERTIFICATE REQUEST':
      return { kind: 'request', request: await readRequest(der, at) };
    case 'X509 CRL':
      return { kind: 'crl', crl: readCrl(der, at) };
    case 'TRUSTED CERTIFICATE':
      throw unknown(at, 'it is a certificate with trust settings of OpenSSL', 'openssl x509 -in FILE -out plain.pem');
    default:
      if (harmlessLabels.has(label)) return { kind: 'other', label };
      if (label.endsWith('PRIVATE KEY')) return readKey(value, at, opening);
      throw unknown(at, `${label} is nothing that is read here`);
  }
}

const readableLabels: ReadonlySet<string> = new Set([
  'CERTIFICATE',
  'CERTIFICATE REQUEST',
  'X509 CRL',
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'RSA PRIVATE KEY',
  'EC PRIVATE KEY',
]);

const harmlessLabels: ReadonlySet<string> = new Set([
  'PUBLIC KEY',
  'RSA PUBLIC KEY',
  'DH PARAMETERS',
  'X9.42 DH PARAMETERS',
  'DSA PARAMETERS',
]);

function readKey(value: Value, at: string, { password, limit }: Opening): Content {
  const format = keyEncryption(value);
  if (!format) return { kind: 'key', key: openPrivateKey(value, at) };
  if (!password) return { kind: 'encrypted key', format };
  return { kind: 'key', key: decryptPrivateKey(value, { at, passphrase: password, limit }) };
}

function withAttributes(item: Content, attributes: BagAttributes): Content {
  return item.kind === 'certificate' || item.kind === 'key' || item.kind === 'encrypted key'
    ? { ...item, ...attributes }
    : item;
}

async function readOrExplain(value: Value, at: string, opening: Opening): Promise<Content> {
  try {
    return await readValue(value, at, opening);
  } catch (error) {
    return unreadable(value.label, at, error);
  }
}

// ---- errors --------------------------------------------------------------------------------------------------------

/** A wrong password is no fault of the file. */
function unreadable(label: string, at: string, cause: unknown): Content {
  const error = asTypedError(cause, at);
  if (error.code === 'KEY_PASSPHRASE_WRONG') throw error;
  return { kind: 'unreadable', label, error };
}

/** What a library throws at malformed input can be anything. */
function asTypedError(cause: unknown, at: string): VcsPkiError {
  return cause instanceof VcsPkiError ? cause : derInvalid(at, 'it cannot be read', cause);
}

function noBlock(text: string, at: string): VcsPkiError {
  if (text.trim() === '') return unknown(at, 'it is empty');
  const base64 = text.replace(/\s+/g, '');
  const label = /^MI[A-Za-z0-9+/]+={0,2}$/.test(base64) ? recognize(Buffer.from(base64, 'base64')) : undefined;
  if (label === undefined) return noForm(at);
  return new VcsPkiError('PEM_INVALID', {
    at,
    message: `it is the base64 of a ${label} without its BEGIN and END lines`,
    fix: `put "-----BEGIN ${label}-----" in a line before it and "-----END ${label}-----" in a line behind it`,
  });
}

function noForm(at: string): VcsPkiError {
  return unknown(at, 'it is neither PEM nor DER, PKCS #7 or PKCS #12', 'give a file in one of these forms');
}

function mislabelled(at: string, label: string, found: string): VcsPkiError {
  const fix =
    found === 'PKCS12'
      ? 'make the binary file of it: certutil -decode, or openssl base64 -d without its BEGIN and END lines'
      : `write ${found} in its BEGIN and END lines`;
  return new VcsPkiError('PEM_INVALID', { at, message: `its BEGIN line says ${label}, but it holds a ${found}`, fix });
}

function tooLarge(at: string, size: number, limit: number): VcsPkiError {
  return unknown(at, `${size} bytes are more than the ${limit} allowed`, SPLIT);
}

function unknown(
  at: string,
  message: string,
  fix = 'give certificates, requests, revocation lists or keys',
): VcsPkiError {
  return new VcsPkiError('CONTENT_UNKNOWN', { at, message, fix });
}

const SPLIT = 'split it into several files';

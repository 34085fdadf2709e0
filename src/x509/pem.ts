import { VcsPkiError } from '../errors.ts';

export interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
  /** Of its BEGIN, from 1. */
  readonly line: number;
  /** Header lines (RFC 1421), as an encrypted key in the traditional form has them. */
  readonly headers: readonly string[];
}

/** RFC 7468: 64 columns, LF, and a newline at the end (requirement 40). */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  return `-----BEGIN ${label}-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;
}

/**
 * All blocks of a PEM text, in order. Text outside the armor is ignored.
 * A truncated block, labels that do not match, bad base64 or no block at all fail with PEM_INVALID.
 */
export function decodePem(text: string, at: string): PemBlock[] {
  const blocks = scanPem(text, at).parts.map((part) => {
    if ('error' in part) throw part.error;
    return part.block;
  });
  if (blocks.length === 0)
    throw invalid(
      at,
      'there is no PEM block in it',
      'give a text with a "-----BEGIN ...-----" line; convert DER or PKCS #12 to PEM first',
    );
  return blocks;
}

/** A block, or why it cannot be read; the error never shows the text, which may be a private key. */
export type PemPart = { readonly textBefore: string; readonly label: string } & (
  | { readonly block: PemBlock }
  | { readonly error: VcsPkiError }
);

/** The blocks of a PEM text and the text around them. A block that cannot be read does not hide the others. */
export function scanPem(text: string, at: string): { parts: PemPart[]; textAfter: string } {
  const parts: PemPart[] = [];
  let outside = 0;
  let open: ArmorLine | undefined;
  const close = (first: ArmorLine, result: { block: PemBlock } | { error: VcsPkiError }, end: number) => {
    if (parts.length === MAX_BLOCKS)
      throw invalid(at, `it has more than ${MAX_BLOCKS} blocks`, 'split it into several files');
    parts.push({ textBefore: text.slice(outside, first.start), label: first.label ?? 'PEM', ...result });
    outside = end;
  };
  for (const armor of armorLines(text)) {
    if (armor.kind === 'END')
      close(open ?? armor, open ? readBlock(text, open, armor, at) : noBegin(armor, at), armor.end);
    else if (open) close(open, noEnd(open, at), armor.start);
    open = armor.kind === 'BEGIN' ? armor : undefined;
  }
  if (open) close(open, noEnd(open, at), text.length);
  return { parts, textAfter: text.slice(outside) };
}

/**
 * The values of one kind in a file that is either PEM or a single DER value; what it is, its content says, never its name.
 * A PEM block of another kind fails with PEM_INVALID.
 */
export function decodeDerOrPem(bytes: Uint8Array, label: string, at: string): Buffer[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // A truncated DER file too: the reader of the value tells what is wrong with it.
  if (startsAsDer(view)) return [view];
  const text = decodeText(view);
  if (!text.includes('-----BEGIN'))
    throw invalid(at, 'it is neither PEM nor DER', `give a ${label} in one of these two forms`);
  const blocks = decodePem(text, at);
  const other = blocks.find((block) => standardLabel(block.label) !== label);
  if (other)
    throw invalid(at, `it holds a ${other.label} where a ${label} belongs`, `give a file with only ${label} blocks`);
  return blocks.map(({ der }) => der);
}

/** Whether it begins with a SEQUENCE whose length no text would have. */
export function startsAsDer(bytes: Buffer): boolean {
  const length = bytes[1] ?? 0;
  return bytes[0] === SEQUENCE && (length >= 0x80 || bytes.length === 2 + length);
}

/** UTF-8, or UTF-16 where its byte order mark says so: certreq and PowerShell write it. A mark stays in the text. */
export function decodeText(bytes: Buffer): string {
  const mark = bytes.toString('latin1', 0, 2);
  if (mark === '\xff\xfe') return bytes.toString('utf16le');
  if (mark !== '\xfe\xff') return bytes.toString('utf8');
  const units = Buffer.from(bytes.subarray(0, bytes.length & ~1));
  return units.swap16().toString('utf16le');
}

/** The label of RFC 7468 for the ones that others write for the same encoding. */
export function standardLabel(label: string): string {
  return synonyms[label] ?? label;
}

const SEQUENCE = 0x30;
const MAX_BLOCKS = 10_000;
const ASK_AGAIN = 'copy the whole text again, from its BEGIN line to its END line, with its line breaks';

/** Microsoft's certreq, old OpenSSL and Netscape, and @peculiar/x509. */
const synonyms: Readonly<Record<string, string>> = {
  'NEW CERTIFICATE REQUEST': 'CERTIFICATE REQUEST',
  'X509 CERTIFICATE': 'CERTIFICATE',
  CRL: 'X509 CRL',
  CMS: 'PKCS7',
  'PKCS #7 SIGNED DATA': 'PKCS7',
};

// ---- lines and blocks ----------------------------------------------------------------------------------------------

interface ArmorLine {
  readonly kind: 'BEGIN' | 'END';
  /** Undefined when the line is broken. */
  readonly label: string | undefined;
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

function* armorLines(text: string): Generator<ArmorLine> {
  let line = 1;
  let counted = 0;
  for (const { 0: found, index } of text.matchAll(/^[ \t\uFEFF]*-----(?:BEGIN|END).*$/gm)) {
    line += countLineBreaks(text, counted, index);
    counted = index;
    const armor = found.replace('\uFEFF', '').trim();
    const label = /^-----(?:BEGIN|END) ([A-Z0-9.#]{1,32}(?:[ -][A-Z0-9.#]{1,32}){0,5})-----$/.exec(armor)?.[1];
    const kind = armor.startsWith('-----BEGIN') ? 'BEGIN' : 'END';
    yield { kind, label, line, start: index, end: index + found.length };
  }
}

function countLineBreaks(text: string, from: number, to: number): number {
  let count = 0;
  for (let index = from; index < to; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x0a ? text.charCodeAt(index - 1) !== 0x0d : code === 0x0d) count += 1;
  }
  return count;
}

function readBlock(
  text: string,
  begin: ArmorLine,
  end: ArmorLine,
  at: string,
): { block: PemBlock } | { error: VcsPkiError } {
  const { label, line } = begin;
  if (label === undefined) return notWhole(begin, at);
  if (end.label === undefined) return notWhole(end, at);
  if (end.label !== label)
    return fault(at, `BEGIN ${label} in line ${line} ends with END ${end.label} in line ${end.line}`);
  const inside = text.slice(begin.end, end.start);
  // Header lines have a colon, base64 never has. The guides print headers without the blank line that should follow.
  const lastColon = inside.lastIndexOf(':');
  const headerLength = lastColon < 0 ? 0 : lastColon + inside.slice(lastColon).search(/[\r\n]|$/);
  const headers = inside
    .slice(0, headerLength)
    .split(/[\r\n]+/)
    .map((header) => header.trim())
    .filter((header) => header !== '');
  const base64 = inside.slice(headerLength).replace(/\s+/g, '');
  const der = Buffer.from(base64, 'base64');
  if (der.length === 0 || der.toString('base64') !== base64 || !headers.every((header) => /^[\w-]+: /.test(header)))
    return fault(at, `the ${label} in line ${line} is not correct base64`);
  return { block: { label, der, line, headers } };
}

function noEnd(begin: ArmorLine, at: string): { error: VcsPkiError } {
  if (begin.label === undefined) return notWhole(begin, at);
  return fault(at, `the ${begin.label} in line ${begin.line} has no END line`);
}

function noBegin(end: ArmorLine, at: string): { error: VcsPkiError } {
  if (end.label === undefined) return notWhole(end, at);
  return fault(at, `END ${end.label} in line ${end.line} has no BEGIN`);
}

function notWhole({ line }: ArmorLine, at: string): { error: VcsPkiError } {
  return fault(at, `line ${line} is not a whole BEGIN or END line`);
}

function fault(at: string, message: string): { error: VcsPkiError } {
  return { error: invalid(at, message, ASK_AGAIN) };
}

function invalid(at: string, message: string, fix: string): VcsPkiError {
  return new VcsPkiError('PEM_INVALID', { at, message, fix });
}

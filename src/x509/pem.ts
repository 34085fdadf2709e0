import { VcsPkiError } from '../errors.ts';

/** The labels that vcs-pki writes (RFC 7468); other tools write more. */
export type PemLabel = 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'X509 CRL' | 'PRIVATE KEY' | 'ENCRYPTED PRIVATE KEY';

export interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
}

/** RFC 7468: 64 columns, LF, and a newline at the end (requirement 40). */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  return `-----BEGIN ${label}-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;
}

/**
 * All blocks of a PEM text, in order. Text outside the armor is ignored, and so are header lines inside it (RFC 1421).
 * A truncated block, labels that do not match, bad base64 or no block at all fail with PEM_INVALID.
 */
export function decodePem(text: string, at: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { label: string; line: number; body: string[] } | undefined;
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw.trim();
    const number = index + 1;
    if (!line.startsWith('-----')) {
      open?.body.push(line);
      continue;
    }
    const [, kind, label] = /^-----(BEGIN|END) ((?:[A-Z0-9.]+[ #-]?){1,6})-----$/.exec(line) ?? [];
    if (kind === undefined || label === undefined) {
      if (!open && !/^-----(BEGIN|END)/.test(line)) continue;
      throw invalid(at, `line ${number} is not a whole BEGIN or END line`, ASK_AGAIN);
    }
    if (kind === 'BEGIN') {
      if (open) throw truncated(at, open);
      open = { label, line: number, body: [] };
    } else if (!open) {
      throw invalid(at, `END ${label} in line ${number} has no BEGIN`, ASK_AGAIN);
    } else if (open.label !== label) {
      throw invalid(at, `BEGIN ${open.label} in line ${open.line} ends with END ${label} in line ${number}`, ASK_AGAIN);
    } else {
      blocks.push({ label, der: body(open, at) });
      open = undefined;
    }
  }
  if (open) throw truncated(at, open);
  if (blocks.length === 0)
    throw invalid(
      at,
      'there is no PEM block in it',
      'give a text with a "-----BEGIN ...-----" line; convert DER or PKCS #12 to PEM first',
    );
  return blocks;
}

/**
 * The values of one kind in a file that is either PEM or a single DER value; what it is, its content says, never its name.
 * A PEM block of another kind fails with PEM_INVALID.
 */
export function decodeDerOrPem(bytes: Uint8Array, label: string, at: string): Buffer[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isDerSequence(view)) return [view];
  if (!view.includes('-----BEGIN')) {
    // A truncated DER file: the reader of the value tells what is wrong with it.
    if (view[0] === SEQUENCE && (view[1] ?? 0) >= 0x80) return [view];
    throw invalid(at, 'it is neither PEM nor DER', `give a ${label} in one of these two forms`);
  }
  const blocks = decodePem(view.toString('utf8'), at);
  const other = blocks.find((block) => (synonyms[block.label] ?? block.label) !== label);
  if (other)
    throw invalid(at, `it holds a ${other.label} where a ${label} belongs`, `give a file with only ${label} blocks`);
  return blocks.map(({ der }) => der);
}

const SEQUENCE = 0x30;
const ASK_AGAIN = 'copy the whole text again, from its BEGIN line to its END line, with its line breaks';

/** Other labels for the same encodings: Microsoft's certreq, and old OpenSSL. */
const synonyms: Readonly<Record<string, string>> = {
  'NEW CERTIFICATE REQUEST': 'CERTIFICATE REQUEST',
  'X509 CERTIFICATE': 'CERTIFICATE',
};

function body(open: { label: string; line: number; body: string[] }, at: string): Buffer {
  const blank = open.body.indexOf('');
  const hasHeaders = open.body[0]?.includes(':') ?? false;
  const base64 = open.body.slice(hasHeaders && blank >= 0 ? blank + 1 : 0).join('');
  const der = Buffer.from(base64, 'base64');
  if (der.length === 0 || der.toString('base64') !== base64)
    throw invalid(at, `the ${open.label} in line ${open.line} is not correct base64`, ASK_AGAIN);
  return der;
}

/** Whether this is exactly one SEQUENCE, judged by its header alone. */
function isDerSequence(bytes: Buffer): boolean {
  if (bytes[0] !== SEQUENCE || bytes.length < 2) return false;
  const first = bytes[1] ?? 0;
  if (first < 0x80) return bytes.length === 2 + first;
  const octets = first & 0x7f;
  return octets >= 1 && octets <= 4 && bytes.length > 2 + octets
    ? bytes.length === 2 + octets + bytes.readUIntBE(2, octets)
    : false;
}

function truncated(at: string, open: { label: string; line: number }): VcsPkiError {
  return invalid(at, `the ${open.label} in line ${open.line} has no END line`, ASK_AGAIN);
}

/** Never shows the text: it may be a private key. */
function invalid(at: string, message: string, fix: string): VcsPkiError {
  return new VcsPkiError('PEM_INVALID', { at, message, fix });
}

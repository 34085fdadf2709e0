import { DerReader, derInvalid, Tag } from './der.ts';

export interface BerValue {
  readonly tag: number;
  /** The whole value as it stands: identifier, length, content. */
  readonly bytes: Buffer;
  readonly content: Buffer;
}

/**
 * Reads the frames of PKCS #7 and PKCS #12, which Windows writes in BER: indefinite lengths, octet strings in pieces
 * (X.690 8.1.3.6, 8.7.3). Looks at no value before it is asked for, so that a broken one leaves its neighbours readable.
 * Every failure is a VcsPkiError DER_INVALID that names `at`.
 */
export class BerReader {
  readonly at: string;
  readonly #bytes: Buffer;
  #offset = 0;

  private constructor(bytes: Buffer, at: string) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** A reader over exactly one value, at most `maxBytes` long. */
  static open(bytes: Buffer, at: string, maxBytes = 1_048_576): BerReader {
    if (bytes.length > maxBytes) throw derInvalid(at, `${bytes.length} bytes are more than the ${maxBytes} allowed`);
    if (bytes.length === 0) throw derInvalid(at, 'it is empty');
    if (header(bytes, 0, 0, at).next !== bytes.length) throw derInvalid(at, 'something follows after its end');
    return new BerReader(bytes, at);
  }

  get more(): boolean {
    return this.#offset < this.#bytes.length;
  }

  /** The identifier octet of the next value; undefined at the end. */
  get tag(): number | undefined {
    return this.#bytes[this.#offset];
  }

  any(what: string): BerValue {
    if (!this.more) throw derInvalid(this.at, `${what} is missing`);
    const { tag, start, end, next } = header(this.#bytes, this.#offset, 0, this.at);
    const value = {
      tag,
      bytes: this.#bytes.subarray(this.#offset, next),
      content: this.#bytes.subarray(start, end),
    };
    this.#offset = next;
    return value;
  }

  next(tag: number, what: string): BerValue {
    const value = this.any(what);
    if (value.tag !== tag) throw derInvalid(this.at, `${what} is not where it belongs`);
    return value;
  }

  enter(tag: number, what: string): BerReader {
    return this.into(this.next(tag, what));
  }

  enterOptional(tag: number, what: string): BerReader | undefined {
    return this.tag === tag ? this.enter(tag, what) : undefined;
  }

  into(value: BerValue): BerReader {
    return new BerReader(value.content, this.at);
  }

  /** The next value as strict DER: what is small and never in pieces. */
  strict(what: string): DerReader {
    return DerReader.open(this.any(what).bytes, this.at);
  }

  /** An OCTET STRING, in one piece or several; `tag` where it is tagged implicitly. */
  octets(what: string, tag: number = Tag.octetString): Buffer {
    if (this.tag !== (tag | CONSTRUCTED)) return this.next(tag, what).content;
    const pieces = this.into(this.any(what));
    const found: Buffer[] = [];
    while (pieces.more) found.push(pieces.next(Tag.octetString, what).content);
    return Buffer.concat(found);
  }
}

const CONSTRUCTED = 0x20;
const INDEFINITE = 0x80;
const MAX_DEPTH = 32;

interface Header {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
  /** Offset of the next value: behind the end-of-contents octets, where there are some. */
  readonly next: number;
}

function header(bytes: Buffer, offset: number, depth: number, at: string): Header {
  if (bytes.length - offset < 2) throw derInvalid(at, `it ends in the middle of a value (byte ${offset})`);
  const tag = bytes[offset] ?? 0;
  const first = bytes[offset + 1] ?? 0;
  if ((tag & 0x1f) === 0x1f) throw derInvalid(at, `a tag number above 30 (byte ${offset})`);
  if (first === INDEFINITE) {
    const end = endOfContents(bytes, offset, depth, at);
    return { tag, start: offset + 2, end, next: end + 2 };
  }
  const octets = first < 0x80 ? 0 : first & 0x7f;
  const start = offset + 2 + octets;
  if (octets > 4) throw derInvalid(at, `a length of ${octets} octets (byte ${offset})`);
  if (start > bytes.length) throw derInvalid(at, `it ends in the middle of a length (byte ${offset})`);
  const end = start + (octets === 0 ? first : bytes.readUIntBE(offset + 2, octets));
  if (end > bytes.length) throw derInvalid(at, `a length that runs past the end (byte ${offset})`);
  return { tag, start, end, next: end };
}

/** Offset of the two zero octets that close the value at `offset`, whose length is indefinite (X.690 8.1.5). */
function endOfContents(bytes: Buffer, offset: number, depth: number, at: string): number {
  if (((bytes[offset] ?? 0) & CONSTRUCTED) === 0)
    throw derInvalid(at, `an indefinite length of a simple value (byte ${offset})`);
  if (depth === MAX_DEPTH) throw derInvalid(at, `values are nested more than ${MAX_DEPTH} deep`);
  let inner = offset + 2;
  while (bytes[inner] !== 0 || bytes[inner + 1] !== 0) inner = header(bytes, inner, depth + 1, at).next;
  return inner;
}

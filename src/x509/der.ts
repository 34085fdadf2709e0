import { VcsPkiError } from '../errors.ts';

/** Identifier octets of the ASN.1 types of X.509, and of those that the other names of Kerberos and others bring (X.690 8.1.2). */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  objectDescriptor: 0x07,
  enumerated: 0x0a,
  utf8String: 0x0c,
  relativeOid: 0x0d,
  sequence: 0x30,
  set: 0x31,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  videotexString: 0x15,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  graphicString: 0x19,
  visibleString: 0x1a,
  generalString: 0x1b,
  universalString: 0x1c,
  bmpString: 0x1e,
} as const;

/** Identifier octet of a context-specific tag below 31. */
export function contextTag(number: number, form: 'primitive' | 'constructed'): number {
  return (form === 'constructed' ? 0xa0 : 0x80) | number;
}

// ---- writing -------------------------------------------------------------------------------------------------------

/** One value: identifier, definite length in its shortest form, and the contents in order. */
export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const content of contents) length += content.length;
  const out = Buffer.allocUnsafe(headerSize(length) + length);
  let offset = writeHeader(out, 0, tag, length);
  for (const content of contents) {
    out.set(content, offset);
    offset += content.length;
  }
  return out;
}

export function sequence(...contents: readonly Uint8Array[]): Buffer {
  return encodeDer(Tag.sequence, ...contents);
}

export function octetString(content: Uint8Array): Buffer {
  return encodeDer(Tag.octetString, content);
}

/** A BIT STRING whose bits fill whole octets. */
export function bitString(content: Uint8Array): Buffer {
  return encodeDer(Tag.bitString, Buffer.of(0), content);
}

export function integer(value: bigint | number): Buffer {
  return encodeDer(Tag.integer, integerOctets(BigInt(value)));
}

/** Two's complement in the fewest octets (X.690 8.3). */
export function integerOctets(value: bigint): Buffer {
  const magnitude = value < 0n ? -value - 1n : value;
  const digits = magnitude.toString(16);
  const hex = digits.length % 2 === 0 ? digits : `0${digits}`;
  const octets = Buffer.from((hex.codePointAt(0) ?? 0) >= 0x38 ? `00${hex}` : hex, 'hex');
  if (value < 0n) for (let index = 0; index < octets.length; index++) octets[index] = 255 - (octets[index] ?? 0);
  return octets;
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  const octets: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) {
    const digits = [Number(arc & 0x7fn)];
    for (let more = arc >> 7n; more > 0n; more >>= 7n) digits.unshift(Number(more & 0x7fn) | 0x80);
    octets.push(...digits);
  }
  return encodeDer(Tag.oid, Buffer.from(octets));
}

function headerSize(length: number): number {
  if (length < 0x80) return 2;
  if (length < 0x100) return 3;
  if (length < 0x1_0000) return 4;
  return length < 0x100_0000 ? 5 : 6;
}

/** Writes identifier and length at `offset`; returns the offset behind them. */
export function writeHeader(out: Buffer, offset: number, tag: number, length: number): number {
  out[offset] = tag;
  const lengthOctets = headerSize(length) - 2;
  if (lengthOctets === 0) {
    out[offset + 1] = length;
    return offset + 2;
  }
  out[offset + 1] = 0x80 | lengthOctets;
  return out.writeUIntBE(length, offset + 2, lengthOctets);
}

// ---- reading -------------------------------------------------------------------------------------------------------

export interface DerElement {
  readonly tag: number;
  /** The whole value: identifier, length, content. */
  readonly der: Buffer;
  readonly content: Buffer;
}

/**
 * Reads values one after the other. `DerReader.open` checks the whole tree first, so that what follows only has to
 * compare tags. Every failure is a VcsPkiError DER_INVALID that names `at`.
 */
export class DerReader {
  readonly at: string;
  readonly #bytes: Buffer;
  #offset = 0;

  private constructor(bytes: Buffer, at: string) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** A reader over exactly one value of strict DER, at most `maxBytes` long. */
  static open(bytes: Uint8Array, at: string, maxBytes = 65_536): DerReader {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.length > maxBytes)
      throw new VcsPkiError('DER_INVALID', {
        at,
        message: `${view.length} bytes are more than the ${maxBytes} that are read`,
        fix: 'check that it is the right file; a certificate of such a size has too many names for TLS too',
      });
    if (view.length === 0) throw derInvalid(at, 'it is empty');
    checkValue(view, 0, view.length, 0, at);
    if (valueEnd(view, 0) !== view.length) throw derInvalid(at, 'something follows after its end');
    return new DerReader(view, at);
  }

  get more(): boolean {
    return this.#offset < this.#bytes.length;
  }

  /** The identifier octet of the next value; undefined at the end. */
  get tag(): number | undefined {
    return this.#bytes[this.#offset];
  }

  any(what: string): DerElement {
    const { tag } = this;
    if (tag === undefined) throw derInvalid(this.at, `${what} is missing`);
    const end = valueEnd(this.#bytes, this.#offset);
    const element = {
      tag,
      der: this.#bytes.subarray(this.#offset, end),
      content: this.#bytes.subarray(contentStart(this.#bytes, this.#offset), end),
    };
    this.#offset = end;
    return element;
  }

  next(tag: number, what: string): DerElement {
    if (this.more && this.tag !== tag)
      throw derInvalid(this.at, `${what} has tag ${hex(this.tag ?? 0)} where ${hex(tag)} belongs`);
    return this.any(what);
  }

  optional(tag: number, what: string): DerElement | undefined {
    return this.tag === tag ? this.next(tag, what) : undefined;
  }

  enter(tag: number, what: string): DerReader {
    return this.into(this.next(tag, what));
  }

  enterOptional(tag: number, what: string): DerReader | undefined {
    return this.tag === tag ? this.enter(tag, what) : undefined;
  }

  /** A reader over the values inside a constructed element that this reader gave. */
  into(element: DerElement): DerReader {
    return new DerReader(element.content, this.at);
  }

  integer(what: string, tag: number = Tag.integer): bigint {
    const { content } = this.next(tag, what);
    // Serial and CRL numbers have 20 octets at most (RFC 5280 4.1.2.2, 5.2.3); the cap keeps BigInt work small.
    if (content.length > 64) throw derInvalid(this.at, `${what} has ${content.length} octets`);
    if (content.length === 0) throw derInvalid(this.at, `${what} is an empty INTEGER`);
    const value = BigInt(`0x${content.toString('hex')}`);
    return BigInt.asIntN(content.length * 8, value);
  }

  oid(what: string): string {
    return readOid(this.next(Tag.oid, what).content);
  }

  /** A BOOLEAN DEFAULT FALSE. An explicit FALSE is no DER but common, and harmless. */
  booleanOrFalse(what: string): boolean {
    return this.optional(Tag.boolean, what)?.content[0] === 0xff;
  }

  /** A BIT STRING of whole octets. */
  octetBits(what: string): Buffer {
    const { content } = this.next(Tag.bitString, what);
    if (content[0] !== 0) throw derInvalid(this.at, `${what} does not fill whole octets`);
    return content.subarray(1);
  }

  end(what: string): void {
    if (this.more) throw derInvalid(this.at, `${what} has an unexpected field with tag ${hex(this.tag ?? 0)}`);
  }
}

export function derInvalid(at: string, message: string, cause?: unknown): VcsPkiError {
  return new VcsPkiError('DER_INVALID', {
    at,
    message: `the encoding is broken: ${message}`,
    fix: 'get the file again from where it was made, as PEM or DER, and transfer it in binary mode',
    cause,
  });
}

/** Offset of the content of a checked value. */
export function contentStart(bytes: Buffer, offset: number): number {
  const first = bytes[offset + 1] ?? 0;
  return first < 0x80 ? offset + 2 : offset + 2 + (first & 0x7f);
}

/** Offset behind a checked value. */
export function valueEnd(bytes: Buffer, offset: number): number {
  const first = bytes[offset + 1] ?? 0;
  return first < 0x80 ? offset + 2 + first : offset + 2 + (first & 0x7f) + bytes.readUIntBE(offset + 2, first & 0x7f);
}

function readOid(content: Buffer): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const octet of content) {
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    if (octet < 0x80) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const [head = 0n, ...rest] = arcs;
  const first = head < 80n ? head / 40n : 2n;
  return [first, head - first * 40n, ...rest].join('.');
}

// ---- the strict check ----------------------------------------------------------------------------------------------

const MAX_DEPTH = 32;
/** Enough for the 128-bit arcs of 2.25 (X.667); keeps the work per identifier small. */
const MAX_ARC_OCTETS = 19;
const CONSTRUCTED = 0x20;

/** Checks the value at `start`, which must end at or before `end`, and all inside it (X.690 sections 8, 10 and 11). */
function checkValue(bytes: Buffer, start: number, end: number, depth: number, at: string): number {
  if (depth > MAX_DEPTH) throw derInvalid(at, `values are nested more than ${MAX_DEPTH} deep`);
  if (end - start < 2) throw derInvalid(at, `it ends in the middle of a value (byte ${start})`);
  const tag = bytes[start] ?? 0;
  if ((tag & 0x1f) === 0x1f) throw derInvalid(at, `a tag number above 30 (byte ${start})`);
  const first = bytes[start + 1] ?? 0;
  let content = start + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0) throw derInvalid(at, `an indefinite length (byte ${start})`);
    if (octets > 4) throw derInvalid(at, `a length of ${octets} octets (byte ${start})`);
    content += octets;
    if (content > end) throw derInvalid(at, `it ends in the middle of a length (byte ${start})`);
    length = bytes.readUIntBE(start + 2, octets);
    if (headerSize(length) !== octets + 2) throw derInvalid(at, `a length not in its shortest form (byte ${start})`);
  }
  const valueEnds = content + length;
  if (valueEnds > end) throw derInvalid(at, `a length that runs past the end (byte ${start})`);
  if (tag < 0x40) checkUniversal(bytes, tag, content, valueEnds, at);
  if (tag & CONSTRUCTED)
    for (let inner = content; inner < valueEnds; ) inner = checkValue(bytes, inner, valueEnds, depth + 1, at);
  return valueEnds;
}

function checkUniversal(bytes: Buffer, tag: number, start: number, end: number, at: string): void {
  const first = bytes[start] ?? 0;
  switch (tag) {
    case Tag.boolean:
      if (end - start !== 1 || (first !== 0 && first !== 0xff))
        throw derInvalid(at, `a BOOLEAN that is neither 00 nor FF (byte ${start})`);
      return;
    case Tag.integer:
    case Tag.enumerated: {
      const second = bytes[start + 1] ?? 0;
      const padded = end - start > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
      if (end === start || padded) throw derInvalid(at, `an INTEGER not in its shortest form (byte ${start})`);
      return;
    }
    case Tag.bitString: {
      const unusedMask = (1 << first) - 1;
      const last = bytes[end - 1] ?? 0;
      if (end === start || first > 7 || (end - start === 1 ? first !== 0 : (last & unusedMask) !== 0))
        throw derInvalid(at, `a BIT STRING with wrong unused bits (byte ${start})`);
      return;
    }
    case Tag.null:
      if (end !== start) throw derInvalid(at, `a NULL with content (byte ${start})`);
      return;
    case Tag.oid:
      checkOid(bytes, start, end, at, 'OBJECT IDENTIFIER');
      return;
    case Tag.relativeOid:
      checkOid(bytes, start, end, at, 'RELATIVE-OID');
      return;
    case Tag.sequence:
    case Tag.set:
    case Tag.octetString:
    case Tag.utf8String:
    case Tag.numericString:
    case Tag.printableString:
    case Tag.teletexString:
    case Tag.ia5String:
    case Tag.utcTime:
    case Tag.generalizedTime:
    case Tag.visibleString:
    case Tag.universalString:
    case Tag.bmpString:
    case Tag.objectDescriptor:
    case Tag.videotexString:
    case Tag.graphicString:
    case Tag.generalString:
      return;
    default:
      throw derInvalid(at, `a value of tag ${hex(tag)}, which certificates do not use (byte ${start})`);
  }
}

function checkOid(bytes: Buffer, start: number, end: number, at: string, type: string): void {
  let arcStart = start;
  for (let index = start; index < end; index++) {
    const octet = bytes[index] ?? 0;
    if ((index === arcStart && octet === 0x80) || index - arcStart >= MAX_ARC_OCTETS) break;
    if (octet < 0x80) arcStart = index + 1;
  }
  if (end === start || arcStart !== end) throw derInvalid(at, `a malformed ${type} (byte ${start})`);
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}

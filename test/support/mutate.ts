import { encodePem } from '../../src/x509/pem.ts';
import { seeded } from './random.ts';

export type Random = ReturnType<typeof seeded>;

/** The source of numbers of one case: cases next to each other have nothing in common. */
export function randomOf(seed: number): Random {
  return seeded(Math.imul(seed + 1, 0x9e3779b1));
}

/** One to four mutations of an input; `others` are inputs to take pieces from. */
export function mutate(input: Buffer, others: readonly Buffer[], random: Random): Buffer {
  let bytes = input;
  for (let count = 1 + random(4); count > 0; count--) bytes = pick(mutations, random)(bytes, random, others);
  return bytes;
}

type Mutation = (bytes: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

const mutations: readonly Mutation[] = [
  flipBits,
  setOctet,
  truncate,
  insert,
  remove,
  splice,
  editLength,
  hugeLength,
  editBase64,
  editLine,
  insideArmor,
  insideArmor,
  swapBlocks,
  duplicateBlock,
];

function flipBits(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  for (let count = 1 + random(8); count > 0 && changed.length > 0; count--) {
    const at = random(changed.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
  }
  return changed;
}

function setOctet(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  if (changed.length > 0)
    changed[random(changed.length)] = pick([0x00, 0x01, 0x24, 0x30, 0x7f, 0x80, 0xa0, 0xff], random);
  return changed;
}

function truncate(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, random(bytes.length + 1));
}

function insert(bytes: Buffer, random: Random): Buffer {
  return replace(
    bytes,
    random(bytes.length + 1),
    0,
    Buffer.from(Array.from({ length: 1 + random(20) }, () => random(256))),
  );
}

function remove(bytes: Buffer, random: Random): Buffer {
  return replace(bytes, random(bytes.length + 1), 1 + random(64), Buffer.alloc(0));
}

/** A piece of another input in place of a piece of this one. */
function splice(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  const other = pick(others, random);
  const from = random(other.length);
  const piece = other.subarray(from, from + random(300));
  return replace(bytes, random(bytes.length + 1), random(300), piece);
}

/** Behind an octet that may be a tag, another length. */
function editLength(bytes: Buffer, random: Random): Buffer {
  const at = tagOffset(bytes, random);
  return replace(
    bytes,
    at + 1,
    1,
    Buffer.of(pick([0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, random(256)], random)),
  );
}

function hugeLength(bytes: Buffer, random: Random): Buffer {
  const at = tagOffset(bytes, random);
  return replace(bytes, at + 1, 1, pick(['84ffffffff', '847fffffff', '88ffffffffffffffff', '83ffffff'], random));
}

function editBase64(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  for (let count = 1 + random(4); count > 0 && changed.length > 0; count--)
    changed[random(changed.length)] = pick(BASE64, random).charCodeAt(0);
  return changed;
}

function editLine(bytes: Buffer, random: Random): Buffer {
  const lines = bytes.toString('latin1').split('\n');
  const line = pick(
    ['', '\r', '-----BEGIN X-----', '-----END CERTIFICATE-----', 'Proc-Type: 4,ENCRYPTED', '\uFEFF'],
    random,
  );
  lines.splice(random(lines.length), random(2), line);
  return Buffer.from(lines.join('\n'), 'latin1');
}

/** A mutation of what a PEM block holds, so that the armor stays whole. */
function insideArmor(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  const blocks = pemBlocks(bytes);
  if (blocks.length === 0) return flipBits(bytes, random);
  const { start, text, label } = pick(blocks, random);
  const der = Buffer.from(text.replace(/-----.*-----|\s/g, ''), 'base64');
  const changed = pick([flipBits, setOctet, truncate, insert, remove, splice, editLength, hugeLength], random)(
    der,
    random,
    others,
  );
  return replace(bytes, start, text.length, Buffer.from(encodePem(label, changed)));
}

function swapBlocks(bytes: Buffer, random: Random): Buffer {
  const blocks = pemBlocks(bytes);
  if (blocks.length < 2) return truncate(bytes, random);
  const [one, other] = [pick(blocks, random), pick(blocks, random)].sort((a, b) => a.start - b.start);
  if (!one || !other || one === other) return bytes;
  const swapped = replace(bytes, other.start, other.text.length, Buffer.from(one.text, 'latin1'));
  return replace(swapped, one.start, one.text.length, Buffer.from(other.text, 'latin1'));
}

function duplicateBlock(bytes: Buffer, random: Random): Buffer {
  const blocks = pemBlocks(bytes);
  if (blocks.length === 0) return Buffer.concat([bytes, bytes]);
  const { start, text } = pick(blocks, random);
  return replace(bytes, start, 0, Buffer.from(text.repeat(1 + random(20)), 'latin1'));
}

// ---- pieces --------------------------------------------------------------------------------------------------------

const BASE64 = [...'ABCXYZabcxyz0189+/=*\n -'];

export function pick<T>(values: readonly T[], random: Random): T {
  const value = values[random(values.length)];
  if (value === undefined) throw new RangeError('nothing to pick from');
  return value;
}

function replace(bytes: Buffer, at: number, length: number, by: Buffer | string): Buffer {
  const piece = typeof by === 'string' ? Buffer.from(by, 'hex') : by;
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + length)]);
}

/** Offset of an octet that DER has as a tag, most often. */
function tagOffset(bytes: Buffer, random: Random): number {
  const found = bytes.indexOf(
    pick([0x02, 0x03, 0x04, 0x06, 0x30, 0x30, 0x30, 0x31, 0xa0, 0xa3], random),
    random(bytes.length + 1),
  );
  return found < 0 ? random(bytes.length + 1) : found;
}

function pemBlocks(bytes: Buffer): { start: number; text: string; label: string }[] {
  const blocks = bytes.toString('latin1').matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----[^-]*-----END \1-----\r?\n?/g);
  return Array.from(blocks, ({ 0: text, 1: label = '', index }) => ({ start: index, text, label }));
}

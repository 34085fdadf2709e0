import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface NullProvider {
  /** Makes terraform talk to this process instead of installing hashicorp/null. */
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

/**
 * A TEST DOUBLE of the provider hashicorp/null, inside this process: null_resource alone, as its versions 3.2.4 and
 * 3.3.1 plan and apply it. Without TLS, on a unix socket, in protocol version 5 (docs/plugin-protocol/tfplugin5.proto of
 * hashicorp/terraform). Start terraform asynchronously: this process has to answer it.
 */
export async function startNullProvider(): Promise<NullProvider> {
  const folder = await mkdtemp(join(tmpdir(), 'vcs-pki-null-provider-'));
  const socket = join(folder, 'socket');
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => void serve(stream, headers[':path'] ?? ''));
  server.listen(socket);
  await once(server, 'listening');
  const reattach = {
    Protocol: 'grpc',
    ProtocolVersion: 5,
    Pid: process.pid,
    // With this, terraform leaves the process running when it is done.
    Test: true,
    Addr: { Network: 'unix', String: socket },
  };
  return {
    env: {
      TF_REATTACH_PROVIDERS: JSON.stringify({
        'registry.terraform.io/hashicorp/null': reattach,
        'registry.opentofu.org/hashicorp/null': reattach,
      }),
    },
    async stop() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// ---- the provider: one function per call of terraform ---------------------------------------------------------------

interface NullResource {
  readonly id: Value;
  readonly triggers: Value;
}

/** Answers a request with a response, both as protobuf messages. */
type Call = (request: Fields) => Buffer;

const SERVICE = '/tfplugin5.Provider/';

const calls: Readonly<Record<string, Call>> = {
  GetSchema: () => {
    const attribute = (name: string, type: unknown, presence: Buffer) =>
      bytesField(2, bytesField(1, name), bytesField(2, JSON.stringify(type)), presence);
    const optional = numberField(5, 1);
    const computed = numberField(6, 1);
    const block = [attribute('id', 'string', computed), attribute('triggers', ['map', 'string'], optional)];
    const schema = bytesField(2, bytesField(2, ...block));
    return Buffer.concat([bytesField(1, bytesField(2)), bytesField(2, bytesField(1, 'null_resource'), schema)]);
  },
  PrepareProviderConfig: (request) => bytesField(1, last(request, 1)),
  Configure: () => Buffer.alloc(0),
  ValidateResourceTypeConfig: () => Buffer.alloc(0),
  UpgradeResourceState: (request) => {
    const state: Value = JSON.parse(last(readFields(last(request, 3)), 1).toString(), toMap);
    return dynamicValueField(1, toValue(resourceOf(state)));
  },
  ReadResource: (request) => bytesField(1, last(request, 2)),
  PlanResourceChange: (request) => {
    const prior = resourceOf(dynamicValue(request, 2));
    const proposed = resourceOf(dynamicValue(request, 3));
    const planned: NullResource | undefined = proposed && { id: prior?.id ?? UNKNOWN, triggers: proposed.triggers };
    const replaced = prior && proposed && !isEqual(prior.triggers, proposed.triggers);
    const path = bytesField(2, bytesField(1, bytesField(1, 'triggers')));
    return Buffer.concat([dynamicValueField(1, toValue(planned)), ...(replaced ? [path] : [])]);
  },
  ApplyResourceChange: (request) => {
    const planned = resourceOf(dynamicValue(request, 3));
    const id = planned?.id === UNKNOWN ? randomBytes(8).readBigUInt64BE().toString() : planned?.id;
    return dynamicValueField(1, toValue(planned && { ...planned, id: id ?? null }));
  },
  Stop: () => Buffer.alloc(0),
};

function resourceOf(value: Value): NullResource | undefined {
  if (!(value instanceof Map)) return undefined;
  return { id: value.get('id') ?? null, triggers: value.get('triggers') ?? null };
}

function toValue(resource: NullResource | undefined): Value {
  return resource ? new Map(Object.entries(resource)) : null;
}

/** For JSON.parse: a state file comes as JSON. */
function toMap(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : value;
}

/** Terraform writes the keys of a map in order. A null map and an empty one differ, and what is unknown equals nothing known. */
function isEqual(a: Value, b: Value): boolean {
  return encodeMsgpack(a).equals(encodeMsgpack(b));
}

// ---- gRPC over HTTP/2: one message each way ---------------------------------------------------------------------------

const FRAME_HEADER = 5;
const UNIMPLEMENTED = '12';

async function serve(stream: ServerHttp2Stream, path: string): Promise<void> {
  // Terraform's end may vanish, which is no concern of ours.
  stream.on('error', () => {});
  const headers = { ':status': 200, 'content-type': 'application/grpc' };
  const call = path.startsWith(SERVICE) ? calls[path.slice(SERVICE.length)] : undefined;
  if (!call) {
    stream.respond({ ...headers, 'grpc-status': UNIMPLEMENTED, 'grpc-message': `no ${path}` }, { endStream: true });
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const response = call(readFields(Buffer.concat(chunks).subarray(FRAME_HEADER)));
  const header = Buffer.alloc(FRAME_HEADER);
  header.writeUInt32BE(response.length, 1);
  stream.respond(headers, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.concat([header, response]));
}

// ---- protobuf: field number -> values -----------------------------------------------------------------------------------

type Fields = ReadonlyMap<number, readonly (Buffer | number)[]>;

function readFields(message: Buffer): Fields {
  const fields = new Map<number, (Buffer | number)[]>();
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message.readUInt8(offset++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (offset < message.length) {
    const key = varint();
    const [field, wireType] = [Math.floor(key / 8), key % 8];
    if (wireType !== 0 && wireType !== 2) throw new Error(`protobuf wire type ${wireType} is not used by terraform`);
    const number = varint();
    if (wireType === 2) offset += number;
    const value = wireType === 2 ? message.subarray(offset - number, offset) : number;
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

/** The bytes of a field that occurs once; none where it is absent. */
function last(fields: Fields, field: number): Buffer {
  const value = fields.get(field)?.at(-1);
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function dynamicValue(fields: Fields, field: number): Value {
  return decodeMsgpack(last(readFields(last(fields, field)), 1));
}

function dynamicValueField(field: number, value: Value): Buffer {
  return bytesField(field, bytesField(1, encodeMsgpack(value)));
}

/** A string, bytes, or the fields of a message. */
function bytesField(field: number, ...content: readonly (Buffer | string)[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => Buffer.from(part)));
  return Buffer.concat([encodeVarint(field * 8 + 2), encodeVarint(bytes.length), bytes]);
}

function numberField(field: number, value: number): Buffer {
  return Buffer.concat([encodeVarint(field * 8), encodeVarint(value)]);
}

function encodeVarint(value: number): Buffer {
  const octets: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) octets.push((rest % 0x80) | 0x80);
  return Buffer.from([...octets, rest]);
}

// ---- MessagePack: what values of null_resource need -----------------------------------------------------------------------

type Value = string | null | typeof UNKNOWN | Map<string, Value>;

/** A value that terraform says is known only after apply. */
const UNKNOWN = Symbol('unknown');

function encodeMsgpack(value: Value): Buffer {
  if (value === null) return Buffer.from([0xc0]);
  if (value === UNKNOWN) return Buffer.from([0xd4, 0, 0]);
  if (typeof value === 'string')
    return Buffer.concat([msgpackHeader(0xdb, Buffer.byteLength(value)), Buffer.from(value)]);
  const entries = [...value].flatMap(([key, item]) => [encodeMsgpack(key), encodeMsgpack(item)]);
  return Buffer.concat([msgpackHeader(0xdf, value.size), ...entries]);
}

/** With a length of 32 bits, which any reader takes. */
function msgpackHeader(type: number, length: number): Buffer {
  const header = Buffer.from([type, 0, 0, 0, 0]);
  header.writeUInt32BE(length, 1);
  return header;
}

function decodeMsgpack(bytes: Buffer): Value {
  let offset = 0;
  const number = (octets: number): number => {
    offset += octets;
    return bytes.readUIntBE(offset - octets, octets);
  };
  const text = (length: number): string => {
    offset += length;
    return bytes.toString('utf8', offset - length, offset);
  };
  const map = (size: number): Map<string, Value> => {
    const entries = new Map<string, Value>();
    for (let index = 0; index < size; index++) {
      const key = next();
      if (typeof key !== 'string') throw new Error('a key that is no string');
      entries.set(key, next());
    }
    return entries;
  };
  /** Extensions stand for unknown values, with or without what is known of them. */
  const unknown = (length: number): typeof UNKNOWN => {
    offset += 1 + length;
    return UNKNOWN;
  };
  const next = (): Value => {
    const type = number(1);
    if (type >= 0x80 && type <= 0x8f) return map(type - 0x80);
    if (type >= 0xa0 && type <= 0xbf) return text(type - 0xa0);
    switch (type) {
      case 0xc0:
        return null;
      case 0xc7:
        return unknown(number(1));
      case 0xc8:
        return unknown(number(2));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return unknown(2 ** (type - 0xd4));
      case 0xd9:
        return text(number(1));
      case 0xda:
        return text(number(2));
      case 0xdb:
        return text(number(4));
      case 0xde:
        return map(number(2));
      case 0xdf:
        return map(number(4));
      default:
        throw new Error(`MessagePack type 0x${type.toString(16)} is not in values of null_resource`);
    }
  };
  return next();
}

// As much of the wire format of Protocol Buffers as Pulsar's commands need: numbers, texts, nested messages.
// https://protobuf.dev/programming-guides/encoding/

export type FieldValue = number | bigint | boolean | string | Uint8Array;

/** Fields by their number. Of a repeated field the last one. */
export type Fields = ReadonlyMap<number, bigint | Buffer>;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** A message of these fields, in this order; those that are undefined are left out. */
export function encodeFields(fields: readonly (readonly [number, FieldValue | undefined])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) => (value === undefined ? [] : encodeField(number, value))),
  );
}

function encodeField(number: number, value: FieldValue): readonly Buffer[] {
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);
    return [encodeVarint((number << 3) | BYTES), encodeVarint(bytes.length), bytes];
  }
  return [encodeVarint((number << 3) | VARINT), encodeVarint(value)];
}

/** Negative numbers take ten bytes, as their 64-bit two's complement. */
function encodeVarint(value: number | bigint | boolean): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

/** @throws RangeError where the bytes are no message */
export function decodeFields(bytes: Buffer): Fields {
  const fields = new Map<number, bigint | Buffer>();
  let offset = 0;
  while (offset < bytes.length) {
    const [tag, start] = decodeVarint(bytes, offset);
    const [value, end] = decodeValue(bytes, start, Number(tag & 7n));
    fields.set(Number(tag >> 3n), value);
    offset = end;
  }
  return fields;
}

function decodeValue(bytes: Buffer, start: number, wireType: number): readonly [bigint | Buffer, number] {
  switch (wireType) {
    case VARINT:
      return decodeVarint(bytes, start);
    case FIXED64:
      return [slice(bytes, start, 8), start + 8];
    case FIXED32:
      return [slice(bytes, start, 4), start + 4];
    case BYTES: {
      const [length, from] = decodeVarint(bytes, start);
      return [slice(bytes, from, Number(length)), from + Number(length)];
    }
    default:
      throw new RangeError(`wire type ${wireType} at byte ${start}`);
  }
}

function slice(bytes: Buffer, start: number, length: number): Buffer {
  if (start + length > bytes.length) throw new RangeError(`${length} bytes at ${start}, of ${bytes.length}`);
  return bytes.subarray(start, start + length);
}

function decodeVarint(bytes: Buffer, start: number): readonly [bigint, number] {
  let value = 0n;
  for (let i = 0; i < 10; i += 1) {
    const byte = bytes[start + i];
    if (byte === undefined) break;
    value |= BigInt(byte & 127) << BigInt(7 * i);
    if (byte < 128) return [BigInt.asUintN(64, value), start + i + 1];
  }
  throw new RangeError(`a number without end at byte ${start}`);
}

/** A field as a signed number; `otherwise` where it is absent. */
export function numberIn(fields: Fields, number: number, otherwise: number): number {
  const value = fields.get(number);
  return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : otherwise;
}

/** A field as text; undefined where it is absent. */
export function textIn(fields: Fields, number: number): string | undefined {
  const value = fields.get(number);
  return value instanceof Buffer ? value.toString('utf8') : undefined;
}

/** A nested message; without fields where it is absent. */
export function messageIn(fields: Fields, number: number): Fields {
  const value = fields.get(number);
  return value instanceof Buffer ? decodeFields(value) : new Map();
}

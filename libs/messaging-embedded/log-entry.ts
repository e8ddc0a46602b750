import { crc32 } from 'node:zlib';
import type { OutgoingMessage } from '#libs/messaging';

// The value of one entry: version, flags, publish time, then what the flags announce, then the payload as it came.
// In the log it is sealed: the last four bytes are a checksum over its key and all before them.
// Numbers are little endian; texts are a 32-bit length and UTF-8.

const ENTRY_VERSION = 2;
const SEAL_BYTES = 4;
const HAS_KEY = 1;
const HAS_EVENT_TIME = 2;
const HAS_SEQUENCE = 4;
const HAS_PROPERTIES = 8;
const FIXED_BYTES = 2 + 8;

/** A message as the log holds it, without its place. `payload` is a view into the value that was read. */
export interface LogEntry {
  readonly publishTimeMs: number;
  readonly producerName: string;
  readonly payload: Uint8Array;
  readonly properties: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly eventTimeMs?: number;
  readonly sequenceId?: number;
}

/** Copies the message, so that the caller may use its buffer again. */
export function encodeEntry(message: OutgoingMessage, producerName: string, publishTimeMs: number): Buffer {
  const texts = [
    producerName,
    ...(message.key === undefined ? [] : [message.key]),
    ...propertyTexts(message),
  ];
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const numbers = Number(message.eventTimeMs !== undefined) + Number(message.sequenceId !== undefined);
  const headBytes = FIXED_BYTES + numbers * 8 + lengths.reduce((sum, length) => sum + 4 + length, 0);
  const value = Buffer.allocUnsafe(headBytes + message.payload.byteLength + SEAL_BYTES);
  value[0] = ENTRY_VERSION;
  value[1] = flagsOf(message);
  let at = value.writeDoubleLE(publishTimeMs, 2);
  if (message.eventTimeMs !== undefined) at = value.writeDoubleLE(message.eventTimeMs, at);
  if (message.sequenceId !== undefined) at = value.writeDoubleLE(message.sequenceId, at);
  texts.forEach((text, index) => {
    at = value.writeUInt32LE(lengths[index]!, at);
    at += value.write(text, at);
  });
  value.set(message.payload, at);
  return value;
}

/** Writes the checksum, once the place of the entry is known. */
export function sealEntry(value: Buffer, key: readonly [partition: number, id: number]): void {
  value.writeUInt32LE(checksumOf(value, key), value.byteLength - SEAL_BYTES);
}

/** @throws RangeError where the value is not what was stored at this place */
export function assertSealed(value: Buffer, key: readonly [partition: number, id: number]): void {
  const isWhole =
    value.byteLength >= FIXED_BYTES + SEAL_BYTES &&
    value.readUInt32LE(value.byteLength - SEAL_BYTES) === checksumOf(value, key);
  if (!isWhole) throw new RangeError('its checksum is not the one it was stored with');
}

function checksumOf(value: Buffer, key: readonly [number, number]): number {
  return crc32(value.subarray(0, value.byteLength - SEAL_BYTES), crc32(key.join()));
}

/** @throws RangeError where the value is no entry of this version */
export function decodeEntry(value: Buffer): LogEntry {
  if (value[0] !== ENTRY_VERSION)
    throw new RangeError(`log entry has version ${value[0]}, wanted ${ENTRY_VERSION}`);
  const cursor = new EntryCursor(value, 2);
  const flags = value[1]!;
  const publishTimeMs = cursor.number();
  const eventTimeMs = (flags & HAS_EVENT_TIME) === 0 ? undefined : cursor.number();
  const sequenceId = (flags & HAS_SEQUENCE) === 0 ? undefined : cursor.number();
  const producerName = cursor.text();
  const key = (flags & HAS_KEY) === 0 ? undefined : cursor.text();
  const properties = (flags & HAS_PROPERTIES) === 0 ? {} : cursor.properties();
  return {
    publishTimeMs,
    producerName,
    properties,
    payload: value.subarray(cursor.at, value.byteLength - SEAL_BYTES),
    ...(key === undefined ? {} : { key }),
    ...(eventTimeMs === undefined ? {} : { eventTimeMs }),
    ...(sequenceId === undefined ? {} : { sequenceId }),
  };
}

class EntryCursor {
  at: number;
  readonly #value: Buffer;

  constructor(value: Buffer, at: number) {
    this.#value = value;
    this.at = at;
  }

  number(): number {
    this.at += 8;
    return this.#value.readDoubleLE(this.at - 8);
  }

  text(): string {
    const start = this.at + 4;
    this.at = start + this.#value.readUInt32LE(this.at);
    return this.#value.toString('utf8', start, this.at);
  }

  properties(): Record<string, string> {
    const pairs = Array.from({ length: Number(this.text()) }, () => [this.text(), this.text()] as const);
    // fromEntries also keeps a property named `__proto__` a property.
    return Object.fromEntries(pairs);
  }
}

function propertyTexts(message: OutgoingMessage): string[] {
  const pairs = Object.entries(message.properties ?? {});
  return pairs.length === 0 ? [] : [String(pairs.length), ...pairs.flat()];
}

function flagsOf(message: OutgoingMessage): number {
  return (
    (message.key === undefined ? 0 : HAS_KEY) |
    (message.eventTimeMs === undefined ? 0 : HAS_EVENT_TIME) |
    (message.sequenceId === undefined ? 0 : HAS_SEQUENCE) |
    (Object.keys(message.properties ?? {}).length === 0 ? 0 : HAS_PROPERTIES)
  );
}

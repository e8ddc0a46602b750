import type { Position } from '#libs/messaging';

// Pulsar's message id: a protobuf of varints (PulsarApi.proto, MessageIdData), in base64 on the WebSocket API.

/** What a message id says of the place of a message. */
export interface MessageIdParts {
  readonly ledgerId: number;
  readonly entryId: number;
  /** Place within the entry; −1 where the entry is one message. */
  readonly batchIndex: number;
  /** Messages of the entry; 0 where the entry is one message. */
  readonly batchSize: number;
}

const LEDGER_ID = 1;
const ENTRY_ID = 2;
const BATCH_INDEX = 4;
const BATCH_SIZE = 6;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
/** 64 bits in groups of 7. */
const MAX_VARINT_BYTES = 10;

/** @throws RangeError where it is no message id, or has numbers beyond what JavaScript writes exactly */
export function decodeMessageId(text: string): MessageIdParts {
  const fields = decodeFields(Buffer.from(text, 'base64'));
  const ledgerId = fields.get(LEDGER_ID);
  const entryId = fields.get(ENTRY_ID);
  if (ledgerId === undefined || entryId === undefined) throw new RangeError(`not a message id: ${text}`);
  return {
    ledgerId: exact(BigInt.asIntN(64, ledgerId)),
    entryId: exact(BigInt.asIntN(64, entryId)),
    batchIndex: exact(BigInt.asIntN(32, fields.get(BATCH_INDEX) ?? -1n)),
    batchSize: exact(BigInt.asIntN(32, fields.get(BATCH_SIZE) ?? 0n)),
  };
}

/** The id of a whole entry, or of one message of a batch. */
export function encodeMessageId(parts: {
  readonly ledgerId: number;
  readonly entryId: number;
  readonly batchIndex?: number;
}): string {
  const bytes = [LEDGER_ID << 3, ...varint(parts.ledgerId), ENTRY_ID << 3, ...varint(parts.entryId)];
  if (parts.batchIndex !== undefined && parts.batchIndex >= 0) {
    bytes.push(BATCH_INDEX << 3, ...varint(parts.batchIndex));
  }
  return Buffer.from(bytes).toString('base64');
}

/** An entry that is one message has the batch index 0. */
export function positionOf({ ledgerId, entryId, batchIndex }: MessageIdParts): Position {
  return [ledgerId, entryId, Math.max(0, batchIndex), 0];
}

/** The varints of a protobuf message by field number; the last one counts, as protobuf has it. */
function decodeFields(bytes: Buffer): Map<number, bigint> {
  const fields = new Map<number, bigint>();
  for (let at = 0; at < bytes.length;) {
    const [tag, afterTag] = readVarint(bytes, at);
    const wireType = Number(tag & 7n);
    if (wireType === VARINT) {
      const [value, next] = readVarint(bytes, afterTag);
      fields.set(Number(tag >> 3n), value);
      at = next;
    } else {
      at = skip(bytes, afterTag, wireType);
    }
  }
  return fields;
}

/** Fields that say nothing of the place: acknowledgement sets, chunks, whatever later versions add. */
function skip(bytes: Buffer, at: number, wireType: number): number {
  const [length, start] = wireType === LENGTH_DELIMITED ? readVarint(bytes, at) : [0n, at];
  const end = start + Number(length) + (FIXED_BYTES.get(wireType) ?? 0);
  if (end > bytes.length || !(wireType === LENGTH_DELIMITED || FIXED_BYTES.has(wireType))) {
    throw new RangeError(`not a message id: wire type ${wireType} at byte ${at}`);
  }
  return end;
}

const FIXED_BYTES: ReadonlyMap<number, number> = new Map([
  [FIXED64, 8],
  [FIXED32, 4],
]);

function readVarint(bytes: Buffer, start: number): [value: bigint, next: number] {
  let value = 0n;
  for (let i = 0; i < MAX_VARINT_BYTES; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return [BigInt.asUintN(64, value), start + i + 1];
  }
  throw new RangeError('not a message id: it ends in the middle of a number');
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

function exact(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is beyond the numbers that are exact`);
  return number;
}

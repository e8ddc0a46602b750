import type { Position } from '#libs/messaging';
import type { NativeMessageId, NativeMessageIds } from './native-client.js';
import { decodeFields, encodeFields, numberIn } from './protobuf.js';

// The client shows a message id as bytes: the fields of Pulsar's MessageIdData.
const LEDGER = 1;
const ENTRY = 2;
const BATCH_INDEX = 4;
const BATCH_SIZE = 6;

/** Where a message stands, and how many messages its entry has. */
export interface Place {
  readonly position: Position;
  /** 1 for what was not sent in a batch. */
  readonly batchSize: number;
}

/** Undefined for the id of a duplicate that the broker has dropped, and on topics that store nothing. */
export function placeOf(id: NativeMessageId): Place | undefined {
  const fields = decodeFields(id.serialize());
  const ledgerId = numberIn(fields, LEDGER, -1);
  if (ledgerId < 0) return undefined;
  const batchIndex = Math.max(0, numberIn(fields, BATCH_INDEX, -1));
  const position: Position = [ledgerId, numberIn(fields, ENTRY, -1), batchIndex, 0];
  return { position, batchSize: Math.max(1, numberIn(fields, BATCH_SIZE, 1)) };
}

/** The id of a whole entry. */
export function entryId(ids: NativeMessageIds, ledgerId: number, entry: number): NativeMessageId {
  return ids.deserialize(
    encodeFields([
      [LEDGER, ledgerId],
      [ENTRY, entry],
    ]),
  );
}

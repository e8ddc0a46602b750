import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BEFORE_FIRST, type Delivery, type Position } from '#libs/messaging';
import type { NativeMessage } from './native-client.js';
import { PartitionCursor } from './partition-cursor.js';
import { encodeFields } from './protobuf.js';

const OF = { topic: 'persistent://public/default/web.raw', partition: 0 };
const BEHIND = Number.MAX_SAFE_INTEGER;

interface Stored {
  readonly ledgerId: number;
  readonly entryId: number;
  readonly batchIndex: number;
  readonly batchSize: number;
}

/** A message as the client would give it. */
function messageAt({ ledgerId, entryId, batchIndex, batchSize }: Stored): NativeMessage {
  const isBatch = batchSize > 1;
  const id = encodeFields([
    [1, ledgerId],
    [2, entryId],
    [3, 0],
    [4, isBatch ? batchIndex : undefined],
    [6, isBatch ? batchSize : undefined],
  ]);
  return {
    getProperties: () => ({}),
    getData: () => Buffer.from(`${ledgerId}/${entryId}/${batchIndex}`),
    getMessageId: () => ({ serialize: () => id }),
    getPublishTimestamp: () => 1,
    getEventTimestamp: () => 0,
    getPartitionKey: () => '',
    getProducerName: () => 'p',
  };
}

function drawAll(cursor: PartitionCursor, messages: readonly Stored[]): readonly Delivery[] {
  return messages.map(messageAt).flatMap((message) => cursor.draw(message) ?? []);
}

/** A partition: ledgers with entries, of which some are batches. */
const partitions = fc
  .array(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 }), { minLength: 1, maxLength: 4 })
  .map((ledgers) =>
    ledgers.flatMap((sizes, ledger) =>
      sizes.flatMap((batchSize, entryId) =>
        Array.from({ length: batchSize }, (_, batchIndex): Stored => {
          return { ledgerId: 3 * ledger + 1, entryId, batchIndex, batchSize };
        }),
      ),
    ),
  )
  .filter((messages) => messages.length > 0);

describe('a cursor', () => {
  test('gives each message once and in order, however often the broker begins again', () => {
    fc.assert(
      fc.property(partitions, fc.array(fc.nat(40), { maxLength: 4 }), (messages, restarts) => {
        const cursor = new PartitionCursor(OF, BEFORE_FIRST);
        const given: Delivery[] = [];
        let next = 0;
        for (const [i, restart] of [...restarts, messages.length].entries()) {
          const until = i === restarts.length ? messages.length : Math.min(messages.length, next + restart);
          given.push(...drawAll(cursor, messages.slice(Math.max(0, next - restart), until)));
          next = Math.max(next, until);
        }
        expect(given.map(({ position }) => position)).toEqual(messages.map(positionOf));
      }),
    );
  });

  test('begins behind its place, in the middle of a batch too', () => {
    fc.assert(
      fc.property(partitions, fc.nat(60), (messages, at) => {
        const place = positionOf(messages[at % messages.length]!);
        const given = drawAll(new PartitionCursor(OF, place), messages);
        expect(given.map(({ position }) => position)).toEqual(
          messages.map(positionOf).slice((at % messages.length) + 1),
        );
      }),
    );
  });

  test('acknowledges whole entries: the last of which all stand at or before the position', () => {
    fc.assert(
      fc.property(partitions, fc.nat(60), (messages, at) => {
        const cursor = new PartitionCursor(OF, BEFORE_FIRST);
        drawAll(cursor, messages);
        const { ledgerId, entryId, batchIndex, batchSize } = messages[at % messages.length]!;
        const whole = cursor.wholeEntry([ledgerId, entryId, batchIndex, 0]);
        if (batchIndex === batchSize - 1) expect(whole).toEqual({ ledgerId, entryId });
        else expect(whole).toEqual(entryId === 0 ? undefined : { ledgerId, entryId: entryId - 1 });
      }),
    );
  });

  test('acknowledges nothing of an entry that it has not seen: it may be a batch', () => {
    const cursor = new PartitionCursor(OF, BEFORE_FIRST);
    expect(cursor.wholeEntry([7, 3, 0, 0])).toEqual({ ledgerId: 7, entryId: 2 });
    expect(cursor.wholeEntry(BEFORE_FIRST)).toBeUndefined();
    expect(new PartitionCursor(OF, [7, 3, BEHIND, 0]).wholeEntry([7, 3, BEHIND, 0])).toEqual({
      ledgerId: 7,
      entryId: 3,
    });
  });
});

function positionOf({ ledgerId, entryId, batchIndex }: Stored): Position {
  return [ledgerId, entryId, batchIndex, 0];
}

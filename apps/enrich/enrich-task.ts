import type { CoveringLogic, CoveringOutput } from '#libs/functions';
import {
  type DeadEvent,
  isDeadEvent,
  type JsonValue,
  MAX_DEAD_ORIGINAL_BYTES,
  type StreamEvent,
} from '#libs/kernel';
import { decodeFrame, type Delivery, type Frame, UndecodableFrameError } from '#libs/messaging';
import { Deduplication } from './deduplication.js';
import { SentAgainIds } from './sent-again-ids.js';
import type { EventData, Step } from './steps/step.js';

type Item = StreamEvent | DeadEvent;
type Dropped = Record<string, Record<string, number>>;

/** Deduplicates and enriches one partition of `raw`: a pure function of its messages. */
export class EnrichTaskLogic implements CoveringLogic {
  readonly #deduplication: Deduplication;
  readonly #sentAgain = new SentAgainIds();

  constructor(
    private readonly options: { readonly deduplicateForMs: number; readonly steps: readonly Step[] },
  ) {
    this.#deduplication = new Deduplication(options.deduplicateForMs);
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#deduplication.restore(cells);
    this.#sentAgain.restore(cells);
  }

  transform(delivery: Delivery): CoveringOutput {
    const frame = readFrame(delivery);
    const lines: string[] = [];
    const dropped: Dropped = {};
    for (const item of frame.items) {
      if (this.#isRepeat(item, frame.header.generatedIds)) countDropped(dropped, item.stream, 'duplicate');
      else lines.push(JSON.stringify(isDeadEvent(item) || isEnriched(item) ? item : this.#enriched(item)));
    }
    return { lines, markers: frame.header.markers ?? [], dropped, events: frame.items.length };
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    yield* this.#deduplication.changes();
    yield* this.#sentAgain.changes();
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    yield* this.#deduplication.cells();
    yield* this.#sentAgain.cells();
  }

  /** Ids that ingest made cannot repeat, but by a frame sent twice, and that was seen before. */
  #isRepeat(item: Item, generatedIds: string | undefined): boolean {
    if (!isDeadEvent(item) && item.again !== undefined) return this.#sentAgain.isRepeat(item);
    if (generatedIds !== undefined && item.id.startsWith(generatedIds)) return false;
    // What was refused may come again under its id, mended: then it is another event.
    const id = isDeadEvent(item) ? `!${item.id}` : item.id;
    return this.#deduplication.isRepeat(item.stream, id, item.receivedMs);
  }

  #enriched(event: StreamEvent): StreamEvent {
    const data = event.data as EventData;
    for (const step of this.options.steps) step(data, event.timeMs);
    return event;
  }
}

/** The frame of a message of `raw`; what is none becomes a dead event in its place. */
function readFrame(delivery: Delivery): Frame<Item> {
  try {
    return decodeFrame<Item>(delivery.payload, 'raw');
  } catch (error) {
    if (!(error instanceof UndecodableFrameError)) throw error;
    return { header: { v: 1, kind: 'raw' }, items: [undecodable(delivery, error)] };
  }
}

/** What a function has failed on had been through the steps before. */
function isEnriched({ again }: StreamEvent): boolean {
  return again?.to !== undefined;
}

function undecodable(delivery: Delivery, error: UndecodableFrameError): DeadEvent {
  const { topic, partition, position, payload, publishTimeMs } = delivery;
  const original = Buffer.from(
    payload.buffer,
    payload.byteOffset,
    Math.min(payload.byteLength, MAX_DEAD_ORIGINAL_BYTES),
  );
  return {
    id: `${topic}/${partition}/${position.join(':')}`,
    stream: 'undecodable',
    receivedMs: publishTimeMs,
    dead: {
      code: error.code,
      reason: error.message,
      stage: 'enrich',
      attempts: 1,
      original: original.toString('utf8'),
      originalBytes: payload.byteLength,
    },
  };
}

function countDropped(dropped: Dropped, stream: string, fate: string): void {
  const fates = (dropped[stream] ??= {});
  fates[fate] = (fates[fate] ?? 0) + 1;
}

import type { CoveringLogic, CoveringOutput } from '#libs/functions';
import {
  type DeadEvent,
  isDeadEvent,
  type JsonValue,
  MAX_DEAD_ORIGINAL_BYTES,
  type StreamEvent,
} from '#libs/kernel';
import {
  decodeFrame,
  type Delivery,
  type Frame,
  type FrameHeader,
  UndecodableFrameError,
} from '#libs/messaging';
import { Deduplication } from './deduplication.js';
import { OpenedStreams } from './opened-streams.js';
import { readPlainMessage, type WantedEvents } from './plain-message.js';
import { SentAgainIds } from './sent-again-ids.js';
import { type Enriched, EventSteps, lineOf } from './steps/event-steps.js';
import type { Step } from './steps/step.js';

type Item = StreamEvent | DeadEvent;
type Dropped = Record<string, Record<string, number>>;

/** Events of other producers than ingest. */
export interface PlainMessages {
  readonly wanted: WantedEvents;
  /** Stores the `open` marker of a stream in every partition of `raw`. */
  readonly open: (stream: string) => Promise<void>;
}

export interface EnrichOptions {
  readonly deduplicateForMs: number;
  readonly steps: readonly Step[];
  /** Told with each commit how far back ids are remembered, in milliseconds. */
  readonly onHorizon?: (horizonMs: number) => void;
  /** What steps wait for at present, other than the user's own code. */
  readonly waitingFor?: () => string | undefined;
  /** Absent: what is no frame is dead. */
  readonly plain?: PlainMessages;
}

/** Deduplicates and enriches one partition of `raw`: a pure function of its messages. */
export class EnrichTaskLogic implements CoveringLogic {
  readonly #deduplication: Deduplication;
  readonly #sentAgain = new SentAgainIds();
  readonly #steps: EventSteps;

  readonly #streams: OpenedStreams;

  constructor(private readonly options: EnrichOptions) {
    this.#streams = new OpenedStreams(options.plain?.open ?? (() => Promise.resolve()));
    this.#steps = new EventSteps(options.steps);
    this.#deduplication = new Deduplication(options.deduplicateForMs);
  }

  get waitingFor(): string {
    return this.options.waitingFor?.() ?? 'user code';
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    this.#deduplication.restore(cells);
    this.#sentAgain.restore(cells);
    this.#streams.restore(cells);
  }

  transform(delivery: Delivery): CoveringOutput | Promise<CoveringOutput> {
    const frame = readFrame(delivery, this.options.plain?.wanted);
    this.#streams.note(frame.header.markers ?? []);
    const [plain] = frame.header === PLAIN ? frame.items : [];
    const opened = plain === undefined ? undefined : this.#streams.ensure(plain.stream);
    return opened === undefined ? this.#outputOf(frame) : opened.then(() => this.#outputOf(frame));
  }

  #outputOf(frame: Frame<Item>): CoveringOutput | Promise<CoveringOutput> {
    const dropped: Dropped = {};
    const items: (Enriched | Promise<Enriched>)[] = [];
    for (const item of frame.items) {
      if (this.#isRepeat(item, frame.header.generatedIds)) countDropped(dropped, item.stream, 'duplicate');
      // All of them begin before any is waited for: what they look up is asked for together.
      else items.push(isDeadEvent(item) || isEnriched(item) ? item : this.#steps.run(item));
    }
    const finish = (done: readonly Enriched[]): CoveringOutput => output(frame, done, dropped);
    const hasToWait = items.some((each) => each instanceof Promise);
    if (!hasToWait) return finish(items as readonly Enriched[]);
    return Promise.all(items.map(async (each) => await each)).then(finish);
  }

  *changes(): Iterable<readonly [string, JsonValue | undefined]> {
    yield* this.#deduplication.changes();
    this.options.onHorizon?.(this.#deduplication.effectiveHorizonMs);
    yield* this.#sentAgain.changes();
    yield* this.#streams.changes();
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    yield* this.#deduplication.cells();
    yield* this.#sentAgain.cells();
    yield* this.#streams.cells();
  }

  /** Ids that ingest made cannot repeat, but by a frame sent twice, and that was seen before. */
  #isRepeat(item: Item, generatedIds: string | undefined): boolean {
    if (!isDeadEvent(item) && item.again !== undefined) return this.#sentAgain.isRepeat(item);
    if (generatedIds !== undefined && item.id.startsWith(generatedIds)) return false;
    // What was refused may come again under its id, mended: then it is another event.
    const id = isDeadEvent(item) ? `!${item.id}` : item.id;
    return this.#deduplication.isRepeat(item.stream, id, item.receivedMs);
  }
}

function output(frame: Frame<Item>, items: readonly Enriched[], dropped: Dropped): CoveringOutput {
  const lines: string[] = [];
  for (const item of items) {
    if ('filteredFrom' in item) countDropped(dropped, item.filteredFrom, 'filtered');
    else lines.push(lineOf(item));
  }
  return { lines, markers: frame.header.markers ?? [], dropped, events: frame.items.length };
}

/** Of the frame around a message that is one event. */
const PLAIN: FrameHeader = { v: 1, kind: 'raw' };

/** The frame of a message of `raw`; what is none is one event of another producer, or a dead one in its place. */
function readFrame(delivery: Delivery, wanted: WantedEvents | undefined): Frame<Item> {
  try {
    return decodeFrame<Item>(delivery.payload, 'raw');
  } catch (error) {
    if (!(error instanceof UndecodableFrameError)) throw error;
    const plain = wanted === undefined ? undefined : readPlainMessage(delivery, wanted);
    return plain === undefined
      ? { header: { v: 1, kind: 'raw' }, items: [undecodable(delivery, error)] }
      : { header: PLAIN, items: [plain] };
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

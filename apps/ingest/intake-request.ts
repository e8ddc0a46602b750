import { type Clock, MAX_EVENT_BYTES } from '#libs/kernel';
import type { PlainEvent, ScannedEvents } from '#libs/ingestion';
import { FACTS, type Telemetry } from '#libs/observability';
import type { PipelineDefinition } from '#libs/pipeline';
import type { AcceptedEvents } from './accepted-events.js';
import type { EventMould } from './event-mould.js';
import { EventRun } from './event-run.js';
import type { FramePublishers } from './frame-publishers.js';
import {
  encodeDead,
  encodeEvent,
  type IncomingEvent,
  isTooDeep,
  type ItemPlace,
  type ItemProblem,
  MAX_DEPTH,
  type Original,
} from './intake-item.js';
import { MAX_TURN_EVENTS } from './partition-turns.js';
import type { FrameSender, RawFrame, RawItem } from './raw-frame.js';
import { RecentIds } from './recent-ids.js';

/** What became of the items of a request. Everything that is counted here is stored. */
export interface IntakeReceipt {
  readonly accepted: number;
  /** Repeats of an id within the request; they were dropped. */
  readonly duplicates: number;
  readonly rejected: number;
  /** The first 100 of what was rejected. */
  readonly errors: readonly (ItemPlace & ItemProblem)[];
  readonly errorsTruncated: boolean;
}

export interface IntakeRequestOptions {
  readonly pipeline: PipelineDefinition;
  readonly stream: string;
  readonly publishers: FramePublishers;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Counts what is stored of this stream. */
  readonly acceptedEvents: AcceptedEvents;
  /** Makes the ids of items that have none; see {@link IntakeRequest}. */
  readonly idempotencyKey: string | undefined;
}

const MAX_ERRORS = 100;

/**
 * Takes in the items of one request. The id of an item is its sender's; else the idempotency key and the item's line
 * or index, as `key:7`; else one that is made up.
 *
 * Call {@link untilRoom} where {@link hasRoom} says no, and {@link receipt} once, at the end.
 */
export class IntakeRequest implements FrameSender {
  #receivedMs: number;
  #recentIds: RecentIds | undefined;
  /** How often a frame will still say what has become of it. */
  #open = 0;
  #onSettled: (() => void) | undefined;
  #failure: { readonly error: unknown } | undefined;
  #accepted = 0;
  #duplicates = 0;
  #rejected = 0;
  readonly #errors: (ItemPlace & ItemProblem)[] = [];

  /** Of what is being read. */
  #mould: EventMould | undefined;

  constructor(private readonly options: IntakeRequestOptions) {
    this.#receivedMs = options.clock.nowMs();
  }

  /** When what is being read was received: epoch milliseconds. */
  get receivedMs(): number {
    return this.#receivedMs;
  }

  /** The only type of event that is taken, e.g. `web-request@1`. */
  get eventType(): string {
    return this.options.pipeline.eventType;
  }

  /** The next items were received now. */
  touch(): void {
    this.#receivedMs = this.options.clock.nowMs();
    this.#mould = undefined;
  }

  /** Takes an event, or refuses it where it is not of the pipeline's schema. */
  take(event: IncomingEvent, place: ItemPlace, original: () => Original): void {
    const problem = this.#problemOf(event);
    if (problem !== undefined) {
      this.reject(problem, place, { original, id: event.id });
      return;
    }
    const id = this.#idOf(event.id, place);
    if (this.#isRepeat(id, event.id)) return;
    const { stream, pipeline } = this.options;
    const { timeMs, key, data } = event;
    const type = pipeline.eventType;
    const line = encodeEvent({ id, stream, timeMs, receivedMs: this.#receivedMs, key, type, data });
    const bytes = Buffer.byteLength(line);
    if (bytes > MAX_EVENT_BYTES) {
      this.#reject(tooLarge(bytes), place, { original, id });
      return;
    }
    this.#accepted++;
    this.#publish({ id, isIdGenerated: this.#isGenerated(event.id), line, bytes }, key, 1);
  }

  /**
   * Takes plain events as they stand: they are known to be of the pipeline's schema, and not too large. Answers how many:
   * some of those that have no id and nothing else stands between, or one.
   */
  takePlain(events: ScannedEvents, index: number): number {
    const end =
      this.options.idempotencyKey === undefined ? events.endOfNameless(index, MAX_TURN_EVENTS) : index;
    if (end > index) return this.#takeRun(events, index, end);
    this.#takeNamed(events.at(index) as PlainEvent, index);
    return 1;
  }

  #takeNamed(event: PlainEvent, index: number): void {
    const { publishers, pipeline } = this.options;
    const id = this.#idOf(event.id, { index });
    if (this.#isRepeat(id, event.id)) return;
    this.#accepted++;
    // The sender's has no escapes, or the scanner had not taken it.
    const idText = event.id ?? JSON.stringify(id).slice(1, -1);
    const mould = (this.#mould ??= this.#newMould());
    this.#count(publishers.publishNamed(pipeline, { id, idText, mould, event }), 1);
  }

  #takeRun(events: ScannedEvents, index: number, end: number): number {
    const { publishers, pipeline } = this.options;
    const run = new EventRun(events, (this.#mould ??= this.#newMould()));
    run.next = index;
    run.end = end;
    while (run.next < end) {
      const first = run.next;
      const frame = publishers.publishRun(pipeline, run);
      this.#count(frame, run.next - first);
    }
    this.#accepted += end - index;
    return end - index;
  }

  #newMould(): EventMould {
    const { publishers, stream } = this.options;
    return publishers.moulds.of({ stream, type: this.eventType, receivedMs: this.#receivedMs });
  }

  /** Refuses an item: it travels on as a dead event. @param item `id`: the sender's, where it could be read */
  reject(
    problem: ItemProblem,
    place: ItemPlace,
    item: { original: () => Original; id?: string | undefined },
  ): void {
    const id = this.#idOf(item.id, place);
    // A repeat of a refused event is none of a good one: senders mend events and send them again.
    if (item.id !== undefined && this.#isRepeat(`!${id}`, item.id)) return;
    this.#reject(problem, place, { original: item.original, id, isIdGenerated: this.#isGenerated(item.id) });
  }

  get hasRoom(): boolean {
    return this.#failure === undefined && this.options.publishers.hasRoom;
  }

  /** Waits until more may be taken in. @throws what kept an earlier item from being stored */
  async untilRoom(): Promise<void> {
    this.#assertStored();
    await this.options.publishers.untilRoom();
    this.#assertStored();
  }

  /** Waits until everything is stored. @throws LogFullError, LogUnavailableError and the like */
  async receipt(): Promise<IntakeReceipt> {
    if (this.#open > 0)
      await this.options.publishers.whileMoving(new Promise<void>((done) => (this.#onSettled = done)));
    this.#assertStored();
    return {
      accepted: this.#accepted,
      duplicates: this.#duplicates,
      rejected: this.#rejected,
      errors: this.#errors,
      errorsTruncated: this.#rejected > this.#errors.length,
    };
  }

  #problemOf(event: IncomingEvent): ItemProblem | undefined {
    if (isTooDeep(event.data)) {
      return {
        code: 'EVENT_TOO_DEEP',
        detail: `the data is nested deeper than ${MAX_DEPTH} levels`,
        path: '',
      };
    }
    const problem = this.options.pipeline.schema.check(event.data);
    if (problem === undefined) return undefined;
    return { code: 'EVENT_DATA_INVALID', detail: problem.reason, path: problem.path };
  }

  #idOf(given: string | undefined, { index, line }: ItemPlace): string {
    if (given !== undefined) return given;
    const { idempotencyKey, publishers } = this.options;
    return idempotencyKey === undefined ? publishers.newId() : `${idempotencyKey}:${line ?? index}`;
  }

  #isGenerated(given: string | undefined): boolean {
    return given === undefined && this.options.idempotencyKey === undefined;
  }

  /** Only a sender can repeat an id; counts it where it did. */
  #isRepeat(id: string, given: string | undefined): boolean {
    if (given === undefined || !(this.#recentIds ??= new RecentIds()).isRepeat(id)) return false;
    this.#duplicates++;
    return true;
  }

  #reject(
    problem: ItemProblem,
    place: ItemPlace,
    {
      original,
      id,
      isIdGenerated = false,
    }: { original: () => Original; id: string; isIdGenerated?: boolean },
  ): void {
    const { pipeline, stream, telemetry } = this.options;
    this.#rejected++;
    if (this.#errors.length < MAX_ERRORS) this.#errors.push({ ...place, ...problem });
    telemetry.record(FACTS.eventsRejected, { pipeline: pipeline.name, stream, code: problem.code });
    const line = encodeDead({ id, stream, receivedMs: this.#receivedMs }, problem, place, original());
    this.#publish({ id, isIdGenerated, line, bytes: Buffer.byteLength(line) }, undefined, 0);
  }

  #publish(item: RawItem, key: string | undefined, events: number): void {
    this.#count(this.options.publishers.publish(this.options.pipeline, item, key), events);
  }

  #count(frame: RawFrame, events: number): void {
    if (frame.tell(this, events)) this.#open++;
  }

  stored(events: number): void {
    this.options.acceptedEvents.add(events);
    this.#settled();
  }

  failed(error: unknown): void {
    this.#failure ??= { error };
    this.#settled();
  }

  #settled(): void {
    this.#open--;
    if (this.#open === 0) this.#onSettled?.();
  }

  #assertStored(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function tooLarge(bytes: number): ItemProblem {
  return { code: 'EVENT_TOO_LARGE', detail: `the event has ${bytes} bytes; it may have ${MAX_EVENT_BYTES}` };
}

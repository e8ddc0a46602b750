import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { Clock } from '#libs/kernel';
import { type Marker, MessageBroker, partitionOf } from '#libs/messaging';
import type { PipelineDefinition } from '#libs/pipeline';
import { Configuration, Pipelines, ProcessFailpoints } from '#libs/platform';
import { FramePublisher } from './frame-publisher.js';
import { EventMoulds, type NamedEvent } from './event-mould.js';
import type { EventRun } from './event-run.js';
import { InFlightBytes } from './in-flight-bytes.js';
import { LogUnavailableError, PublishQueueFullError } from './ingest.errors.js';
import { PartitionTurns } from './partition-turns.js';
import { Patience } from './patience.js';
import type { RawFrame, RawItem } from './raw-frame.js';

/** Above this a request that is being read waits. */
const READ_ON_BELOW_BYTES = 24 * 1024 * 1024;
/** Above this a new request is refused. The room between is for what has been begun. */
const REFUSE_ABOVE_BYTES = 64 * 1024 * 1024;
/** When the log has stored nothing for so long, whoever waits for it is told. */
const QUIET_MS = 30_000;
/** How long the end of the process waits for what was taken in. */
const DRAIN_MS = 5_000;

/** The publishers of this process, one for each pipeline and partition, and what they may hold together. */
@Injectable()
export class FramePublishers implements BeforeApplicationShutdown {
  readonly #inFlight = new InFlightBytes();
  readonly #publishers = new Map<string, PartitionTurns>();
  readonly #generatedIds: string;
  readonly moulds: EventMoulds;
  @Inject(ProcessFailpoints) private readonly failpoints?: ProcessFailpoints;
  #lastStoredMs = -Infinity;
  /** When the log has stored something, or something came after it had stored all. */
  #lastMovedMs = -Infinity;
  #lastId = 0;
  readonly #patience: Patience;

  constructor(
    @Inject(MessageBroker) private readonly broker: MessageBroker,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(Pipelines) private readonly pipelines: Pipelines,
    @Inject(Configuration) private readonly configuration: Pick<Configuration, 'processId'>,
  ) {
    this.#generatedIds = `${configuration.processId}-`;
    this.moulds = new EventMoulds(this.#generatedIds);
    this.#patience = new Patience(clock, QUIET_MS, () => this.#lastStoredMs);
  }

  /** An id that nothing else has. */
  newId(): string {
    return `${this.#generatedIds}${(this.#lastId++).toString(36)}`;
  }

  /**
   * Sends an item to the partition of its key, or of its id; one that nobody can ask for again goes to the partitions in turn.
   * Answers the frame it travels in.
   */
  publish(pipeline: PipelineDefinition, item: RawItem, key?: string): RawFrame {
    const turns = this.#of(pipeline);
    if (key === undefined && item.isIdGenerated) {
      const frame = this.#awake(turns.next()).add(item);
      turns.took(1);
      return frame;
    }
    const { publishers } = turns;
    return this.#awake(publishers[partitionOf(key ?? item.id, publishers.length)]).add(item);
  }

  /**
   * Sends events whose ids are made here, as {@link newId} makes them: as many as travel in one frame, which it answers.
   *
   * @param run its mould is of {@link moulds}
   */
  publishRun(pipeline: PipelineDefinition, run: EventRun): RawFrame {
    const first = run.next;
    const turns = this.#of(pipeline);
    const publisher = this.#awake(turns.next());
    const frame = publisher.addRun(run, this.#lastId);
    const events = run.next - first;
    this.#lastId += events;
    turns.took(events);
    return frame;
  }

  /** Sends an event to the partition of its id, and answers the frame it travels in. @param named its mould is of {@link moulds} */
  publishNamed(pipeline: PipelineDefinition, named: NamedEvent): RawFrame {
    const { publishers } = this.#of(pipeline);
    return this.#awake(publishers[partitionOf(named.id, publishers.length)]).addNamed(named);
  }

  #awake(publisher: FramePublisher | undefined): FramePublisher {
    if (publisher === undefined) throw new RangeError('a pipeline has no partitions');
    if (this.#inFlight.total === 0) this.#lastMovedMs = this.clock.monotonicMs();
    return publisher;
  }

  /** Resolves once a marker is stored in every partition, behind everything that was published before. */
  async markAll(pipeline: PipelineDefinition, marker: Marker): Promise<void> {
    const frames = this.#of(pipeline).publishers.map((publisher) => publisher.mark(marker));
    await this.whileMoving(Promise.all(frames.map((frame) => frame.stored)));
  }

  /** @throws PublishQueueFullError, LogUnavailableError if no new request may begin */
  assertRoom(): void {
    const { total } = this.#inFlight;
    // Whoever waits has been told after 30 s; who comes now need not wait as long to learn the same.
    const quietMs = this.clock.monotonicMs() - this.#lastMovedMs;
    if (total > 0 && quietMs >= QUIET_MS) throw new LogUnavailableError(Math.round(quietMs));
    if (total > REFUSE_ABOVE_BYTES) throw new PublishQueueFullError(total, REFUSE_ABOVE_BYTES);
  }

  /** Is there room to read on; if not, wait for {@link untilRoom}. */
  get hasRoom(): boolean {
    return this.#inFlight.total < READ_ON_BELOW_BYTES;
  }

  /** @throws LogUnavailableError */
  async untilRoom(): Promise<void> {
    await this.whileMoving(this.#inFlight.untilBelow(READ_ON_BELOW_BYTES));
  }

  /**
   * Waits for something that the log brings about, as long as the log stores anything at all.
   *
   * @throws LogUnavailableError once it has stored nothing for 30 s
   */
  whileMoving<T>(wanted: Promise<T>): Promise<T> {
    return this.#patience.until(wanted);
  }

  /** What was taken in is stored before the log is closed. */
  async beforeApplicationShutdown(): Promise<void> {
    const tooLong = new AbortController();
    await Promise.race([this.#inFlight.untilBelow(1), this.clock.sleep(DRAIN_MS, tooLong.signal)]);
    tooLong.abort();
  }

  #of(pipeline: PipelineDefinition): PartitionTurns {
    const known = this.#publishers.get(pipeline.name);
    if (known !== undefined) return known;
    const made = new PartitionTurns(
      Array.from({ length: pipeline.partitions }, (_, partition) => this.#make(pipeline, partition)),
    );
    this.#publishers.set(pipeline.name, made);
    return made;
  }

  #make(pipeline: PipelineDefinition, partition: number): FramePublisher {
    return new FramePublisher({
      broker: this.broker,
      clock: this.clock,
      topic: this.pipelines.topic(pipeline.name, 'raw'),
      partition,
      processId: this.configuration.processId,
      generatedIds: this.#generatedIds,
      inFlight: this.#inFlight,
      onStored: () => {
        this.#lastStoredMs = this.clock.monotonicMs();
        this.#lastMovedMs = this.#lastStoredMs;
        this.failpoints?.hit('after-frame-stored', { pipeline: pipeline.name, stage: 'ingest', partition });
      },
    });
  }
}

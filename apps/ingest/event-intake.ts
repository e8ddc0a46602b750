import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { AcceptedEvents } from './accepted-events.js';
import { FramePublishers } from './frame-publishers.js';
import { IdempotencyKeyInvalidError } from './ingest.errors.js';
import { type IncomingEvent, originalValue } from './intake-item.js';
import { type IntakeReceipt, IntakeRequest } from './intake-request.js';
import { KnownStreams } from './known-streams.js';

export interface IntakeOptions {
  /** Name of the pipeline; needed only where a process has several. */
  readonly pipeline?: string | undefined;
  /** 1 to 200 visible ASCII characters. */
  readonly idempotencyKey?: string | undefined;
}

const MAX_KEY_LENGTH = 200;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

/** Takes events into `raw`. What HTTP does through {@link begin}, code in the same process does through {@link accept}. */
@Injectable()
export class EventIntake {
  /** By pipeline and stream, of which there are not more than are known. */
  readonly #acceptedEvents = new Map<string, AcceptedEvents>();

  constructor(
    @Inject(KnownStreams) private readonly streams: KnownStreams,
    @Inject(FramePublishers) private readonly publishers: FramePublishers,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(Telemetry) private readonly telemetry: Telemetry,
  ) {}

  /**
   * Stores events and says what became of them. Waits where there is no room.
   *
   * @throws StreamNameInvalidError, StreamLimitError, LogFullError, LogUnavailableError
   */
  async accept(
    stream: string,
    events: readonly IncomingEvent[],
    options: IntakeOptions = {},
  ): Promise<IntakeReceipt> {
    const request = await this.#open(stream, options);
    for (const [index, event] of events.entries()) {
      if (!request.hasRoom) await request.untilRoom();
      request.take(event, { index }, () => originalValue(event));
    }
    return await request.receipt();
  }

  /**
   * Begins a request that is read piece by piece.
   *
   * @throws PublishQueueFullError, and what {@link accept} throws
   */
  async begin(stream: string, options: IntakeOptions = {}): Promise<IntakeRequest> {
    this.publishers.assertRoom();
    return await this.#open(stream, options);
  }

  async #open(stream: string, { pipeline: name, idempotencyKey }: IntakeOptions): Promise<IntakeRequest> {
    if (idempotencyKey !== undefined && !IDEMPOTENCY_KEY.test(idempotencyKey)) {
      throw new IdempotencyKeyInvalidError(idempotencyKey, MAX_KEY_LENGTH);
    }
    const pipeline = this.streams.opened(stream, name) ?? (await this.streams.open(stream, name));
    const { publishers, clock, telemetry } = this;
    const acceptedEvents = this.#acceptedEventsOf(pipeline.name, stream);
    const place = { pipeline, stream, acceptedEvents };
    return new IntakeRequest({ ...place, publishers, clock, telemetry, idempotencyKey });
  }

  #acceptedEventsOf(pipeline: string, stream: string): AcceptedEvents {
    const name = `${pipeline} ${stream}`;
    let accepted = this.#acceptedEvents.get(name);
    if (accepted === undefined) {
      accepted = new AcceptedEvents(this.telemetry, { pipeline, stream });
      this.#acceptedEvents.set(name, accepted);
    }
    return accepted;
  }
}

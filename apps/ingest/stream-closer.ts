import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '#libs/kernel';
import type { PipelineDefinition } from '#libs/pipeline';
import { CloseIds } from './close-id.js';
import { type Close, CloseProgress } from './close-progress.js';
import { FramePublishers } from './frame-publishers.js';
import { CloseTimeoutError } from './ingest.errors.js';
import { KnownStreams } from './known-streams.js';

/** A stream is complete up to a time: every window that holds one of its events is final. */
export interface ClosedStream {
  readonly stream: string;
  /** ISO 8601. Null: the stream has no events. */
  readonly closedUntil: string | null;
  readonly closeId: string;
}

const POLL_MS = 25;
/** How long a close is waited for. It goes on after that. */
const WAIT_MS = 60_000;

/** Closes streams, and waits until that is so everywhere. */
@Injectable()
export class StreamCloser {
  readonly #closeIds: CloseIds;

  constructor(
    @Inject(KnownStreams) private readonly streams: KnownStreams,
    @Inject(FramePublishers) private readonly publishers: FramePublishers,
    @Inject(CloseProgress) private readonly progress: CloseProgress,
    @Inject(Clock) private readonly clock: Clock,
  ) {
    this.#closeIds = new CloseIds(clock, randomUUID);
  }

  /**
   * Puts a closing marker behind everything that is stored, and waits until every global task has delivered what
   * became final by it. Undefined: the signal came first.
   *
   * @throws StreamNameInvalidError, StreamUnknownError, LogFullError, CloseTimeoutError after 60 s
   */
  async close(stream: string, signal: AbortSignal, pipelineName?: string): Promise<ClosedStream | undefined> {
    const pipeline = await this.streams.find(stream, pipelineName);
    const closeId = this.#closeIds.next();
    await this.publishers.markAll(pipeline, { type: 'closing', stream, closeId });
    const untilMs = await this.#untilClosed(pipeline, { stream, closeId }, signal);
    return untilMs === undefined ? undefined : { stream, closedUntil: isoOf(untilMs), closeId };
  }

  async #untilClosed(
    pipeline: PipelineDefinition,
    close: Close,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const beganMs = this.clock.monotonicMs();
    while (!signal.aborted) {
      const closed = await this.progress.closedUntil(pipeline, close);
      if (closed.every((untilMs) => untilMs !== undefined)) return Math.max(...closed);
      if (this.clock.monotonicMs() - beganMs >= WAIT_MS) {
        throw new CloseTimeoutError(
          close.stream,
          WAIT_MS,
          await this.progress.waitingFor(pipeline, close, closed),
        );
      }
      await this.clock.sleep(POLL_MS, signal);
    }
    return undefined;
  }
}

function isoOf(timeMs: number): string | null {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

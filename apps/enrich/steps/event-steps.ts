import { type DeadEvent, MAX_DEAD_ORIGINAL_BYTES, PlatformError, type StreamEvent } from '#libs/kernel';
import type { EventData, Step, StepVerdict } from './step.js';

/** What the steps have made of an event. */
export type Enriched = StreamEvent | DeadEvent | { readonly filteredFrom: string };

/** Runs the steps of a pipeline over its events. An event that a step throws for is dead; its neighbours go on. */
export class EventSteps {
  constructor(private readonly steps: readonly Step[]) {}

  /** Answers at once as long as no step has to wait. */
  run(event: StreamEvent): Enriched | Promise<Enriched> {
    return this.#from(0, event);
  }

  #from(first: number, event: StreamEvent): Enriched | Promise<Enriched> {
    const data = event.data as EventData;
    for (let index = first; index < this.steps.length; index++) {
      const verdict = this.#attempt(index, data, event);
      if (verdict instanceof Promise) return this.#after(verdict, index, event);
      if (verdict === 'filtered') return { filteredFrom: event.stream };
      if (verdict !== undefined) return verdict;
    }
    return event;
  }

  async #after(running: Promise<StepVerdict>, index: number, event: StreamEvent): Promise<Enriched> {
    try {
      if ((await running) === 'filtered') return { filteredFrom: event.stream };
      return await this.#from(index + 1, event);
    } catch (error) {
      return deadOf(event, error);
    }
  }

  #attempt(
    index: number,
    data: EventData,
    event: StreamEvent,
  ): StepVerdict | DeadEvent | Promise<StepVerdict> {
    try {
      return this.steps[index]?.(data, event.timeMs);
    } catch (error) {
      return deadOf(event, error);
    }
  }
}

/** The letter holds the event as far as the steps had come, in the form in which ingest takes it again. */
function deadOf(event: StreamEvent, error: unknown): DeadEvent {
  const { id, stream, receivedMs, timeMs, key, data } = event;
  const text = JSON.stringify({ id, time: timeMs, ...(key === undefined ? {} : { key }), data });
  const bytes = Buffer.from(text);
  const isKnown = error instanceof PlatformError;
  return {
    id,
    stream,
    receivedMs,
    dead: {
      code: isKnown ? error.code : 'STEP_FAILED',
      reason: error instanceof Error ? error.message : String(error),
      stage: 'enrich',
      attempts: 1,
      original:
        bytes.length <= MAX_DEAD_ORIGINAL_BYTES ? text : bytes.toString('utf8', 0, MAX_DEAD_ORIGINAL_BYTES),
      originalBytes: bytes.length,
    },
  };
}

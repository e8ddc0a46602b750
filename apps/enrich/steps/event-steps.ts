import {
  type DeadEvent,
  isDeadEvent,
  MAX_DEAD_ORIGINAL_BYTES,
  PlatformError,
  type StreamEvent,
} from '#libs/kernel';
import { EnrichedEventTooLargeError } from '../enrich.errors.js';
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

/** An event that carries more than this fits no message beside its frame. */
const MAX_EVENT_BYTES = 512 * 1024;
/** JSON text is at most this many bytes per UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

/** The event as the frame holds it. What can't be written, or is too large, is a dead letter: its neighbours go on. */
export function lineOf(event: StreamEvent | DeadEvent): string {
  try {
    const line = JSON.stringify(event);
    if (line.length * MAX_BYTES_PER_UNIT <= MAX_EVENT_BYTES) return line;
    const bytes = Buffer.byteLength(line);
    if (bytes > MAX_EVENT_BYTES) throw new EnrichedEventTooLargeError(bytes, MAX_EVENT_BYTES);
    return line;
  } catch (error) {
    if (isDeadEvent(event)) throw error;
    return JSON.stringify(deadOf(event, error));
  }
}

/** The letter holds the event as far as the steps had come, in the form in which ingest takes it again. */
function deadOf(event: StreamEvent, error: unknown): DeadEvent {
  const { id, stream, receivedMs, timeMs, key, data } = event;
  const text = textOf({ id, time: timeMs, ...(key === undefined ? {} : { key }), data });
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

/** As JSON, also where a step has put something in it that JSON has no word for. */
function textOf(letter: Pick<StreamEvent, 'id' | 'data'> & { readonly time: number }): string {
  try {
    return JSON.stringify(letter);
  } catch {
    const data = Object.entries(letter.data as EventData).filter(([, value]) => isWritable(value));
    return JSON.stringify({ ...letter, data: Object.fromEntries(data) });
  }
}

function isWritable(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

import type { TaskInput } from '#libs/functions';
import type { Clock, StreamEvent } from '#libs/kernel';
import type { Delivery, Marker } from '#libs/messaging';
import type { TimeDefinition } from '#libs/windowing';
import type { FunctionTestOptions, GivenEvent } from './function-test-options.js';
import { positionAt } from './function-test-task.js';

/** Wall clock at the start of every test that does not say otherwise. */
export const START_MS = Date.UTC(2030, 0, 1);
const FOREVER_MS = Number.MAX_SAFE_INTEGER;

/** The pipeline's sense of time, where a test says nothing: in order, no skew refused. */
export function testTime(time: Partial<TimeDefinition> = {}): TimeDefinition {
  return { maxOutOfOrdernessMs: 0, maxFutureSkewMs: FOREVER_MS, idleAfterMs: 10_000, ...time };
}

/** Where a message stands: its topic, and the how manieth step it is for the task. */
export interface MessagePlace {
  readonly topic: string;
  readonly partition?: number;
  readonly entry: number;
}

/** Makes up what tests leave out of events, and messages of them. */
export class TestEvents {
  #made = 0;

  constructor(
    private readonly options: FunctionTestOptions,
    private readonly clock: Clock,
  ) {}

  /** The stream of events that name none. */
  get stream(): string {
    return this.options.stream ?? 'demo';
  }

  complete<Input>(event: GivenEvent<Input>): StreamEvent<Input> {
    const nowMs = this.clock.nowMs();
    return {
      id: `given-${++this.#made}`,
      stream: this.stream,
      timeMs: nowMs,
      receivedMs: nowMs,
      type: 'given@1',
      ...event,
    };
  }

  message(
    { topic, partition = 0, entry }: MessagePlace,
    items: readonly StreamEvent[],
    markers: readonly Marker[] = [],
  ): TaskInput {
    const delivery: Delivery = {
      topic,
      partition,
      position: positionAt(entry),
      payload: Buffer.alloc(0),
      publishTimeMs: this.clock.nowMs(),
      properties: {},
    };
    const covers = { after: positionAt(entry - 1), upTo: positionAt(entry) };
    return { delivery, frame: { header: { v: 1, kind: 'enriched', covers, markers }, items } };
  }
}

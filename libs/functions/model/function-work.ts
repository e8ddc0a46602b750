import type { StreamEvent } from '#libs/kernel';
import type { Delivery } from '#libs/messaging';
import type { FunctionTimer, MessageMetadata } from './function-context.js';

/** One event that a function has to process. */
export interface EventWork {
  readonly kind: 'event';
  readonly event: StreamEvent;
  readonly message: MessageMetadata;
  /** The watermark of its stream, the event itself included: `null` stands for −∞, since it is stored as JSON. */
  readonly watermarkMs: number | null;
}

/** One timer that has fired. */
export interface TimerWork {
  readonly kind: 'timer';
  readonly timer: FunctionTimer;
  readonly watermarkMs: number | null;
}

/** What a handler is called for. */
export type FunctionWork = EventWork | TimerWork;

/** The event time at which the work stands. */
export function timeOfWork(work: FunctionWork): number {
  return work.kind === 'event' ? work.event.timeMs : work.timer.dueMs;
}

/** Identifies the work within its stream: the same on every run, so that what comes of it has the same ids. */
export function idOfWork(work: FunctionWork, key: string): string {
  if (work.kind === 'event') return work.event.id;
  const { kind, name, dueMs } = work.timer;
  return `${key}/${kind}/${name}/${dueMs}`;
}

/** What a handler is told of the message that an event came in. */
export function messageOf(delivery: Delivery): MessageMetadata {
  const { topic, partition, position, key, properties, eventTimeMs, publishTimeMs } = delivery;
  return {
    topic,
    partition,
    position,
    properties,
    publishTimeMs,
    ...(key === undefined ? {} : { key }),
    ...(eventTimeMs === undefined ? {} : { eventTimeMs }),
  };
}

/** JSON knows no −∞. */
export function finiteOrNull(timeMs: number): number | null {
  return timeMs === -Infinity ? null : timeMs;
}

import { BaseRpcContext } from '@nestjs/microservices';
import type { Position } from '#libs/messaging';

/** What a handler may know of an event beside its data. */
export interface EventFacts {
  /** Of the event (`ce_id`), the same however often it comes; without one, its place in the topic. */
  readonly id: string;
  /** `ce_type`, `ce_source`, `ce_subject`. */
  readonly type?: string;
  readonly source?: string;
  readonly subject?: string;
  /** Event time, epoch milliseconds. */
  readonly timeMs?: number;
  /** When the broker stored it, epoch milliseconds. */
  readonly publishTimeMs: number;
  /** Messages of one key come in order, one at a time. */
  readonly key?: string;
  /** Of the message, all of them; CloudEvents attributes as `ce_…`. */
  readonly properties: Readonly<Record<string, string>>;
  /** The full name. */
  readonly topic: string;
  readonly partition: number;
  readonly position: Position;
  readonly subscription: string;
  /** From 1. Counted in this process: after a restart it is 1 again. */
  readonly attempt: number;
  /** Aborts when the process drains, or the time budget is over: end soon, by an error where the work is not done. */
  readonly signal: AbortSignal;
}

/** The second argument of a handler. */
export interface EventContext extends EventFacts {}

/** The second argument of a handler: the facts of the event, and of its delivery. */
export class EventContext extends BaseRpcContext<[EventFacts]> {
  /** What the handler has thrown, before Nest's filters made something else of it. */
  failure: unknown;

  constructor(facts: EventFacts) {
    super([facts]);
    Object.assign(this, facts);
  }
}

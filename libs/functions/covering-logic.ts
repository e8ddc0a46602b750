import type { JsonValue } from '#libs/kernel';
import type { Delivery, Marker } from '#libs/messaging';

/** What became of one message: the items of the frame, and what only needs to be counted or passed on. */
export interface CoveringOutput {
  /** Items, each as one line of JSON. */
  readonly lines: readonly string[];
  /** Signs that apply after the items. */
  readonly markers: readonly Marker[];
  /** Events that ended here: stream → fate → count. */
  readonly dropped: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** How many events the message held. */
  readonly events: number;
}

/**
 * A stage whose output is a pure function of its input, in order: the same messages give the same frames, byte for
 * byte or as good. So it needs no outbox and no fence: after a restart it goes over its input again from its last
 * commit, and readers drop what they have by what each frame `covers`.
 *
 * Whatever it remembers must come from the messages alone (ids, recorded times), never from a clock.
 */
export interface CoveringLogic {
  /** Called once, first. Empty before the first commit of the task. */
  restore(cells: ReadonlyMap<string, JsonValue>): void;
  transform(delivery: Delivery): CoveringOutput | Promise<CoveringOutput>;
  /** What a transformation that is under way waits for at present, e.g. `lookup:accounts`. Default `user code`. */
  readonly waitingFor?: string;
  /** The cells that changed since the last call; undefined: removed. */
  changes(): Iterable<readonly [name: string, value: JsonValue | undefined]>;
  /** Every cell, for a new base. */
  cells(): Iterable<readonly [name: string, value: JsonValue]>;
}

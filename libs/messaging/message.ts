import type { Position } from './position.js';

/** The most bytes one message may have: 700 KB, below every broker's default of 1 MiB after encoding. */
export const MAX_MESSAGE_BYTES = 700_000;

/** A message on its way out. */
export interface OutgoingMessage {
  readonly payload: Uint8Array;
  readonly key?: string;
  readonly eventTimeMs?: number;
  readonly properties?: Readonly<Record<string, string>>;
  /**
   * The number of this message among those of its producer name and partition, from 0, ascending. Where given,
   * the broker stores a number once: what is not above the last stored one is dropped (see {@link SendReceipt}).
   */
  readonly sequenceId?: number;
}

/** A message as a consumer or reader receives it. `payload` is valid until the process lets go of it; do not write to it. */
export interface Delivery {
  readonly topic: string;
  readonly partition: number;
  readonly position: Position;
  readonly payload: Uint8Array;
  readonly key?: string;
  readonly eventTimeMs?: number;
  /** When the broker stored it, epoch milliseconds. */
  readonly publishTimeMs: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly producerName?: string;
  readonly sequenceId?: number;
}

/** What the broker answered. `duplicate`: it already had this sequence id and stored nothing. */
export interface SendReceipt {
  readonly duplicate: boolean;
  /** Absent for a duplicate and on non-persistent topics. */
  readonly position?: Position;
}

import { partitionOf } from '#libs/messaging';
import type { SeededRandom } from './seeded-random.js';

// What is fed in: the generator's own record, which the oracle counts.

/** One number for one key. */
export interface SimulatedEvent {
  readonly id: string;
  readonly key: string;
  /** Its place among the events of the key, from 0. */
  readonly n: number;
  readonly value: number;
  /** It can't be processed: it ends as a message on `dead`. */
  readonly isBad: boolean;
}

/** What one client sends, in order; keys belong to one client, so that their order is known. */
export interface ClientRecord {
  readonly name: string;
  /** Its writer numbers its frames; else it is a foreign one, whose repeats are seen by the ids of events alone. */
  readonly isNumbering: boolean;
  /** Frames by partition, each with its events. */
  readonly frames: readonly { readonly partition: number; readonly events: readonly SimulatedEvent[] }[];
}

export interface WorkloadSize {
  readonly partitions: number;
  readonly clients: number;
  readonly framesPerClient: number;
}

const KEYS_PER_CLIENT = 3;
const MAX_EVENTS_PER_FRAME = 4;
const BAD_SHARE = 0.1;
/** Values with few digits in common: what is lost and what is doubled never make up for each other. */
const MAX_VALUE = 1_000_000;

export function makeWorkload(
  random: SeededRandom,
  { partitions, clients, framesPerClient }: WorkloadSize,
): readonly ClientRecord[] {
  return Array.from({ length: clients }, (_, client) => {
    const counts = new Map<string, number>();
    const frames = Array.from({ length: framesPerClient }, () => {
      const partition = random.int(0, partitions - 1);
      const keys = keysOf(client, partition, partitions);
      const events = Array.from({ length: random.int(1, MAX_EVENTS_PER_FRAME) }, () => {
        const key = random.pick(keys)!;
        const n = counts.get(key) ?? 0;
        counts.set(key, n + 1);
        const id = `${key}.${n}`;
        return { id, key, n, value: random.int(1, MAX_VALUE), isBad: random.chance(BAD_SHARE) };
      });
      return { partition, events };
    });
    return { name: `client-${client}`, isNumbering: client % 3 !== 2, frames };
  });
}

/** The first keys of a client whose place is this partition. */
function keysOf(client: number, partition: number, partitions: number): readonly string[] {
  const keys: string[] = [];
  for (let i = 0; keys.length < KEYS_PER_CLIENT; i++) {
    const key = `c${client}k${i}`;
    if (partitionOf(key, partitions) === partition) keys.push(key);
  }
  return keys;
}

import type { Outputs } from '#libs/functions';
import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';
import { COLLECTIONS } from '#libs/storage';
import type { AddOutcome } from '#libs/windowing';

const CELL_PREFIX = 'fates/';

export interface FateCountsOptions {
  readonly pipeline: string;
  readonly partition: number;
  readonly telemetry: Telemetry;
}

/** The counts of one stream. */
class StreamFates {
  readonly counts: Record<string, number> = {};
  readonly deadByCode: Record<string, number> = {};
  /** Arrival of the newest event, epoch milliseconds. */
  newestReceivedMs = 0;
  /** Since the last commit. */
  recent: Record<string, number> = {};
  hasChanged = false;
  isStored = true;

  add(fate: string, amount: number): void {
    this.counts[fate] = (this.counts[fate] ?? 0) + amount;
    this.recent[fate] = (this.recent[fate] ?? 0) + amount;
    this.hasChanged = true;
    this.isStored = false;
  }

  encode(): JsonObject {
    return {
      counts: { ...this.counts },
      deadByCode: { ...this.deadByCode },
      newestReceivedMs: this.newestReceivedMs,
    };
  }
}

/** The fate of an event that was no dead one; docs/event-fates.md explains each. */
export function fateOf(outcome: AddOutcome): string {
  if (outcome.kind === 'future') return 'future';
  if (outcome.counted > 0) return 'counted';
  return outcome.late.length > 0 ? 'late' : 'filtered';
}

/** How the events of one partition ended: part of the state of its task, and so counted once whatever happens. */
export class FateCounts {
  readonly #streams = new Map<string, StreamFates>();
  #latest: { readonly name: string; readonly fates: StreamFates } | undefined;

  constructor(private readonly options: FateCountsOptions) {}

  count(stream: string, fate: string, receivedMs: number): void {
    const fates = this.#of(stream);
    fates.add(fate, 1);
    if (receivedMs > fates.newestReceivedMs) fates.newestReceivedMs = receivedMs;
  }

  countDead(stream: string, code: string, receivedMs: number): void {
    this.count(stream, 'dead', receivedMs);
    const { deadByCode } = this.#of(stream);
    deadByCode[code] = (deadByCode[code] ?? 0) + 1;
  }

  /** Events that ended before they came here. */
  countDropped(stream: string, fate: string, amount: number): void {
    if (amount > 0) this.#of(stream).add(fate, amount);
  }

  /** Puts out the documents of the streams that changed since the last call. */
  publish(outputs: Outputs): void {
    for (const [stream, fates] of this.#streams) {
      if (!fates.hasChanged) continue;
      fates.hasChanged = false;
      this.#publishStream(stream, fates, outputs);
    }
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const [name, value] of cells) {
      if (!name.startsWith(CELL_PREFIX) || !isJsonObject(value)) continue;
      const fates = this.#of(name.slice(CELL_PREFIX.length));
      Object.assign(fates.counts, value['counts']);
      Object.assign(fates.deadByCode, value['deadByCode']);
      fates.newestReceivedMs = Number(value['newestReceivedMs']);
    }
  }

  *changes(): Iterable<readonly [string, JsonValue]> {
    for (const [stream, fates] of this.#streams) {
      if (fates.isStored) continue;
      fates.isStored = true;
      yield [CELL_PREFIX + stream, fates.encode()];
    }
  }

  *cells(): Iterable<readonly [string, JsonValue]> {
    for (const [stream, fates] of this.#streams) yield [CELL_PREFIX + stream, fates.encode()];
  }

  #of(stream: string): StreamFates {
    if (this.#latest?.name === stream) return this.#latest.fates;
    let fates = this.#streams.get(stream);
    if (fates === undefined) {
      fates = new StreamFates();
      this.#streams.set(stream, fates);
    }
    this.#latest = { name: stream, fates };
    return fates;
  }

  #publishStream(stream: string, fates: StreamFates, outputs: Outputs): void {
    const { pipeline, partition, telemetry } = this.options;
    const { counts, deadByCode, newestReceivedMs } = fates.encode();
    outputs.document({
      collection: COLLECTIONS.fates,
      id: `${pipeline}/${partition}/${stream}`,
      timeMs: Number(newestReceivedMs),
      fields: { pipeline, stream, partition },
      body: { counts, deadByCode },
    });
    const { recent } = fates;
    fates.recent = {};
    outputs.afterDelivery(() => {
      for (const [fate, amount] of Object.entries(recent)) {
        telemetry.record(FACTS.eventFate, { pipeline, stream, fate }, amount);
      }
    });
  }
}

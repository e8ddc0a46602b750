import type { Clock } from '#libs/kernel';
import type { LiveMessage } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import type { ResultRow, ResultStore } from '#libs/storage';
import { NewestRows } from './newest-rows.js';

/** Where live messages go: best effort, nobody waits. */
export interface LivePublisher {
  publish(message: LiveMessage): void;
}

/** Provisional rows, and the arrival of the oldest event in them that no row has shown before. */
export interface ShownRows {
  readonly rows: readonly ResultRow[];
  readonly oldestReceivedMs?: number;
}

/** What is open, and what was shown as open and is no more: sessions that have grown into others. */
export interface OpenRows extends ShownRows {
  readonly gone: readonly ResultRow[];
}

export interface LiveViewOptions {
  readonly pipeline: string;
  readonly partition: number;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly results: Pick<ResultStore, 'putOpenWindows' | 'removeOpenWindows'>;
  readonly publisher: LivePublisher;
}

/** Fast enough to look live, slow enough that a million events cost four messages a second. */
const PACE_MS = 250;
/** Of each series and stream at a time: a load of years of history completes more windows than anybody looks at. */
export const NEWEST_ROWS = 2_000;
const MAX_ROWS_PER_MESSAGE = 500;

/**
 * Shows how windows fill and complete: at once when something happens after a quiet while, then at a pace. All of it
 * is best effort: nothing waits for it, and what is lost is shown by the next change.
 */
export class LiveView {
  readonly #delivered = new NewestRows(NEWEST_ROWS);
  #watermarks: Record<string, number> = {};
  #deliveredReceivedMs = Infinity;
  #isWanted = false;
  #isResting = false;
  #isStoring = false;

  /** @param takeProvisional gives what has changed since the last call */
  constructor(
    private readonly options: LiveViewOptions,
    private readonly takeProvisional: (newest: number) => OpenRows,
  ) {}

  /** Open windows have changed. */
  changed(): void {
    this.#isWanted = true;
    if (!this.#isResting) this.#show();
  }

  /** These rows have been delivered. */
  delivered({ rows, oldestReceivedMs = Infinity }: ShownRows): void {
    for (const row of rows) this.#delivered.add(row);
    this.#deliveredReceivedMs = Math.min(this.#deliveredReceivedMs, oldestReceivedMs);
    if (rows.length > 0) this.changed();
  }

  /** Watermarks have been delivered: stream → epoch milliseconds. */
  advanced(watermarks: Readonly<Record<string, number>>): void {
    Object.assign(this.#watermarks, watermarks);
    this.changed();
  }

  #show(): void {
    this.#rest();
    // While the store is slow nothing piles up: what has changed is kept as a set, and shown later.
    if (this.#isStoring) return;
    this.#isWanted = false;
    const complete = this.#takeDelivered();
    const provisional = this.takeProvisional(NEWEST_ROWS);
    this.#publish(complete, false);
    this.#publish(provisional, true);
    this.#publishWatermarks();
    void this.#store([...complete.rows, ...provisional.gone], provisional.rows);
  }

  #rest(): void {
    this.#isResting = true;
    this.options.clock.after(PACE_MS, () => {
      this.#isResting = false;
      if (this.#isWanted) this.#show();
    });
  }

  #takeDelivered(): ShownRows {
    const rows = this.#delivered.take();
    const oldestReceivedMs = this.#deliveredReceivedMs;
    this.#deliveredReceivedMs = Infinity;
    return { rows, ...(oldestReceivedMs === Infinity ? {} : { oldestReceivedMs }) };
  }

  #publish({ rows, oldestReceivedMs }: ShownRows, provisional: boolean): void {
    for (let from = 0; from < rows.length; from += MAX_ROWS_PER_MESSAGE) {
      const part = rows.slice(from, from + MAX_ROWS_PER_MESSAGE).map((row) => ({ ...row }));
      this.options.publisher.publish({
        type: 'points',
        provisional,
        rows: part,
        ...(from === 0 && oldestReceivedMs !== undefined ? { oldestReceivedMs } : {}),
      });
    }
  }

  #publishWatermarks(): void {
    const streams = this.#watermarks;
    if (Object.keys(streams).length === 0) return;
    this.#watermarks = {};
    this.options.publisher.publish({ type: 'watermarks', partition: this.options.partition, streams });
  }

  async #store(notOpen: readonly ResultRow[], provisional: readonly ResultRow[]): Promise<void> {
    const { results, telemetry, pipeline, partition } = this.options;
    this.#isStoring = true;
    try {
      if (notOpen.length > 0) await results.removeOpenWindows(notOpen);
      if (provisional.length > 0) await results.putOpenWindows(provisional);
    } catch (error) {
      telemetry.record(FACTS.openWindowsFailed, { pipeline, partition, error });
    } finally {
      this.#isStoring = false;
    }
  }
}

import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#libs/kernel';
import { Telemetry } from '#libs/observability';
import { type ResultRow, type ResultStore, rowId } from '#libs/storage';
import { ManualClock } from '#libs/testing';
import { LiveView, type OpenRows } from './live-view.js';

/** The view of open windows by identity, and nothing else of a store. */
class OpenWindows {
  readonly rows = new Map<string, JsonObject>();

  async putOpenWindows(rows: readonly ResultRow[]): Promise<void> {
    for (const row of rows) this.rows.set(rowId(row), row.measures);
  }

  async removeOpenWindows(rows: readonly ResultRow[]): Promise<void> {
    for (const row of rows) this.rows.delete(rowId(row));
  }
}

function sessionUntil(windowEndMs: number, requests: number): ResultRow {
  return {
    ...{ pipeline: 'web', series: 'sessions', stream: 'web', key: { visitor: 'v' } },
    ...{ windowStartMs: 0, windowEndMs, measures: { requests }, revision: 0, task: 0 },
  };
}

/** Lets the promises of the view go on; there is nothing to wait for. */
async function storing(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

describe('the view of open windows', () => {
  it('holds a session that grows once: as it is now', async () => {
    const openWindows = new OpenWindows();
    const clock = new ManualClock();
    const changes: OpenRows[] = [
      { rows: [sessionUntil(30, 1)], gone: [] },
      { rows: [sessionUntil(45, 2)], gone: [sessionUntil(30, 0)] },
    ];
    const view = new LiveView(
      {
        ...{ pipeline: 'web', partition: 0, clock, telemetry: new Telemetry({ logLevel: 'silent' }) },
        results: openWindows as unknown as ResultStore,
        publisher: { publish: () => undefined },
      },
      () => changes.shift()!,
    );
    for (let look = 0; look < 2; look++) {
      view.changed();
      clock.advance(1_000);
      await storing();
    }
    expect([...openWindows.rows.values()]).toEqual([{ requests: 2 }]);
  });
});

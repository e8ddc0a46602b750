import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StreamEvent } from '#libs/kernel';
import { count, type SeriesDefinition, tumbling } from '#libs/windowing';
import { type Measurement, quantileOf } from '../measurement.js';
import { linesOf, type RequestData, traffic, type TrafficShape, writeEvents } from './event-file.js';
import { OperatorRun } from './operator-run.js';

// The operator beside the least that anybody could do: both read the same file, line by line, parse it, and count per
// minute and key; in turns, so that a machine that slows down slows both.

const MINUTE_MS = 60_000;
const RUNS = 9;
const SHAPE: TrafficShape = { events: 300_000, keys: 1_000, spanMs: 10 * MINUTE_MS };
const SERIES: SeriesDefinition = {
  name: 'requests',
  window: tumbling('1m'),
  allowedLatenessMs: 0,
  by: ['path'],
  measures: [{ name: 'n', aggregator: count() }],
};

/** Events a second through the operator, from the file; `beside` the bare loop. */
export function tumblingFile(): Measurement {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const file = join(folder, 'events.ndjson');
  try {
    writeEvents(file, traffic(SHAPE));
    const rates = { operator: [] as number[], bare: [] as number[] };
    // The first of each warms up.
    for (let run = 0; run <= RUNS; run++) {
      const bare = rateOf(() => countBare(file));
      const operator = rateOf(() => countWithOperator(file));
      if (run === 0) continue;
      rates.bare.push(bare);
      rates.operator.push(operator);
    }
    const value = quantileOf(rates.operator, 0.5);
    const beside = quantileOf(rates.bare, 0.5);
    const ratio = value / beside;
    return { name: 'windowing-tumbling-file', value, unit: 'events/s', beside, ratio, runs: RUNS };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Events a second. @throws Error if it did not count all of them: a fast wrong answer is none */
function rateOf(run: () => number): number {
  const startMs = performance.now();
  const counted = run();
  const seconds = (performance.now() - startMs) / 1_000;
  if (counted !== SHAPE.events) throw new Error(`counted ${counted} of ${SHAPE.events} events`);
  return SHAPE.events / seconds;
}

function countBare(file: string): number {
  const minutes = new Map<number, Map<string, number>>();
  for (const line of linesOf(file)) {
    const { timeMs, data } = JSON.parse(line) as StreamEvent<RequestData>;
    const minute = Math.floor(timeMs / MINUTE_MS);
    let keys = minutes.get(minute);
    if (keys === undefined) minutes.set(minute, (keys = new Map()));
    keys.set(data.path, (keys.get(data.path) ?? 0) + 1);
  }
  let counted = 0;
  for (const keys of minutes.values()) for (const count of keys.values()) counted += count;
  return counted;
}

function countWithOperator(file: string): number {
  const run = new OperatorRun([SERIES]);
  for (const line of linesOf(file)) run.add(JSON.parse(line) as StreamEvent<RequestData>);
  run.finish();
  return run.counted;
}

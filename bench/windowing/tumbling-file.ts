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
const RUNS = 16;
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
    // The first of each warms up.
    const pairs = Array.from({ length: RUNS + 1 }, (_, run) => pairOf(file, run)).slice(1);
    const value = quantileOf(
      pairs.map(({ operator }) => operator),
      0.5,
    );
    const beside = quantileOf(
      pairs.map(({ bare }) => bare),
      0.5,
    );
    // Of each pair: what else the machine does in a pair's second hits both.
    const ratio = quantileOf(
      pairs.map(({ operator, bare }) => operator / bare),
      0.5,
    );
    return { name: 'windowing-tumbling-file', value, unit: 'events/s', beside, ratio, runs: RUNS };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Pair {
  readonly operator: number;
  readonly bare: number;
}

/** Each goes first as often as the other. */
function pairOf(file: string, run: number): Pair {
  const isBareFirst = run % 2 === 0;
  const first = rateOf(() => (isBareFirst ? countBare(file) : countWithOperator(file)));
  const second = rateOf(() => (isBareFirst ? countWithOperator(file) : countBare(file)));
  return isBareFirst ? { bare: first, operator: second } : { operator: first, bare: second };
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

import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import type { StreamEvent } from '#libs/kernel';
import { count, hopping, type SeriesDefinition, session, sum, tumbling } from '#libs/windowing';
import { type Measurement, quantileOf } from './measurement.js';
import { type RequestData, traffic, type TrafficShape } from './windowing/event-file.js';
import { OperatorRun } from './windowing/operator-run.js';
import { tumblingFile } from './windowing/tumbling-file.js';

// The operator alone, both stages, on events that are in memory already: what windows cost, without log and store.

const MINUTE_MS = 60_000;
const RUNS = 5;

interface Scenario {
  readonly name: string;
  readonly shape: TrafficShape;
  readonly series: SeriesDefinition;
}

const PARTS = {
  allowedLatenessMs: 0,
  by: ['path'],
  measures: [
    { name: 'n', aggregator: count() },
    { name: 'bytes', aggregator: sum(), value: (data: Readonly<Record<string, unknown>>) => data['bytes'] },
  ],
};

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'windowing-tumbling',
    shape: { events: 300_000, keys: 1_000, spanMs: 10 * MINUTE_MS },
    series: { ...PARTS, name: 'tumbling', window: tumbling('1m') },
  },
  {
    name: 'windowing-hopping',
    shape: { events: 300_000, keys: 1_000, spanMs: 10 * MINUTE_MS },
    series: { ...PARTS, name: 'hopping', window: hopping('5m', '1m') },
  },
  {
    name: 'windowing-sessions',
    shape: { events: 300_000, keys: 100_000, spanMs: 60 * MINUTE_MS },
    series: { ...PARTS, name: 'sessions', window: session('30m', { maxLength: '12h' }) },
  },
];

/** Of each kind of window the events a second and the bytes of an open one; and the ratio to a bare loop. */
export async function windowing(): Promise<readonly Measurement[]> {
  // First: afterwards the heap is full of what the others have left, which weighs on the one with more objects.
  const fromFile = tumblingFile();
  const measured = SCENARIOS.flatMap((scenario) => {
    const events = [...traffic(scenario.shape)];
    return [rateOf(scenario, events), stateOf(scenario, events)];
  });
  return [...measured, fromFile];
}

function rateOf({ name, series }: Scenario, events: readonly StreamEvent<RequestData>[]): Measurement {
  const rates: number[] = [];
  // The first run warms up.
  for (let run = 0; run <= RUNS; run++) {
    const operator = new OperatorRun([series]);
    const startMs = performance.now();
    for (const event of events) operator.add(event);
    operator.finish();
    if (run > 0) rates.push(events.length / ((performance.now() - startMs) / 1_000));
  }
  return { name, value: quantileOf(rates, 0.5), unit: 'events/s', runs: RUNS };
}

/** Bytes of memory for each open (key, window); beside them the bytes that a commit stores of it. */
function stateOf({ name, series }: Scenario, events: readonly StreamEvent<RequestData>[]): Measurement {
  const before = usedBytes();
  const operator = new OperatorRun([series]);
  for (const event of events) operator.add(event);
  operator.commit();
  const bytes = usedBytes() - before;
  const stored = operator.stored();
  const value = bytes / stored.cells;
  const beside = stored.bytes / stored.cells;
  return { name: `${name}-state`, value, unit: 'bytes', beside, ratio: value / beside, runs: stored.cells };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function usedBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

import { alerts } from './alerts.js';
import { ingest } from './ingest.js';
import { liveLatency } from './live-latency.js';
import type { Benchmark, Measurement } from './measurement.js';
import { mongodb } from './mongodb.js';
import { messaging } from './messaging.js';
import { poisonKey } from './poison-key.js';
import { windowing } from './windowing.js';

// npm run bench [-- NAME …] [--json]: measures on this machine; nothing here is a test.

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  alerts,
  ingest,
  'live-latency': liveLatency,
  mongodb,
  messaging,
  'poison-key': poisonKey,
  windowing,
};

const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith('--'));
const unknown = names.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}

const measurements: Measurement[] = [];
for (const name of names.length > 0 ? names : Object.keys(BENCHMARKS)) {
  measurements.push(...((await BENCHMARKS[name]?.()) ?? []));
}
if (args.includes('--json')) console.log(JSON.stringify(measurements, undefined, 2));
else for (const measurement of measurements) console.log(describe(measurement));

function describe({ name, value, unit, beside, ratio, runs }: Measurement): string {
  const compared = beside === undefined ? '' : `, beside ${beside.toFixed(2)} (ratio ${ratio?.toFixed(3)})`;
  return `${name}: ${value.toFixed(2)} ${unit}${compared}, ${runs} runs`;
}

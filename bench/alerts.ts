import { loadavg } from 'node:os';
import { AlertRun, type AlertFigures } from './alerts/alert-run.js';
import { type Measurement, quantileOf } from './measurement.js';

// `npm start`, embedded, with the pipeline that it ships and a pattern rule: from an event, as the load's process makes
// it, to its alert on `<pipeline>.alerts`, as a reader sees it; and from the end of a window + maxOutOfOrderness to the
// alert of a threshold rule. The load shares the machine: its share of a core is measured, and the app's.

/** Each begins a new alert. */
const MATCHES_PER_SECOND = 20;
const WARM_UP = { eventsPerSecond: 5_000, seconds: 10 };
const RATES = [
  { eventsPerSecond: 5_000, seconds: 40 },
  { eventsPerSecond: 1_000, seconds: 15 },
  { eventsPerSecond: 100, seconds: 15 },
];
const STAGES = ['arrival', 'ingest', 'enrich', 'pattern', 'alert', 'seen'] as const;

export async function alerts(): Promise<readonly Measurement[]> {
  const run = await AlertRun.open();
  try {
    await run.measure({ ...WARM_UP, stream: 'warm-up', matchesPerSecond: MATCHES_PER_SECOND });
    const found: Measurement[] = [];
    for (const rate of RATES) {
      const name = `at-${rate.eventsPerSecond}`;
      const figures = await run.measure({ ...rate, stream: name, matchesPerSecond: MATCHES_PER_SECOND });
      found.push(...measurements(name, rate, figures));
      console.error(inShort(rate.eventsPerSecond, figures));
    }
    return found;
  } finally {
    await run.close();
  }
}

/** For whoever waits: what is measured comes whole at the end. */
function inShort(eventsPerSecond: number, { patternMs, thresholdMs }: AlertFigures): string {
  const each = (samples: readonly number[]): string =>
    [0.5, 0.99].map((q) => `p${100 * q} ${quantileOf(samples, q).toFixed(0)} ms`).join(', ');
  const load = loadavg()[0]?.toFixed(1);
  return `alerts at ${eventsPerSecond} events/s: pattern ${each(patternMs)}; threshold ${each(thresholdMs)}; load of the machine ${load}`;
}

function measurements(
  rate: string,
  { eventsPerSecond, seconds }: (typeof RATES)[number],
  { patternMs, thresholdMs, stages, load, appCpuShare, loopDelayMs }: AlertFigures,
): readonly Measurement[] {
  const quantiles = (name: string, samples: readonly number[]): readonly Measurement[] =>
    [0.5, 0.99].map((q) => ({
      name: `alerts-${name}-${rate}-p${100 * q}`,
      value: quantileOf(samples, q),
      unit: 'ms',
      runs: samples.length,
    }));
  const single = (name: string, value: number, unit: string): Measurement => ({
    ...{ name: `alerts-${name}-${rate}`, value, unit },
    runs: 1,
  });
  const wanted = eventsPerSecond * seconds;
  return [
    ...quantiles('pattern', patternMs),
    ...quantiles('threshold', thresholdMs),
    ...STAGES.flatMap((stage) => quantiles(`stage-${stage}`, stages[stage])),
    ...quantiles('answer', load.answerMs),
    { ...single('events', load.sent, 'events'), beside: wanted, ratio: load.sent / wanted },
    single('refused', load.refused, 'posts'),
    {
      ...single('load-cpu', load.cpuShare, 'cores'),
      beside: appCpuShare,
      ratio: load.cpuShare / appCpuShare,
    },
    single('loop-delay-p99', loopDelayMs, 'ms'),
  ];
}

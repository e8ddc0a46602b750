import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fatesOf } from './api.js';
import { countedEvents, EventPace } from './event-pace.js';
import { until } from './until.js';
import { type Answers, offer } from './offered-load.js';
import { p99Ms, ResultProbe } from './result-probe.js';
import type { SlowLine } from './slow-line.js';

const STORE_EVENTS_PER_SECOND = 1_000;
const OFFERED_EVENTS_PER_SECOND = 10_000;
const CALM_EVENTS_PER_SECOND = 200;
const START_MS = Date.UTC(2026, 0, 5, 12);
const PATIENCE_MS = 1_200_000;
const STRETCH_SECONDS = 10;

/** Millrace over a store at the end of a line. */
export interface SlowStorePlace {
  readonly line: SlowLine;
  readonly ingest: string;
  readonly dashboard: string;
  /** The one that commits what is counted. */
  readonly aggregate: string;
  readonly processes: Readonly<Record<string, number>>;
}

export interface SlowStoreFigures {
  readonly flood: Answers;
  /** From the first line of the flood to the end of its backlog. */
  readonly storeEventsPerSecond: number;
  readonly drainedMs: number;
  readonly bytesPerEvent: number;
  /** What goes to the store where nothing is to be done, and under a load that it takes easily. */
  readonly idleBytesPerSecond: number;
  readonly calmBytesPerSecond: number;
  /** From the event to a row of the API that has it. */
  readonly p99BeforeMs: number;
  /** The same, of events offered in each ten seconds after the backlog's end. */
  readonly p99AfterMs: readonly number[];
  readonly residentMebibytes: Readonly<Record<string, number>>;
}

/** Ten times what a store takes is offered for a while, then what it takes easily: what became of it. */
export class SlowStoreTrial {
  constructor(
    private readonly place: SlowStorePlace,
    private readonly seconds: { readonly calm: number; readonly flood: number; readonly after: number },
  ) {}

  async run(): Promise<SlowStoreFigures> {
    const { line, ingest, aggregate, processes } = this.place;
    const idleBytesPerSecond = await this.#bytesPerSecond(() => sleep(2_000));
    const calmBytesPerSecond = await this.#bytesPerSecond(() => this.#calm('unlimited', 2));
    const bytesPerEvent = await this.#bytesOfAnEvent();
    const pace = new EventPace({
      ...{ line, url: aggregate, eventsPerSecond: STORE_EVENTS_PER_SECOND },
      mostBehindMs: (this.seconds.flood * 1_000) / 3,
      leastBytesPerSecond: 1.3 * idleBytesPerSecond,
      mostBytesPerSecond: Math.max(2 * calmBytesPerSecond, STORE_EVENTS_PER_SECOND * bytesPerEvent),
    });
    try {
      const { p99 } = await this.#calm('before', this.seconds.calm);
      pace.widen(idleBytesPerSecond + STORE_EVENTS_PER_SECOND * bytesPerEvent);
      const [beganMs, before] = [performance.now(), await countedEvents(aggregate)];
      const load = { eventsPerSecond: OFFERED_EVENTS_PER_SECOND, seconds: this.seconds.flood };
      const flood = await offer(ingest, { stream: 'flood', ...load, startMs: START_MS });
      await this.untilCounted('flood', flood.accepted);
      const drainedMs = performance.now() - beganMs;
      const events = (await countedEvents(aggregate)) - before;
      pace.widen();
      const after = await this.#calm('after', this.seconds.after);
      return {
        ...{
          flood,
          drainedMs,
          bytesPerEvent,
          idleBytesPerSecond,
          calmBytesPerSecond,
          p99BeforeMs: p99(),
          p99AfterMs: after.stretches(),
        },
        storeEventsPerSecond: (events / drainedMs) * 1_000,
        residentMebibytes: Object.fromEntries(
          Object.entries(processes).map(([name, pid]) => [name, residentMaximumMebibytes(pid)]),
        ),
      };
    } finally {
      await pace.release();
    }
  }

  async untilCounted(stream: string, accepted: number): Promise<void> {
    const counted = async (): Promise<number> =>
      (await fatesOf(this.place.dashboard, stream).catch(() => undefined))?.counted ?? 0;
    await until(counted, (count) => count >= accepted, PATIENCE_MS);
  }

  /** A load that the store takes easily, and how long its events take to their results. */
  async #calm(
    name: string,
    seconds: number,
  ): Promise<{ p99: () => number; stretches: () => readonly number[] }> {
    const { ingest, dashboard } = this.place;
    const probe = new ResultProbe({ ingest, dashboard, stream: `probe-${name}` });
    const beganMs = performance.now();
    const load = { eventsPerSecond: CALM_EVENTS_PER_SECOND, seconds, batchLines: CALM_EVENTS_PER_SECOND / 4 };
    const [answers] = await Promise.all([
      offer(ingest, { stream: name, ...load, startMs: START_MS }),
      probe.run(seconds),
    ]);
    await this.untilCounted(name, answers.accepted);
    const count = Math.ceil(seconds / STRETCH_SECONDS);
    const ofStretch = (n: number): number => {
      const fromMs = beganMs + n * STRETCH_SECONDS * 1_000;
      return p99Ms(probe.events, fromMs, fromMs + STRETCH_SECONDS * 1_000);
    };
    return {
      p99: () => p99Ms(probe.events),
      stretches: () => Array.from({ length: count }, (_, n) => ofStretch(n)),
    };
  }

  async #bytesPerSecond(work: () => Promise<unknown>): Promise<number> {
    const [beganMs, before] = [performance.now(), this.place.line.bytes];
    await work();
    return ((this.place.line.bytes - before) / (performance.now() - beganMs)) * 1_000;
  }

  /** What an event costs the store under load, when commits are as large as they get. */
  async #bytesOfAnEvent(): Promise<number> {
    const before = this.place.line.bytes;
    const load = { eventsPerSecond: OFFERED_EVENTS_PER_SECOND, seconds: 2 };
    const measured = await offer(this.place.ingest, { stream: 'measured', ...load, startMs: START_MS });
    await this.untilCounted('measured', measured.accepted);
    return (this.place.line.bytes - before) / measured.accepted;
  }
}

/** Linux only. */
function residentMaximumMebibytes(pid: number): number {
  const [, kilobytes = 'NaN'] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

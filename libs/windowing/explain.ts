import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';
import type { TimeDefinition } from './series.js';
import { classifyArrival } from './time/arrival.js';
import type { TimeWindow, WindowDefinition } from './time/window.js';
import { gridOf, windowsAt } from './time/window-grid.js';

// Why a window is still open. Each global task keeps a document per stream in the collection `progress`, under the id
// `<pipeline>/<global task>/<stream>`. Its body:
//
//     { "watermarkMs": 1700000000000,                  what is delivered: minimum over the local tasks; absent: none yet
//       "closed": {"closeId": "…", "untilMs": 17…},    absent: never closed; `untilMs` absent: before the first event
//       "upstream": [                                  every local task, in order
//         {"task": 0, "watermarkMs": 1700000000000, "sinceMs": 1700000003000},
//         {"task": 1, "watermarkMs": null, "sinceMs": 1700000000500} ] }
//
// `upstream[].watermarkMs` is what the local task has said, null: nothing. `upstream[].sinceMs` is the wall clock of
// the global task at which it said so, or at which the global task took over since. It is written with every change of
// the delivered watermark, and at most once a second where only `upstream` has changed.

/** What one local task has said of a stream. */
export interface UpstreamWatermark {
  /** Number of the local task. */
  readonly task: number;
  /** −∞: it has not reported the stream. */
  readonly watermarkMs: number;
  /** Wall clock of its last change, epoch milliseconds. */
  readonly sinceMs: number;
}

export interface WindowQuestion {
  readonly definition: WindowDefinition;
  readonly window: TimeWindow;
  /** How long after its end the window takes corrections; of sessions `settlingMs`. ≥ 0 */
  readonly allowedLatenessMs: number;
  /** Of every local task, as {@link upstreamOf} gives it. */
  readonly upstream: readonly UpstreamWatermark[];
  /** Absent: the stream was never closed. */
  readonly closedUntilMs?: number;
  readonly time: TimeDefinition;
  /** Wall clock, epoch milliseconds. */
  readonly nowMs: number;
}

export interface WindowExplanation {
  /** `open`: it fills. `complete`: its row is out, corrections are taken. `final`: nothing can change it. */
  readonly state: 'open' | 'complete' | 'final';
  /** The local tasks that it waits for to leave its state, the one furthest behind first; of a final one none. */
  readonly heldBy: readonly UpstreamWatermark[];
  /** The watermark at which it leaves its state; of a final one, at which it did. Absent: of a count. */
  readonly needsWatermarkMs?: number;
  /**
   * Wall clock by which it leaves its state if no event of the stream comes any more and every partition is read to
   * its end. Absent: that can't be said, or it is final.
   */
  readonly closesAtLatestMs?: number;
  /** In words. */
  readonly reason: string;
}

/** What heartbeats (2 s), the step of an idle watermark (1 s) and the commits of two stages take at most. */
const TRAVEL_MS = 5_000;

export function explainWindow(question: WindowQuestion): WindowExplanation {
  const { definition, window, allowedLatenessMs, upstream, closedUntilMs } = question;
  if (definition.kind === 'global') {
    const reason = `it closes with its ${definition.count} events, whatever their times: no watermark moves it`;
    return { state: 'open', heldBy: [], reason };
  }
  const watermarkMs = Math.min(Infinity, ...upstream.map((each) => each.watermarkMs));
  const state = STATES[classifyArrival(window, watermarkMs, closedUntilMs, allowedLatenessMs).kind];
  const needsWatermarkMs = state === 'open' ? window.endMs : window.endMs + allowedLatenessMs;
  if (state === 'final') {
    return { state, heldBy: [], needsWatermarkMs, reason: finalReason(question, watermarkMs) };
  }
  const heldBy = upstream
    .filter((each) => each.watermarkMs < needsWatermarkMs)
    .sort((a, b) => a.watermarkMs - b.watermarkMs || a.task - b.task);
  const latestMs = latestOf(heldBy, needsWatermarkMs, question);
  return {
    state,
    heldBy,
    needsWatermarkMs,
    ...(latestMs === undefined ? {} : { closesAtLatestMs: latestMs }),
    reason: heldReason(heldBy[0]!, state, needsWatermarkMs),
  };
}

const STATES = { 'on-time': 'open', 'late-accepted': 'complete', 'late-rejected': 'final' } as const;

/**
 * The oldest window that is not complete; undefined: where windows lie depends on the events, so ask for the oldest
 * provisional row.
 */
export function oldestOpenWindow(
  definition: WindowDefinition,
  watermarkMs: number,
  closedUntilMs = -Infinity,
): TimeWindow | undefined {
  if (definition.kind !== 'tumbling' && definition.kind !== 'hopping') return undefined;
  if (watermarkMs === -Infinity && closedUntilMs === -Infinity) return undefined;
  const grid = gridOf(definition);
  const byWatermark = watermarkMs === -Infinity ? undefined : windowsAt(grid, watermarkMs)[0]!;
  if (byWatermark !== undefined && byWatermark.startMs > closedUntilMs) return byWatermark;
  const startMs = grid.startAfter(closedUntilMs);
  return { startMs, endMs: grid.endOf(startMs) };
}

/**
 * What the local tasks have said, from the bodies of the documents of one stream: where global tasks differ, what the
 * one furthest behind knows.
 *
 * @param tasks how many local tasks there are; one that no document names has not reported
 */
export function upstreamOf(bodies: readonly JsonObject[], tasks: number): readonly UpstreamWatermark[] {
  const known = bodies.map(({ upstream }) =>
    Array.isArray(upstream) ? upstream.flatMap(readWatermark) : [],
  );
  return Array.from({ length: tasks }, (_, task) => {
    const said = known.flatMap((each) => each.find((one) => one.task === task) ?? []);
    const lowest = said.sort((a, b) => a.watermarkMs - b.watermarkMs)[0];
    return lowest ?? { task, watermarkMs: -Infinity, sinceMs: 0 };
  });
}

function readWatermark(json: JsonValue): readonly UpstreamWatermark[] {
  if (!isJsonObject(json) || typeof json['task'] !== 'number') return [];
  const { task, watermarkMs, sinceMs } = json;
  return [
    {
      task,
      watermarkMs: typeof watermarkMs === 'number' ? watermarkMs : -Infinity,
      sinceMs: Number(sinceMs),
    },
  ];
}

/** A task is idle `idleAfter` behind its last event, and then goes on at the pace of the wall clock. */
function latestOf(
  heldBy: readonly UpstreamWatermark[],
  needsMs: number,
  { time, nowMs }: WindowQuestion,
): number | undefined {
  const latestMs = heldBy.map(
    ({ watermarkMs, sinceMs }) => Math.max(nowMs, sinceMs + time.idleAfterMs) + needsMs - watermarkMs,
  );
  const lastMs = Math.max(...latestMs) + TRAVEL_MS;
  return Number.isFinite(lastMs) ? lastMs : undefined;
}

function heldReason(
  { task, watermarkMs, sinceMs }: UpstreamWatermark,
  state: 'open' | 'complete',
  needsMs: number,
): string {
  const wanted =
    state === 'open' ? 'it ends at' : 'it is complete, and takes corrections until the watermark is at';
  if (watermarkMs === -Infinity)
    return `${wanted} ${iso(needsMs)}; local task ${task} has not reported the stream: unknown until task ${task} reports`;
  return `${wanted} ${iso(needsMs)}; the watermark of local task ${task} is at ${iso(watermarkMs)} since ${iso(sinceMs)}`;
}

function finalReason({ window, closedUntilMs }: WindowQuestion, watermarkMs: number): string {
  if (closedUntilMs !== undefined && window.startMs <= closedUntilMs)
    return `it is final: the stream was closed until ${iso(closedUntilMs)}`;
  return `it is final: the watermark is at ${iso(watermarkMs)}`;
}

function iso(timeMs: number): string {
  // Event times may lie beyond what a Date can say.
  return Math.abs(timeMs) <= 8_640_000_000_000_000 ? new Date(timeMs).toISOString() : `${timeMs} ms`;
}

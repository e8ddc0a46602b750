import type { HoldingTask, WindowView } from './window-view.js';

/** Tasks that are named one by one. */
const MAX_TASKS = 8;

/** An explanation for people: what window, why, by whom it is held, when it closes. */
export function textOf(view: Omit<WindowView, 'text'>, nowMs: number): string {
  const { pipeline, series, stream, window, state, reason, heldBy, closesAtLatest } = view;
  const place = `${series} of pipeline ${pipeline}, stream ${stream}`;
  const head = window === null ? place : `${place}: the window ${window.start} to ${window.end} is ${state}`;
  const rest = heldBy.length - MAX_TASKS;
  return [
    head,
    `  ${reason}`,
    ...heldBy.slice(0, MAX_TASKS).map((each) => `  waits for ${taskText(each, nowMs)}`),
    ...(rest > 0 ? [`  and for ${rest} more tasks`] : []),
    ...latestText(state, closesAtLatest, nowMs),
  ].join('\n');
}

function taskText({ task, watermark, since, state, problem }: HoldingTask, nowMs: number): string {
  const said =
    watermark === null || since === null
      ? 'it has not reported the stream'
      : `its watermark is ${watermark} since ${since}, ${agoText(nowMs - Date.parse(since))} ago`;
  const doing = state === null ? 'nothing is known of it' : `it is ${state}`;
  return `local task ${task}: ${said}; ${doing}${problem === undefined ? '' : ` (${problem})`}`;
}

function latestText(
  state: WindowView['state'],
  closesAtLatest: string | null,
  nowMs: number,
): readonly string[] {
  if (state === 'none' || state === 'final') return [];
  const becomes = state === 'open' ? 'complete' : 'final';
  if (closesAtLatest === null) return [`  when it will be ${becomes} can't be said`];
  const inMs = Date.parse(closesAtLatest) - nowMs;
  const when = inMs <= 0 ? 'any moment' : `in ${agoText(inMs)}`;
  return [
    `  ${becomes} at the latest ${closesAtLatest} (${when}), if no event comes any more; sooner if some do`,
  ];
}

/** `45s`, `17m`, `3h`: nobody waits for the second of a day. */
function agoText(ms: number): string {
  const unitMs = ms < 120_000 ? 1_000 : ms < 7_200_000 ? 60_000 : 3_600_000;
  return `${Math.max(1, Math.round(ms / unitMs))}${UNITS[unitMs]}`;
}

const UNITS: Readonly<Record<number, string>> = { 1_000: 's', 60_000: 'm', 3_600_000: 'h' };

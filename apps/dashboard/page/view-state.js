/**
 * @typedef {import('./model.js').StreamView} StreamView
 * @typedef {import('./minutes.js').Charted} Charted
 * @typedef {import('./stream-model.js').StreamModel} StreamModel
 * @typedef {{min: number, max: number}} Range in seconds since the epoch
 * @typedef {'hour' | 'all'} Span
 */

const HOUR_S = 3_600;
/** A live stream that has just begun: so much time is shown at least, so that the first minutes have a shape. */
const LEAST_S = 900;
/** A stream whose newest window ended less than this ago goes on now; any other is history. */
const LIVE_WITHIN_S = 600;
/** The sample traffic writes all the time; the log that somebody has just sent is what they want to see. */
const SAMPLE_STREAM = 'demo';

/**
 * Which time the charts show: what was dragged, else what was chosen, else what fits: the last hour of a stream
 * that goes on now, all of one that does not.
 *
 * @param {{model: StreamModel, charted: Charted[], nowMs: number, zoom: Range | undefined, span: Span | undefined}} view
 * @returns {{range: Range | undefined, span: Span, isLive: boolean}}
 */
export function fitTime({ model, charted, nowMs, zoom, span }) {
  const data = extent(model, charted);
  if (data === undefined) return { range: undefined, span: span ?? 'all', isLive: false };
  const isLive = data.max > nowMs / 1_000 - LIVE_WITHIN_S;
  const shown = span ?? (isLive ? 'hour' : 'all');
  return {
    range: zoom ?? (shown === 'hour' ? lastHour(data, isLive, nowMs) : withLeast(data)),
    span: shown,
    isLive,
  };
}

/**
 * @param {Range} data
 * @param {boolean} isLive
 * @param {number} nowMs
 */
function lastHour(data, isLive, nowMs) {
  const max = isLive ? Math.max(data.max, nowMs / 1_000) : data.max;
  return { min: Math.max(max - HOUR_S, Math.min(data.min, max - LEAST_S)), max };
}

/** One lonely minute would have no width. @param {Range} data */
function withLeast({ min, max }) {
  return max - min >= 300 ? { min, max } : { min: max - 300, max: max + 60 };
}

/**
 * From the first window's start to the last one's start.
 *
 * @param {StreamModel} model
 * @param {Charted[]} charted
 * @returns {Range | undefined}
 */
function extent(model, charted) {
  const starts = charted.flatMap(({ series }) => {
    const windows = model.windows(series);
    return [windows.at(0)?.[0], windows.at(-1)?.[0]].filter((startMs) => startMs !== undefined);
  });
  if (starts.length === 0) return undefined;
  return { min: Math.min(...starts) / 1_000, max: Math.max(...starts) / 1_000 };
}

/**
 * The stream to go to by itself: one that has begun since the page was opened, or any while none is shown. Undefined:
 * stay. Whoever has chosen a stream is left there.
 *
 * @param {{streams: StreamView[], known: Set<string>, stream: string, isChosen: boolean, openedMs: number}} view
 */
export function streamToFollow({ streams, known, stream, isChosen, openedMs }) {
  if (isChosen) return undefined;
  const own = streams.filter(({ name }) => name !== SAMPLE_STREAM && name !== stream);
  const begun = own.find(({ name }) => !known.has(name));
  if (begun !== undefined) return begun.name;
  if (stream === '') return streams[0]?.name;
  if (stream !== SAMPLE_STREAM) return undefined;
  return own.find(({ lastWrite }) => lastWrite !== null && Date.parse(lastWrite) > openedMs)?.name;
}

import type { JsonObject, JsonScalar } from '#libs/kernel';

/**
 * What one local task adds to one window of a series, stream and key: a mergeable delta. As it travels; JSON.
 */
export interface Partial {
  readonly series: string;
  readonly stream: string;
  /** Values of the fields that the series is grouped by. */
  readonly key: Readonly<Record<string, JsonScalar>>;
  /**
   * Half-open; what lies in it depends on the kind of windows. Tumbling: the window. Hopping: the pane. Sessions and
   * sliding windows: as their modules say.
   */
  readonly startMs: number;
  readonly endMs: number;
  /** Encoded states of the aggregators, by measure. `{}` where events travel instead. */
  readonly measures: JsonObject;
  /** Arrival of the oldest event in it. */
  readonly oldestReceivedMs: number;
  /** How many events are in it. */
  readonly events: number;
  /** What only some kinds of windows need. Absent: nothing. */
  readonly part?: PartialPart;
}

/** The part of a delta that depends on the kind of windows; grows with them, switch on `kind`. */
export type PartialPart = PanePart | SessionPart | EventsPart;

/** Of a pane whose older windows are final at the local task: it counts in windows that start at or after this. */
export interface PanePart {
  readonly kind: 'pane';
  readonly fromWindowStartMs: number;
}

/** Of a session: the delta's window is the one that its events make by themselves. */
export interface SessionPart {
  readonly kind: 'session';
  /** Time of the last event; that of the first is the start of the window. */
  readonly lastMs: number;
  /** The stream had been closed when it was taken: it counts in sessions that start at or after this. Absent: in any. */
  readonly fromMs?: number;
}

/** Where results depend on the order of events, these travel themselves. */
export interface EventsPart {
  readonly kind: 'events';
  /** In the order of the local task. */
  readonly events: readonly JsonObject[];
}

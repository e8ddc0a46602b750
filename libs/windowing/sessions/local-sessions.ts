import type { JsonScalar, StreamEvent } from '#libs/kernel';
import { Accumulator } from '../accumulator.js';
import type { Fields } from '../aggregators/aggregator.js';
import { keyOf } from '../key.js';
import { KeyTree } from '../local/key-tree.js';
import type { LateArrival, LocalContext, LocalTime, LocalWindows } from '../local/local-windows.js';
import type { Partial } from '../partial.js';
import { classifyArrival } from '../time/arrival.js';
import type { SessionWindow } from '../time/window.js';
import { type SessionSpan, spanFrom, windowOfEvent, windowOfSpan } from './session-span.js';
import { SpansByStart } from './spans-by-start.js';

/** What may become a session, or a part of one: events of one key since the last drain. */
interface ProtoSession {
  span: SessionSpan;
  readonly accumulator: Accumulator;
}

/**
 * Sessions: a delta a run of events less than the gap apart, since the last drain. Whether an event is late depends on
 * the session it makes by itself, not on those it may be of: these the other local tasks may hold.
 *
 * The cap on keys does not hold here: events of many visitors under one key would be a session of nobody.
 */
export class LocalSessions implements LocalWindows {
  #single: SpansByStart<ProtoSession> | undefined;
  #keys!: KeyTree<SpansByStart<ProtoSession>>;
  #isEmpty = true;

  constructor(
    private readonly context: LocalContext,
    private readonly definition: SessionWindow,
  ) {
    this.#begin();
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  add(event: StreamEvent<Fields>, { watermarkMs, closedUntilMs }: LocalTime): LateArrival | undefined {
    const { name, allowedLatenessMs } = this.context.series;
    const { timeMs } = event;
    const window = windowOfEvent(this.definition, timeMs);
    const arrival = classifyArrival(window, watermarkMs, closedUntilMs, allowedLatenessMs);
    if (arrival.kind === 'late-rejected') return { series: name, window, lateByMs: arrival.lateByMs };
    this.#isEmpty = false;
    const sessions = this.#single ?? this.#keys.of(event.data);
    const fromMs = closedUntilMs === undefined ? undefined : closedUntilMs + 1;
    this.#sessionAt(sessions, spanFrom(timeMs, timeMs, fromMs)).accumulator.add(event);
    return undefined;
  }

  drain(into: Partial[]): void {
    const drainKey = (key: readonly JsonScalar[], sessions: SpansByStart<ProtoSession>): void => {
      for (const session of sessions) into.push(this.#partial(key, session));
    };
    if (this.#single === undefined) this.#keys.visit(drainKey);
    else drainKey([], this.#single);
    this.#begin();
  }

  #begin(): void {
    const { by } = this.context.series;
    const create = (): SpansByStart<ProtoSession> => new SpansByStart(this.definition);
    this.#single = by.length === 0 ? create() : undefined;
    this.#keys = new KeyTree(by, create);
    this.#isEmpty = true;
  }

  #sessionAt(sessions: SpansByStart<ProtoSession>, single: SessionSpan): ProtoSession {
    const { span, joined } = sessions.joinedBy(single);
    const [kept, ...others] = joined;
    if (kept === undefined) {
      const created = { span, accumulator: new Accumulator(this.context.series.measures) };
      sessions.insert(created);
      return created;
    }
    for (const session of joined) sessions.remove(session);
    for (const { accumulator } of others) {
      kept.accumulator.merge(accumulator.encode(), accumulator.events, accumulator.oldestReceivedMs);
    }
    kept.span = span;
    sessions.insert(kept);
    return kept;
  }

  #partial(key: readonly JsonScalar[], { span, accumulator }: ProtoSession): Partial {
    const { series, stream } = this.context;
    const { startMs, endMs } = windowOfSpan(this.definition, span);
    const { lastMs, fromMs } = span;
    return {
      series: series.name,
      stream,
      key: keyOf(series, key),
      startMs,
      endMs,
      measures: accumulator.encode(),
      oldestReceivedMs: accumulator.oldestReceivedMs,
      events: accumulator.events,
      part: fromMs === undefined ? { kind: 'session', lastMs } : { kind: 'session', lastMs, fromMs },
    };
  }
}

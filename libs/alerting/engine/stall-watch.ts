import type { JsonObject, JsonValue } from '#libs/kernel';
import type { AlertEvent } from '../alert-event.js';
import { alertFingerprint, episodeId } from '../alert-identity.js';
import { PIPELINE_STALLED, type StallRule } from '../alert-policy.js';
import { DEFAULT_NOTIFY_WITHIN_MS } from '../alert-rule.js';
import type { Telling } from './alert-teller.js';
import type { StreamClocks } from './stream-clocks.js';

/** `stalled`: no watermark goes on. `silent`: they do, but no stream has rows any more. */
export type StallCause = 'stalled' | 'silent';

/** What is remembered; plain JSON. */
interface Stall {
  readonly told?: AlertEvent;
  /** Absence is judged from here on: nobody could send, or nobody could be heard, before. */
  readonly absenceFromMs?: number;
}

/** A stream whose watermark was this near to the wall clock when it last went on is of today. */
const LIVE_WITHIN_MS = 3_600_000;

const SUMMARIES = {
  stalled: 'No stream of the pipeline makes progress; what depends on its events is not judged',
  silent: 'Every stream of the pipeline has fallen silent at once',
} as const;

/**
 * The one alert of a pipeline that stands still, in the place of one for every stream that is not heard of any more.
 *
 *     progress   o o o o                       o o      stall: {after: 2m}
 *     minutes    1 2 3 4 5 6 7 8 9 10 11 12 13 14
 *     told                 firing              resolved; absence is judged from here
 */
export class StallWatch {
  #stall: Stall = {};
  #isChanged = false;

  constructor(
    private readonly pipeline: string,
    private readonly rule: StallRule | undefined,
    private readonly clocks: StreamClocks,
  ) {}

  load(value: JsonValue): void {
    this.#stall = value as unknown as Stall;
  }

  get isStalled(): boolean {
    return this.#stall.told !== undefined;
  }

  get absenceFromMs(): number {
    return this.#stall.absenceFromMs ?? -Infinity;
  }

  /** Looks at the wall clock. */
  tick(telling: Telling): void {
    const last = this.clocks.lastProgress(LIVE_WITHIN_MS);
    if (this.rule === undefined || last === undefined || !last.isLive || this.isStalled) return;
    const silentMs = telling.nowMs - last.atMs;
    // Who comes back after a day was switched off, and knows it.
    if (silentMs < this.rule.afterMs || silentMs > DEFAULT_NOTIFY_WITHIN_MS) return;
    this.begin('stalled', last.atMs + this.rule.afterMs, telling);
  }

  /** @param atMs event time, which for streams of today is the wall clock's */
  begin(cause: StallCause, atMs: number, { sink }: Telling): void {
    if (this.rule === undefined || this.isStalled) return;
    const fingerprint = alertFingerprint(this.pipeline, PIPELINE_STALLED, {});
    const at = new Date(atMs).toISOString();
    const told: AlertEvent = {
      fingerprint,
      episode: episodeId(fingerprint, atMs),
      ...{ sequence: 0, pipeline: this.pipeline, rule: PIPELINE_STALLED, severity: this.rule.severity },
      summary: SUMMARIES[cause],
      labels: {},
      ...{ from: 'inactive', status: 'firing', reason: cause, since: at, startedAt: at, firedAt: at },
      value: null,
      condition: { kind: 'stalled', series: '', value: 'time without progress' },
    };
    this.#put({ ...this.#stall, told });
    sink.alert(told, atMs);
  }

  /** A watermark has gone on: that ends a standstill, but no silence. */
  progressed(telling: Telling): void {
    if (this.#stall.told?.reason === 'stalled') this.#end(telling.nowMs, telling);
  }

  /** A row has come: that ends a silence. */
  heard(windowEndMs: number, telling: Telling): void {
    const { told } = this.#stall;
    if (told?.reason === 'silent' && windowEndMs > Date.parse(told.since)) this.#end(windowEndMs, telling);
  }

  *changes(): Iterable<readonly [name: 'stall', value: JsonValue]> {
    if (this.#isChanged) yield ['stall', this.#stall as unknown as JsonObject];
    this.#isChanged = false;
  }

  *cells(): Iterable<readonly [name: 'stall', value: JsonValue]> {
    if (Object.keys(this.#stall).length > 0) yield ['stall', this.#stall as unknown as JsonObject];
  }

  #end(atMs: number, { sink }: Telling): void {
    const { told } = this.#stall;
    if (told === undefined) return;
    const endMs = Math.max(atMs, Date.parse(told.since));
    const at = new Date(endMs).toISOString();
    const end = {
      from: 'firing',
      status: 'resolved',
      reason: 'progress',
      since: at,
      resolvedAt: at,
    } as const;
    this.#put({ absenceFromMs: endMs });
    sink.alert({ ...told, ...end, sequence: told.sequence + 1 }, endMs);
  }

  #put(stall: Stall): void {
    this.#stall = stall;
    this.#isChanged = true;
  }
}

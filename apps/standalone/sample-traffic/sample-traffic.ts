import type { Clock } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';
import { isLiveBurst, isPastBurst, minuteOf } from './burst-times.js';
import { MINUTE_MS, type SampleEvent, SampleSite } from './web-requests.js';

export interface SampleTrafficOptions {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Another seed, other people. Default `millrace`. */
  readonly seed?: string;
  /** Stores events of the stream {@link SAMPLE_STREAM}; resolves when they are stored. Called again after a failure. */
  readonly sink: (events: readonly SampleEvent[]) => Promise<void>;
  /** Has the stream results already: then nothing of the past is added. */
  readonly hasRows: () => Promise<boolean>;
}

export const SAMPLE_STREAM = 'demo';

const FILLED_MS = 60 * MINUTE_MS;
const STEP_MS = 250;
/** After a failure of the sink, and before the first question whether there are rows succeeds. */
const RETRY_MS = 1_000;
/** After a longer pause, such as the sleep of a laptop, what was missed is not made up for. */
const LONGEST_GAP_MS = MINUTE_MS;

/**
 * Realistic web traffic for those who have none at hand: the last hour at the first start, then live. Each
 * request is sent once, also over restarts: it goes on with the present, and the past was sent before.
 */
export class SampleTraffic {
  readonly #site: SampleSite;
  /** The minute that is being played. */
  #current: { readonly minuteStartMs: number; readonly events: readonly SampleEvent[] } | undefined;

  constructor(private readonly options: SampleTrafficOptions) {
    this.#site = new SampleSite(options.seed ?? 'millrace');
  }

  /** Plays until the signal aborts; never rejects. What was handed to the sink is awaited. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.options;
    const startMs = clock.nowMs();
    if (!(await this.#hasRows(signal))) await this.#fill(startMs, signal);
    let playedMs = startMs;
    while (!signal.aborted) {
      await clock.sleep(STEP_MS, signal);
      const nowMs = clock.nowMs();
      if (nowMs - playedMs > LONGEST_GAP_MS) playedMs = nowMs - STEP_MS;
      // A clock that was set back plays nothing again.
      if (nowMs <= playedMs) continue;
      await this.#send(this.#liveEvents(playedMs, nowMs, startMs), signal);
      playedMs = nowMs;
    }
  }

  async #fill(startMs: number, signal: AbortSignal): Promise<void> {
    const fromMs = startMs - FILLED_MS;
    let events = 0;
    for (let minuteStartMs = minuteOf(fromMs); minuteStartMs < startMs; minuteStartMs += MINUTE_MS) {
      const burst = isPastBurst(minuteStartMs, startMs);
      const requests = this.#site.requestsOfMinute({ minuteStartMs, burst });
      const past = requests.filter(({ timeMs }) => timeMs >= fromMs && timeMs < startMs);
      await this.#send(past, signal);
      if (signal.aborted) return;
      events += past.length;
    }
    this.options.telemetry.record(FACTS.sampleTrafficFilled, { stream: SAMPLE_STREAM, events });
  }

  /** What happens from `fromMs` until before `toMs`. */
  #liveEvents(fromMs: number, toMs: number, startMs: number): readonly SampleEvent[] {
    const events: SampleEvent[] = [];
    for (let minuteStartMs = minuteOf(fromMs); minuteStartMs < toMs; minuteStartMs += MINUTE_MS) {
      if (this.#current?.minuteStartMs !== minuteStartMs) {
        const burst = isLiveBurst(minuteStartMs, startMs);
        this.#current = { minuteStartMs, events: this.#site.requestsOfMinute({ minuteStartMs, burst }) };
      }
      events.push(...this.#current.events.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs));
    }
    return events;
  }

  async #hasRows(signal: AbortSignal): Promise<boolean> {
    const answer = await this.#untilDone(() => this.options.hasRows(), signal);
    return answer ?? true;
  }

  async #send(events: readonly SampleEvent[], signal: AbortSignal): Promise<void> {
    if (events.length > 0) await this.#untilDone(() => this.options.sink(events), signal);
  }

  /** Tries until it succeeds; undefined: it was told to stop before. */
  async #untilDone<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    while (!signal.aborted) {
      try {
        return await attempt();
      } catch (error) {
        this.options.telemetry.record(FACTS.sampleTrafficHeld, { stream: SAMPLE_STREAM, error });
        await this.options.clock.sleep(RETRY_MS, signal);
      }
    }
    return undefined;
  }
}

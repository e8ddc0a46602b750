import type { AlertEvent, PatternMatch } from '#libs/alerting';
import type { StreamEvent } from '#libs/kernel';
import {
  decodeFrame,
  type Delivery,
  type FrameHeader,
  type MessageBroker,
  type TopicNoun,
} from '#libs/messaging';
import type { Pipelines } from '#libs/platform';
import { MATCHING_STATUS } from './alert-pipeline.js';

/** The stretches of the way of an event to its alert, each in milliseconds, one value an alert. */
export interface StageTimes {
  /** Happened → taken in by ingest: the way through HTTP. */
  readonly arrival: readonly number[];
  /** → on `raw`. */
  readonly ingest: readonly number[];
  /** → on `enriched`. */
  readonly enrich: readonly number[];
  /** → on `judged`, by the pattern task. */
  readonly pattern: readonly number[];
  /** → on `alerts`. */
  readonly alert: readonly number[];
  /** → with a reader of `alerts`. */
  readonly seen: readonly number[];
}

interface Way {
  happenedMs?: number;
  arrivedMs?: number;
  rawMs?: number;
  enrichedMs?: number;
  judgedMs?: number;
  alertedMs?: number;
  seenMs?: number;
}

type FrameKind = FrameHeader['kind'];
type Item = StreamEvent<{ readonly path: string; readonly status: number }>;

/** What was read, and is looked at behind the load. */
interface Kept {
  readonly noun: TopicNoun;
  readonly payload: Buffer;
  readonly publishTimeMs: number;
}

/** Reads every topic on the way beside those who work, and tells when the broker took what for which match. */
export class StageWatch {
  readonly #ways = new Map<string, Way>();
  #kept: Kept[] = [];
  readonly #reading: Promise<void>[] = [];

  constructor(
    private readonly broker: MessageBroker,
    private readonly pipelines: Pipelines,
    private readonly over: AbortSignal,
  ) {}

  /** From now on. */
  async begin(onAlert: (event: AlertEvent, seenMs: number) => void): Promise<void> {
    for (const noun of ['raw', 'enriched', 'judged'] as const)
      await this.#follow(noun, ({ payload, publishTimeMs }) =>
        this.#kept.push({ noun, payload: Buffer.from(payload), publishTimeMs }),
      );
    await this.#follow('alerts', ({ payload, publishTimeMs }) => {
      const seenMs = Date.now();
      const event = JSON.parse(Buffer.from(payload).toString()) as AlertEvent;
      const { labels, status } = event;
      onAlert(event, seenMs);
      if (status === 'firing' && labels['path'] !== undefined)
        this.#note(String(labels['stream']), String(labels['path']), { alertedMs: publishTimeMs, seenMs });
    });
  }

  /** Of the matches of one stream. */
  timesOf(stream: string): StageTimes {
    for (const kept of this.#kept.splice(0)) this.#look(kept);
    const ways = [...this.#ways].flatMap(([name, way]) => (name.startsWith(`${stream}|`) ? [way] : []));
    const between = (from: keyof Way, to: keyof Way): readonly number[] =>
      ways.map((way) => (way[to] ?? NaN) - (way[from] ?? NaN)).filter((ms) => !Number.isNaN(ms));
    return {
      arrival: between('happenedMs', 'arrivedMs'),
      ingest: between('arrivedMs', 'rawMs'),
      enrich: between('rawMs', 'enrichedMs'),
      pattern: between('enrichedMs', 'judgedMs'),
      alert: between('judgedMs', 'alertedMs'),
      seen: between('alertedMs', 'seenMs'),
    };
  }

  async end(): Promise<void> {
    await Promise.all(this.#reading);
  }

  #look({ noun, payload, publishTimeMs }: Kept): void {
    const { items } = decodeFrame<Item | PatternMatch>(payload, noun as FrameKind);
    for (const item of items) {
      if ('match' in item) this.#note(item.stream, String(item.labels['path']), { judgedMs: publishTimeMs });
      else if ('data' in item && item.data.status === MATCHING_STATUS) {
        const { stream, data, timeMs, receivedMs } = item;
        const came = { happenedMs: timeMs, arrivedMs: receivedMs, rawMs: publishTimeMs };
        this.#note(stream, data.path, noun === 'raw' ? came : { enrichedMs: publishTimeMs });
      }
    }
  }

  #note(stream: string, path: string, way: Way): void {
    const name = `${stream}|${path}`;
    this.#ways.set(name, { ...this.#ways.get(name), ...way });
  }

  async #follow(noun: TopicNoun, take: (delivery: Delivery) => void): Promise<void> {
    const { broker, pipelines, over: signal } = this;
    const pipeline = pipelines.byName('web');
    const topic = pipelines.topic(pipeline.name, noun);
    for (let partition = 0; partition < pipelines.partitionsOf(pipeline, noun); partition++) {
      const reader = await broker.openReader({ topic, partition, from: 'latest' });
      const read = async (): Promise<void> => {
        const at = { maxMessages: 1_000, maxBytes: 2 ** 24, waitMs: 1_000, signal };
        while (!signal.aborted) for (const delivery of await reader.receive(at)) take(delivery);
        await reader.close();
      };
      this.#reading.push(read());
    }
  }
}

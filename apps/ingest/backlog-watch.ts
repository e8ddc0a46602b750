import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from '#libs/kernel';
import { type LiveMessage, MessageBroker, type MessageReader } from '#libs/messaging';
import { Configuration, Pipelines } from '#libs/platform';
import { BacklogFullError } from './ingest.errors.js';

/** What a task has said of itself counts for so long. */
const FRESH_MS = 10_000;
const RETRY_MS = 1_000;
const RECEIVE = { maxMessages: 1_000, maxBytes: 4 * 1024 * 1024, waitMs: 1_000 } as const;
/** Few of the live messages are of this kind, and the others may be large. */
const STAGE = Buffer.from('"type":"stage"');

interface Heard {
  readonly messages: number;
  readonly atMs: number;
}

/** How much each pipeline has before it, as its tasks tell on the live topic, wherever they run. */
@Injectable()
export class BacklogWatch implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #heard = new Map<string, Map<string, Heard>>();
  readonly #stop = new AbortController();
  #following: readonly Promise<void>[] = [];

  constructor(
    @Inject(MessageBroker) private readonly broker: MessageBroker,
    @Inject(Pipelines) private readonly pipelines: Pipelines,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(Configuration) private readonly configuration: Configuration,
  ) {}

  onApplicationBootstrap(): void {
    this.#following = this.pipelines.all.map(({ name }) => this.#follow(name));
  }

  async onModuleDestroy(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#following);
  }

  /** @throws BacklogFullError */
  assertRoom(pipeline: string): void {
    const limit = this.configuration.values.ingestMaxBacklog;
    const messages = this.messagesOf(pipeline);
    if (messages > limit) throw new BacklogFullError(pipeline, messages, limit);
  }

  /** Messages that are stored and not taken in yet, by the busiest stage; what nobody tells counts for nothing. */
  messagesOf(pipeline: string): number {
    const heard = this.#heard.get(pipeline);
    if (heard === undefined) return 0;
    const oldestMs = this.clock.monotonicMs() - FRESH_MS;
    const byStage = new Map<string, number>();
    for (const [task, { messages, atMs }] of heard) {
      const stage = task.slice(0, task.indexOf('/'));
      if (atMs >= oldestMs) byStage.set(stage, (byStage.get(stage) ?? 0) + messages);
    }
    return Math.max(0, ...byStage.values());
  }

  /** Takes a message of the live topic. */
  hear(pipeline: string, payload: Uint8Array): void {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    if (!bytes.subarray(0, 64).includes(STAGE)) return;
    const message = JSON.parse(bytes.toString('utf8')) as LiveMessage;
    if (message.type !== 'stage') return;
    const { stage, partition, backlogMessages } = message.status;
    const tasks = this.#heard.get(pipeline) ?? new Map<string, Heard>();
    tasks.set(`${stage}/${partition}`, { messages: backlogMessages, atMs: this.clock.monotonicMs() });
    this.#heard.set(pipeline, tasks);
  }

  async #follow(pipeline: string): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#followOnce(pipeline, signal);
      await this.clock.sleep(RETRY_MS, signal);
    }
  }

  async #followOnce(pipeline: string, signal: AbortSignal): Promise<void> {
    let reader: MessageReader | undefined;
    try {
      const topic = this.pipelines.topic(pipeline, 'live');
      reader = await this.broker.openReader({ topic, partition: 0, from: 'latest' });
      while (!signal.aborted) {
        for (const { payload } of await reader.receive({ ...RECEIVE, signal })) this.hear(pipeline, payload);
      }
    } catch {
      // Best effort: while nobody tells, the log's own limits hold.
    } finally {
      await reader?.close().catch(() => undefined);
    }
  }
}

import {
  BEFORE_FIRST,
  comparePositions,
  type Delivery,
  type MessageConsumer,
  type Position,
} from '#libs/messaging';
import type { TaskId } from '#libs/storage';
import { untilClosed } from './backoff.js';
import { TaskInterruptedError } from './functions.errors.js';
import type { Runtime } from './runtime-ports.js';

/** One partition that a task reads, and how repeats on it are seen (input-gate.ts). */
export interface InputDefinition {
  readonly topic: string;
  readonly partition: number;
  readonly subscription: string;
  /** Of the frames. `messages`: one public message an event, numbered by its task or by nobody. */
  readonly kind: 'raw' | 'enriched' | 'partials' | 'judged' | 'messages';
}

export interface InputBatch {
  readonly input: InputDefinition;
  readonly deliveries: readonly Delivery[];
}

/** The key of an input in positions and counters. */
export function inputKey(input: { readonly topic: string; readonly partition: number }): string {
  return `${input.topic}|${input.partition}`;
}

/** Per receive: enough to keep a task busy for some milliseconds, small beside its commit. */
const RECEIVE = { maxMessages: 64, maxBytes: 2 * 1024 * 1024, waitMs: 5_000 };

/** A look may be a call to a broker. */
const CAUGHT_UP_PACE_MS = 1_000;

interface OpenInput {
  readonly definition: InputDefinition;
  readonly consumer: MessageConsumer;
  pending: Promise<InputBatch> | undefined;
  /** What is pending is there. */
  hasArrived: boolean;
  /** Of the last message that was handed on. */
  position: Position;
}

/** The exclusive consumers of one task, read side by side. */
export class TaskInputs {
  readonly #open: OpenInput[] = [];
  #isClosed = false;
  #backlog = 0;
  #caughtUp: ReadonlySet<string> = new Set();
  #lookedMs = -Infinity;

  constructor(
    private readonly runtime: Runtime,
    private readonly task: TaskId,
    private readonly wants: (topic: string) => boolean = () => true,
  ) {}

  /** Opens every input and goes to where the last commit left it; before the first commit, to the beginning. */
  async open(inputs: readonly InputDefinition[], positions: ReadonlyMap<string, Position>): Promise<void> {
    for (const definition of inputs) {
      const { topic, partition, subscription } = definition;
      const consumer = await this.runtime.ports.broker.openConsumer({ topic, partition, subscription });
      // Nobody has waited for it, and nobody else can close it.
      if (this.#isClosed) return await closeUnused(consumer);
      const position = positions.get(inputKey(definition)) ?? BEFORE_FIRST;
      this.#open.push({ definition, consumer, pending: undefined, hasArrived: false, position });
      if (this.#isFiltering) await consumer.seekAfter(position);
    }
  }

  /**
   * What arrives first on any input; undefined when `deadline` resolves first. Nothing is lost by that: what is on
   * its way is given by the next call. An input that is not wanted now is left where it is.
   */
  async receive(deadline: Promise<void>, signal: AbortSignal): Promise<InputBatch | undefined> {
    const wanted = this.#open.filter(({ definition }) => this.wants(definition.topic));
    for (const input of wanted) {
      if (input.pending !== undefined) continue;
      input.pending = input.consumer.receive({ ...RECEIVE, signal }).then((deliveries) => {
        input.hasArrived = deliveries.length > 0;
        return { input: input.definition, deliveries };
      });
      // Whoever waits sees the error; nobody may be waiting while a commit runs.
      input.pending.catch(() => undefined);
    }
    const winner = await Promise.race([
      deadline.then(() => undefined),
      ...wanted.map(({ pending }) => pending),
    ]);
    if (winner === undefined) return undefined;
    const input = this.#moveToEnd(winner.input);
    return { ...winner, deliveries: this.#newOf(winner.deliveries, input) };
  }

  /** The next race is won by another input first, so that a busy one does not starve its neighbours. */
  #moveToEnd(definition: InputDefinition): OpenInput | undefined {
    const place = this.#open.findIndex((input) => input.definition === definition);
    const [input] = this.#open.splice(place, 1);
    if (input === undefined) return undefined;
    input.pending = undefined;
    input.hasArrived = false;
    this.#open.push(input);
    return input;
  }

  /** A new connection to the broker may begin again somewhere behind: what was handed on before is left out. */
  #newOf(deliveries: readonly Delivery[], input: OpenInput | undefined): readonly Delivery[] {
    if (input === undefined || !this.#isFiltering) return deliveries;
    return deliveries.filter(({ position }) => {
      if (comparePositions(position, input.position) <= 0) return false;
      input.position = position;
      return true;
    });
  }

  get #isFiltering(): boolean {
    return !this.runtime.settings.withoutFences.has('position-filter');
  }

  async acknowledge(positions: ReadonlyMap<string, Position>): Promise<void> {
    this.runtime.ports.failpoints?.hit('before-acknowledge', this.task);
    await Promise.all(
      this.#open.map(async ({ definition, consumer }) => {
        const position = positions.get(inputKey(definition));
        if (position !== undefined) await consumer.acknowledgeUpTo(position);
      }),
    );
    this.runtime.ports.failpoints?.hit('after-acknowledge', this.task);
  }

  /** Has every input been read to its end. */
  async areCaughtUp(): Promise<boolean> {
    const caughtUp = await Promise.all(this.#open.map(({ consumer }) => consumer.isCaughtUp()));
    return caughtUp.every(Boolean);
  }

  /** Full names of the topics of single messages that were read, and handed on, to their end; looked at once a second. */
  async caughtUpTopics(): Promise<ReadonlySet<string>> {
    const nowMs = this.runtime.ports.clock.monotonicMs();
    if (nowMs - this.#lookedMs < CAUGHT_UP_PACE_MS) return this.#caughtUp;
    this.#lookedMs = nowMs;
    const single = this.#open.filter(({ definition }) => definition.kind === 'messages');
    const looks = await Promise.all(single.map(({ consumer }) => consumer.isCaughtUp()));
    const caughtUp = single.filter((input, place) => looks[place] === true && !input.hasArrived);
    this.#caughtUp = new Set(caughtUp.map(({ definition }) => definition.topic));
    return this.#caughtUp;
  }

  /** Messages not received yet, as of the last look; starts another look. */
  backlogMessages(): number {
    void Promise.all(this.#open.map(({ consumer }) => consumer.backlogMessages())).then(
      (counts) => (this.#backlog = counts.reduce((sum, count) => sum + count, 0)),
      () => undefined,
    );
    return this.#backlog;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const closing = Promise.allSettled(this.#open.map(({ consumer }) => consumer.close()));
    await untilClosed(closing, this.runtime.ports.clock);
  }
}

async function closeUnused(consumer: MessageConsumer): Promise<never> {
  await consumer.close();
  throw new TaskInterruptedError();
}

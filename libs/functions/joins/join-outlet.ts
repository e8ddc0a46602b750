import type { DeadEvent, StreamEvent } from '#libs/kernel';
import { type Delivery, partitionOf, publicMessage } from '#libs/messaging';
import { FACTS, type Telemetry } from '#libs/observability';
import { asError } from '../functions.errors.js';
import { DeadLetters } from '../model/dead-letters.js';
import { codeOf } from '../model/failure.js';
import { SkipEventError, StopFunctionError } from '../model/function.errors.js';
import { FunctionCounters } from '../model/function-counters.js';
import type { FunctionTopics } from '../model/function-topics.js';
import { messageOf } from '../model/function-work.js';
import { keyIdOf } from '../model/key-id.js';
import { checkSize } from '../model/output-messages.js';
import { Secrets } from '../model/secret.js';
import type { Outputs } from '../task-logic.js';
import { droppedMessage, withinDates } from '../windows/late-messages.js';

export interface JoinOutletOptions {
  readonly name: string;
  /** Short name. */
  readonly output: string;
  readonly pipeline: string;
  readonly partition: number;
  readonly topics: FunctionTopics;
  readonly telemetry: Telemetry;
}

/** What a join has found: the ids of the events in it make its own. */
export interface Found {
  readonly id: string;
  readonly stream: string;
  readonly key: string;
  readonly timeMs: number;
  /** For a dead letter. */
  readonly original: unknown;
  /** The user's code. */
  readonly make: () => unknown;
}

/** How events end in a join; each is counted in its state, by these names. */
export type JoinFate =
  /** It was taken: found partners, is kept for some, or waits. */
  | 'taken'
  | 'filtered'
  | 'late'
  | 'future'
  /** It has found what was there, but there was no room to keep it for what comes. */
  | 'not-kept'
  | 'skipped'
  | 'dead';

/** Where everything that a join has to say goes. */
export class JoinOutlet {
  readonly counters = new FunctionCounters();
  /** Something waits for a commit. */
  hasOutput = false;
  readonly #dead: DeadLetters;
  #outputs: Outputs | undefined;

  constructor(private readonly options: JoinOutletOptions) {
    const { name, pipeline, topics } = options;
    this.#dead = new DeadLetters({ functionName: name, pipeline, topics, secrets: new Secrets() });
  }

  /** Where to: before anything is put out. */
  use(outputs: Outputs): void {
    this.#outputs = outputs;
  }

  get target(): Outputs {
    if (this.#outputs === undefined) throw new Error('nothing was applied yet');
    return this.#outputs;
  }

  count(what: JoinFate | 'results' | 'unmatched' | 'updates' | 'late-updates', by = 1): void {
    this.counters.add(what, by);
  }

  /** @throws StopFunctionError */
  emit(found: Found): void {
    try {
      const data = found.make();
      if (data !== undefined) this.#send(found, data as object);
    } catch (error) {
      this.#failFound(found, asError(error));
    }
  }

  /** To `<pipeline>.late`, with the reason. */
  refuse(event: StreamEvent, reason: 'late' | 'future' | 'not-kept', byMs: number): void {
    const { name, pipeline, topics } = this.options;
    const place = topics(`${pipeline}.late`);
    const message = droppedMessage(pipeline, event, { reason, byMs, who: name });
    this.target.message(place.name, partitionOf(event.stream, place.partitions), message);
    this.hasOutput = true;
  }

  /** User code has failed on an event. @returns how it ends @throws StopFunctionError */
  fail(event: StreamEvent, error: Error, delivery: Delivery): 'skipped' | 'dead' {
    if (this.#isSkipped(error)) return 'skipped';
    const work = { kind: 'event', event, message: messageOf(delivery), watermarkMs: null } as const;
    const keyId = keyIdOf(event.stream, event.key ?? event.id);
    const reason = { code: codeOf(error), error, attempts: 1 };
    this.#dead.work({ keyId, work, nowMs: event.receivedMs }, reason, this.target);
    this.hasOutput = true;
    return 'dead';
  }

  /** What is no event. */
  dead(event: DeadEvent, { topic, partition, position }: Delivery): void {
    const { name } = this.options;
    const dead = { ...event, id: `${name}/${event.id}`, dead: { ...event.dead, stage: name } };
    this.#dead.event(dead, { topic, partition, position }, this.target);
    this.hasOutput = true;
  }

  /** Tells the metrics what this commit holds, once it is delivered. */
  tellCounters(): void {
    const counters = this.counters.changedValues();
    const { telemetry, pipeline, partition, name: stage } = this.options;
    this.target.afterDelivery(() => {
      for (const [name, value] of counters)
        telemetry.record(FACTS.functionCounter, { pipeline, stage, partition, name }, value);
    });
  }

  #send({ id, stream, key, timeMs }: Found, data: object): void {
    const { name, output, pipeline, topics } = this.options;
    const message = publicMessage({
      id: `${name}/${stream}/${id}`,
      source: `/pipelines/${pipeline}/streams/${stream}`,
      type: output,
      subject: name,
      timeMs: withinDates(timeMs),
      key,
      data,
    });
    checkSize(output, message);
    const place = topics(output);
    this.target.message(place.name, partitionOf(key, place.partitions), message);
    this.hasOutput = true;
    this.count('results');
  }

  #failFound({ id, stream, timeMs, original }: Found, error: Error): void {
    if (this.#isSkipped(error)) return;
    const { name } = this.options;
    const text = JSON.stringify(original);
    const reason = { code: codeOf(error), reason: error.message, stage: name, attempts: 1 };
    const dead = { ...reason, original: text, originalBytes: Buffer.byteLength(text) };
    const event: DeadEvent = { id: `${name}/${id}`, stream, receivedMs: withinDates(timeMs), dead };
    this.#dead.event(event, { stack: error.stack }, this.target);
    this.hasOutput = true;
  }

  #isSkipped(error: Error): boolean {
    if (error instanceof StopFunctionError) throw error;
    const isSkipped = error instanceof SkipEventError;
    const { telemetry, pipeline, name } = this.options;
    telemetry.record(FACTS.functionFailure, {
      ...{ pipeline, stage: name, code: codeOf(error) },
      outcome: isSkipped ? 'skip' : 'dead-letter',
    });
    return isSkipped;
  }
}

import { FACTS, type Telemetry } from '#libs/observability';
import type { Outputs } from '../task-logic.js';
import type { DeadLetters } from './dead-letters.js';
import type { FunctionCall } from './function-call.js';
import type { FunctionCounters } from './function-counters.js';
import type { Turn } from './turn.js';

/** Puts out what came of turns, in the order in which it is told. */
export class TurnOutputs {
  /** Something waits for a commit. */
  hasOutput = false;
  #outputs: Outputs | undefined;
  readonly #metrics = new Map<string, number>();

  constructor(
    private readonly task: { readonly pipeline: string; readonly stage: string; readonly partition: number },
    private readonly dead: DeadLetters,
    private readonly counters: FunctionCounters,
    private readonly telemetry: Telemetry,
  ) {}

  /** Where to: before anything is put out. */
  use(outputs: Outputs): void {
    this.#outputs = outputs;
  }

  get target(): Outputs {
    if (this.#outputs === undefined) throw new Error('nothing was applied yet');
    return this.#outputs;
  }

  put({ keyId, nowMs, results }: Turn): void {
    for (const result of results) {
      if (result.kind === 'done') this.#putCall(result.call);
      else {
        this.dead.work({ keyId, work: result.work, nowMs }, result.reason, this.target);
        this.hasOutput = true;
      }
    }
  }

  /** Tells the metrics what was committed before. */
  tellRestored(): void {
    const { task, telemetry } = this;
    for (const [name, value] of this.counters.all())
      telemetry.record(FACTS.functionCounter, { ...task, name }, value);
  }

  /** What tells the metrics what this commit holds, once it is delivered. */
  figures(parked: number): () => void {
    const counters = this.counters.changedValues();
    const values = [...this.#metrics];
    this.#metrics.clear();
    const { task, telemetry } = this;
    return () => {
      for (const [name, value] of counters) telemetry.record(FACTS.functionCounter, { ...task, name }, value);
      for (const [name, value] of values) telemetry.record(FACTS.functionValue, { ...task, name }, value);
      telemetry.record(FACTS.functionParked, task, parked);
    };
  }

  #putCall({ messages, counterAdditions, metrics }: FunctionCall): void {
    for (const { topic, partition, message } of messages) this.target.message(topic, partition, message);
    for (const [name, by] of counterAdditions) this.counters.add(name, by);
    for (const [name, value] of metrics) this.#metrics.set(name, value);
    this.hasOutput ||= messages.length > 0;
  }
}

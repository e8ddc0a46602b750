import type { Position } from '#libs/messaging';
import { unlessAborted } from './backoff.js';
import { asError } from './functions.errors.js';
import type { TaskInputs } from './task-inputs.js';

/**
 * Acknowledges beside the work of a task, one after the other: whoever waits for an alert must not wait until the broker
 * has noted what was done before. What comes while one is under way goes together, since positions are cumulative.
 */
export class Acknowledgements {
  #next: ReadonlyMap<string, Position> | undefined;
  #running: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(
    private readonly inputs: Pick<TaskInputs, 'acknowledge'>,
    private readonly abort: AbortSignal,
  ) {}

  /** @param positions of a commit that is noted as delivered; not behind those of the call before */
  upTo(positions: ReadonlyMap<string, Position>): void {
    this.#next = positions;
    this.#running ??= this.#run();
  }

  /** @throws what one failed with, if it did */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when none is under way. Never rejects. */
  async done(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      for (let next = this.#take(); next !== undefined; next = this.#take())
        await unlessAborted(this.inputs.acknowledge(next), this.abort);
    } catch (error) {
      this.#failure ??= asError(error);
    } finally {
      this.#running = undefined;
    }
  }

  #take(): ReadonlyMap<string, Position> | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }
}

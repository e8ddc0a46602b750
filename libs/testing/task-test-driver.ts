import type { Moment, TaskInput, TaskLogic } from '#libs/functions';
import type { JsonObject, JsonValue } from '#libs/kernel';
import type { Delivery, FrameHeader } from '#libs/messaging';
import type { ResultRow } from '#libs/storage';
import type { CrashPoint } from './function-test-options.js';
import { DriverOutputs, type NumberedMessage } from './function-test-outputs.js';
import { FunctionTestTask, positionAt } from './function-test-task.js';

/** What comes with the items of a frame. */
export interface GivenFrame {
  readonly header?: Partial<FrameHeader>;
  /** Name of the task that sent it, `web/local/0`. */
  readonly producer?: string;
  /** When the log stored it, epoch milliseconds. Default 0. */
  readonly publishTimeMs?: number;
}

/**
 * Runs any task's logic as the runtime does, without log and store: for the stages of the apps. What is given is committed
 * and delivered when the call resolves; the process may die at any step of that, and another one goes on.
 */
export class TaskTestDriver<Logic extends TaskLogic> {
  /** Frames that were delivered, by topic and in order: for the stage behind. */
  readonly frames: NumberedMessage[] = [];
  readonly #outputs = new DriverOutputs((message) => this.#keepFrame(message));
  readonly #task: FunctionTestTask<Logic>;

  /**
   * @param make the logic, anew for each process that takes over
   * @param kind of the frames that it reads
   */
  constructor(
    make: () => Logic,
    private readonly kind: FrameHeader['kind'],
    stored: ReadonlyMap<string, JsonValue> = new Map(),
  ) {
    this.#task = new FunctionTestTask(make, this.#outputs, stored);
  }

  /** Gives one frame. */
  async give(
    items: readonly unknown[],
    { header = {}, producer, publishTimeMs = 0 }: GivenFrame = {},
  ): Promise<void> {
    const entry = this.#task.given;
    const delivery: Delivery = {
      topic: this.kind,
      partition: 0,
      position: positionAt(entry),
      payload: Buffer.alloc(0),
      publishTimeMs,
      properties: {},
    };
    const input: TaskInput = {
      delivery,
      frame: { header: { v: 1, kind: this.kind, ...header }, items },
      ...(producer === undefined ? {} : { producer }),
    };
    await this.#task.take(input);
  }

  /** Tells outside facts, and commits what the task decides from them. */
  async tick(moment: Moment): Promise<void> {
    this.#task.tick(moment);
    await this.#task.commit();
  }

  /** The process dies at this step of the next commit, once, and another goes on. */
  crashAt(point: CrashPoint): void {
    this.#task.crash = point;
  }

  /** The process dies now, and another goes on from the last commit. */
  restart(): void {
    this.#task.restart();
  }

  /** The newest revision of every row. */
  get rows(): readonly ResultRow[] {
    return this.#outputs.rows;
  }

  /** Public messages of a topic, in order: their ids and data. */
  messages(topic: string): readonly { readonly id: string; readonly data: unknown }[] {
    return this.#outputs.messages
      .filter((message) => message.topic === topic)
      .map(({ id, data }) => ({ id, data }));
  }

  documents(collection: string): readonly JsonObject[] {
    return this.#outputs.documents(collection);
  }

  /** The committed state, to be kept as a fixture. */
  cells(): ReadonlyMap<string, JsonValue> {
    return this.#task.cells;
  }

  #keepFrame(message: NumberedMessage): boolean {
    const isFrame = message.message.properties?.['content-type']?.includes('frame') === true;
    if (isFrame) this.frames.push(message);
    return isFrame;
  }
}

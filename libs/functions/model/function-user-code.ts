import { type DeadEvent, isDeadEvent, type StreamEvent } from '#libs/kernel';
import type { Outputs, TaskInput, UserCode } from '../task-logic.js';
import type { DueWork } from './due-work.js';
import { FunctionCrashedError } from './function.errors.js';

export interface FunctionUserCodeParts {
  readonly due: () => DueWork;
  /** Is the event for this function. */
  readonly isFor: (event: StreamEvent) => boolean;
  readonly observe: (event: StreamEvent) => void;
  readonly isRunning: () => boolean;
  readonly ended: (outputs: Outputs) => Promise<void>;
  readonly refuse: (event: StreamEvent, input: TaskInput, error: Error) => void;
  readonly use: (outputs: Outputs) => void;
}

/** How a function's calls are run one by one, and what kills is put aside. */
export class FunctionUserCode implements UserCode {
  constructor(private readonly parts: FunctionUserCodeParts) {}

  get isRunning(): boolean {
    return this.parts.isRunning();
  }

  idOf(item: unknown): string | undefined {
    const event = item as StreamEvent | DeadEvent;
    if (isDeadEvent(event) || !this.parts.isFor(event)) return undefined;
    return `event/${event.stream}/${event.id}`;
  }

  observe(item: unknown): void {
    const event = item as StreamEvent | DeadEvent;
    if (!isDeadEvent(event) && this.parts.isFor(event)) this.parts.observe(event);
  }

  nextDue(): string | undefined {
    return this.parts.due().nextId();
  }

  async runDue(outputs: Outputs): Promise<void> {
    this.parts.use(outputs);
    await this.parts.due().runNext();
    await this.parts.ended(outputs);
  }

  async ended(outputs: Outputs): Promise<void> {
    await this.parts.ended(outputs);
  }

  quarantine(
    input: TaskInput,
    item: unknown,
    { ends, outputs }: { readonly ends: number; readonly outputs: Outputs },
  ): void {
    this.parts.use(outputs);
    this.parts.refuse(item as StreamEvent, input, new FunctionCrashedError(ends));
  }

  quarantineDue(ends: number, outputs: Outputs): void {
    this.parts.use(outputs);
    this.parts.due().quarantineNext(ends);
  }
}

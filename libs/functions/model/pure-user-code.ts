import { type DeadEvent, isDeadEvent, type StreamEvent } from '#libs/kernel';
import type { Outputs, TaskInput, UserCode } from '../task-logic.js';
import { isForAnother } from './addressed.js';
import { FunctionCrashedError } from './function.errors.js';

/** An event on which the process has died again and again, to be put aside without calling user code. */
export interface Quarantined {
  readonly event: StreamEvent;
  readonly input: TaskInput;
  readonly error: Error;
  readonly outputs: Outputs;
}

/** Of logics that call user code for events alone, and to its end: nothing of it is ever under way or due. */
export class PureUserCode implements UserCode {
  readonly isRunning = false;

  constructor(
    private readonly name: string,
    private readonly refuse: (quarantined: Quarantined) => void,
  ) {}

  idOf(item: unknown): string | undefined {
    const event = item as StreamEvent | DeadEvent;
    if (isDeadEvent(event) || isForAnother(event, this.name)) return undefined;
    return `event/${event.stream}/${event.id}`;
  }

  observe(): void {
    // Time makes nothing due that calls user code before the next event.
  }

  nextDue(): undefined {
    return undefined;
  }

  async runDue(): Promise<void> {
    // Never asked for: nothing is due.
  }

  async ended(): Promise<void> {
    // It has.
  }

  quarantine(
    input: TaskInput,
    item: unknown,
    { ends, outputs }: { readonly ends: number; readonly outputs: Outputs },
  ): void {
    this.refuse({ event: item as StreamEvent, input, error: new FunctionCrashedError(ends), outputs });
  }

  quarantineDue(): void {
    // As runDue.
  }
}

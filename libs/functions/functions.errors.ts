import { PlatformError, type RetryAdvice } from '#libs/kernel';
import type { Position } from '#libs/messaging';

/** Another owner has committed for this task: everything held here is void. */
export class TaskFencedError extends PlatformError {
  readonly code = 'TASK_FENCED';
  readonly retry: RetryAdvice = 'backoff';
  constructor(task: string, ours: object, stored: object) {
    super(`${task} has another owner`, { context: { task, ours, stored } });
  }
}

/** The lease could not be renewed in time. */
export class LeaseLostError extends PlatformError {
  readonly code = 'LEASE_LOST';
  readonly retry: RetryAdvice = 'backoff';
  constructor(task: string, cause?: unknown) {
    super(`the lease of ${task} could not be renewed in time`, { cause, context: { task } });
  }
}

/** A message is missing between two that were received: something was lost before this task. */
export class InputGapError extends PlatformError {
  readonly code = 'INPUT_GAP';
  readonly retry: RetryAdvice = 'never';
  constructor(task: string, where: { topic: string; partition: number; expected: unknown; found: unknown }) {
    super(
      `${task} misses messages on partition ${where.partition} of ${where.topic}: ` +
        `expected ${JSON.stringify(where.expected)}, found ${JSON.stringify(where.found)}`,
      { context: { task, ...where } },
    );
  }
}

/** An internal topic holds a message that this version cannot read. */
export class InputUndecodableError extends PlatformError {
  readonly code = 'INPUT_UNDECODABLE';
  readonly retry: RetryAdvice = 'never';
  constructor(task: string, where: { topic: string; partition: number; position: Position }, cause: unknown) {
    super(
      `${task} cannot read the message at ${where.position.join(':')} of ${where.topic}, partition ${where.partition}`,
      {
        cause,
        context: { task, ...where },
      },
    );
  }
}

/** Stored state of a kind or version that this program does not know. */
export class StateUnknownError extends PlatformError {
  readonly code = 'STATE_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  constructor(task: string, found: unknown, wanted: unknown) {
    super(`${task} has state of ${JSON.stringify(found)}, this program reads ${JSON.stringify(wanted)}`, {
      context: { task, found, wanted },
    });
  }
}

/** Whatever was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

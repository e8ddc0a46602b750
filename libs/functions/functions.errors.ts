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

/** The task was told to stop while it waited for something: what it holds is void, and the next run goes on. */
export class TaskInterruptedError extends PlatformError {
  readonly code = 'TASK_INTERRUPTED';
  readonly retry: RetryAdvice = 'backoff';
  constructor() {
    super('the task was told to stop while it waited; its next run goes on from the last commit');
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

/** What a blob of state says of itself. */
export interface FoundState {
  readonly format?: unknown;
  readonly operator?: unknown;
  readonly version?: unknown;
}

/** Stored state of a kind or version that this program does not know. */
export class StateUnknownError extends PlatformError {
  readonly code = 'STATE_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  constructor(
    task: string,
    found: FoundState,
    known: {
      readonly format: number;
      readonly operator: string;
      readonly versions: readonly [number, number];
    },
  ) {
    const [oldest, newest] = known.versions;
    const versions = oldest === newest ? `version ${newest}` : `versions ${oldest} to ${newest}`;
    super(
      `${task} has state of operator '${String(found.operator)}', version ${String(found.version)} (format ` +
        `${String(found.format)}); this program knows operator '${known.operator}', ${versions} (format ${known.format})`,
      { context: { task, found, known } },
    );
  }
}

/** A migration of state has thrown: the task does not start, and the state stays as it is. */
export class StateMigrationFailedError extends PlatformError {
  readonly code = 'STATE_MIGRATION_FAILED';
  readonly retry: RetryAdvice = 'never';
  constructor(
    task: string,
    step: { readonly operator: string; readonly from: number; readonly to: number },
    cause: unknown,
  ) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `the state of ${task} (operator '${step.operator}') can't be brought from version ${step.from} to ${step.to}: ${reason}`,
      { cause, context: { task, ...step } },
    );
  }
}

/** The code of whatever was thrown; `UNEXPECTED` for what is none of ours. */
export function codeOfFailure(thrown: unknown): string {
  return thrown instanceof PlatformError ? thrown.code : 'UNEXPECTED';
}

/** Whatever was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

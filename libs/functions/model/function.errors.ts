import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** A definition that can't be run; every problem at once. */
export class FunctionInvalidError extends PlatformError {
  readonly code = 'FUNCTION_INVALID';
  readonly retry: RetryAdvice = 'never';
  constructor(name: string, problems: readonly string[]) {
    super(`the function '${name}' can't be run: ${problems.join('; ')}`, { context: { name, problems } });
  }
}

/** Thrown by a handler: what it needs is away; park the key and try again later. */
export class RetryLaterError extends PlatformError {
  readonly code = 'FUNCTION_RETRY_LATER';
  readonly retry: RetryAdvice = 'backoff';
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
  }
}

/** Thrown by a handler: this event can't be processed, now or ever. A dead letter at once. */
export class RefuseEventError extends PlatformError {
  readonly code = 'FUNCTION_EVENT_REFUSED';
  readonly retry: RetryAdvice = 'never';
}

/** Thrown by a handler: this event is not worth a dead letter; pass over it. */
export class SkipEventError extends PlatformError {
  readonly code = 'FUNCTION_EVENT_SKIPPED';
  readonly retry: RetryAdvice = 'never';
}

/** Thrown by a handler, or given by its failure rules: nothing may go on past this event. */
export class StopFunctionError extends PlatformError {
  readonly code = 'FUNCTION_STOPPED';
  readonly retry: RetryAdvice = 'never';
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
  }
}

/** A handler took longer than `timeBudget`. */
export class FunctionTimeoutError extends PlatformError {
  readonly code = 'FUNCTION_TIMEOUT';
  readonly retry: RetryAdvice = 'backoff';
  constructor(budgetMs: number) {
    super(`the call took longer than ${budgetMs} ms`, { context: { budgetMs } });
  }
}

/** The task ended while a handler ran; nothing of the call is kept, the next run makes it again. */
export class FunctionInterruptedError extends PlatformError {
  readonly code = 'FUNCTION_INTERRUPTED';
  readonly retry: RetryAdvice = 'backoff';
  constructor(cause?: unknown) {
    super('the task ended during a call; the next run makes it again', { cause });
  }
}

/** A cell, or all the state of a task, would grow beyond what the function may keep. */
export class FunctionStateTooLargeError extends PlatformError {
  readonly code = 'FUNCTION_STATE_TOO_LARGE';
  readonly retry: RetryAdvice = 'never';
  constructor(what: string, bytes: number, maxBytes: number) {
    super(`${what} would take ${bytes} bytes, at most ${maxBytes} are allowed`, {
      context: { what, bytes, maxBytes },
    });
  }
}

/** State of a name that the definition does not declare: misspelt, renamed, or removed. */
export class FunctionStateUndeclaredError extends PlatformError {
  readonly code = 'FUNCTION_STATE_UNDECLARED';
  readonly retry: RetryAdvice = 'never';
  constructor(found: readonly string[], declared: readonly string[], how: 'is stored' | 'was asked for') {
    const advice =
      how === 'is stored'
        ? '; where it was renamed or removed, a migration (state.migrate) has to say so'
        : '';
    super(
      `state of the name '${found.join("', '")}' ${how}; declared are: ${declared.join(', ') || 'none'}${advice}`,
      { context: { found, declared } },
    );
  }
}

/** The process has died on this work, at last while nothing else ran. */
export class FunctionCrashedError extends PlatformError {
  readonly code = 'FUNCTION_CRASHED';
  readonly retry: RetryAdvice = 'never';
  constructor(ends: number) {
    super(
      `the process that runs the function has ended again and again while this was processed: ${ends} times among others, ` +
        'then twice alone',
      { context: { ends } },
    );
  }
}

/** A message for a topic that the definition does not declare. */
export class FunctionTopicUndeclaredError extends PlatformError {
  readonly code = 'FUNCTION_TOPIC_UNDECLARED';
  readonly retry: RetryAdvice = 'never';
  constructor(topic: string, declared: readonly string[]) {
    super(
      `'${topic}' is not declared; there are: ${declared.join(', ') || 'none'} (output and publishes of the definition)`,
      { context: { topic, declared } },
    );
  }
}

/** An output that no message can hold. */
export class FunctionOutputTooLargeError extends PlatformError {
  readonly code = 'FUNCTION_OUTPUT_TOO_LARGE';
  readonly retry: RetryAdvice = 'never';
  constructor(topic: string, bytes: number, maxBytes: number) {
    super(`an output for ${topic} has ${bytes} bytes, at most ${maxBytes} fit a message`, {
      context: { topic, bytes, maxBytes },
    });
  }
}

/** A timer that can't be set. */
export class FunctionTimerInvalidError extends PlatformError {
  readonly code = 'FUNCTION_TIMER_INVALID';
  readonly retry: RetryAdvice = 'never';
}

/** A secret that nobody has given, or that the definition does not declare. */
export class FunctionSecretMissingError extends PlatformError {
  readonly code = 'FUNCTION_SECRET_MISSING';
  readonly retry: RetryAdvice = 'never';
  constructor(functionName: string, name: string, why: string) {
    super(`the function '${functionName}' has no secret '${name}': ${why}`, {
      context: { functionName, name },
    });
  }
}

/** The context of a call was used after the call had ended: something was not awaited, or went on after its time. */
export class FunctionCallEndedError extends PlatformError {
  readonly code = 'FUNCTION_CALL_ENDED';
  readonly retry: RetryAdvice = 'never';
  constructor() {
    super(
      'the call has ended; what it still does is not kept. Await everything, and end when context.signal aborts',
    );
  }
}

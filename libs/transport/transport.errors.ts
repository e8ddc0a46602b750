import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** Handlers that can't be subscribed as they are written: all problems at once. */
export class SubscriptionInvalidError extends PlatformError {
  readonly code = 'SUBSCRIPTION_INVALID';
  readonly retry: RetryAdvice = 'never';
  constructor(readonly problems: readonly string[]) {
    super(`the subscriptions can't be opened:\n  ${problems.join('\n  ')}`, { context: { problems } });
  }
}

/** A message that nobody handles: its type has no handler. */
export class HandlerMissingError extends PlatformError {
  readonly code = 'HANDLER_MISSING';
  readonly retry: RetryAdvice = 'never';
  constructor(topic: string, type: string | undefined, handled: readonly string[]) {
    const found = type === undefined ? 'without a type' : `of type '${type}'`;
    super(`no handler takes a message ${found} of ${topic}; there are some for ${handled.join(', ')}`, {
      context: { topic, type, handled },
    });
  }
}

/** A message whose payload is not what it has to be. */
export class PayloadInvalidError extends PlatformError {
  readonly code = 'PAYLOAD_INVALID';
  readonly retry: RetryAdvice = 'never';
  constructor(topic: string, problem: string) {
    super(`a message of ${topic} can't be read: ${problem}`, { context: { topic, problem } });
  }
}

/** A handler that took longer than its time budget. What it does goes on; its signal has told it. */
export class HandlerTimeoutError extends PlatformError {
  readonly code = 'HANDLER_TIMEOUT';
  readonly retry: RetryAdvice = 'backoff';
  constructor(handler: string, budgetMs: number) {
    super(`${handler} did not end within ${budgetMs} ms`, { context: { handler, budgetMs } });
  }
}

/** Thrown by a handler that will never take this message: it becomes a dead letter at once, without further attempts. */
export class RefuseMessageError extends PlatformError {
  readonly code = 'MESSAGE_REFUSED';
  readonly retry: RetryAdvice = 'never';
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
  }
}

/** A subscription that can't be read at present. It goes on by itself. */
export class SubscriptionWaitingError extends PlatformError {
  readonly code = 'SUBSCRIPTION_WAITING';
  readonly retry: RetryAdvice = 'backoff';
  constructor(problem: { readonly subscription: string; readonly topic: string; readonly detail: string }) {
    const { subscription, topic, detail } = problem;
    super(`the subscription ${subscription} of ${topic} waits: ${detail}`, { context: { ...problem } });
  }
}

/** An event that can't be sent as it is. */
export class EventUnsendableError extends PlatformError {
  readonly code = 'EVENT_UNSENDABLE';
  readonly retry: RetryAdvice = 'never';
  constructor(topic: string, problem: string, cause?: unknown) {
    super(`an event for '${topic}' can't be sent: ${problem}`, { cause, context: { topic, problem } });
  }
}

/** Topics carry events; who wants an answer asks over HTTP. */
export class RequestUnsupportedError extends PlatformError {
  readonly code = 'REQUEST_UNSUPPORTED';
  readonly retry: RetryAdvice = 'never';
  constructor() {
    super('nobody answers on a topic: use emit, not send');
  }
}

import { PlatformError, type RetryAdvice, STREAM_NAME_RULE } from '#libs/kernel';

/** A stream's name that is not allowed. */
export class StreamNameInvalidError extends PlatformError {
  readonly code = 'STREAM_NAME_INVALID';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 400;
  constructor(stream: string) {
    super(`'${stream}' is no name of a stream; wanted: ${STREAM_NAME_RULE}`, { context: { stream } });
  }
}

/** There are as many streams as a pipeline may have. */
export class StreamLimitError extends PlatformError {
  readonly code = 'STREAM_LIMIT';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 409;
  constructor(pipeline: string, stream: string, limit: number) {
    super(`pipeline ${pipeline} has ${limit} streams and takes no other; '${stream}' would be a new one`, {
      context: { pipeline, stream, limit },
    });
  }
}

/** Nothing was ever sent to that stream. */
export class StreamUnknownError extends PlatformError {
  readonly code = 'STREAM_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 404;
  constructor(pipeline: string, stream: string) {
    super(`pipeline ${pipeline} has no stream '${stream}'`, { context: { pipeline, stream } });
  }
}

/** A body of a type that the route does not read. */
export class ContentTypeUnsupportedError extends PlatformError {
  readonly code = 'CONTENT_TYPE_UNSUPPORTED';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 415;
  constructor(found: string | undefined, accepted: readonly string[]) {
    super(`the body is ${found ?? 'of no stated type'}; accepted are ${accepted.join(', ')}`, {
      context: { found, accepted },
    });
  }
}

/** A body that is compressed in a way that is not read. */
export class ContentEncodingUnsupportedError extends PlatformError {
  readonly code = 'CONTENT_ENCODING_UNSUPPORTED';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 415;
  constructor(found: string, accepted: readonly string[]) {
    super(`the body is encoded as ${found}; accepted are ${accepted.join(', ')}, or none`, {
      context: { found, accepted },
    });
  }
}

/** A body that says it is compressed, and is not, or not as it says, or ends too early. What came before is stored. */
export class BodyNotInflatableError extends PlatformError {
  readonly code = 'BODY_NOT_INFLATABLE';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 400;
  constructor(encoding: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`the body can't be read as ${encoding}: ${reason}; what came before that is stored`, {
      cause,
      context: { encoding },
    });
  }
}

/** A body that is no text in UTF-8, by how it begins: compressed without saying so, or UTF-16. Nothing of it is taken in. */
export class BodyNotTextError extends PlatformError {
  readonly code = 'BODY_NOT_TEXT';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 415;
  constructor(reason: string) {
    super(`the body is no text in UTF-8: ${reason}`);
  }
}

/** A compressed body that stands for more bytes than are read of one. What came before is stored. */
export class BodyInflatedTooLargeError extends PlatformError {
  readonly code = 'BODY_INFLATED_TOO_LARGE';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 413;
  constructor(limitBytes: number) {
    super(
      `the body has more than ${limitBytes} bytes when it is inflated (MILLRACE_INGEST_MAX_INFLATED); what came before ` +
        'that is stored. Send it in parts',
      { context: { limitBytes } },
    );
  }
}

/** A body of JSON that can't be read. */
export class BodyNotJsonError extends PlatformError {
  readonly code = 'BODY_NOT_JSON';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 400;
  constructor(reason: string) {
    super(`the body is not JSON: ${reason}`);
  }
}

/** A batch has to be an array. */
export class BatchNotArrayError extends PlatformError {
  readonly code = 'BATCH_NOT_ARRAY';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 400;
  constructor() {
    super('a batch of CloudEvents must be a JSON array of events');
  }
}

/** A body of JSON that has to be read as a whole, and is too large for that. */
export class BodyTooLargeError extends PlatformError {
  readonly code = 'BODY_TOO_LARGE';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 413;
  constructor(limitBytes: number) {
    super(
      `a body of JSON may have ${limitBytes} bytes; send more as application/x-ndjson, which has no limit`,
      {
        context: { limitBytes },
      },
    );
  }
}

/** The sender went away, or its connection broke, before the body's end. What was taken in is stored. */
export class BodyIncompleteError extends PlatformError {
  readonly code = 'BODY_INCOMPLETE';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 400;
  constructor(cause: unknown) {
    super('the body broke off; what came before that is stored', { cause });
  }
}

/** A format of log lines that is not known, or that the pipeline does not take. */
export class LogFormatUnknownError extends PlatformError {
  readonly code = 'LOG_FORMAT_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 400;
  constructor(found: string, accepted: readonly string[]) {
    super(`there is no log format '${found}' here; there are ${accepted.join(', ')}, or leave it out`, {
      context: { found, accepted },
    });
  }
}

/** An idempotency key that can't be part of an id. */
export class IdempotencyKeyInvalidError extends PlatformError {
  readonly code = 'IDEMPOTENCY_KEY_INVALID';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 400;
  constructor(found: string, limitLength: number) {
    super(`the Idempotency-Key must be 1 to ${limitLength} visible ASCII characters`, {
      context: { found: found.slice(0, limitLength), limitLength },
    });
  }
}

/** More waits to be stored than this process holds. */
export class PublishQueueFullError extends PlatformError {
  readonly code = 'PUBLISH_QUEUE_FULL';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 429;
  constructor(waitingBytes: number, limitBytes: number) {
    super(
      `${waitingBytes} bytes wait to be stored, and this process holds at most ${limitBytes}; try again later`,
      {
        context: { waitingBytes, limitBytes },
      },
    );
  }
}

/** The log has stored nothing for a while. What was sent may still be stored: only a repeat with ids is safe. */
export class LogUnavailableError extends PlatformError {
  readonly code = 'LOG_UNAVAILABLE';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 503;
  constructor(quietMs: number) {
    super(
      `the log has stored nothing for ${quietMs} ms; events may still be stored, so repeat with ids or a key`,
      {
        context: { quietMs },
      },
    );
  }
}

/** The log says that it had a frame before this process sent it: another process uses the producer's name. */
export class ProducerNameSharedError extends PlatformError {
  readonly code = 'PRODUCER_NAME_SHARED';
  readonly retry: RetryAdvice = 'never';
  constructor(producerName: string, sequenceId: number) {
    super(
      `the log has number ${sequenceId} of producer ${producerName} already, which was never sent from here`,
      {
        context: { producerName, sequenceId },
      },
    );
  }
}

/** A stream was told to close, and not all of the tasks behind it have done so yet. */
export class CloseTimeoutError extends PlatformError {
  readonly code = 'CLOSE_TIMEOUT';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 504;
  constructor(stream: string, waitedMs: number, waitingFor: readonly string[]) {
    super(
      `after ${waitedMs} ms stream '${stream}' is not closed yet; it goes on. Waiting for ${waitingFor.join(', ')}`,
      {
        context: { stream, waitedMs, waitingFor },
      },
    );
  }
}

/** The key has sent more events than its rate allows; the excess of one request is paid by the next. */
export class RateLimitedError extends PlatformError {
  readonly code = 'RATE_LIMITED';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 429;
  constructor(
    keyId: string,
    eventsPerSecond: number,
    readonly retryAfterSeconds: number,
  ) {
    super(
      `key ${keyId} may send ${eventsPerSecond} events a second; again in ${Math.ceil(retryAfterSeconds)} s`,
      {
        context: { keyId, eventsPerSecond },
      },
    );
  }
}

/** The key has sent as many events as it may on one day. */
export class QuotaExhaustedError extends PlatformError {
  readonly code = 'QUOTA_EXHAUSTED';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 429;
  constructor(
    keyId: string,
    eventsPerDay: number,
    readonly retryAfterSeconds: number,
  ) {
    super(
      `key ${keyId} may send ${eventsPerDay} events a day (UTC), and has; again in ${Math.ceil(retryAfterSeconds)} s`,
      {
        context: { keyId, eventsPerDay },
      },
    );
  }
}

/** What has been taken in is not processed as fast as it comes. */
export class BacklogFullError extends PlatformError {
  readonly code = 'BACKLOG_FULL';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 429;
  readonly retryAfterSeconds = 5;
  constructor(pipeline: string, messages: number, limit: number) {
    super(`pipeline ${pipeline} has ${messages} messages before it, more than ${limit}; try again later`, {
      context: { pipeline, messages, limit },
    });
  }
}

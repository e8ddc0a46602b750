import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** A topic exists with other settings than wanted. */
export class TopicMismatchError extends PlatformError {
  readonly code = 'TOPIC_MISMATCH';
  readonly retry: RetryAdvice = 'never';
  constructor(topic: string, setting: string, found: unknown, wanted: unknown) {
    super(`topic ${topic} has ${setting} ${String(found)}, wanted ${String(wanted)}`, {
      context: { topic, setting, found, wanted },
    });
  }
}

/** A topic that was never made. */
export class TopicMissingError extends PlatformError {
  readonly code = 'TOPIC_MISSING';
  readonly retry: RetryAdvice = 'never';
  constructor(topic: string, partition: number) {
    super(`there is no partition ${partition} of topic ${topic}`, { context: { topic, partition } });
  }
}

/** Somebody else holds the exclusive consumer of a subscription. */
export class ConsumerBusyError extends PlatformError {
  readonly code = 'CONSUMER_BUSY';
  readonly retry: RetryAdvice = 'backoff';
  constructor(topic: string, partition: number, subscription: string) {
    super(`${subscription} on partition ${partition} of ${topic} has a consumer already`, {
      context: { topic, partition, subscription },
    });
  }
}

/** Somebody else holds a producer of this name. */
export class ProducerBusyError extends PlatformError {
  readonly code = 'PRODUCER_BUSY';
  readonly retry: RetryAdvice = 'backoff';
  constructor(topic: string, partition: number, producerName: string) {
    super(`producer ${producerName} on partition ${partition} of ${topic} is open already`, {
      context: { topic, partition, producerName },
    });
  }
}

/** Used after `close`, or after ownership was lost. */
export class ClosedError extends PlatformError {
  readonly code = 'CLOSED';
  readonly retry: RetryAdvice = 'never';
  constructor(what: string) {
    super(`${what} is closed`, { context: { what } });
  }
}

/** The log's size cap is reached and everything in it is still unread by someone. */
export class LogFullError extends PlatformError {
  readonly code = 'LOG_FULL';
  readonly retry: RetryAdvice = 'backoff';
  constructor(usedBytes: number, limitBytes: number) {
    super(
      `the log holds ${usedBytes} of ${limitBytes} bytes and nothing in it has been processed by all readers`,
      {
        context: { usedBytes, limitBytes },
      },
    );
  }
}

/** A message larger than {@link MAX_MESSAGE_BYTES}. */
export class MessageTooLargeError extends PlatformError {
  readonly code = 'MESSAGE_TOO_LARGE';
  readonly retry: RetryAdvice = 'never';
  constructor(topic: string, payloadBytes: number, limitBytes: number) {
    super(`a message for ${topic} has ${payloadBytes} bytes, at most ${limitBytes} are allowed`, {
      context: { topic, payloadBytes, limitBytes },
    });
  }
}

/** Bytes that are no frame. */
export class UndecodableFrameError extends PlatformError {
  readonly code = 'FRAME_UNDECODABLE';
  readonly retry: RetryAdvice = 'never';
  constructor(reason: string, context: Record<string, unknown> = {}) {
    super(`not a frame: ${reason}`, { context });
  }
}

import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** The broker does not take messages as fast as they are sent; nothing of this one was sent. */
export class SendQueueFullError extends PlatformError {
  readonly code = 'SEND_QUEUE_FULL';
  readonly retry: RetryAdvice = 'backoff';
  constructor(topic: string, waitingBytes: number, limitBytes: number) {
    super(`${waitingBytes} bytes wait to be sent to ${topic}, at most ${limitBytes} may`, {
      context: { topic, waitingBytes, limitBytes },
    });
  }
}

/** The broker did not store a message, with its reason; what was sent after it is not known to be stored. */
export class SendRefusedError extends PlatformError {
  readonly code = 'SEND_REFUSED';
  readonly retry: RetryAdvice = 'backoff';
  constructor(topic: string, partition: number, reason: string) {
    super(`the broker did not store a message in partition ${partition} of ${topic}: ${reason}`, {
      context: { topic, partition, reason },
    });
  }
}

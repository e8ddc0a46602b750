import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** The native client can't be loaded: it is optional, and not on this machine. */
export class PulsarClientMissingError extends PlatformError {
  readonly code = 'PULSAR_CLIENT_MISSING';
  readonly retry: RetryAdvice = 'never';
  constructor(serviceUrl: string, reason: string, cause: unknown) {
    super(
      `${serviceUrl} needs the npm package pulsar-client 1.18 with its native part, which does not load: ${reason}. ` +
        'Run `npm install pulsar-client@1.18.0` where its prebuilt binary can be downloaded (Linux, macOS and Windows on ' +
        'x64, Linux and macOS on arm64) or libpulsar 4.2 with its headers is installed; or use the WebSocket client, ' +
        'which needs none: ws://host:8080',
      { cause, context: { serviceUrl, reason } },
    );
  }
}

/** The broker has refused or lost what was asked for, and says why. */
export class PulsarCallError extends PlatformError {
  readonly code = 'PULSAR_CALL_FAILED';
  readonly retry: RetryAdvice = 'backoff';
  constructor(call: string, result: string, cause: unknown) {
    super(`${call}: the Pulsar client answers ${result}`, { cause, context: { call, result } });
  }
}

/** The broker took a message that has no number for a repeat: it was stored under the name by a clock that is ahead of ours. */
export class PulsarDroppedError extends PlatformError {
  readonly code = 'PULSAR_MESSAGE_DROPPED';
  readonly retry: RetryAdvice = 'backoff';
  constructor(producer: string) {
    super(
      `${producer}: the broker dropped a message as a repeat. Another process with a clock that is ahead may have had the name ` +
        'before: set the clocks by the same time',
      { context: { producer } },
    );
  }
}

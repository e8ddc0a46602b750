import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** A rule names a class that nobody has provided. */
export class AlertKindUnknownError extends PlatformError {
  readonly code = 'ALERT_KIND_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  constructor(rule: string, className: string, known: readonly string[]) {
    const there = known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`;
    super(
      `the rule ${rule} is of the class '${className}', and ${there}: provide one under @AlertKindName in the file that MILLRACE_FUNCTIONS names`,
      { context: { rule, className, known } },
    );
  }
}

/** A webhook is to be signed with a secret that is not set. */
export class ReceiverSecretMissingError extends PlatformError {
  readonly code = 'RECEIVER_SECRET_MISSING';
  readonly retry: RetryAdvice = 'never';
  constructor(receiver: string, secret: string) {
    super(`the receiver ${receiver} is to be signed with ${secret}: set MILLRACE_SECRET_${secret}`, {
      context: { receiver, secret },
    });
  }
}

import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** A request that needs a key, and has none that is in force. */
export class KeyMissingError extends PlatformError {
  readonly code = 'KEY_MISSING';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 401;
  constructor(scope: string, isGiven: boolean) {
    const found = isGiven ? 'the key is unknown, expired or revoked' : 'there is no key';
    super(`${found}; this needs one with the scope ${scope}, as in Authorization: Bearer mrk_…`, {
      context: { scope },
    });
  }
}

/** A key that does not allow what is asked for. */
export class KeyScopeError extends PlatformError {
  readonly code = 'KEY_SCOPE';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 403;
  constructor(id: string, scope: string, has: readonly string[]) {
    super(`key ${id} has ${has.join(', ')}; this needs ${scope}`, { context: { id, scope } });
  }
}

/** No key of that id. */
export class KeyUnknownError extends PlatformError {
  readonly code = 'KEY_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 404;
  constructor(id: string) {
    super(`there is no key '${id.slice(0, 40)}'`, { context: { id } });
  }
}

/** A key that was asked for with something that can't be. */
export class KeyRequestInvalidError extends PlatformError {
  readonly code = 'KEY_REQUEST_INVALID';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 400;
  constructor(reason: string) {
    super(reason);
  }
}

/** Too many keys in force. */
export class KeyLimitError extends PlatformError {
  readonly code = 'KEY_LIMIT';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 409;
  constructor(limit: number) {
    super(`there are ${limit} keys, and there may be no more; revoke some`, { context: { limit } });
  }
}

/** The process would listen for everybody, without a key. It does not start. */
export class KeysNeededError extends PlatformError {
  readonly code = 'KEYS_NEEDED';
  readonly retry: RetryAdvice = 'never';
  constructor(host: string) {
    super(
      `it would listen on ${host} without any key. Make one while it listens on loopback (millrace keys make), or give an ` +
        'admin key (MILLRACE_ADMIN_KEY), or say MILLRACE_AUTH=none',
      { context: { host } },
    );
  }
}

/** Whether doing the same again can help: `never` (change something first) or `backoff` (wait, then again). */
export type RetryAdvice = 'never' | 'backoff';

/**
 * An error that people and programs can act on. Subclasses set a stable `code` (a row in `docs/errors.md`)
 * and the retry advice; `context` holds the facts as fields: what was found, where, what was wanted.
 */
export abstract class PlatformError extends Error {
  abstract readonly code: string;
  abstract readonly retry: RetryAdvice;
  /** The facts, for logs and problem documents. Never secrets. */
  readonly context: Readonly<Record<string, unknown>>;

  constructor(message: string, options: { cause?: unknown; context?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.context = Object.freeze({ ...options.context });
  }
}

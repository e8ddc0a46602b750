import { PlatformError, type RetryAdvice } from '#libs/kernel';

/** A parameter of a request has a value that it can't have. */
export class ParameterInvalidError extends PlatformError {
  readonly code = 'PARAMETER_INVALID';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 400;
  constructor(parameter: string, found: string, wanted: string) {
    super(`parameter '${parameter}' is '${found}'; it must be ${wanted}`, {
      context: { parameter, found, wanted },
    });
  }
}

/** A request has a parameter that the route does not know. Refused, since a mistyped filter would show too much. */
export class ParameterUnknownError extends PlatformError {
  readonly code = 'PARAMETER_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 400;
  constructor(parameter: string, known: readonly string[]) {
    super(`there is no parameter '${parameter}' here; there are ${known.join(', ')}`, {
      context: { parameter, known },
    });
  }
}

/** The series that was asked for is in no pipeline, or not in the one that was named. */
export class SeriesUnknownError extends PlatformError {
  readonly code = 'SERIES_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 404;
  constructor(series: string, known: readonly string[]) {
    super(`there is no series '${series}'; there are ${known.join(', ')}`, { context: { series, known } });
  }
}

/** No alert of this fingerprint has ever been raised. */
export class AlertUnknownError extends PlatformError {
  readonly code = 'ALERT_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 404;
  constructor(fingerprint: string) {
    super(`no alert has the fingerprint '${fingerprint}'; GET /v1/alerts lists them`, {
      context: { fingerprint },
    });
  }
}

/** No silence has this id, or it is over for so long that it was forgotten. */
export class SilenceUnknownError extends PlatformError {
  readonly code = 'SILENCE_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 404;
  constructor(id: string) {
    super(`no silence has the id '${id}'; GET /v1/silences lists them`, { context: { id } });
  }
}

/** A silence that cannot be meant so. */
export class SilenceInvalidError extends PlatformError {
  readonly code = 'SILENCE_INVALID';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 400;
  constructor(member: string, found: unknown, wanted: string) {
    const shown = found === undefined ? 'not there' : JSON.stringify(found).slice(0, 200);
    super(`${member} of a silence is ${shown}; it must be ${wanted}`, { context: { member, found, wanted } });
  }
}

/** As many live streams are open as this process serves. */
export class LiveStreamsFullError extends PlatformError {
  readonly code = 'LIVE_STREAMS_FULL';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 503;
  constructor(limit: number) {
    super(`${limit} live streams are open and this process serves no more; close one, or try again later`, {
      context: { limit },
    });
  }
}

/** A file that the page does not have. */
export class PageFileUnknownError extends PlatformError {
  readonly code = 'PAGE_FILE_UNKNOWN';
  readonly retry: RetryAdvice = 'never';
  readonly httpStatus = 404;
  constructor(name: string) {
    super(`the page has no file '${name}'`, { context: { name } });
  }
}

import type { Telemetry } from '#libs/observability';
import type { FunctionLogger } from './function-context.js';

/** The process' log, each line with where it comes from. */
export function loggerOf(
  telemetry: Telemetry,
  bindings: Readonly<Record<string, string | number>>,
): FunctionLogger {
  const logger = telemetry.logger.child(bindings);
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
  };
}

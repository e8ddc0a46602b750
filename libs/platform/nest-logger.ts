import type { LoggerService } from '@nestjs/common';
import type { Telemetry } from '#libs/observability';

/** Nest's own lines, in our log: its start-up chatter only where debugging is asked for. */
export class NestLogger implements LoggerService {
  constructor(private readonly telemetry: Telemetry) {}

  log(message: unknown, context?: unknown): void {
    this.telemetry.logger.debug({ context }, String(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    // What ends the start is told once, in words, by whoever started the app.
    if (rest.includes('ExceptionHandler')) return this.log(message, 'ExceptionHandler');
    this.telemetry.logger.error({ rest }, String(message));
  }

  warn(message: unknown, context?: unknown): void {
    this.telemetry.logger.warn({ context }, String(message));
  }
}

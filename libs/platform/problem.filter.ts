import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PlatformError } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';

/** RFC 9457. `code` is stable and has a row in docs/errors.md. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
}

/** A caller may try again after this many seconds, where a retry helps. */
const RETRY_AFTER_SECONDS = '1';

/** Turns whatever a handler threw into a problem document. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly telemetry: Telemetry) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const request = http.getRequest<FastifyRequest>();
    // Terminus answers with its own document; it is not an error of ours.
    if (error instanceof HttpException && isHealthReport(error)) {
      void reply.status(error.getStatus()).send(error.getResponse());
      return;
    }
    const problem = problemOf(error);
    const unexpected = problem.status === 500 ? { error } : {};
    const route = request.routeOptions.url ?? 'none';
    this.telemetry.record(FACTS.requestFailed, { code: problem.code, route, ...unexpected });
    if (reply.sent || reply.raw.headersSent) return;
    if (problem.status === 503 || problem.status === 429)
      void reply.header('retry-after', retryAfterOf(error));
    void reply
      .status(problem.status)
      .header('content-type', 'application/problem+json')
      .send(JSON.stringify(problem));
  }
}

/** Some errors know when a retry helps, in seconds. */
function retryAfterOf(error: unknown): string {
  const stated =
    error instanceof PlatformError && 'retryAfterSeconds' in error ? error.retryAfterSeconds : undefined;
  return typeof stated === 'number' ? String(Math.max(1, Math.ceil(stated))) : RETRY_AFTER_SECONDS;
}

/** The problem document of an error, whatever it is. */
export function problemOf(error: unknown): ProblemDocument {
  if (error instanceof PlatformError) return ofPlatform(error);
  if (error instanceof HttpException) return ofHttp(error);
  return document(
    'INTERNAL',
    500,
    'Internal error',
    'something unexpected happened; the log has the details',
  );
}

function ofPlatform(error: PlatformError): ProblemDocument {
  const stated = 'httpStatus' in error ? Number(error.httpStatus) : undefined;
  const status = stated ?? (error.retry === 'backoff' ? 503 : 500);
  return document(error.code, status, titleOf(error.code), error.message);
}

function ofHttp(error: HttpException): ProblemDocument {
  const status = error.getStatus();
  const code = status === 404 ? 'NOT_FOUND' : status === 405 ? 'METHOD_NOT_ALLOWED' : `HTTP_${status}`;
  return document(code, status, titleOf(code), error.message);
}

function document(code: string, status: number, title: string, detail: string): ProblemDocument {
  return {
    type: `urn:millrace:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title,
    status,
    detail,
    code,
  };
}

/** `STREAM_NAME_INVALID` reads `Stream name invalid`. */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function isHealthReport(error: HttpException): boolean {
  const body = error.getResponse();
  return typeof body === 'object' && 'status' in body && 'details' in body;
}

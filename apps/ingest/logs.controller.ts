import { Controller, Headers, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { LOG_FORMATS, type LogFormat, parseLogLine } from '#libs/ingestion';
import { Pipelines } from '#libs/platform';
import { type LineTaker, takeLines } from './body-lines.js';
import { EventIntake } from './event-intake.js';
import { LogFormatUnknownError } from './ingest.errors.js';
import { originalText } from './intake-item.js';
import type { IntakeReceipt } from './intake-request.js';

/** Takes lines of web servers' logs, whatever the content type says: `curl --data-binary` says it is a form. */
@Controller('v1/streams/:stream/logs')
export class LogsController {
  constructor(
    @Inject(EventIntake) private readonly intake: EventIntake,
    @Inject(Pipelines) private readonly pipelines: Pipelines,
  ) {}

  @Post()
  @HttpCode(202)
  async take(
    @Param('stream') stream: string,
    @Req() request: FastifyRequest,
    @Query() query: { readonly format?: string; readonly pipeline?: string },
    @Headers('idempotency-key') idempotencyKey?: string,
  ): Promise<IntakeReceipt> {
    const { logFormats } = this.pipelines.forStream(stream, query.pipeline).ingest;
    const format = query.format === undefined ? undefined : formatOf(query.format, logFormats);
    const intake = await this.intake.begin(stream, { pipeline: query.pipeline, idempotencyKey });
    return await takeLines(request, intake, takeLogLine(format, logFormats));
  }
}

function formatOf(text: string, accepted: readonly LogFormat[]): LogFormat {
  const format = LOG_FORMATS.find((known) => known === text);
  if (format === undefined || !accepted.includes(format)) throw new LogFormatUnknownError(text, accepted);
  return format;
}

function takeLogLine(format: LogFormat | undefined, accepted: readonly LogFormat[]): LineTaker {
  return (text, place, intake) => {
    const parsed = parseLogLine(text, format);
    if (parsed.kind === 'rejected') {
      const { code, reason: detail, path } = parsed;
      const problem = path === undefined ? { code, detail } : { code, detail, path };
      intake.reject(problem, place, { original: () => originalText(text) });
    } else if (accepted.includes(parsed.format)) {
      intake.take(parsed, place, () => originalText(text));
    } else {
      const detail = `the line is of the format ${parsed.format}; the pipeline takes ${accepted.join(', ')}`;
      intake.reject({ code: 'LINE_UNPARSABLE', detail }, place, { original: () => originalText(text) });
    }
  };
}

import { Controller, Headers, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { LogLineParser } from '#libs/ingestion';
import type { IngestSettings } from '#libs/pipeline';
import { Pipelines } from '#libs/platform';
import { type LineTaker, takeLines } from './body-lines.js';
import { Admission } from './admission.js';
import { EventIntake } from './event-intake.js';
import { LogFormatUnknownError } from './ingest.errors.js';
import { originalLine } from './intake-item.js';
import type { IntakeReceipt } from './intake-request.js';
import { RequestBodies } from './request-body.js';

/** Takes lines of web servers' logs, whatever the content type says: `curl --data-binary` says it is a form. */
@Controller('v1/streams/:stream/logs')
export class LogsController {
  readonly #parsers = new WeakMap<IngestSettings, LogLineParser>();

  constructor(
    @Inject(EventIntake) private readonly intake: EventIntake,
    @Inject(Pipelines) private readonly pipelines: Pipelines,
    @Inject(RequestBodies) private readonly bodies: RequestBodies,
    @Inject(Admission) private readonly admission: Admission,
  ) {}

  @Post()
  @HttpCode(202)
  async take(
    @Param('stream') stream: string,
    @Req() request: FastifyRequest,
    @Query() query: { readonly format?: string; readonly pipeline?: string },
    @Headers('idempotency-key') idempotencyKey?: string,
  ): Promise<IntakeReceipt> {
    const { ingest } = this.pipelines.forStream(stream, query.pipeline);
    const parser = this.#parserOf(ingest);
    const { format } = query;
    if (format !== undefined && !parser.names.includes(format))
      throw new LogFormatUnknownError(format, parser.names);
    const { pipeline } = query;
    return await this.admission.through(request, { stream, pipeline }, async () => {
      const intake = await this.intake.begin(stream, { pipeline, idempotencyKey });
      return await takeLines(this.bodies.lineChunks(request), intake, takeLogLine(parser, format));
    });
  }

  #parserOf(settings: IngestSettings): LogLineParser {
    let parser = this.#parsers.get(settings);
    if (parser === undefined) this.#parsers.set(settings, (parser = new LogLineParser(settings.logFormats)));
    return parser;
  }
}

function takeLogLine(parser: LogLineParser, format: string | undefined): LineTaker {
  return (text, place, intake) => {
    const parsed = parser.parse(text, format);
    if (parsed.kind === 'rejected') {
      const { code, reason: detail, path } = parsed;
      const problem = path === undefined ? { code, detail } : { code, detail, path };
      intake.reject(problem, place, { original: () => originalLine(text) });
    } else {
      intake.take(parsed, place, () => originalLine(text));
    }
  };
}

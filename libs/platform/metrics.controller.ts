import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Telemetry } from '#libs/observability';

@Controller('metrics')
export class MetricsController {
  constructor(@Inject(Telemetry) private readonly telemetry: Telemetry) {}

  /** Prometheus' text format. */
  @Get()
  async show(@Res() reply: FastifyReply): Promise<void> {
    const { contentType, text } = await this.telemetry.metrics();
    await reply.header('content-type', contentType).send(text);
  }
}

import { Controller, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type ClosedStream, StreamCloser } from './stream-closer.js';

/** Says that a stream is complete so far. */
@Controller('v1/streams/:stream/close')
export class CloseController {
  constructor(@Inject(StreamCloser) private readonly closer: StreamCloser) {}

  @Post()
  @HttpCode(200)
  async close(
    @Param('stream') stream: string,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Query('pipeline') pipeline?: string,
  ): Promise<ClosedStream | undefined> {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    return await this.closer.close(stream, gone.signal, pipeline);
  }
}

import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Pipelines } from '#libs/platform';
import { LiveHubs } from './live-hubs.js';
import { choosePipeline } from './pipeline-choice.js';
import { type RawQuery, RequestQuery } from './request-query.js';

const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Proxies that buffer would turn a live stream into a slow one.
  'x-accel-buffering': 'no',
};
/** How long a browser waits before it connects again. */
const RETRY_MS = 1_000;

/** What is happening now, as server-sent events: snapshot, points, stages, alerts, fates, heartbeat. */
@Controller('v1/live')
export class LiveController {
  constructor(
    private readonly pipelines: Pipelines,
    private readonly hubs: LiveHubs,
  ) {}

  @Get()
  async live(
    @Query() raw: RawQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = new RequestQuery(raw, ['stream', 'pipeline', 'lastEventId']);
    const pipeline = choosePipeline(this.pipelines, query.text('pipeline'));
    const stream = query.stream();
    const known = lastEventId ?? query.text('lastEventId');
    const hub = this.hubs.of(pipeline);
    // So that the stream written to last is the one of this moment; and while the store is away the answer says so.
    await hub.refresh();
    this.hubs.ensureRoom();
    reply.hijack();
    reply.raw.writeHead(200, EVENT_STREAM_HEADERS);
    reply.raw.write(`retry: ${RETRY_MS}\n\n`);
    this.hubs.listen(hub, reply.raw, {
      ...(stream === undefined ? {} : { stream }),
      ...(known === undefined || !/^\d+$/.test(known) ? {} : { knownId: Number(known) }),
    });
  }
}

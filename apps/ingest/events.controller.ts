import { Controller, Headers, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { binaryCloudEvent, isBinaryCloudEvent } from '#libs/ingestion';
import type { JsonValue } from '#libs/kernel';
import { takeLines } from './body-lines.js';
import { EventIntake } from './event-intake.js';
import { takeJsonLine, takeValue } from './event-values.js';
import { BatchNotArrayError, ContentTypeUnsupportedError } from './ingest.errors.js';
import { originalValue } from './intake-item.js';
import type { IntakeReceipt, IntakeRequest } from './intake-request.js';
import { jsonOf, mediaTypeOf } from './request-body.js';

const JSON_TYPE = 'application/json';
const NDJSON_TYPE = 'application/x-ndjson';
const CLOUD_EVENT_TYPE = 'application/cloudevents+json';
const CLOUD_EVENT_BATCH_TYPE = 'application/cloudevents-batch+json';
const ACCEPTED_TYPES = [JSON_TYPE, NDJSON_TYPE, CLOUD_EVENT_TYPE, CLOUD_EVENT_BATCH_TYPE];

/** Takes events as JSON, lines of JSON, and CloudEvents. */
@Controller('v1/streams/:stream/events')
export class EventsController {
  constructor(@Inject(EventIntake) private readonly intake: EventIntake) {}

  @Post()
  @HttpCode(202)
  async take(
    @Param('stream') stream: string,
    @Req() request: FastifyRequest,
    @Headers('idempotency-key') idempotencyKey?: string,
    @Query('pipeline') pipeline?: string,
  ): Promise<IntakeReceipt> {
    const mediaType = mediaTypeOf(request);
    if (mediaType === undefined || !ACCEPTED_TYPES.includes(mediaType)) {
      throw new ContentTypeUnsupportedError(mediaType, ACCEPTED_TYPES);
    }
    const options = { pipeline, idempotencyKey };
    if (mediaType === NDJSON_TYPE) {
      return await takeLines(request, await this.intake.begin(stream, options), takeJsonLine);
    }
    const values = await valuesOf(request, mediaType);
    return await takeAll(values, await this.intake.begin(stream, options));
  }
}

async function valuesOf(request: FastifyRequest, mediaType: string): Promise<readonly unknown[]> {
  const value = await jsonOf(request);
  if (mediaType === CLOUD_EVENT_BATCH_TYPE && !Array.isArray(value)) throw new BatchNotArrayError();
  if (mediaType === JSON_TYPE && isBinaryCloudEvent(request.headers)) {
    return [binaryCloudEvent(request.headers, value as JsonValue)];
  }
  return Array.isArray(value) ? value : [value];
}

async function takeAll(values: readonly unknown[], intake: IntakeRequest): Promise<IntakeReceipt> {
  for (const [index, value] of values.entries()) {
    if (!intake.hasRoom) await intake.untilRoom();
    takeValue(value, { index }, { intake, original: () => originalValue(value) });
  }
  return await intake.receipt();
}

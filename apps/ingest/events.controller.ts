import { Controller, Headers, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { binaryCloudEvent, type HeaderValues, isBinaryCloudEvent, type ScannedEvents } from '#libs/ingestion';
import type { JsonValue } from '#libs/kernel';
import { Pipelines } from '#libs/platform';
import { takeLines } from './body-lines.js';
import { Admission } from './admission.js';
import { EventIntake, type IntakeOptions } from './event-intake.js';
import { takeJsonLine, takeValue } from './event-values.js';
import { BatchNotArrayError, ContentTypeUnsupportedError } from './ingest.errors.js';
import { originalValue } from './intake-item.js';
import type { IntakeReceipt, IntakeRequest } from './intake-request.js';
import { mediaTypeOf, parseBody, RequestBodies } from './request-body.js';
import { ScannedBodies } from './scanned-bodies.js';

const JSON_TYPE = 'application/json';
const CLOUD_EVENT_TYPE = 'application/cloudevents+json';
const CLOUD_EVENT_BATCH_TYPE = 'application/cloudevents-batch+json';
/** Lines of JSON go by several names, none of them registered. */
const LINE_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
/** What `navigator.sendBeacon` says of a text: a type of its own would cost a preflight. */
const BEACON_TYPE = 'text/plain';
const ACCEPTED_TYPES = [JSON_TYPE, BEACON_TYPE, ...LINE_TYPES, CLOUD_EVENT_TYPE, CLOUD_EVENT_BATCH_TYPE];

/** Takes events as JSON, lines of JSON, and CloudEvents. */
@Controller('v1/streams/:stream/events')
export class EventsController {
  readonly #scanned = new ScannedBodies();

  constructor(
    @Inject(EventIntake) private readonly intake: EventIntake,
    @Inject(RequestBodies) private readonly bodies: RequestBodies,
    @Inject(Admission) private readonly admission: Admission,
    @Inject(Pipelines) private readonly pipelines: Pipelines,
  ) {}

  @Post()
  @HttpCode(202)
  async take(
    @Param('stream') stream: string,
    @Req() request: FastifyRequest,
    @Headers('idempotency-key') idempotencyKey?: string,
    @Query('pipeline') pipeline?: string,
  ): Promise<IntakeReceipt> {
    const options = { pipeline, idempotencyKey };
    return await this.admission.through(request, { stream, pipeline }, () =>
      this.#take(stream, request, options),
    );
  }

  async #take(stream: string, request: FastifyRequest, options: IntakeOptions): Promise<IntakeReceipt> {
    const isBinary = isBinaryCloudEvent(request.headers);
    const mediaType = mediaTypeOf(request);
    if (mediaType === undefined || !isAccepted(mediaType, isBinary)) {
      throw new ContentTypeUnsupportedError(mediaType, ACCEPTED_TYPES);
    }
    if (LINE_TYPES.includes(mediaType)) {
      const lines = this.bodies.lineChunks(request);
      return await takeLines(lines, await this.intake.begin(stream, options), takeJsonLine);
    }
    const headers = isBinary ? request.headers : undefined;
    const body = { bytes: await this.bodies.whole(request), mediaType, headers };
    const intake = await this.#taken(body, stream, options);
    return await intake.receipt();
  }

  /** The events of a body are taken in; the body itself is not held while they are stored. */
  async #taken(body: WholeBody, stream: string, options: IntakeOptions): Promise<IntakeRequest> {
    const { schema } = this.pipelines.forStream(stream, options.pipeline);
    const events = isForScanner(body) ? this.#scanned.scan(body.bytes, schema) : undefined;
    const values = events === undefined ? valuesOf(parseBody(body.bytes), body) : [];
    const intake = await this.intake.begin(stream, options);
    if (events === undefined) {
      await takeValues(values, intake, isCloudEvent(body));
    } else {
      await takeScanned(events, intake);
      this.#scanned.letGo(events);
    }
    this.bodies.letGo(body.bytes);
    return intake;
  }
}

interface WholeBody {
  readonly bytes: Buffer;
  readonly mediaType: string;
  /** Of a CloudEvent in binary mode. */
  readonly headers: HeaderValues | undefined;
}

function isForScanner({ mediaType, headers }: WholeBody): boolean {
  return headers === undefined && (mediaType === JSON_TYPE || mediaType === BEACON_TYPE);
}

/** In binary mode the type is that of the data, which may be any kind of JSON, and is the data of one event. */
function isAccepted(mediaType: string, isBinary: boolean): boolean {
  if (isBinary && LINE_TYPES.includes(mediaType)) return false;
  return ACCEPTED_TYPES.includes(mediaType) || (isBinary && mediaType.endsWith('+json'));
}

function isStructured(mediaType: string): boolean {
  return mediaType === CLOUD_EVENT_BATCH_TYPE || mediaType === CLOUD_EVENT_TYPE;
}

function isCloudEvent({ mediaType, headers }: WholeBody): boolean {
  return headers !== undefined || isStructured(mediaType);
}

function valuesOf(value: unknown, { mediaType, headers }: WholeBody): readonly unknown[] {
  if (mediaType === CLOUD_EVENT_BATCH_TYPE && !Array.isArray(value)) throw new BatchNotArrayError();
  if (headers !== undefined && !isStructured(mediaType))
    return [binaryCloudEvent(headers, value as JsonValue)];
  return Array.isArray(value) ? value : [value];
}

async function takeValues(
  values: readonly unknown[],
  intake: IntakeRequest,
  isCloudEvent: boolean,
): Promise<void> {
  for (const [index, value] of values.entries()) {
    if (!intake.hasRoom) await intake.untilRoom();
    takeValue(value, { index }, { intake, original: () => originalValue(value), isCloudEvent });
  }
}

async function takeScanned(events: ScannedEvents, intake: IntakeRequest): Promise<void> {
  for (let index = 0; index < events.length;) {
    if (!intake.hasRoom) await intake.untilRoom();
    const item = events.at(index);
    if (item.kind === 'plain') {
      index += intake.takePlain(events, index);
    } else {
      const { value } = item;
      takeValue(value, { index }, { intake, original: () => originalValue(value) });
      index++;
    }
  }
}

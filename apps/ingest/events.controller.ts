import { isUtf8 } from 'node:buffer';
import { Controller, Headers, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  binaryCloudEvent,
  EventScanner,
  type HeaderValues,
  isBinaryCloudEvent,
  type OtherValue,
  type PlainEvent,
} from '#libs/ingestion';
import type { JsonValue } from '#libs/kernel';
import { Pipelines } from '#libs/platform';
import type { EventSchema } from '#libs/schema';
import { takeLines } from './body-lines.js';
import { Admission } from './admission.js';
import { EventIntake, type IntakeOptions } from './event-intake.js';
import { takeJsonLine, takeValue } from './event-values.js';
import { BatchNotArrayError, ContentTypeUnsupportedError } from './ingest.errors.js';
import { originalValue } from './intake-item.js';
import type { IntakeReceipt, IntakeRequest } from './intake-request.js';
import { mediaTypeOf, parseBody, RequestBodies } from './request-body.js';

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
  readonly #scanners = new WeakMap<EventSchema, EventScanner>();

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
    const body = await this.bodies.whole(request);
    const headers = isBinary ? request.headers : undefined;
    const values = this.#scanned(body, { mediaType, headers, stream, pipeline: options.pipeline });
    return await takeAll(
      values ?? valuesOf(parseBody(body), { mediaType, headers }),
      await this.intake.begin(stream, options),
    );
  }

  /** Undefined: of a kind that the scanner does not read. */
  #scanned(body: Buffer, place: BodyPlace): readonly (PlainEvent | OtherValue)[] | undefined {
    const { mediaType, headers, stream, pipeline } = place;
    const isJson = mediaType === JSON_TYPE || mediaType === BEACON_TYPE;
    if (headers !== undefined || !isJson || !isUtf8(body)) return undefined;
    const { schema } = this.pipelines.forStream(stream, pipeline);
    let scanner = this.#scanners.get(schema);
    if (scanner === undefined) this.#scanners.set(schema, (scanner = new EventScanner(schema.jsonSchema)));
    return scanner.scan(body);
  }
}

interface BodyPlace {
  readonly mediaType: string;
  /** Of a CloudEvent in binary mode. */
  readonly headers: HeaderValues | undefined;
  readonly stream: string;
  readonly pipeline: string | undefined;
}

/** In binary mode the type is that of the data, which may be any kind of JSON. */
function isAccepted(mediaType: string, isBinary: boolean): boolean {
  return ACCEPTED_TYPES.includes(mediaType) || (isBinary && mediaType.endsWith('+json'));
}

function valuesOf(
  value: unknown,
  { mediaType, headers }: { readonly mediaType: string; readonly headers: HeaderValues | undefined },
): readonly OtherValue[] {
  if (mediaType === CLOUD_EVENT_BATCH_TYPE && !Array.isArray(value)) throw new BatchNotArrayError();
  const isStructured = mediaType === CLOUD_EVENT_BATCH_TYPE || mediaType === CLOUD_EVENT_TYPE;
  if (headers !== undefined && !isStructured) return [other(binaryCloudEvent(headers, value as JsonValue))];
  return Array.isArray(value) ? value.map(other) : [other(value)];
}

function other(value: unknown): OtherValue {
  return { kind: 'other', value };
}

async function takeAll(
  values: readonly (PlainEvent | OtherValue)[],
  intake: IntakeRequest,
): Promise<IntakeReceipt> {
  let index = 0;
  for (const item of values) {
    if (!intake.hasRoom) await intake.untilRoom();
    if (item.kind === 'plain') intake.takePlain(item, index);
    else takeValue(item.value, { index }, { intake, original: () => originalValue(item.value) });
    index++;
  }
  return await intake.receipt();
}

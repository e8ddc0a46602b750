import { Controller, Get, HttpCode, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { JsonObject } from '#libs/kernel';
import { Pipelines } from '#libs/platform';
import {
  COLLECTIONS,
  CursorInvalidError,
  type DocumentPage,
  type DocumentQuery,
  DocumentStore,
} from '#libs/storage';
import { ParameterInvalidError } from './dashboard.errors.js';
import { choosePipeline } from './pipeline-choice.js';
import { jsonBodyOf } from './redrive/json-body.js';
import { readRedriveRequest } from './redrive/redrive-request.js';
import { type RedriveAnswer, Redriver } from './redrive/redriver.js';
import { isoTime, type RawQuery, RequestQuery } from './request-query.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

interface DeadLettersAnswer {
  readonly deadLetters: readonly JsonObject[];
  readonly nextCursor: string | null;
}

function sentAgain(mark: JsonObject | undefined): JsonObject {
  return mark === undefined ? {} : { sentAgain: mark };
}

/** What could not be processed, newest first: the original, its place, the code and the reason. */
@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(
    private readonly documents: DocumentStore,
    private readonly pipelines: Pipelines,
    private readonly redriver: Redriver,
  ) {}

  @Get()
  async list(@Query() raw: RawQuery): Promise<DeadLettersAnswer> {
    const query = new RequestQuery(raw, [
      'id',
      'pipeline',
      'stream',
      'code',
      'from',
      'to',
      'limit',
      'cursor',
    ]);
    const id = query.text('id');
    const page = id === undefined ? await this.#find(this.#query(query)) : await this.#one(id);
    const marks = await this.redriver.marksOf(page.documents);
    return {
      deadLetters: page.documents.map(({ id, timeMs, fields, body }) => ({
        id,
        time: isoTime(timeMs),
        ...fields,
        ...body,
        ...sentAgain(marks.get(id)),
      })),
      nextCursor: page.nextCursor ?? null,
    };
  }

  /** Sends dead letters on their way again, those named or those that a filter fits. Asked twice, it sends once. */
  @Post('redrive')
  @HttpCode(200)
  async redrive(@Req() request: FastifyRequest): Promise<RedriveAnswer> {
    return await this.redriver.redrive(readRedriveRequest(await jsonBodyOf(request), this.pipelines));
  }

  async #one(id: string): Promise<DocumentPage> {
    const found = await this.documents.get(COLLECTIONS.deadLetters, id);
    return { documents: found === undefined ? [] : [found] };
  }

  #query(query: RequestQuery): DocumentQuery {
    const pipeline = query.text('pipeline');
    const stream = query.stream();
    const code = query.text('code');
    const fromMs = query.time('from');
    const toMs = query.time('to');
    const cursor = query.text('cursor');
    if (pipeline !== undefined) choosePipeline(this.pipelines, pipeline);
    return {
      collection: COLLECTIONS.deadLetters,
      order: 'descending',
      limit: query.integer('limit', { min: 1, max: MAX_LIMIT, fallback: DEFAULT_LIMIT }),
      where: {
        ...(pipeline === undefined ? {} : { pipeline }),
        ...(stream === undefined ? {} : { stream }),
        ...(code === undefined ? {} : { code }),
      },
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
      ...(cursor === undefined ? {} : { cursor }),
    };
  }

  async #find(query: DocumentQuery): Promise<DocumentPage> {
    try {
      return await this.documents.find(query);
    } catch (error) {
      if (!(error instanceof CursorInvalidError)) throw error;
      throw new ParameterInvalidError(
        'cursor',
        query.cursor ?? '',
        'the nextCursor of a former page of the same query',
      );
    }
  }
}

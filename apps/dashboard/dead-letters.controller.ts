import { Controller, Get, Query } from '@nestjs/common';
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
import { isoTime, type RawQuery, RequestQuery } from './request-query.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

interface DeadLettersAnswer {
  readonly deadLetters: readonly JsonObject[];
  readonly nextCursor: string | null;
}

/** What could not be processed, newest first: the original, its place, the code and the reason. */
@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(
    private readonly documents: DocumentStore,
    private readonly pipelines: Pipelines,
  ) {}

  @Get()
  async list(@Query() raw: RawQuery): Promise<DeadLettersAnswer> {
    const query = new RequestQuery(raw, ['pipeline', 'stream', 'code', 'from', 'limit', 'cursor']);
    const page = await this.#find(this.#query(query));
    return {
      deadLetters: page.documents.map(({ id, timeMs, fields, body }) => ({
        id,
        time: isoTime(timeMs),
        ...fields,
        ...body,
      })),
      nextCursor: page.nextCursor ?? null,
    };
  }

  #query(query: RequestQuery): DocumentQuery {
    const pipeline = query.text('pipeline');
    const stream = query.stream();
    const code = query.text('code');
    const fromMs = query.time('from');
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

import { isJsonObject, type JsonObject, type JsonValue } from '#libs/kernel';
import type { Pipelines } from '#libs/platform';
import { COLLECTIONS, type DocumentQuery } from '#libs/storage';
import { ParameterInvalidError, ParameterUnknownError } from '../dashboard.errors.js';
import { choosePipeline } from '../pipeline-choice.js';
import { RequestQuery } from '../request-query.js';

/** Letters that one request sends. */
const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 1_000;
const NAMES = ['ids', 'filter', 'limit', 'dryRun'];
const FILTER_NAMES = ['pipeline', 'stream', 'code', 'from', 'to'];

/** Which dead letters are to be sent again. */
export type RedriveRequest = {
  /** At most so many are sent, 1 to 10,000; default 1,000. */
  readonly limit: number;
  /** Only says what would be done. */
  readonly dryRun: boolean;
} & (
  | { readonly ids: readonly string[] }
  /** Newest first. */
  | { readonly filter: Omit<DocumentQuery, 'limit' | 'cursor'> }
);

/** Reads the body of the request. @throws ParameterInvalidError, ParameterUnknownError, PipelineUnknownError */
export function readRedriveRequest(body: unknown, pipelines: Pipelines): RedriveRequest {
  if (!isJsonObject(body))
    throw new ParameterInvalidError('body', typeof body, 'a JSON object with ids or filter');
  for (const name of Object.keys(body)) {
    if (!NAMES.includes(name)) throw new ParameterUnknownError(name, NAMES);
  }
  const { ids, filter, limit = DEFAULT_LIMIT, dryRun = false } = body;
  if ((ids === undefined) === (filter === undefined))
    throw new ParameterInvalidError('body', Object.keys(body).join(', '), 'one with either ids or filter');
  const common = { limit: limitOf(limit), dryRun: dryRunOf(dryRun) };
  return ids === undefined
    ? { ...common, filter: filterOf(filter, pipelines) }
    : { ...common, ids: idsOf(ids) };
}

function limitOf(limit: JsonValue): number {
  if (typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new ParameterInvalidError('limit', JSON.stringify(limit), `a whole number from 1 to ${MAX_LIMIT}`);
}

function dryRunOf(dryRun: JsonValue): boolean {
  if (typeof dryRun === 'boolean') return dryRun;
  throw new ParameterInvalidError('dryRun', JSON.stringify(dryRun), 'true or false');
}

function idsOf(ids: JsonValue | undefined): readonly string[] {
  const isList = Array.isArray(ids) && ids.every((id) => typeof id === 'string');
  if (isList && ids.length > 0 && ids.length <= MAX_LIMIT) return [...new Set(ids as string[])];
  throw new ParameterInvalidError('ids', kindOf(ids), `a list of 1 to ${MAX_LIMIT} ids of dead letters`);
}

function kindOf(value: JsonValue | undefined): string {
  return Array.isArray(value) ? `a list of ${value.length}` : typeof value;
}

function filterOf(
  filter: JsonValue | undefined,
  pipelines: Pipelines,
): Omit<DocumentQuery, 'limit' | 'cursor'> {
  if (!isJsonObject(filter)) throw new ParameterInvalidError('filter', typeof filter, 'an object');
  const query = new RequestQuery(textsOf(filter), FILTER_NAMES);
  const name = query.text('pipeline');
  if (name === undefined)
    throw new ParameterInvalidError(
      'filter.pipeline',
      '',
      'the name of a pipeline: nothing is sent by accident',
    );
  const pipeline = choosePipeline(pipelines, name).name;
  const stream = query.stream();
  const code = query.text('code');
  const fromMs = query.time('from');
  const toMs = query.time('to');
  return {
    collection: COLLECTIONS.deadLetters,
    order: 'descending',
    where: { pipeline, ...(stream === undefined ? {} : { stream }), ...(code === undefined ? {} : { code }) },
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
  };
}

function textsOf(filter: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(filter).map(([name, value]) => {
      if (typeof value === 'string' || typeof value === 'number') return [name, String(value)];
      throw new ParameterInvalidError(`filter.${name}`, JSON.stringify(value) ?? '', 'a text');
    }),
  );
}

import { type JsonObject, type SentAgain, type StreamEvent } from '#libs/kernel';
import { MAX_MESSAGE_BYTES } from '#libs/messaging';
import type { PipelineDefinition } from '#libs/pipeline';
import type { DocumentWrite } from '#libs/storage';
import { reparse } from './reparsed-event.js';

/** What is to be done with one dead letter. */
export type RedrivePlan =
  | {
      readonly kind: 'send';
      readonly event: StreamEvent & { readonly again: SentAgain };
      /** Decides the partition: that of the event as it first came. */
      readonly key: string;
    }
  | { readonly kind: 'refuse'; readonly code: string; readonly reason: string };

/** Stages that look at what has come in, and not at an event. */
const PARSING_STAGE = 'ingest';
const ENRICHED = '.enriched';

/**
 * How a dead letter goes on its way again: an event that a function failed on, to that function alone; what ingest could not read, once
 * more through parsing, by the pipeline as it is now.
 *
 * @param nowMs when it is sent, epoch milliseconds
 */
export function planRedrive(letter: DocumentWrite, pipeline: PipelineDefinition, nowMs: number): RedrivePlan {
  const { body } = letter;
  const stage = String(body['stage']);
  const cut = cutProblem(body);
  if (cut !== undefined) return cut;
  return stage === PARSING_STAGE ? planParsing(body, pipeline, nowMs) : planFunction(body, stage);
}

function cutProblem({ original, originalBytes }: JsonObject): RedrivePlan | undefined {
  const kept = Buffer.byteLength(String(original));
  if (kept >= Number(originalBytes) && kept < MAX_MESSAGE_BYTES) return undefined;
  return refuse('DEAD_LETTER_CUT', `of its ${String(originalBytes)} bytes only the first ${kept} are kept`);
}

function planParsing(body: JsonObject, pipeline: PipelineDefinition, nowMs: number): RedrivePlan {
  const stream = String(body['stream']);
  const original = String(body['original']);
  const receivedMs = Number(body['receivedMs']);
  const reparsed = reparse({ stream, receivedMs, original, isLogLine: isLogLine(body) }, pipeline);
  if (reparsed.kind === 'rejected')
    return refuse('DEAD_LETTER_STILL_INVALID', `${reparsed.code}: ${reparsed.reason}`);
  const again = { id: String(body['eventId']), times: 1 };
  const event = { id: idOf(again), stream, receivedMs: nowMs, again, ...reparsed.event };
  return { kind: 'send', event, key: event.key ?? event.id };
}

/** Letters of former versions do not say it: then the code does, as far as it can. */
function isLogLine({ isLogLine: said, code, line, original }: JsonObject): boolean {
  if (said === true) return true;
  if (code === 'LINE_UNPARSABLE' || code === 'REQUEST_INVALID') return true;
  return line !== undefined && !String(original).trimStart().startsWith('{') && code !== 'EVENT_NOT_JSON';
}

function planFunction({ original, topic }: JsonObject, stage: string): RedrivePlan {
  if (topic === undefined || !String(topic).endsWith(ENRICHED)) return refuseByPlace(topic, stage);
  const found = eventOf(String(original));
  if (found === undefined) return refuse('DEAD_LETTER_NO_EVENT', `what '${stage}' failed on is no event`);
  const { again: before, ...event } = found;
  const again = { id: before?.id ?? event.id, times: (before?.times ?? 0) + 1, to: stage };
  return { kind: 'send', event: { ...event, id: idOf(again), again }, key: event.key ?? again.id };
}

function refuseByPlace(topic: unknown, stage: string): RedrivePlan {
  if (topic === undefined)
    return refuse('DEAD_LETTER_NO_EVENT', `what '${stage}' failed on is no event that has come in`);
  const reason = `'${stage}' reads ${String(topic)}, and what is sent again comes by enriched; send it to that topic again`;
  return refuse('DEAD_LETTER_NO_WAY', reason);
}

function eventOf(original: string): StreamEvent | undefined {
  try {
    const value = JSON.parse(original) as Partial<StreamEvent>;
    const isEvent = typeof value.id === 'string' && typeof value.timeMs === 'number' && 'data' in value;
    return isEvent ? (value as StreamEvent) : undefined;
  } catch {
    return undefined;
  }
}

/** The same each time: who receives it twice counts it once. */
function idOf({ id, times }: SentAgain): string {
  return `${id}/r${times}`;
}

function refuse(code: string, reason: string): RedrivePlan {
  return { kind: 'refuse', code, reason };
}

import { type DeadEvent, type JsonObject, MAX_EVENT_BYTES } from '#libs/kernel';
import { publicMessage } from '#libs/messaging';
import { COLLECTIONS } from '#libs/storage';
import type { Outputs } from '../task-logic.js';
import type { FunctionTopics } from './function-topics.js';
import { type FunctionWork, idOfWork } from './function-work.js';
import { keyOf, streamOf } from './key-id.js';
import type { Secrets } from './secret.js';

/** The type of the messages, in CloudEvents' words: as that of every dead letter. */
const DEAD_EVENT_TYPE = 'com.millrace.dead.v1';
const MAX_REASON_CHARS = 1_000;
const MAX_STACK_CHARS = 4_000;

/** Why work has ended as a dead letter. */
export interface DeadReason {
  readonly code: string;
  readonly error: Error;
  readonly attempts: number;
}

export interface DeadLettersOptions {
  readonly functionName: string;
  readonly pipeline: string;
  readonly topics: FunctionTopics;
  readonly secrets: Secrets;
}

/** Puts out what a function could not process: a message on `<pipeline>.dead` and a document, in one commit. */
export class DeadLetters {
  constructor(private readonly options: DeadLettersOptions) {}

  /** What a handler has failed on. */
  work(
    { keyId, work, nowMs }: { readonly keyId: string; readonly work: FunctionWork; readonly nowMs: number },
    { code, error, attempts }: DeadReason,
    outputs: Outputs,
  ): void {
    const { functionName, secrets } = this.options;
    const original = JSON.stringify(
      work.kind === 'event' ? work.event : { ...work.timer, key: keyOf(keyId) },
    );
    const dead: DeadEvent = {
      id: `${functionName}/${idOfWork(work, keyOf(keyId))}`,
      stream: streamOf(keyId),
      receivedMs: work.kind === 'event' ? work.event.receivedMs : nowMs,
      dead: {
        code,
        reason: secrets.hideIn(error.message).slice(0, MAX_REASON_CHARS),
        stage: functionName,
        attempts,
        original: headOf(original),
        originalBytes: Buffer.byteLength(original),
      },
    };
    const stack = secrets.hideIn(error.stack ?? '').slice(0, MAX_STACK_CHARS);
    this.event(dead, { ...placeOf(work), stack }, outputs);
  }

  /** What could not even be read as an event. */
  event(event: DeadEvent, details: JsonObject, outputs: Outputs): void {
    const { pipeline, topics } = this.options;
    const { id, stream, receivedMs, dead } = event;
    const place = topics(`${pipeline}.dead`);
    const message = publicMessage({
      id,
      source: `/pipelines/${pipeline}/streams/${stream}`,
      type: DEAD_EVENT_TYPE,
      subject: dead.code,
      timeMs: receivedMs,
      key: stream,
      data: { ...event, dead: { ...dead, ...details } },
    });
    outputs.message(place.name, 0, message);
    outputs.document({
      collection: COLLECTIONS.deadLetters,
      id: `${pipeline}/${stream}/${id}`,
      timeMs: receivedMs,
      fields: { pipeline, stream, code: dead.code },
      body: { eventId: id, stream, receivedMs, ...dead, ...details },
    });
  }
}

function placeOf(work: FunctionWork): JsonObject {
  if (work.kind === 'timer') return {};
  const { topic, partition, position } = work.message;
  return { topic, partition, ...(position === undefined ? {} : { position }) };
}

/** The beginning of a text, cut at a whole character. An event is kept as a whole, to be sent again. */
function headOf(text: string): string {
  if (Buffer.byteLength(text) <= MAX_EVENT_BYTES) return text;
  return new TextDecoder().decode(Buffer.from(text).subarray(0, MAX_EVENT_BYTES), { stream: true });
}

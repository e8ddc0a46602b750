import { MAX_MESSAGE_BYTES, type OutgoingMessage, partitionOf, publicMessage } from '#libs/messaging';
import type { PublishOptions } from './function-context.js';
import type { FunctionDefinition } from './function-definition.js';
import { FunctionOutputTooLargeError, FunctionTopicUndeclaredError } from './function.errors.js';
import type { FunctionTopics } from './function-topics.js';

/** The ends of what a Date can say; event times beyond are data, and must not stop a task. */
const MAX_DATE_MS = 8_640_000_000_000_000;
/** Properties and attributes beside the payload. */
const MAX_PROPERTIES_BYTES = 8_192;

/** A message that a call wants to be sent. */
export interface PreparedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly message: Omit<OutgoingMessage, 'sequenceId'>;
}

/** Whose message it is: decides its id, key and time where the call does not. */
export interface MessageOrigin {
  readonly stream: string;
  readonly key: string;
  readonly timeMs: number;
  /** Of the work, within its stream. */
  readonly workId: string;
  /** How many messages of the same work came before. */
  readonly index: number;
}

/** Makes the public messages of a function: one CloudEvent an output. */
export class OutputMessages {
  readonly #declared: ReadonlySet<string>;

  constructor(
    private readonly definition: Pick<FunctionDefinition, 'name' | 'output' | 'publishes'>,
    private readonly pipeline: string,
    private readonly topics: FunctionTopics,
  ) {
    const { output, publishes = [] } = definition;
    this.#declared = new Set([...(output === undefined ? [] : [output]), ...publishes]);
  }

  /** @throws FunctionTopicUndeclaredError, FunctionOutputTooLargeError */
  prepare(
    topic: string | undefined,
    data: unknown,
    origin: MessageOrigin,
    options: PublishOptions = {},
  ): PreparedMessage {
    if (topic === undefined || !this.#declared.has(topic))
      throw new FunctionTopicUndeclaredError(topic ?? 'output', [...this.#declared]);
    const key = options.key ?? origin.key;
    const message = publicMessage({
      id: `${this.definition.name}/${origin.stream}/${origin.workId}/${origin.index}`,
      source: `/pipelines/${this.pipeline}/streams/${origin.stream}`,
      type: options.type ?? topic,
      subject: this.definition.name,
      timeMs: Math.min(MAX_DATE_MS, Math.max(-MAX_DATE_MS, options.timeMs ?? origin.timeMs)),
      key,
      data: data as object,
    });
    const place = this.topics(topic);
    checkSize(topic, message);
    return {
      topic: place.name,
      partition: partitionOf(key, place.partitions),
      // What the user adds must not pass itself off as an attribute.
      message: { ...message, properties: { ...options.properties, ...message.properties } },
    };
  }
}

/** @throws FunctionOutputTooLargeError */
export function checkSize(topic: string, { payload }: OutgoingMessage): void {
  const maxBytes = MAX_MESSAGE_BYTES - MAX_PROPERTIES_BYTES;
  if (payload.byteLength > maxBytes)
    throw new FunctionOutputTooLargeError(topic, payload.byteLength, maxBytes);
}

import type { DeadEvent } from '#libs/kernel';
import { type OutgoingMessage, partitionOf, publicMessage } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import { type ResultRow, rowId } from '#libs/storage';
import { asError } from '../functions.errors.js';
import { DeadLetters } from '../model/dead-letters.js';
import { codeOf } from '../model/failure.js';
import { StopFunctionError } from '../model/function.errors.js';
import { Secrets } from '../model/secret.js';
import { checkSize } from '../model/output-messages.js';
import type { Outputs } from '../task-logic.js';
import { GlobalStage, type ProgressDocument, type RowPublisher } from './global-stage.js';
import { withinDates } from './late-messages.js';
import { progressDocument, resultMessage } from './result-messages.js';
import { rowKeyOf, seriesOf } from './window-events.js';
import type { WindowRow } from './window-function.js';
import { localStageOf, progressOwnerOf, type WindowTaskOptions } from './window-places.js';

/** Nobody looks at a live topic for them: open windows are shown by the result store. */
const NO_FEED = { publish: () => undefined };

/** The global stage of a window function for one partition of its deltas. */
export class WindowGlobalTask extends GlobalStage {
  constructor(options: WindowTaskOptions, partition: number) {
    const { definition, topics } = options;
    super({
      ...options,
      partition,
      publisher: NO_FEED,
      series: [seriesOf(definition)],
      upstream: { stage: localStageOf(definition.name), tasks: topics(definition.input).partitions },
      tellsWatermarks: false,
      rowKey: rowKeyOf,
      publisherOf: (outputs) => new WindowRowPublisher(options, partition, outputs),
    });
  }
}

/** Puts out one slice of rows: into the result store, and a message for each. */
class WindowRowPublisher implements RowPublisher {
  readonly #dead: DeadLetters;

  constructor(
    private readonly options: WindowTaskOptions,
    private readonly partition: number,
    private readonly outputs: Outputs,
  ) {
    const { definition, pipeline, topics } = options;
    const secrets = new Secrets();
    this.#dead = new DeadLetters({ functionName: definition.name, pipeline, topics, secrets });
  }

  row(row: ResultRow): void {
    this.outputs.row(row);
    try {
      const message = this.#message(row);
      if (message !== undefined) this.#send(message);
    } catch (error) {
      this.#fail(row, asError(error));
    }
  }

  end(): void {
    // Nobody downstream is told of progress: the documents are what the phases of rows depend on.
  }

  document(document: ProgressDocument): void {
    const { definition, pipeline } = this.options;
    const owner = progressOwnerOf(pipeline, definition.name);
    this.outputs.document(progressDocument({ owner, pipeline, partition: this.partition }, document));
  }

  #message(row: ResultRow): OutgoingMessage | undefined {
    const { definition } = this.options;
    const { complete, output } = definition;
    if (output === undefined && complete === undefined) return resultMessage(row);
    const data = complete === undefined ? row : complete(row as WindowRow);
    if (data === undefined) return undefined;
    const message = publicMessage({
      id: `${definition.name}/${rowId(row)}/${row.revision}`,
      source: `/pipelines/${row.pipeline}/streams/${row.stream}`,
      type: this.#topic,
      subject: definition.name,
      // The last moment that belongs to the window: at its end another one begins.
      timeMs: withinDates(row.windowEndMs - 1),
      key: outputKey(row),
      data: data as object,
    });
    checkSize(this.#topic, message);
    return message;
  }

  get #topic(): string {
    const { definition, pipeline } = this.options;
    return definition.output ?? `${pipeline}.results`;
  }

  #send(message: OutgoingMessage): void {
    const place = this.options.topics(this.#topic);
    this.outputs.message(place.name, partitionOf(message.key ?? '', place.partitions), message);
  }

  #fail(row: ResultRow, error: Error): void {
    if (error instanceof StopFunctionError) throw error;
    const { pipeline, definition, telemetry } = this.options;
    const code = codeOf(error);
    telemetry.record(FACTS.functionFailure, {
      pipeline,
      stage: definition.name,
      outcome: 'dead-letter',
      code,
    });
    const original = JSON.stringify(row);
    const dead: DeadEvent = {
      id: `${definition.name}/${rowId(row)}/${row.revision}`,
      stream: row.stream,
      receivedMs: withinDates(row.windowEndMs - 1),
      dead: {
        ...{ code, reason: error.message, stage: definition.name, attempts: 1 },
        original,
        originalBytes: Buffer.byteLength(original),
      },
    };
    this.#dead.event(dead, { stack: error.stack }, this.outputs);
  }
}

/** What functions behind it find their state by: the one value of the key, else all of them. */
function outputKey(row: ResultRow): string {
  const values = Object.values(row.key);
  const [only] = values;
  return values.length === 1 && typeof only === 'string' ? only : JSON.stringify(values);
}

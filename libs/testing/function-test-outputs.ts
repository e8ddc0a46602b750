import type { Outputs } from '#libs/functions';
import type { JsonObject } from '#libs/kernel';
import type { OutgoingMessage } from '#libs/messaging';
import { type DocumentWrite, type ResultRow, rowId } from '#libs/storage';

/** A message that a task has sent, with its number among those for the partition. */
export interface NumberedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly sequence: number;
  readonly message: Omit<OutgoingMessage, 'sequenceId'>;
}

/** A row counts so much, roughly, for the size of a commit. */
const ROW_BYTES = 200;

/** What one commit is to deliver. */
export interface DriverOutbox {
  readonly messages: readonly NumberedMessage[];
  readonly rows: readonly ResultRow[];
  readonly documents: readonly DocumentWrite[];
  readonly actions: readonly (() => void)[];
}

interface SeenMessage {
  readonly topic: string;
  readonly id: string;
  readonly key: string;
  readonly timeMs: number;
  readonly type: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: unknown;
}

/** The outputs of a driver: gathered for a commit, then delivered to a subscriber that drops what it has by its number. */
export class DriverOutputs implements Outputs {
  bytes = 0;
  /** What the subscriber has. */
  readonly messages: SeenMessage[] = [];
  readonly #documents = new Map<string, DocumentWrite>();
  readonly #received = new Map<string, number>();
  /** Every row that was delivered for the first time, in order. */
  readonly revisions: ResultRow[] = [];
  readonly #rows = new Map<string, ResultRow>();
  #gathered = empty();
  #sequences = new Map<string, number>();
  #committedSequences = new Map<string, number>();

  /** @param route takes what is for tasks of the function itself, true: it did */
  constructor(private readonly route: (message: NumberedMessage) => boolean = () => false) {}

  /** The newest revision of each row. */
  get rows(): readonly ResultRow[] {
    return [...this.#rows.values()];
  }

  row(row: ResultRow): void {
    this.#gathered.rows.push(row);
    this.bytes += ROW_BYTES;
  }

  document(write: DocumentWrite): void {
    this.#gathered.documents.push(write);
  }

  message(topic: string, partition: number, message: Omit<OutgoingMessage, 'sequenceId'>): void {
    const target = `${topic}|${partition}`;
    const sequence = this.#sequences.get(target) ?? 0;
    this.#sequences.set(target, sequence + 1);
    this.#gathered.messages.push({ topic, partition, sequence, message });
    this.bytes += message.payload.byteLength;
  }

  afterDelivery(action: () => void): void {
    this.#gathered.actions.push(action);
  }

  /** What was gathered is in a commit now. */
  commit(): DriverOutbox {
    const outbox = this.#gathered;
    this.#committedSequences = new Map(this.#sequences);
    this.dropUncommitted();
    return outbox;
  }

  dropUncommitted(): void {
    this.#gathered = empty();
    this.#sequences = new Map(this.#committedSequences);
    this.bytes = 0;
  }

  deliver({ rows, messages, documents, actions }: DriverOutbox): void {
    for (const row of rows) this.#deliverRow(row);
    for (const write of documents) this.#documents.set(`${write.collection}/${write.id}`, write);
    for (const sent of messages) {
      const target = `${sent.topic}|${sent.partition}`;
      if (sent.sequence < (this.#received.get(target) ?? 0)) continue;
      this.#received.set(target, sent.sequence + 1);
      if (!this.route(sent)) this.messages.push(seen(sent.topic, sent.message));
    }
    for (const action of actions) action();
  }

  /** As the result store takes it: a row never replaces one of a higher revision. */
  #deliverRow(row: ResultRow): void {
    const id = rowId(row);
    if ((this.#rows.get(id)?.revision ?? -1) >= row.revision) return;
    this.#rows.set(id, row);
    this.revisions.push(row);
  }

  documents(collection: string): readonly JsonObject[] {
    return [...this.#documents.values()]
      .filter((write) => write.collection === collection)
      .map(({ body }) => body as JsonObject);
  }
}

interface Gathered {
  readonly messages: NumberedMessage[];
  readonly rows: ResultRow[];
  readonly documents: DocumentWrite[];
  readonly actions: (() => void)[];
}

function empty(): Gathered {
  return { messages: [], rows: [], documents: [], actions: [] };
}

function seen(
  topic: string,
  { payload, key = '', eventTimeMs = 0, properties = {} }: Omit<OutgoingMessage, 'sequenceId'>,
): SeenMessage {
  return {
    topic,
    id: properties['ce_id'] ?? '',
    key,
    timeMs: eventTimeMs,
    type: properties['ce_type'] ?? '',
    properties,
    data: JSON.parse(Buffer.from(payload).toString('utf8')) as unknown,
  };
}

import type { Outputs } from '#libs/functions';
import type { JsonObject } from '#libs/kernel';
import type { OutgoingMessage } from '#libs/messaging';
import type { DocumentWrite } from '#libs/storage';

interface NumberedMessage {
  readonly topic: string;
  readonly sequence: number;
  readonly message: Omit<OutgoingMessage, 'sequenceId'>;
}

/** What one commit is to deliver. */
export interface DriverOutbox {
  readonly messages: readonly NumberedMessage[];
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
  #gathered: { messages: NumberedMessage[]; documents: DocumentWrite[]; actions: (() => void)[] } = empty();
  #sequences = new Map<string, number>();
  #committedSequences = new Map<string, number>();

  row(): void {
    throw new Error('a function writes no rows');
  }

  document(write: DocumentWrite): void {
    this.#gathered.documents.push(write);
  }

  message(topic: string, _partition: number, message: Omit<OutgoingMessage, 'sequenceId'>): void {
    const sequence = this.#sequences.get(topic) ?? 0;
    this.#sequences.set(topic, sequence + 1);
    this.#gathered.messages.push({ topic, sequence, message });
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

  deliver({ messages, documents, actions }: DriverOutbox): void {
    for (const write of documents) this.#documents.set(`${write.collection}/${write.id}`, write);
    for (const { topic, sequence, message } of messages) {
      if (sequence < (this.#received.get(topic) ?? 0)) continue;
      this.#received.set(topic, sequence + 1);
      this.messages.push(seen(topic, message));
    }
    for (const action of actions) action();
  }

  documents(collection: string): readonly JsonObject[] {
    return [...this.#documents.values()]
      .filter((write) => write.collection === collection)
      .map(({ body }) => body as JsonObject);
  }
}

function empty(): { messages: NumberedMessage[]; documents: DocumentWrite[]; actions: (() => void)[] } {
  return { messages: [], documents: [], actions: [] };
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

import { crc32 } from 'node:zlib';
import { type OutgoingMessage, PRODUCER_PROPERTY, SEQUENCE_PROPERTY } from '#libs/messaging';
import { DataDamagedError, type DocumentWrite, type ResultItems, type ResultRow } from '#libs/storage';
import type { Outputs } from './task-logic.js';

/** A message with its place and number, fixed for ever once committed. */
export interface OutboxMessage {
  readonly topic: string;
  readonly partition: number;
  readonly message: OutgoingMessage & { readonly sequenceId: number };
}

/** What one commit has to deliver. */
export interface Outbox {
  readonly rows: readonly ResultRow[];
  readonly documents: readonly DocumentWrite[];
  readonly messages: readonly OutboxMessage[];
}

/** An outbox in two: what the store delivers with the commit, and what is delivered behind it. */
export interface SplitOutbox {
  /** Undefined: nothing. */
  readonly results: ResultItems | undefined;
  readonly outbox: Outbox;
}

/** @param deliversResults the store does; else everything is delivered behind the commit */
export function splitOutbox(outbox: Outbox, deliversResults: boolean): SplitOutbox {
  const { rows, documents, messages } = outbox;
  if (!deliversResults || rows.length + documents.length === 0) return { results: undefined, outbox };
  return { results: { rows, documents }, outbox: { rows: [], documents: [], messages } };
}

/** Rough bytes of a row or document besides its measures or body; only for pacing commits. */
const ITEM_OVERHEAD_BYTES = 200;

/** Gathers the outputs of a task for its next commit. */
export class OutboxBuilder implements Outputs {
  bytes = 0;
  #rows: ResultRow[] = [];
  #documents = new Map<string, DocumentWrite>();
  #messages: OutboxMessage[] = [];
  #afterDelivery: (() => void)[] = [];

  /**
   * @param producer the task's name: numbers its messages for every target partition
   * @param sequences next number by target, `topic|partition`; changed as messages are gathered
   */
  constructor(
    private readonly producer: string,
    private readonly sequences: Map<string, number>,
  ) {}

  get isEmpty(): boolean {
    return this.#rows.length + this.#documents.size + this.#messages.length === 0;
  }

  row(row: ResultRow): void {
    this.#rows.push(row);
    this.bytes += ITEM_OVERHEAD_BYTES;
  }

  /** Only the last write of a document within one commit is delivered. */
  document(write: DocumentWrite): void {
    this.#documents.set(`${write.collection}/${write.id}`, write);
    this.bytes += ITEM_OVERHEAD_BYTES;
  }

  message(topic: string, partition: number, message: Omit<OutgoingMessage, 'sequenceId'>): void {
    const target = `${topic}|${partition}`;
    const sequenceId = this.sequences.get(target) ?? 0;
    this.sequences.set(target, sequenceId + 1);
    const properties = {
      ...message.properties,
      [PRODUCER_PROPERTY]: this.producer,
      [SEQUENCE_PROPERTY]: String(sequenceId),
    };
    this.#messages.push({ topic, partition, message: { ...message, properties, sequenceId } });
    this.bytes += message.payload.byteLength;
  }

  afterDelivery(action: () => void): void {
    this.#afterDelivery.push(action);
  }

  /** Hands over what was gathered and starts anew. */
  take(): { readonly outbox: Outbox; readonly afterDelivery: readonly (() => void)[] } {
    const outbox = { rows: this.#rows, documents: [...this.#documents.values()], messages: this.#messages };
    const afterDelivery = this.#afterDelivery;
    this.#rows = [];
    this.#documents = new Map();
    this.#messages = [];
    this.#afterDelivery = [];
    this.bytes = 0;
    return { outbox, afterDelivery };
  }
}

interface OutboxHeader {
  readonly rows: readonly ResultRow[];
  readonly documents: readonly DocumentWrite[];
  readonly messages: readonly (Omit<OutboxMessage, 'message'> & {
    readonly message: Omit<OutboxMessage['message'], 'payload'>;
    readonly payloadBytes: number;
  })[];
}

const PREFIX_BYTES = 8;

/** Bytes of an outbox: length of the header, checksum of all after it, header as JSON, payloads as they are. */
export function encodeOutbox(outbox: Outbox): Buffer {
  const header: OutboxHeader = {
    ...outbox,
    messages: outbox.messages.map(({ topic, partition, message: { payload, ...message } }) => ({
      topic,
      partition,
      message,
      payloadBytes: payload.byteLength,
    })),
  };
  const head = Buffer.from(JSON.stringify(header));
  const body = Buffer.concat([head, ...outbox.messages.map(({ message }) => message.payload)]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32LE(head.byteLength, 0);
  prefix.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([prefix, body]);
}

/** @throws DataDamagedError */
export function decodeOutbox(bytes: Uint8Array, what: string): Outbox {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < PREFIX_BYTES) throw new DataDamagedError(what, 'it is cut off');
  const body = buffer.subarray(PREFIX_BYTES);
  if (buffer.readUInt32LE(4) !== crc32(body)) throw new DataDamagedError(what, 'the checksum does not fit');
  const headBytes = buffer.readUInt32LE(0);
  const header = JSON.parse(body.toString('utf8', 0, headBytes)) as OutboxHeader;
  let start = headBytes;
  const messages = header.messages.map(({ topic, partition, message, payloadBytes }) => {
    const payload = body.subarray(start, (start += payloadBytes));
    return { topic, partition, message: { ...message, payload } };
  });
  return { rows: header.rows, documents: header.documents, messages };
}

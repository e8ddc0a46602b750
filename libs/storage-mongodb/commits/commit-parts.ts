import { randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Binary, type ClientSession, type Collection } from 'mongodb';
import { type Commit, type CommitVersion, DataDamagedError } from '#libs/storage';
import { NAMES } from '../collection-names.js';
import { DURABLE, type MongodbConnection } from '../mongodb-connection.js';
import type { MovedParts, PartRef } from './task-record.js';

/** A document holds 16 MB at most. */
const CHUNK_BYTES = 4 * 1024 * 1024;

export interface PartChunk {
  readonly _id: string;
  readonly task: string;
  readonly ref: string;
  readonly kind: PartRef['kind'];
  readonly incarnation: number;
  readonly epoch: number;
  readonly commitSeq: number;
  readonly number: number;
  readonly content: Binary;
  /** Of outboxes that have been delivered: kept until then for the audit. */
  readonly expires?: Date;
}

/** The blobs of one commit, ready to be stored. */
export interface PreparedParts {
  readonly refs: readonly PartRef[];
  /** What rides in the transaction. */
  readonly chunks: readonly PartChunk[];
}

/** Blobs of state and outboxes, cut into chunks. Each has an id of its own and never changes. */
export class CommitParts {
  readonly #chunks: Collection<PartChunk>;

  constructor(
    connection: MongodbConnection,
    /** How long delivered outboxes are kept for `millrace audit`; 0: not at all. */
    private readonly auditMs: number,
  ) {
    this.#chunks = connection.collection<PartChunk>(NAMES.parts);
  }

  /**
   * Cuts the blobs of a commit. Large ones are stored here and now, so that no transaction grows with them: nobody
   * sees them before the commit points there, and {@link sweep} finds those that no commit ever did.
   */
  async prepare(task: string, expected: CommitVersion, next: Commit): Promise<PreparedParts> {
    const version = { ...expected, commitSeq: expected.commitSeq + 1 };
    const cut = [
      ...(next.state === undefined ? [] : [cutPart(task, version, next.state.kind, next.state.bytes)]),
      ...(next.outbox === undefined ? [] : [cutPart(task, version, 'outbox', next.outbox)]),
    ];
    const large = cut.filter(({ chunks }) => chunks.length > 1).flatMap(({ chunks }) => chunks);
    for (const chunk of large) await this.#chunks.insertOne(chunk, DURABLE);
    return {
      refs: cut.map(({ ref }) => ref),
      chunks: cut.filter(({ chunks }) => chunks.length === 1).flatMap(({ chunks }) => chunks),
    };
  }

  async store(chunks: readonly PartChunk[], session: ClientSession): Promise<void> {
    if (chunks.length > 0) await this.#chunks.insertMany([...chunks], { session });
  }

  /** What the commit replaces goes at once; delivered outboxes stay a while for the audit. */
  async letGo(
    { replaced, delivered }: Pick<MovedParts, 'replaced' | 'delivered'>,
    session: ClientSession,
  ): Promise<void> {
    const gone = this.auditMs > 0 ? replaced : [...replaced, ...delivered];
    if (gone.length > 0) await this.#chunks.deleteMany({ ref: { $in: [...gone] } }, { session });
    if (this.auditMs === 0 || delivered.length === 0) return;
    await this.#chunks.updateMany(
      { ref: { $in: [...delivered] } },
      [{ $set: { expires: { $add: ['$$NOW', this.auditMs] } } }],
      { session },
    );
  }

  /** Takes away what no commit points to: of commits that were fenced, or whose process ended in the middle. */
  async sweep(task: string, version: CommitVersion, kept: readonly PartRef[]): Promise<void> {
    await this.#chunks.deleteMany({
      task,
      ref: { $nin: kept.map(({ ref }) => ref) },
      expires: { $exists: false },
      // Of this epoch only what is behind: a commit that runs stores large blobs first.
      $or: [{ epoch: { $lt: version.epoch } }, { commitSeq: { $lte: version.commitSeq } }],
    });
  }

  /** Takes away blobs that no commit points to. */
  async discard(refs: readonly string[]): Promise<void> {
    await this.#chunks.deleteMany({ ref: { $in: [...refs] } });
  }

  /** @throws DataDamagedError where a chunk is missing or different */
  async read(
    refs: readonly PartRef[],
    name: string,
    session: ClientSession,
  ): Promise<ReadonlyMap<string, Buffer>> {
    if (refs.length === 0) return new Map();
    const found = this.#chunks.find({ ref: { $in: refs.map(({ ref }) => ref) } }, { session });
    const byRef = new Map<string, PartChunk[]>();
    for await (const chunk of found) byRef.set(chunk.ref, [...(byRef.get(chunk.ref) ?? []), chunk]);
    return new Map(refs.map((part) => [part.ref, joinChunks(part, byRef.get(part.ref) ?? [], name)]));
  }
}

function cutPart(
  task: string,
  version: CommitVersion,
  kind: PartRef['kind'],
  bytes: Uint8Array,
): { readonly ref: PartRef; readonly chunks: readonly PartChunk[] } {
  const ref = randomUUID();
  const count = Math.max(1, Math.ceil(bytes.byteLength / CHUNK_BYTES));
  const chunks = Array.from({ length: count }, (_, number) => ({
    _id: `${ref}/${number}`,
    task,
    ref,
    kind,
    ...version,
    number,
    content: new Binary(bytes.subarray(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES)),
  }));
  const { commitSeq } = version;
  return {
    ref: { ref, kind, commitSeq, bytes: bytes.byteLength, chunks: count, checksum: crc32(bytes) },
    chunks,
  };
}

function joinChunks(part: PartRef, chunks: readonly PartChunk[], name: string): Buffer {
  const what = `the ${part.kind} of commit ${part.commitSeq} of ${name}`;
  if (chunks.length !== part.chunks)
    throw new DataDamagedError(what, `it has ${chunks.length} chunks of ${part.chunks}`);
  const ordered = chunks.toSorted((a, b) => a.number - b.number);
  const bytes = Buffer.concat(ordered.map(({ content }) => content.buffer.subarray(0, content.position)));
  if (bytes.byteLength !== part.bytes || crc32(bytes) !== part.checksum)
    throw new DataDamagedError(what, 'the checksum does not fit');
  return bytes;
}

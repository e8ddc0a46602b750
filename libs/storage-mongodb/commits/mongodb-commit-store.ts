import type { Collection } from 'mongodb';
import type { JsonObject } from '#libs/kernel';
import {
  type Commit,
  type CommitOutcome,
  CommitStore,
  type CommitVersion,
  compareVersions,
  DataDamagedError,
  type StateBlob,
  type StoredTask,
  type TaskId,
  taskName,
} from '#libs/storage';
import { NAMES } from '../collection-names.js';
import { MAJORITY_READ, type MongodbConnection } from '../mongodb-connection.js';
import type { TaskSessions } from '../task-sessions.js';
import { CommitParts, type PreparedParts } from './commit-parts.js';
import { nextCommit, type PartRef, type TaskRecord, taskPlace, versionOf } from './task-record.js';

/**
 * Commits as transactions: the task's record is compared and moved on, the blobs come under fresh ids, the replaced
 * ones go, all at once or not at all.
 */
export class MongodbCommitStore extends CommitStore {
  readonly #connection: MongodbConnection;
  readonly #tasks: Collection<TaskRecord>;
  readonly #parts: CommitParts;
  readonly #sessions: TaskSessions;

  /** @param auditMs how long delivered outboxes are kept for `millrace audit`; 0: not at all */
  constructor(connection: MongodbConnection, sessions: TaskSessions, auditMs: number) {
    super();
    this.#sessions = sessions;
    this.#connection = connection;
    this.#tasks = connection.collection<TaskRecord>(NAMES.tasks);
    this.#parts = new CommitParts(connection, auditMs);
  }

  async load(task: TaskId): Promise<StoredTask | undefined> {
    const { _id } = taskPlace(task);
    const name = taskName(task);
    return await this.#connection.transaction(`reading the last commit of ${name}`, async (session) => {
      const record = await this.#tasks.findOne({ _id }, { session });
      if (record === null || record.commitSeq === 0) return undefined;
      const { state = [], outboxes = [] } = record;
      const bytes = await this.#parts.read([...state, ...outboxes], name, session);
      return storedTask(record, bytes, name);
    });
  }

  async commit(task: TaskId, expected: CommitVersion, next: Commit): Promise<CommitOutcome> {
    const { _id } = taskPlace(task);
    const what = `the commit of ${taskName(task)}`;
    const prepared = await this.#connection.call(what, () => this.#parts.prepare(_id, expected, next));
    const owner = { task, epoch: expected.epoch, purpose: 'commit' } as const;
    const done = await this.#sessions.transaction(owner, what, async (session) => {
      const stored = await this.#tasks.findOne({ _id }, { session });
      if (compareVersions(versionOf(stored), expected) !== 0) return { kind: 'fenced', stored } as const;
      const { fields, moved } = nextCommit(stored, next, prepared.refs);
      const unborn = { ...taskPlace(task), incarnation: 0, epoch: 0 };
      const update = { $set: fields, ...(stored === null ? { $setOnInsert: unborn } : {}) };
      await this.#parts.store(prepared.chunks, session);
      await this.#parts.letGo(moved, session);
      // Last: from here to the end of the transaction the record is locked, and its lease can't be renewed.
      await this.#tasks.updateOne({ _id }, update, { session, upsert: stored === null });
      return { kind: 'committed', kept: [...fields.state, ...fields.outboxes] } as const;
    });
    if (done.kind === 'committed') {
      if (next.state?.kind === 'base') await this.#sweep(_id, expected, done.kept);
      return { kind: 'committed' };
    }
    await this.#discard(prepared);
    return { kind: 'fenced', stored: { ...versionOf(done.stored), commitId: done.stored?.commitId ?? '' } };
  }

  async facts(pipeline: string, stage: string): Promise<ReadonlyMap<number, JsonObject>> {
    const place = taskPlace({ pipeline, stage, partition: 0 });
    const found = await this.#connection.call(`reading the facts of ${pipeline}/${stage}`, () =>
      this.#tasks
        .find(
          { pipeline: place.pipeline, stage: place.stage, commitSeq: { $gt: 0 } },
          { projection: { partition: 1, facts: 1 }, ...MAJORITY_READ },
        )
        .toArray(),
    );
    return new Map(found.map(({ partition, facts }) => [partition, JSON.parse(facts ?? '{}') as JsonObject]));
  }

  /** Best effort: the next base tries again. */
  async #sweep(task: string, expected: CommitVersion, kept: readonly PartRef[]): Promise<void> {
    const version = { ...expected, commitSeq: expected.commitSeq + 1 };
    await this.#parts.sweep(task, version, kept).catch(() => undefined);
  }

  /** What was stored ahead of a commit that was refused. */
  async #discard({ refs, chunks }: PreparedParts): Promise<void> {
    const inTransaction = new Set(chunks.map(({ ref }) => ref));
    const stored = refs.filter(({ ref }) => !inTransaction.has(ref)).map(({ ref }) => ref);
    if (stored.length > 0) await this.#parts.discard(stored).catch(() => undefined);
  }
}

function storedTask(record: TaskRecord, bytes: ReadonlyMap<string, Buffer>, name: string): StoredTask {
  const { state = [], outboxes = [], commitId = '', deliveredCommitSeq = 0 } = record;
  return {
    version: versionOf(record),
    commitId,
    progress: parsed(record.progress, `the progress of ${name}`),
    facts: parsed(record.facts, `the facts of ${name}`),
    deliveredCommitSeq,
    state: state.map((part): StateBlob => ({ kind: kindOf(part, name), bytes: bytesOf(bytes, part) })),
    outboxes: outboxes.map((part) => ({ commitSeq: part.commitSeq, bytes: bytesOf(bytes, part) })),
  };
}

function kindOf({ kind }: PartRef, name: string): StateBlob['kind'] {
  if (kind === 'outbox') throw new DataDamagedError(`the state of ${name}`, 'an outbox stands in its place');
  return kind;
}

function bytesOf(bytes: ReadonlyMap<string, Buffer>, { ref }: PartRef): Buffer {
  return bytes.get(ref) ?? Buffer.alloc(0);
}

function parsed(text: string | undefined, what: string): JsonObject {
  try {
    return JSON.parse(text ?? '') as JsonObject;
  } catch {
    throw new DataDamagedError(what, 'it is no JSON');
  }
}

import type { Database } from 'lmdb';
import { damageOf, type JsonObject } from '#libs/kernel';
import {
  type Commit,
  type CommitOutcome,
  CommitStore,
  type CommitVersion,
  compareVersions,
  DataDamagedError,
  keyText,
  type StateBlob,
  type StoredTask,
  type TaskId,
  taskName,
} from '#libs/storage';
import type { EmbeddedResultStore } from './embedded-result-store.js';
import { seal, unseal } from './sealed-bytes.js';
import type { StoreDatabase } from './store-database.js';
import { type Parts, putHead, readHead, type TaskHead, taskKey } from './task-head.js';

const BASE = 1;
const DELTA = 2;

type BlobTable = Database<Buffer, [string, string, number, number]>;

export class EmbeddedCommitStore extends CommitStore {
  readonly #database: StoreDatabase;
  /** Asked for several times a second by every task, so it is kept: stage → partition → facts. */
  readonly #facts = new Map<string, Map<number, JsonObject>>();

  readonly #results: EmbeddedResultStore;

  /** @param results in the same database: a commit puts its rows and documents there, in its own transaction */
  constructor(database: StoreDatabase, results: EmbeddedResultStore) {
    super();
    this.#database = database;
    this.#results = results;
  }

  override get deliversResults(): boolean {
    return true;
  }

  async load(task: TaskId): Promise<StoredTask | undefined> {
    this.#database.assertOpen();
    const { incarnation, epoch, commitSeq, ...head } = readHead(this.#database, task);
    if (commitSeq === 0) return undefined;
    return {
      version: { incarnation, epoch, commitSeq },
      commitId: head.commitId,
      progress: head.progress,
      facts: head.facts,
      deliveredCommitSeq: head.deliveredCommitSeq,
      state: this.#loadState(task, head.blobs),
      outboxes: this.#loadOutboxes(task, head.outboxes),
    };
  }

  async commit(task: TaskId, expected: CommitVersion, next: Commit): Promise<CommitOutcome> {
    // Sealed before the transaction starts, since nobody else can write while it runs.
    const key = [...taskKey(task), expected.commitSeq + 1];
    const blob = next.state && seal(key, next.state.bytes, next.state.kind === 'base' ? BASE : DELTA);
    const outbox = next.outbox && seal(key, next.outbox);
    const outcome = await this.#database.write((): CommitOutcome => {
      const stored = readHead(this.#database, task);
      if (compareVersions(stored, expected) !== 0) return fencedBy(stored);
      // First, since a damaged row throws: the commit is then not written, and what came before it does no harm.
      if (next.results !== undefined) this.#results.deliverNow(next.results);
      this.#replace(task, stored, { next, blob, outbox });
      return { kind: 'committed' };
    });
    // A try before this one may have been stored, though its caller was told that it was not.
    const isStored = outcome.kind === 'committed' || outcome.stored.commitId === next.commitId;
    if (isStored && next.results !== undefined) this.#results.delivered(next.results);
    if (outcome.kind === 'committed')
      this.#facts.get(stageKey(task))?.set(task.partition, copyOf(next.facts));
    return outcome;
  }

  async facts(pipeline: string, stage: string): Promise<ReadonlyMap<number, JsonObject>> {
    this.#database.assertOpen();
    const key = stageKey({ pipeline, stage });
    const known = this.#facts.get(key) ?? this.#readFacts(pipeline, stage);
    this.#facts.set(key, known);
    return new Map(known);
  }

  #replace(task: TaskId, stored: TaskHead, { next, blob, outbox }: SealedCommit): void {
    const { blobs, outboxes } = this.#database.tables;
    const commitSeq = stored.commitSeq + 1;
    const deliveredCommitSeq = Math.max(stored.deliveredCommitSeq, next.deliveredCommitSeq);
    const isBase = next.state?.kind === 'base';
    const oldBlobs = isBase ? removeUpTo(blobs, task, commitSeq) : [];
    const oldOutboxes =
      deliveredCommitSeq > stored.deliveredCommitSeq ? removeUpTo(outboxes, task, deliveredCommitSeq) : [];
    if (blob !== undefined) void blobs.put([...taskKey(task), commitSeq], blob);
    if (outbox !== undefined) void outboxes.put([...taskKey(task), commitSeq], outbox);
    putHead(this.#database, task, {
      incarnation: stored.incarnation,
      epoch: stored.epoch,
      commitSeq,
      commitId: next.commitId,
      progress: next.progress,
      facts: next.facts,
      deliveredCommitSeq,
      blobs: changed(stored.blobs, oldBlobs, blob && commitSeq),
      outboxes: changed(stored.outboxes, oldOutboxes, outbox && commitSeq),
    });
  }

  #loadState(task: TaskId, parts: Parts): StateBlob[] {
    const name = `the state of ${taskName(task)}`;
    return readBlobs(this.#database.tables.blobs, { task, parts, name }).map(({ tag, content }) => {
      if (tag !== BASE && tag !== DELTA) throw new DataDamagedError(name, `a part has the kind ${tag}`);
      return { kind: tag === BASE ? 'base' : 'delta', bytes: content };
    });
  }

  #loadOutboxes(task: TaskId, parts: Parts): StoredTask['outboxes'] {
    const name = `the outbox of ${taskName(task)}`;
    return readBlobs(this.#database.tables.outboxes, { task, parts, name }).map(({ commitSeq, content }) => ({
      commitSeq,
      bytes: content,
    }));
  }

  #readFacts(pipeline: string, stage: string): Map<number, JsonObject> {
    const [start, end] = [0, Number.MAX_SAFE_INTEGER].map((partition) =>
      taskKey({ pipeline, stage, partition }),
    );
    const facts = new Map<number, JsonObject>();
    for (const { key, value: head } of this.#database.tables.heads.getRange({ start: start!, end: end! })) {
      if (head.commitSeq > 0) facts.set(key[2], head.facts);
    }
    return facts;
  }
}

interface SealedCommit {
  readonly next: Commit;
  readonly blob: Buffer | undefined;
  readonly outbox: Buffer | undefined;
}

function fencedBy({ incarnation, epoch, commitSeq, commitId }: TaskHead): CommitOutcome {
  return { kind: 'fenced', stored: { incarnation, epoch, commitSeq, commitId } };
}

/** Gives the commits whose parts are gone. */
function removeUpTo(table: BlobTable, task: TaskId, commitSeq: number): number[] {
  const range = { start: [...taskKey(task), 0], end: [...taskKey(task), commitSeq + 1] } as const;
  // All keys first: a cursor must not stand on what is removed.
  const keys = [...table.getKeys({ start: [...range.start], end: [...range.end] })];
  for (const key of keys) void table.remove(key);
  return keys.map((key) => key[3]);
}

function changed([count, sum]: Parts, removed: readonly number[], added: number | undefined): Parts {
  const gone = removed.reduce((total, commitSeq) => total + commitSeq, 0);
  return [count - removed.length + Number(added !== undefined), sum - gone + (added ?? 0)];
}

function readBlobs(
  table: BlobTable,
  { task, parts: [count, sum], name }: { task: TaskId; parts: Parts; name: string },
): { commitSeq: number; tag: number; content: Buffer }[] {
  const range = table.getRange({
    start: [...taskKey(task), 0],
    end: [...taskKey(task), Number.MAX_SAFE_INTEGER],
  });
  const found = allOf(range, name).map(({ key, value }) => ({
    commitSeq: key[3],
    ...unseal(key, value, name),
  }));
  if (found.length !== count) throw new DataDamagedError(name, `it has ${found.length} parts of ${count}`);
  if (found.reduce((total, { commitSeq }) => total + commitSeq, 0) !== sum) {
    throw new DataDamagedError(name, 'a part is of another commit');
  }
  return found;
}

function allOf<T>(range: Iterable<T>, name: string): T[] {
  try {
    return [...range];
  } catch (error) {
    throw new DataDamagedError(name, damageOf(error) ?? String(error));
  }
}

function stageKey({ pipeline, stage }: Pick<TaskId, 'pipeline' | 'stage'>): string {
  return JSON.stringify([keyText(pipeline), keyText(stage)]);
}

/** As it would be read back: later changes by the caller don't reach it. */
function copyOf(facts: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(facts)) as JsonObject;
}

import { keyText, type TaskId } from '#libs/storage';
import type { JsonObject } from '#libs/kernel';
import type { StoreDatabase } from './store-database.js';

/** How many parts there are, and the sum of the commits they belong to. */
export type Parts = readonly [count: number, sum: number];

/** What one record holds about a task: everything that a commit compares. */
export interface TaskHead {
  readonly incarnation: number;
  readonly epoch: number;
  /** 0: no commit yet, there is only an epoch. */
  readonly commitSeq: number;
  readonly commitId: string;
  readonly progress: JsonObject;
  readonly facts: JsonObject;
  readonly deliveredCommitSeq: number;
  /** Which blobs and outboxes there are, so that a missing one is noticed. */
  readonly blobs: Parts;
  readonly outboxes: Parts;
}

export const NO_COMMIT: TaskHead = {
  incarnation: 0,
  epoch: 0,
  commitSeq: 0,
  commitId: '',
  progress: {},
  facts: {},
  deliveredCommitSeq: 0,
  blobs: [0, 0],
  outboxes: [0, 0],
};

export function taskKey(task: TaskId): [string, string, number] {
  return [keyText(task.pipeline), keyText(task.stage), task.partition];
}

/** @throws DataDamagedError */
export function readHead(database: StoreDatabase, task: TaskId): TaskHead {
  return database.tables.heads.get(taskKey(task)) ?? NO_COMMIT;
}

/** Inside a transaction. */
export function putHead(database: StoreDatabase, task: TaskId, head: TaskHead): void {
  database.tables.heads.put(taskKey(task), head);
}

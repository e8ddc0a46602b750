import { DataDamagedError, type TaskId, taskName } from '#libs/storage';
import type { JsonObject } from '#libs/kernel';
import { keyText } from './key-text.js';
import { seal, unseal } from './sealed-bytes.js';
import type { StoreDatabase } from './store-database.js';

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
  /** How many blobs and outboxes there are, so that a missing one is noticed. */
  readonly blobs: number;
  readonly outboxes: number;
}

export const NO_COMMIT: TaskHead = {
  incarnation: 0,
  epoch: 0,
  commitSeq: 0,
  commitId: '',
  progress: {},
  facts: {},
  deliveredCommitSeq: 0,
  blobs: 0,
  outboxes: 0,
};

export function taskKey(task: TaskId): [string, string, number] {
  return [keyText(task.pipeline), keyText(task.stage), task.partition];
}

/** @throws DataDamagedError */
export function readHead(database: StoreDatabase, task: TaskId): TaskHead {
  const sealed = database.tables.heads.get(taskKey(task));
  return sealed === undefined ? NO_COMMIT : decodeHead(sealed, taskName(task));
}

export function decodeHead(sealed: Buffer, name: string): TaskHead {
  const { content } = unseal(sealed, `the commit of ${name}`);
  try {
    return JSON.parse(content.toString('utf8')) as TaskHead;
  } catch {
    throw new DataDamagedError(`the commit of ${name}`, 'it is not JSON');
  }
}

/** Inside a transaction. */
export function putHead(database: StoreDatabase, task: TaskId, head: TaskHead): void {
  void database.tables.heads.put(taskKey(task), seal(Buffer.from(JSON.stringify(head))));
}

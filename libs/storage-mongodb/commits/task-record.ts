import type { Commit, CommitVersion, LeaseEnd, TaskId } from '#libs/storage';
import { keyText } from '#libs/storage';

/** Where a blob of a commit is: chunks under an id of its own. */
export interface PartRef {
  readonly ref: string;
  readonly kind: 'base' | 'delta' | 'outbox';
  readonly commitSeq: number;
  readonly bytes: number;
  readonly chunks: number;
  readonly checksum: number;
}

/** One record holds everything that a commit compares and moves; blobs are moved by pointer. */
export interface TaskRecord {
  readonly _id: string;
  readonly pipeline: string;
  readonly stage: string;
  readonly partition: number;
  readonly incarnation: number;
  readonly epoch: number;
  /** 0: no commit yet, there is only an epoch. */
  readonly commitSeq: number;
  readonly commitId?: string;
  /** As JSON text: names of fields may be anything, and come back as they were. */
  readonly progress?: string;
  readonly facts?: string;
  readonly deliveredCommitSeq?: number;
  /** The newest base and every delta after it. */
  readonly state?: readonly PartRef[];
  /** Above `deliveredCommitSeq`. */
  readonly outboxes?: readonly PartRef[];
  /** The process that took the last lease; see TaskSessions. */
  readonly holder?: string;
  readonly lease?: {
    readonly owner: string;
    readonly token: string;
    readonly expires: Date;
    /** Taken, or renewed last. */
    readonly renewed: Date;
    /** How long nobody had run the task when it was taken; null: nobody ever had. */
    readonly idleMs: number | null;
  };
  /** How the lease before this one ended. */
  readonly former?: { readonly owner: string; readonly end: LeaseEnd; readonly at: Date };
}

/** What a commit writes into the record. */
export type CommittedFields = Required<
  Pick<
    TaskRecord,
    'commitSeq' | 'commitId' | 'progress' | 'facts' | 'deliveredCommitSeq' | 'state' | 'outboxes'
  >
>;

export function taskPlace(task: TaskId): Pick<TaskRecord, '_id' | 'pipeline' | 'stage' | 'partition'> {
  const [pipeline, stage] = [keyText(task.pipeline), keyText(task.stage)];
  return {
    _id: JSON.stringify([pipeline, stage, task.partition]),
    pipeline,
    stage,
    partition: task.partition,
  };
}

export function versionOf(record: TaskRecord | null): CommitVersion {
  if (record === null) return { incarnation: 0, epoch: 0, commitSeq: 0 };
  const { incarnation, epoch, commitSeq } = record;
  return { incarnation, epoch, commitSeq };
}

/** The blobs of the next commit, and those that it lets go. */
export interface MovedParts {
  readonly state: readonly PartRef[];
  readonly outboxes: readonly PartRef[];
  /** Refs of what a new base stands for. */
  readonly replaced: readonly string[];
  /** Refs of outboxes that are delivered. */
  readonly delivered: readonly string[];
}

/** The next commit of a record. */
export function nextCommit(
  stored: TaskRecord | null,
  next: Commit,
  parts: readonly PartRef[],
): { readonly fields: CommittedFields; readonly moved: MovedParts } {
  const deliveredCommitSeq = Math.max(stored?.deliveredCommitSeq ?? 0, next.deliveredCommitSeq);
  const moved = moveParts(stored, parts, deliveredCommitSeq);
  const { commitId, progress, facts } = next;
  return {
    fields: {
      commitSeq: (stored?.commitSeq ?? 0) + 1,
      commitId,
      progress: JSON.stringify(progress),
      facts: JSON.stringify(facts),
      deliveredCommitSeq,
      state: moved.state,
      outboxes: moved.outboxes,
    },
    moved,
  };
}

function moveParts(
  stored: TaskRecord | null,
  parts: readonly PartRef[],
  deliveredCommitSeq: number,
): MovedParts {
  const { state = [], outboxes = [] } = stored ?? {};
  const isBase = parts.some(({ kind }) => kind === 'base');
  const isDelivered = ({ commitSeq }: PartRef): boolean => commitSeq <= deliveredCommitSeq;
  const added = (isOutbox: boolean): PartRef[] =>
    parts.filter(({ kind }) => (kind === 'outbox') === isOutbox);
  return {
    state: [...(isBase ? [] : state), ...added(false)],
    outboxes: [...outboxes.filter((part) => !isDelivered(part)), ...added(true)],
    replaced: isBase ? state.map(({ ref }) => ref) : [],
    delivered: outboxes.filter(isDelivered).map(({ ref }) => ref),
  };
}

import { randomUUID } from 'node:crypto';
import type { JsonObject, JsonValue } from '#libs/kernel';
import type { Position } from '#libs/messaging';
import { FACTS } from '#libs/observability';
import { type CommitVersion, type Lease, type ResultItems, type StateBlob, taskName } from '#libs/storage';
import { withBackoff } from './backoff.js';
import type { CrashNote } from './crash-guard.js';
import { TaskFencedError } from './functions.errors.js';
import { decodeOutbox, type Outbox } from './outbox.js';
import type { Runtime } from './runtime-ports.js';
import { StateLog } from './state-log.js';
import type { StateIdentity } from './state-migration.js';

/** Where a task stands: what it needs, besides its state, to go on without a repeat or a loss. */
export interface TaskProgress {
  /** By input (`topic|partition`): the last message taken in. */
  readonly positions: Map<string, Position>;
  /** By input: the end of what `covers` says has been applied. */
  readonly covered: Map<string, Position>;
  /** By `topic|partition|producer`: its last number. */
  readonly lastSeen: Map<string, number>;
  /** By target `topic|partition`: the next number. */
  readonly sequences: Map<string, number>;
  /** By target: where the last message stands of those that are known to be delivered. */
  readonly places: Map<string, Position>;
  /** By input: how much is done of the message behind the position, where events are run one by one. */
  readonly within: Map<string, { readonly position: Position; readonly items: number }>;
  /** What the owner has to say about crashes. */
  crash: CrashNote;
}

export interface RecoveredTask {
  readonly cells: Map<string, JsonValue>;
  readonly progress: TaskProgress;
  readonly deliveredCommitSeq: number;
  /** What the last commit says about crashes; undefined: there is none. */
  readonly crash: CrashNote | undefined;
  readonly undelivered: readonly { readonly version: CommitVersion; readonly outbox: Outbox }[];
}

/** Reads and writes the commits of one task under one lease. The commit is the truth, never a subscription's cursor. */
export class TaskCommits {
  #version: CommitVersion;
  readonly #state: StateLog;
  readonly #name: string;

  constructor(
    private readonly lease: Lease,
    private readonly identity: StateIdentity,
    private readonly runtime: Runtime,
    private readonly signal: AbortSignal,
  ) {
    this.#version = lease.version;
    this.#name = taskName(lease.task);
    this.#state = new StateLog(identity, this.#name, runtime.settings.stateFormat);
  }

  get version(): CommitVersion {
    return this.#version;
  }

  /** Of the next {@link commit}. */
  get nextVersion(): CommitVersion {
    return { ...this.#version, commitSeq: this.#version.commitSeq + 1 };
  }

  /** Everything of the last commit, checked. */
  async recover(): Promise<RecoveredTask> {
    const stored = await this.#insisting(() => this.runtime.ports.commits.load(this.lease.task));
    this.runtime.ports.failpoints?.hit('after-load', this.lease.task);
    if (stored === undefined) {
      const progress = decodeProgress({});
      return { cells: new Map(), progress, deliveredCommitSeq: 0, crash: undefined, undelivered: [] };
    }
    this.#version = { ...this.lease.version, commitSeq: stored.version.commitSeq };
    const progress = decodeProgress(stored.progress);
    const cells = this.#state.restore(stored.state);
    const { version: written } = this.#state;
    const { version: newest } = this.identity;
    if (written < newest)
      this.runtime.ports.telemetry.record(FACTS.stateWrittenAsBefore, {
        ...this.lease.task,
        written,
        newest,
      });
    return {
      cells,
      progress,
      crash: progress.crash,
      deliveredCommitSeq: stored.deliveredCommitSeq,
      undelivered: stored.outboxes.map(({ commitSeq, bytes }) => ({
        version: { ...this.#version, commitSeq },
        outbox: decodeOutbox(bytes, `outbox ${commitSeq} of ${this.#name}`),
      })),
    };
  }

  /** The state blob for the next commit. */
  stateBlob(
    changes: Iterable<readonly [string, JsonValue | undefined]>,
    all: () => Iterable<readonly [string, JsonValue]>,
  ): StateBlob | undefined {
    return this.#state.next(changes, all);
  }

  /**
   * Stores the next commit.
   *
   * @returns its version
   * @throws TaskFencedError if somebody else has taken over
   */
  async commit(next: {
    readonly progress: TaskProgress;
    readonly facts: JsonObject;
    readonly state: StateBlob | undefined;
    readonly outbox: Uint8Array | undefined;
    readonly results: ResultItems | undefined;
    readonly deliveredCommitSeq: number;
  }): Promise<CommitVersion> {
    const startedMs = this.runtime.ports.clock.monotonicMs();
    const commitId = randomUUID();
    const { progress, state, outbox, results, ...rest } = next;
    const commit = {
      ...rest,
      commitId,
      progress: encodeProgress(progress),
      ...(state === undefined ? {} : { state }),
      ...(outbox === undefined ? {} : { outbox }),
      ...(results === undefined ? {} : { results }),
    };
    let attempts = 0;
    const outcome = await this.#insisting(() => {
      attempts++;
      return this.runtime.ports.commits.commit(this.lease.task, this.#version, commit);
    });
    if (outcome.kind === 'fenced') {
      // A reply that was lost: the retry finds our own commit.
      const isOurs = this.runtime.settings.withoutFences.has('commit-id')
        ? attempts > 1
        : outcome.stored.commitId === commitId;
      if (!isOurs) throw new TaskFencedError(this.#name, this.#version, outcome.stored);
    }
    this.#version = this.nextVersion;
    this.runtime.ports.telemetry.record(
      FACTS.taskCommitted,
      this.lease.task,
      (this.runtime.ports.clock.monotonicMs() - startedMs) / 1_000,
    );
    return this.#version;
  }

  #insisting<T>(action: () => Promise<T>): Promise<T> {
    return withBackoff(action, { ...this.runtime.ports, signal: this.signal });
  }
}

function encodeProgress(progress: TaskProgress): JsonObject {
  return {
    positions: Object.fromEntries(progress.positions),
    covered: Object.fromEntries(progress.covered),
    lastSeen: Object.fromEntries(progress.lastSeen),
    sequences: Object.fromEntries(progress.sequences),
    places: Object.fromEntries(progress.places),
    within: Object.fromEntries(progress.within),
    crash: { ...progress.crash } as JsonObject,
  };
}

function decodeProgress(json: JsonObject): TaskProgress {
  const entries = <T>(name: string): Map<string, T> =>
    new Map(Object.entries((json[name] ?? {}) as Record<string, T>));
  return {
    positions: entries<Position>('positions'),
    covered: entries<Position>('covered'),
    lastSeen: entries<number>('lastSeen'),
    sequences: entries<number>('sequences'),
    places: entries<Position>('places'),
    within: entries<{ position: Position; items: number }>('within'),
    crash: (json['crash'] ?? {}) as CrashNote,
  };
}

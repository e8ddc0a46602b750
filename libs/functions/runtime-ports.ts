import type { Clock } from '#libs/kernel';
import type { MessageBroker } from '#libs/messaging';
import type { Telemetry } from '#libs/observability';
import type { CommitStore, LeaseStore, ResultStore } from '#libs/storage';
import type { Fence } from './fences.js';
import type { Failpoints } from './failpoints.js';
import type { StateFormat } from './state-migration.js';
import type { UserCodeGate } from './user-code-gate.js';

/** Everything a task needs from outside. */
export interface RuntimePorts {
  readonly broker: MessageBroker;
  readonly commits: CommitStore;
  readonly leases: LeaseStore;
  readonly results: ResultStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** 0 ≤ r < 1; for jitter only. */
  readonly random: () => number;
  /** For tests that end the process at a named place. */
  readonly failpoints?: Failpoints;
}

/** Bounds and paces of every task; see docs/configuration.md. */
export interface RuntimeSettings {
  /** At most this long between commits while there is something to commit. */
  readonly commitIntervalMs: number;
  /** At least this long between commits, except where an alert waits. */
  readonly commitGapMs: number;
  readonly maxCommitEvents: number;
  readonly maxCommitBytes: number;
  /** Intake pauses at this many commits that are not delivered yet. */
  readonly maxUndeliveredCommits: number;
  /** How often a task looks at time and at its siblings. */
  readonly tickMs: number;
  readonly leaseTtlMs: number;
  readonly leaseRenewMs: number;
  /** How often a process looks who is there and what is free; more often while a task is expected to come free. */
  readonly rosterMs: number;
  /** In which version state is written that is stored in a former one. */
  readonly stateFormat: StateFormat;
  /** For tests of a stage that lags behind: task name → how long its start is put off, in milliseconds. */
  readonly holdTasks: ReadonlyMap<string, number>;
  /** For simulations that show what each fence is there for. Always empty elsewhere. */
  readonly withoutFences: ReadonlySet<Fence>;
}

/** What every task is run with. */
export interface Runtime {
  readonly ports: RuntimePorts;
  readonly settings: RuntimeSettings;
  readonly gate: UserCodeGate;
}

export const DEFAULT_SETTINGS: RuntimeSettings = {
  commitIntervalMs: 1_000,
  commitGapMs: 100,
  maxCommitEvents: 5_000,
  maxCommitBytes: 4 * 1024 * 1024,
  maxUndeliveredCommits: 4,
  tickMs: 200,
  leaseTtlMs: 10_000,
  leaseRenewMs: 3_000,
  rosterMs: 300,
  stateFormat: 'stored',
  holdTasks: new Map(),
  withoutFences: new Set(),
};

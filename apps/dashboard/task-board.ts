import type { Clock } from '#libs/kernel';
import type { TaskStatus } from '#libs/messaging';

/** One task as it last reported. `silent`: it has not reported for ten seconds, so nothing is known of it. */
export interface TaskView extends Omit<TaskStatus, 'state'> {
  readonly state: TaskStatus['state'] | 'silent';
  readonly reportedMs: number;
}

/** A stage: its tasks and what they come to together. */
export interface StageView {
  readonly stage: string;
  /** The worst of its tasks. */
  readonly state: TaskView['state'];
  readonly eventsPerSecond: number;
  readonly backlogMessages: number;
  /** The longest of its tasks; null while unknown. */
  readonly backlogSeconds: number | null;
  /** The busiest of its tasks, 0 to 1. */
  readonly busyShare: number;
  /** What the task that waits most waits for. */
  readonly waitingFor: string;
  readonly waitingShare: number;
  readonly tasks: readonly TaskView[];
}

/** In the order in which an event passes them; functions of users come after. */
const STAGE_ORDER = ['enrich', 'local', 'global', 'alert'];
const SILENT_AFTER_MS = 10_000;
/** Far more than tasks of one pipeline; so that a sender with made-up names can't fill the memory. */
const MAX_TASKS = 4_096;
/** Worst first. */
const STATES: readonly TaskView['state'][] = [
  'failed',
  'silent',
  'stopped',
  'recovering',
  'waiting-for-lease',
  'running',
];

/** The latest status of every task of one pipeline. */
export class TaskBoard {
  readonly #clock: Clock;
  readonly #tasks = new Map<string, { readonly status: TaskStatus; readonly reportedMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  report(status: TaskStatus): void {
    const key = `${status.stage}/${status.partition}`;
    if (!this.#tasks.has(key) && this.#tasks.size >= MAX_TASKS) return;
    const known = this.#tasks.get(key)?.status;
    // A process that waits for a lease must not hide the one that holds it.
    if (status.state === 'waiting-for-lease' && known?.state === 'running' && known.owner !== status.owner)
      return;
    this.#tasks.set(key, { status, reportedMs: this.#clock.nowMs() });
  }

  stages(): readonly StageView[] {
    const byStage = new Map<string, TaskView[]>();
    for (const { status, reportedMs } of this.#tasks.values()) {
      const isSilent = this.#clock.nowMs() - reportedMs > SILENT_AFTER_MS;
      const view: TaskView = isSilent
        ? { ...status, reportedMs, state: 'silent', eventsPerSecond: 0, busyShare: 0, waitingShare: 0 }
        : { ...status, reportedMs };
      byStage.set(status.stage, [...(byStage.get(status.stage) ?? []), view]);
    }
    return [...byStage].map(([stage, tasks]) => stageView(stage, tasks)).sort(byStageOrder);
  }

  /** What comes in at present: the rate of the first stage that sees every event. */
  eventsPerSecond(): number {
    const stages = this.stages();
    const first = stages.find(({ stage }) => stage === 'local') ?? stages[0];
    return first?.eventsPerSecond ?? 0;
  }
}

function stageView(stage: string, tasks: readonly TaskView[]): StageView {
  const sorted = [...tasks].sort((a, b) => a.partition - b.partition);
  const stuck = [...tasks].sort((a, b) => b.waitingShare - a.waitingShare)[0];
  const backlogSeconds = tasks.flatMap((task) =>
    task.backlogSeconds === undefined ? [] : [task.backlogSeconds],
  );
  return {
    stage,
    state: STATES.find((state) => tasks.some((task) => task.state === state)) ?? 'running',
    eventsPerSecond: total(tasks, (task) => task.eventsPerSecond),
    backlogMessages: total(tasks, (task) => task.backlogMessages),
    backlogSeconds: backlogSeconds.length === 0 ? null : Math.max(...backlogSeconds),
    busyShare: Math.max(0, ...tasks.map((task) => task.busyShare)),
    waitingFor: stuck?.waitingFor ?? '',
    waitingShare: stuck?.waitingShare ?? 0,
    tasks: sorted,
  };
}

function total(tasks: readonly TaskView[], of: (task: TaskView) => number): number {
  return tasks.reduce((sum, task) => sum + of(task), 0);
}

function byStageOrder(a: StageView, b: StageView): number {
  const rank = ({ stage }: StageView): number =>
    (STAGE_ORDER.indexOf(stage) + STAGE_ORDER.length + 1) % (STAGE_ORDER.length + 1);
  return rank(a) - rank(b) || a.stage.localeCompare(b.stage);
}

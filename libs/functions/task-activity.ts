import type { Clock } from '#libs/kernel';

/** Shares and rates are taken over this long. */
const SPAN_MS = 5_000;

/** What one task spends its time on, and how much it gets done: the figures of its status. */
export class TaskActivity {
  #doing = 'input';
  #sinceMs: number;
  #spanStartMs: number;
  #spent = new Map<string, number>();
  #events = 0;
  #messages = 0;
  #last: ActivityFigures = {
    waitingFor: 'input',
    waitingShare: 1,
    waits: { input: 1 },
    busyShare: 0,
    eventsPerSecond: 0,
    messagesPerSecond: 0,
  };

  constructor(private readonly clock: Clock) {
    this.#sinceMs = this.#spanStartMs = clock.monotonicMs();
  }

  /** From now on the task does this: `work`, or the name of what it waits for. */
  enter(doing: string): void {
    const nowMs = this.clock.monotonicMs();
    this.#spent.set(this.#doing, (this.#spent.get(this.#doing) ?? 0) + nowMs - this.#sinceMs);
    this.#doing = doing;
    this.#sinceMs = nowMs;
  }

  /** A message was taken in that held so many events. */
  countMessage(events: number): void {
    this.#messages += 1;
    this.#events += events;
  }

  /** The figures of the last full span, and of the running one until there is one. */
  figures(): ActivityFigures {
    this.enter(this.#doing);
    const lengthMs = this.#sinceMs - this.#spanStartMs;
    if (lengthMs < SPAN_MS / 5) return this.#last;
    this.#last = this.#summarise(lengthMs);
    if (lengthMs >= SPAN_MS) {
      this.#spanStartMs = this.#sinceMs;
      this.#spent = new Map();
      this.#events = 0;
      this.#messages = 0;
    }
    return this.#last;
  }

  #summarise(lengthMs: number): ActivityFigures {
    const waits = [...this.#spent].filter(([doing]) => doing !== 'work').sort(([, a], [, b]) => b - a);
    const [waitingFor, waitedMs] = waits[0] ?? ['input', 0];
    return {
      waitingFor,
      waitingShare: waitedMs / lengthMs,
      waits: Object.fromEntries(waits.map(([doing, spentMs]) => [doing, spentMs / lengthMs])),
      busyShare: (this.#spent.get('work') ?? 0) / lengthMs,
      eventsPerSecond: (this.#events * 1_000) / lengthMs,
      messagesPerSecond: (this.#messages * 1_000) / lengthMs,
    };
  }
}

export interface ActivityFigures {
  /** What most of the waiting time was spent on. */
  readonly waitingFor: string;
  readonly waitingShare: number;
  /** Share of the time by what was waited for, the longest first. */
  readonly waits: Readonly<Record<string, number>>;
  readonly busyShare: number;
  readonly eventsPerSecond: number;
  readonly messagesPerSecond: number;
}

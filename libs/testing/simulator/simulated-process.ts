import { type Cancel, Clock } from '#libs/kernel';
import { type Call, type CallFault, type FaultPlan, SimulatedFaultError } from './fault-plan.js';
import type { SeededRandom } from './seeded-random.js';
import type { VirtualTime } from './virtual-time.js';

/** What all processes of a simulation share besides the models. */
export interface World {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly faults: FaultPlan;
  /** Wall-clock time at the start, epoch milliseconds. */
  readonly startMs: number;
}

/** One connection: what is sent over it arrives in the order it was sent. */
export class Lane {
  #requestMs = 0;
  #replyMs = 0;

  /** When something that would take so long arrives. */
  request(dueMs: number): number {
    return (this.#requestMs = Math.max(this.#requestMs, dueMs));
  }

  reply(dueMs: number): number {
    return (this.#replyMs = Math.max(this.#replyMs, dueMs));
  }
}

export interface CallOptions {
  /** Default: a connection of its own. */
  readonly lane?: Lane;
  /** Called where a fault was planned for the call, when it arrives: it may have happened or not. */
  readonly onFault?: () => void;
}

/** How long after a crash something that had left the process may still arrive. */
const IN_FLIGHT_MS = 20;

/**
 * A process as the outside sees it: it calls, and gets replies and the ring of its timers. A dead one gets nothing any
 * more, so whatever waits in it waits for ever; a paused one gets everything when it wakes up.
 */
export class SimulatedProcess {
  readonly clock: Clock;
  /** Called once, at its end. */
  readonly onCrash: (() => void)[] = [];
  /** Called when the broker drops the connection of a process that stands still. */
  readonly onCut: (() => void)[] = [];
  wallOffsetMs = 0;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #inbox: (() => void)[] = [];
  #wakeMs = 0;
  #lastArrivalMs = Infinity;

  constructor(
    readonly name: string,
    readonly world: World,
  ) {
    this.clock = new ProcessClock(this);
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  /** @param arrivesMs what had left before still arrives until then at least */
  crash(arrivesMs = 0): void {
    if (this.isDead) return;
    this.world.time.note(`crash ${this.name}`);
    this.#state = 'dead';
    this.#inbox = [];
    this.#lastArrivalMs = Math.max(
      arrivesMs,
      this.world.time.nowMs + this.world.random.between(0, IN_FLIGHT_MS),
    );
    for (const action of this.onCrash) action();
  }

  pause(forMs: number, isCut: boolean): void {
    if (this.isDead) return;
    this.world.time.note(`pause ${this.name}`);
    this.#state = 'paused';
    this.#wakeMs = Math.max(this.#wakeMs, this.world.time.nowMs + forMs);
    this.world.time.after(forMs, () => this.wake());
    if (isCut) this.world.time.after(forMs / 2, () => this.onCut.forEach((action) => action()));
  }

  /** Goes on, unless it was paused for longer meanwhile. */
  wake(): void {
    if (this.#state !== 'paused' || this.world.time.nowMs < this.#wakeMs) return;
    this.#state = 'running';
    const waiting = this.#inbox;
    this.#inbox = [];
    for (const action of waiting) this.world.time.after(0, () => this.deliver(action));
  }

  /** Ends a pause before its time. */
  wakeNow(): void {
    this.#wakeMs = 0;
    this.wake();
  }

  /** Something reaches the process. */
  deliver(action: () => void): void {
    if (this.#state === 'running') action();
    else if (this.#state === 'paused') this.#inbox.push(action);
  }

  /**
   * Asks something of a model.
   *
   * @param effect what happens there, at one moment; `share` < 1: only that part of it. What it throws is the reply.
   */
  call<T>(call: Call, effect: (share: number) => T | Promise<T>, options: CallOptions = {}): Promise<T> {
    const fault = this.isDead ? undefined : this.world.faults.onCall(this, call);
    // The process of a call that never left: nobody is there to wait.
    if (fault === undefined) return new Promise<T>(() => undefined);
    this.world.time.note(`${this.name} ${call.kind} ${call.target} ${fault.kind}`);
    return new Promise<T>((resolve, reject) => {
      new CallInFlight(this, { call, effect, fault, resolve, reject, ...options }).leave();
    });
  }

  /** Does something that left the process still arrive. */
  isArriving(): boolean {
    return this.world.time.nowMs <= this.#lastArrivalMs;
  }
}

interface CallParts<T> extends CallOptions {
  readonly call: Call;
  readonly effect: (share: number) => T | Promise<T>;
  readonly fault: CallFault;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

class CallInFlight<T> {
  readonly #lane: Lane;

  constructor(
    private readonly process: SimulatedProcess,
    private readonly parts: CallParts<T>,
  ) {
    this.#lane = parts.lane ?? new Lane();
  }

  leave(): void {
    const { fault } = this.parts;
    switch (fault.kind) {
      case 'none':
        return void this.#request(0, () => this.#happen());
      case 'slow':
        return void this.#request(fault.byMs, () => this.#happen());
      case 'refused':
        return void this.#request(0, () => this.#fail(0));
      case 'reply-lost':
        return void this.#request(0, () => this.#happenAndFail(1, fault.afterMs));
      case 'partial':
        return void this.#request(0, () => this.#happenAndFail(fault.share, 0));
      case 'late':
        this.#request(fault.byMs, () => void this.#try(1));
        return this.#fail(0);
      case 'crash':
        return this.#crash(fault.when);
      case 'pause':
        this.#request(0, () => this.#happen());
        return this.process.pause(fault.forMs, fault.isCut);
      default:
        return fault satisfies never;
    }
  }

  #crash(when: 'before' | 'in-flight' | 'after'): void {
    if (when === 'after') return void this.#request(0, () => this.#happen(() => this.process.crash()));
    this.process.crash(when === 'in-flight' ? this.#request(0, () => void this.#try(1)) : 0);
  }

  /** Gives when it arrives. */
  #request(extraMs: number, action: () => void): number {
    const { time, faults } = this.process.world;
    const dueMs = this.#lane.request(time.nowMs + faults.latencyMs() + extraMs);
    time.at(dueMs, () => {
      if (this.process.isArriving()) action();
    });
    return dueMs;
  }

  #happen(afterwards: () => void = () => undefined): void {
    const outcome = this.#try(1);
    if (outcome instanceof Promise) {
      outcome.then(
        (value) => this.#reply(() => this.parts.resolve(value), afterwards),
        (error: unknown) => this.#reply(() => this.parts.reject(error), afterwards),
      );
    } else this.#reply(outcome, afterwards);
  }

  /** Gives how to tell what came of it. */
  #try(share: number): (() => void) | Promise<T> {
    try {
      const value = this.parts.effect(share);
      if (value instanceof Promise) {
        // Nobody listens where the caller is gone.
        value.catch(() => undefined);
        return value;
      }
      return () => this.parts.resolve(value);
    } catch (error) {
      return () => this.parts.reject(error);
    }
  }

  #happenAndFail(share: number, afterMs: number): void {
    void this.#try(share);
    this.#fail(afterMs);
  }

  #fail(afterMs: number): void {
    const { call, fault, reject, onFault } = this.parts;
    onFault?.();
    this.#reply(() => reject(new SimulatedFaultError(call, fault.kind)), undefined, afterMs);
  }

  #reply(action: () => void, afterwards?: () => void, extraMs = 0): void {
    const { time, faults } = this.process.world;
    const dueMs = this.#lane.reply(time.nowMs + faults.latencyMs() + extraMs);
    time.at(dueMs, () => {
      this.process.deliver(action);
      // What the reply sets off runs first.
      if (afterwards !== undefined) time.after(0, afterwards);
    });
  }
}

const TIMER_GRAIN_MS = 0.01;

class ProcessClock extends Clock {
  constructor(private readonly process: SimulatedProcess) {
    super();
  }

  nowMs(): number {
    const { startMs, time } = this.process.world;
    return Math.floor(startMs + time.nowMs + this.process.wallOffsetMs);
  }

  monotonicMs(): number {
    return this.process.world.time.nowMs;
  }

  after(delayMs: number, action: () => void): Cancel {
    let isCancelled = false;
    // No timer of a machine is finer; one that rings without any time having passed could ring for ever.
    const cancel = this.process.world.time.after(Math.max(TIMER_GRAIN_MS, delayMs), () =>
      this.process.deliver(() => {
        if (!isCancelled) action();
      }),
    );
    return () => {
      isCancelled = true;
      cancel();
    };
  }
}

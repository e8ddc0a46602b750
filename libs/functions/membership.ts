import { FACTS } from '#libs/observability';
import type { Member, Roster } from '#libs/storage';
import { untilClosed } from './backoff.js';
import type { RuntimePorts, RuntimeSettings } from './runtime-ports.js';
import { movesOf } from './task-shares.js';

/** So many looks in the time of one, while something is expected to come free. */
const QUICK_LOOKS = 3;

/** What a process says of itself. */
export type OwnTasks = Pick<Member, 'tasks' | 'resting'>;

export interface MembershipParts {
  /** Unique for each process. */
  readonly owner: string;
  readonly ports: RuntimePorts;
  readonly settings: RuntimeSettings;
  /** Asked before each look; the others are told of every change. */
  readonly describe: () => OwnTasks;
  /** Called after each look. */
  readonly onLook: () => void;
}

/**
 * One process among those that share the tasks: tells the others that it is there, and looks which tasks are its own to take
 * and which it has to give back (task-shares.ts). While the store does not answer, all stays as it was.
 */
export class Membership {
  #take: ReadonlySet<string> = new Set();
  #giveBack: ReadonlySet<string> = new Set();
  #isQuick = false;
  readonly #waiting = new Set<() => void>();
  readonly #ended = new AbortController();
  #wake = new AbortController();
  #isLeaving = false;
  /** What the others were told last, and when. */
  #told = '';
  #toldMs = -Infinity;
  /** Who shares tasks with this process, as it was logged last. */
  #known = '';
  #loop: Promise<void> | undefined;

  constructor(private readonly parts: MembershipParts) {
    this.#known = parts.owner;
  }

  /** Is the task to be taken by this process: it is in its share, and nobody has it. */
  isToTake(task: string): boolean {
    return this.#take.has(task);
  }

  /** Is another process to have a task that this one has. */
  isToGiveBack(task: string): boolean {
    return this.#giveBack.has(task);
  }

  /** Looks at once: what the process says of itself has changed. The first call is the beginning. */
  changed(): void {
    this.#wake.abort();
    this.#loop ??= this.#run();
  }

  /** Resolves after the next look, or when `signal` aborts. */
  async nextLook(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  /** Tells the others that this process gives back what it has and takes nothing more. */
  leaving(): void {
    if (this.#isLeaving || this.#loop === undefined) return;
    this.#isLeaving = true;
    this.changed();
  }

  /** Everything is given back: the others do not count on this process any more. Never rejects, and waits for no store that hangs. */
  async leave(): Promise<void> {
    if (this.#loop === undefined) return;
    this.#ended.abort();
    const { owner, ports } = this.parts;
    await untilClosed(
      this.#loop.then(() => ports.leases.leave(owner)),
      ports.clock,
    );
  }

  async #run(): Promise<void> {
    // Whoever adds tasks adds several in a row: the first look is at all of them.
    await Promise.resolve();
    while (!this.#ended.signal.aborted) {
      this.#wake = new AbortController();
      await this.#look();
      for (const wake of [...this.#waiting]) wake();
      await this.parts.ports.clock.sleep(
        this.#pauseMs,
        AbortSignal.any([this.#ended.signal, this.#wake.signal]),
      );
    }
  }

  get #pauseMs(): number {
    const { rosterMs } = this.parts.settings;
    return this.#isQuick ? rosterMs / QUICK_LOOKS : rosterMs;
  }

  async #look(): Promise<void> {
    try {
      await this.#tell();
      if (!this.#isLeaving) this.#judge(await this.parts.ports.leases.roster());
    } catch {
      // Its leases are renewed by themselves, or lost. Without a look nothing is taken and nothing given back.
    }
    this.parts.onLook();
  }

  async #tell(): Promise<void> {
    const { owner, ports, settings, describe } = this.parts;
    const member: Member = { owner, ...describe(), isLeaving: this.#isLeaving };
    const text = JSON.stringify(member);
    const nowMs = ports.clock.monotonicMs();
    if (text === this.#told && nowMs - this.#toldMs < settings.leaseRenewMs) return;
    // Not known whether it is heard when this fails: it is said again.
    this.#told = '';
    await ports.leases.attend(member, settings.leaseTtlMs);
    this.#told = text;
    this.#toldMs = nowMs;
  }

  #judge(roster: Roster): void {
    const { owner } = this.parts;
    const self = roster.members.find((member) => member.owner === owner);
    // It stood still for so long that the others have given it up: it has to say that it is there, and then look.
    if (self === undefined) {
      this.#told = '';
      return;
    }
    const { take, giveBack, isAwaiting } = movesOf(owner, roster);
    this.#take = take;
    this.#giveBack = giveBack;
    const neighbours = roster.members.filter(({ tasks }) => tasks.some((task) => self.tasks.includes(task)));
    this.#isQuick = isAwaiting || neighbours.some(({ isLeaving }) => isLeaving);
    this.#log(neighbours);
  }

  #log(neighbours: readonly Member[]): void {
    const members = neighbours.map(({ owner }) => owner).sort();
    const leaving = neighbours.filter(({ isLeaving }) => isLeaving).map(({ owner }) => owner);
    const known = [...members, ...leaving].join();
    if (known === this.#known) return;
    this.#known = known;
    this.parts.ports.telemetry.record(FACTS.membersChanged, { members, leaving });
  }
}

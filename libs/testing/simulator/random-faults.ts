import { type Call, type CallFault, type CallKind, type FaultPlan, NO_FAULT } from './fault-plan.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedProcess } from './simulated-process.js';

/** How often each accident happens in one run; some runs know some of them only, so that they are seen by themselves. */
interface Intensity {
  readonly refused: number;
  readonly replyLost: number;
  readonly late: number;
  readonly slow: number;
  readonly partial: number;
  readonly crash: number;
  readonly pause: number;
  readonly rewind: number;
  readonly cursorSkew: number;
}

type Accident = keyof Intensity;

/** Probability per call, at its worst. */
const HIGHEST: Intensity = {
  refused: 0.04,
  replyLost: 0.06,
  late: 0.05,
  slow: 0.03,
  partial: 0.2,
  crash: 0.008,
  pause: 0.006,
  rewind: 0.1,
  cursorSkew: 0.4,
};

/** An error instead of a reply, though it happened, would lose messages where a call takes them. */
const TAKES: readonly CallKind[] = ['receive', 'read'];
/** What may still happen long after its caller has given it up. Over a connection in order nothing does. */
const MAY_BE_LATE: readonly CallKind[] = [
  'commit',
  'deliver',
  'acquire',
  'renew',
  'release',
  'attend',
  'acknowledge',
];
/** A call that is given up says so after this long at most: every adapter has a timeout. */
const TIMEOUT_MS = 12_000;
const MAX_PAUSE_MS = 25_000;

/** Accidents by chance, until they are told to stop. */
export class RandomFaults implements FaultPlan {
  /** How often what happened. */
  readonly counts = new Map<string, number>();
  readonly #random: SeededRandom;
  readonly #intensity: Intensity;
  /** Calls of this kind fail until then. */
  #outage: { readonly kinds: readonly CallKind[]; readonly untilMs: number } | undefined;
  #isOver = false;

  constructor(random: SeededRandom) {
    this.#random = random;
    const share = (accident: Accident): number =>
      random.chance(0.6) ? HIGHEST[accident] * random.next() ** 2 : 0;
    this.#intensity = {
      refused: share('refused'),
      replyLost: share('replyLost'),
      late: share('late'),
      slow: share('slow'),
      partial: share('partial'),
      crash: share('crash'),
      pause: share('pause'),
      rewind: share('rewind'),
      cursorSkew: share('cursorSkew'),
    };
  }

  stop(): void {
    this.#isOver = true;
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Calls of these kinds fail for a while. */
  startOutage(kinds: readonly CallKind[], untilMs: number): void {
    this.#outage = { kinds, untilMs };
  }

  latencyMs(): number {
    return 0.2 + 20 * this.#random.next() ** 4;
  }

  cursorSkew(): number {
    return this.#happens('cursorSkew') ? this.#random.int(-6, 6) : 0;
  }

  rewind(): number {
    return this.#happens('rewind') ? this.#random.int(1, 8) : 0;
  }

  onCall(process: SimulatedProcess, call: Call): CallFault {
    if (this.#isOver || call.kind === 'close') return NO_FAULT;
    if (this.#isOut(process, call.kind)) return { kind: 'refused' };
    const fault = this.#draw(call.kind);
    if (fault.kind !== 'none') this.count(fault.kind === 'crash' ? `crash ${fault.when}` : fault.kind);
    return fault;
  }

  #draw(kind: CallKind): CallFault {
    const random = this.#random;
    if (this.#happens('crash', kind))
      return { kind: 'crash', when: random.pick(['before', 'in-flight', 'after']) };
    if (this.#happens('pause', kind))
      return { kind: 'pause', forMs: random.between(100, MAX_PAUSE_MS), isCut: random.chance(0.7) };
    if (this.#chance('slow')) return { kind: 'slow', byMs: random.between(50, TIMEOUT_MS) };
    if (this.#chance('refused')) return { kind: 'refused' };
    return this.#drawHalfDone(kind);
  }

  /** It happens, or a part of it, or later; and the caller hears of an error. */
  #drawHalfDone(kind: CallKind): CallFault {
    const random = this.#random;
    if (kind === 'deliver' && this.#chance('partial')) return { kind: 'partial', share: random.next() };
    if (!TAKES.includes(kind) && this.#chance('replyLost'))
      return { kind: 'reply-lost', afterMs: random.chance(0.5) ? 0 : random.between(0, TIMEOUT_MS) };
    if (MAY_BE_LATE.includes(kind) && this.#chance('late'))
      return { kind: 'late', byMs: random.between(1, TIMEOUT_MS) };
    return NO_FAULT;
  }

  /** The steps at which an accident does most harm have more of them. */
  #happens(accident: Accident, kind?: CallKind): boolean {
    const isStep = kind === 'commit' || kind === 'deliver' || kind === 'send' || kind === 'acknowledge';
    const happens = !this.#isOver && this.#random.chance(this.#intensity[accident] * (isStep ? 3 : 1));
    if (happens && kind === undefined) this.count(accident);
    return happens;
  }

  #chance(accident: Accident): boolean {
    return this.#random.chance(this.#intensity[accident]);
  }

  #isOut(process: SimulatedProcess, kind: CallKind): boolean {
    if (this.#outage === undefined || !this.#outage.kinds.includes(kind)) return false;
    return process.world.time.nowMs < this.#outage.untilMs;
  }
}

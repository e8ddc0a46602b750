import type { JsonObject } from '#libs/kernel';

// An event on which a process dies would kill every next owner, too. Who did it is found in three steps, and only after
// something has gone wrong does any of them cost a write:
//
//   none ──an owner has ended uncleanly──▶ watch ──three ends at one position──▶ alone ──two ends alone──▶ quarantine
//
// G1. The last commit of an owner that ends in order says so, with its epoch. Where the next owner finds no such word
//     it was an unclean end, of whatever cause, and it watches.
// G2. Watching, a task commits a mark before it lets user code run at a position, and the commit that moves the
//     position takes it away. So an end counts only if user code may have been running, and the mark is in the store
//     before user code can kill anything. One write more a commit, for about as many events as one commit may hold.
// G3. After three ends at one position (the first one, which nobody had watched, included: being wrong here costs time,
//     never an event) each event, timer and parked event is run alone, with its own mark before it and a commit
//     behind it. What kills twice alone becomes a dead letter, in the commit that passes it.
//     While something runs alone no other user code runs in the process (user-code-gate.ts), and once a killer is found
//     its neighbours, who were only there, go back to watching.
// G4. An end that this process has lived to see (an error, a lost lease) was none: it does not count.

/** So many unclean ends at one position, then everything is run alone. */
export const ENDS_BEFORE_ALONE = 3;
/** So many unclean ends of one piece of work alone, then it is put aside. */
export const ENDS_ALONE = 2;

/** More events than a frame of ours holds. */
const LARGE_FRAME_EVENTS = 1_000;

/** What a commit says about crashes; part of the task's progress. */
export interface CrashNote {
  /** The owner of this epoch has ended with this commit, in order. */
  readonly inOrder?: number;
  /** Unclean ends at this position, including the one that the present run may yet come to. */
  readonly ends?: number;
  /** What runs alone, and how many unclean ends it will have had if this run ends so. */
  readonly alone?: { readonly id: string; readonly ends: number };
}

/** What is known of the owner before. */
export interface FormerOwner {
  /** Of its last commit; undefined: nobody has ever committed. */
  readonly note: CrashNote | undefined;
  /** Of the present owner. */
  readonly epoch: number;
  /** It was in this process, and has ended with an error that was caught. */
  readonly hasEndedHere: boolean;
}

/** How careful one run of a task is, and what its commits say about it. Decides; writes nothing itself. */
export class CrashGuard {
  /** Unclean ends that led here. */
  readonly endsFound: number;
  #mode: 'none' | 'watch' | 'alone';
  #ends: number;
  #suspect: CrashNote['alone'];
  #running: { readonly alone?: CrashNote['alone'] } | undefined;
  #inOrder: number | undefined;
  #eventsLeft: number;

  /** @param maxCommitEvents what one commit may hold */
  constructor(
    former: FormerOwner,
    private readonly maxCommitEvents: number,
  ) {
    const { ends, suspect } = endsOf(former);
    this.endsFound = this.#ends = ends;
    this.#suspect = suspect;
    this.#mode = ends >= ENDS_BEFORE_ALONE ? 'alone' : ends > 0 ? 'watch' : 'none';
    this.#eventsLeft = stretchOf(maxCommitEvents);
  }

  get mode(): 'none' | 'watch' | 'alone' {
    return this.#mode;
  }

  /** Does a mark have to be committed before user code may run. */
  get isMarkDue(): boolean {
    return this.#mode === 'watch' && this.#running === undefined;
  }

  /** Any user code may run from here to the next commit. */
  mark(): void {
    this.#running = {};
  }

  /** Only this will run. */
  markAlone(id: string): void {
    this.#running = { alone: { id, ends: this.#endsAlone(id) + 1 } };
  }

  /** Has it killed as often as is allowed. */
  isKiller(id: string): boolean {
    return this.#endsAlone(id) >= ENDS_ALONE;
  }

  /** A killer is put aside, here or by a neighbour in the process: from here on the usual watch is enough. */
  relax(): void {
    this.#suspect = undefined;
    this.#ends = 1;
    this.#mode = 'watch';
    this.#eventsLeft = stretchOf(this.maxCommitEvents);
  }

  /** User code has come back, and the next commit moves the position. */
  passed(events: number): void {
    this.#running = undefined;
    this.#eventsLeft -= events;
    if (this.#mode === 'watch') this.#ends = 1;
    if (this.#eventsLeft <= 0) this.#mode = 'none';
  }

  /** The next commit is the last one. */
  end(epoch: number): void {
    this.#running = undefined;
    this.#inOrder = epoch;
  }

  /** For the next commit. */
  note(): CrashNote & JsonObject {
    const inOrder = this.#inOrder === undefined ? {} : { inOrder: this.#inOrder };
    if (this.#mode === 'none') return inOrder;
    if (this.#running?.alone !== undefined) return { ends: this.#ends, alone: { ...this.#running.alone } };
    if (this.#mode === 'alone') return { ...inOrder, ends: this.#ends };
    return this.#running === undefined ? inOrder : { ends: this.#ends + 1 };
  }

  #endsAlone(id: string): number {
    return this.#suspect?.id === id ? this.#suspect.ends : 0;
  }
}

/** Who kills is among so many events behind the position: those of one commit and of the message that filled it. */
function stretchOf(maxCommitEvents: number): number {
  return maxCommitEvents + LARGE_FRAME_EVENTS;
}

function endsOf({ note, epoch, hasEndedHere }: FormerOwner): {
  readonly ends: number;
  readonly suspect: CrashNote['alone'];
} {
  const { ends = 0, alone, inOrder } = note ?? {};
  // The first owner there ever was takes epoch 1.
  const isInOrder = note === undefined ? epoch <= 1 : inOrder !== undefined && epoch === inOrder + 1;
  if (isInOrder) return { ends, suspect: undefined };
  if (!hasEndedHere) return { ends: Math.max(1, ends), suspect: alone };
  if (alone === undefined) return { ends: Math.max(0, ends - 1), suspect: undefined };
  return { ends, suspect: { id: alone.id, ends: alone.ends - 1 } };
}

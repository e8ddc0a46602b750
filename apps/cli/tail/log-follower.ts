import { FollowedFile, identityOf, type NamedFile, rotatedFiles, sumOf } from './followed-file.js';
import type { Sent } from './line-sender.js';
import { readState, type TailState, writeState } from './tail-state.js';

export interface LogFollowerOptions {
  readonly path: string;
  readonly statePath: string;
  /** Where a log that was never followed is begun. */
  readonly isFromEnd: boolean;
  readonly send: (batch: string, lines: Buffer) => Promise<Sent>;
  readonly pause: (delayMs: number) => Promise<void>;
  readonly complain: (text: string) => void;
  readonly signal: AbortSignal;
}

const BATCH_BYTES = 1024 * 1024;
const LOOK_EVERY_MS = 200;
/** A writer may hold on to a file that was renamed: only when it has been quiet for so long, the next one is begun. */
const QUIET_LOOKS = 5;
const BEFORE_BYTES = 256;
const NOTHING_BEFORE = { before: sumOf(Buffer.alloc(0)), beforeBytes: 0 };

/**
 * Follows a log through rotation and truncation.
 *
 * T1. Before lines are sent, the state says which (`pendingTo`); a batch is always the same bytes under the same name.
 * T2. After they are stored the state says so. Between both a crash repeats the batch, under the same ids.
 *     A file that does not have those bytes any more was emptied: what it has now goes under other names.
 * T3. A file is known by its inode and generation: whatever name rotation gives it, it is read to its end first.
 */
export class LogFollower {
  #file: FollowedFile | undefined;
  #state: TailState | undefined;

  constructor(private readonly options: LogFollowerOptions) {}

  /** Runs until the signal aborts; answers why it could not go on, if so. */
  async run(): Promise<string | undefined> {
    this.#state = readState(this.options.statePath);
    let quietLooks = 0;
    try {
      while (!this.options.signal.aborted) {
        if (this.#file === undefined && !(await this.#open())) {
          await this.options.pause(LOOK_EVERY_MS);
          continue;
        }
        const step = await this.#step(quietLooks >= QUIET_LOOKS);
        if (typeof step === 'string') return step;
        quietLooks = step ? 0 : quietLooks + 1;
        if (!step) await this.options.pause(LOOK_EVERY_MS);
      }
      return undefined;
    } finally {
      await this.#file?.close();
    }
  }

  /** Sends what there is, or moves on to the next file. True: something was done. A text: it can't go on. */
  async #step(isQuiet: boolean): Promise<boolean | string> {
    const file = this.#opened();
    const state = this.#known();
    if (await this.#wasEmptied(file, state)) return true;
    const end = state.pendingTo ?? (await file.linesEnd(state.offset, BATCH_BYTES));
    if (end > state.offset) return await this.#send(file, end);
    return await this.#moveOn(file, state, isQuiet);
  }

  async #send(file: FollowedFile, end: number): Promise<true | string> {
    const state = this.#known();
    const lines = await file.read(state.offset, end);
    // Emptied since it was looked at: look again.
    if (lines.length < end - state.offset) return true;
    this.#save({ ...state, pendingTo: end, pendingSum: sumOf(lines) });
    const name = `${state.inode}.${state.generation}.${Math.floor(state.madeMs)}@${state.offset}`;
    const sent = await this.options.send(name, lines);
    if ('refused' in sent) return sent.refused;
    // What is being sent is in the state: the next run begins with it.
    if ('stopped' in sent) return true;
    if (sent.rejected > 0)
      this.options.complain(`${sent.rejected} lines were refused; millrace dead-letters shows them`);
    // Of what was sent, not of the file: that may be another by now.
    const last = lines.subarray(-BEFORE_BYTES);
    this.#save({ ...settled(state), offset: end, before: sumOf(last), beforeBytes: last.length });
    return true;
  }

  /** It was cut off, or cut off and has grown again: another file in the same place. */
  async #wasEmptied(file: FollowedFile, state: TailState): Promise<boolean> {
    if (await this.#isAsItWas(file, state)) return false;
    const generation = state.generation + 1;
    this.#save({ ...settled(state), generation, offset: 0, ...NOTHING_BEFORE });
    return true;
  }

  async #isAsItWas(file: FollowedFile, state: TailState): Promise<boolean> {
    const { offset, pendingTo, pendingSum, before, beforeBytes } = state;
    if ((await file.size()) < Math.max(offset, pendingTo ?? 0)) return false;
    if ((await file.sum(offset - beforeBytes, offset)) !== before) return false;
    return pendingTo === undefined || (await file.sum(offset, pendingTo)) === pendingSum;
  }

  async #moveOn(file: FollowedFile, state: TailState, isQuiet: boolean): Promise<boolean | string> {
    const current = await identityOf(this.options.path);
    if (!isQuiet || current === undefined || current.inode === state.inode) return false;
    // Nobody will end its last line any more.
    const size = await file.size();
    if (size > state.offset) return await this.#send(file, size);
    const next = await this.#nextBehind(file, state);
    const opened = await FollowedFile.open(next?.path ?? this.options.path);
    // Renamed between the look and the opening: look again, or the file in between would be left out.
    if (opened.identity.inode !== (next ?? current).inode) {
      await opened.close();
      return true;
    }
    await file.close();
    this.#file = opened;
    await this.#begin(opened, 0);
    return true;
  }

  /** The oldest file that was made after this one; a copy of it is none. */
  async #nextBehind(file: FollowedFile, state: TailState): Promise<NamedFile | undefined> {
    for (const each of await this.#files()) {
      if (each.madeMs <= state.madeMs || each.inode === state.inode) continue;
      if (each.path === this.options.path || !(await file.hasCopy(each))) return each;
      this.options.complain(`${each.path} is a copy of what is sent already, and is left out`);
    }
    return undefined;
  }

  #files(): Promise<readonly NamedFile[]> {
    return rotatedFiles(this.options.path, this.options.statePath);
  }

  /** Opens the file of the state, under whatever name it has now; else the one of the path. */
  async #open(): Promise<boolean> {
    const state = this.#state;
    const all = await this.#files();
    const known = all.find(({ inode, madeMs }) => inode === state?.inode && madeMs === state.madeMs);
    if (known !== undefined) {
      this.#file = await FollowedFile.open(known.path);
      return true;
    }
    const next = state === undefined ? undefined : all.find(({ madeMs }) => madeMs > state.madeMs);
    if (state !== undefined && next !== undefined)
      this.options.complain(
        `the file that was followed is gone; what it had after byte ${state.offset} is not sent`,
      );
    const current = await identityOf(this.options.path);
    if (current === undefined) return false;
    this.#file = await FollowedFile.open(next?.path ?? this.options.path);
    const isBegunAtEnd = state === undefined && this.options.isFromEnd;
    await this.#begin(this.#file, isBegunAtEnd ? await this.#file.linesEnd(0, await this.#file.size()) : 0);
    return true;
  }

  async #begin(file: FollowedFile, offset: number): Promise<void> {
    const { inode, madeMs } = file.identity;
    const last = await file.read(Math.max(0, offset - BEFORE_BYTES), offset);
    this.#save({ inode, madeMs, generation: 0, offset, before: sumOf(last), beforeBytes: last.length });
  }

  #opened(): FollowedFile {
    if (this.#file === undefined) throw new Error('no file is open');
    return this.#file;
  }

  #known(): TailState {
    if (this.#state === undefined) throw new Error('no file was begun');
    return this.#state;
  }

  #save(state: TailState): void {
    writeState(this.options.statePath, state);
    this.#state = state;
  }
}

/** Nothing is being sent any more. */
function settled({ inode, generation, madeMs, offset, before, beforeBytes }: TailState): TailState {
  return { inode, generation, madeMs, offset, before, beforeBytes };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type LogPost, sendLog } from './api.js';

const RETRY_MS = 250;

/**
 * Work that goes on beside the steps of a test, and no longer than the test. A failure of it is told by `done` alone:
 * where a step has failed before, that one is reported, and no rejection is left to break a later test file of the
 * same process.
 */
export class SideWork {
  readonly #abandoned = new AbortController();
  readonly done: Promise<void>;

  /** @param work ends, in whatever way, soon after the signal */
  constructor(work: (abandoned: AbortSignal) => Promise<void>) {
    this.done = work(this.#abandoned.signal);
    this.done.catch(() => undefined);
  }

  /** For the end of a test that may have failed. Never rejects. */
  async abandon(): Promise<void> {
    this.#abandoned.abort(new Error('the test was over before this was done'));
    await this.done.catch(() => undefined);
  }
}

/** As a client does: again with the same key until it is accepted. Throws the signal's reason when that comes first. */
export async function postUntilStored(
  url: string,
  post: Required<LogPost>,
  abandoned: AbortSignal,
): Promise<void> {
  for (;;) {
    abandoned.throwIfAborted();
    try {
      await sendLog(url, post, abandoned);
      return;
    } catch {
      // Not stored, or not known to be: the key tells repeats.
      await sleep(RETRY_MS);
    }
  }
}

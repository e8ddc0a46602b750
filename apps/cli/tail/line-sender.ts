import { isJsonObject } from '#libs/kernel';

export interface LineSenderOptions {
  readonly url: string;
  readonly stream: string;
  readonly key: string | undefined;
  readonly format: string | undefined;
  readonly pause: (delayMs: number) => Promise<void>;
  readonly complain: (text: string) => void;
  /** Nothing is to be tried again any more. */
  readonly signal: AbortSignal;
}

/** What became of a batch; `refused`: no repeat will help; `stopped`: nobody knows, and it has to be sent again. */
export type Sent =
  | { readonly accepted: number; readonly rejected: number }
  | { readonly refused: string }
  | { readonly stopped: true };

interface Again {
  readonly again: string;
  readonly afterMs: number;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
/** An answer that never comes is none; the batch counts once however often it is sent. */
const TIMEOUT_MS = 120_000;
/** So long an answer may still take when it is time to stop: a batch whose answer has come is never sent again. */
const LAST_ANSWER_MS = 5_000;

/** Sends batches of lines to ingest until they are stored. */
export class LineSender {
  readonly #route: URL;

  constructor(private readonly options: LineSenderOptions) {
    this.#route = new URL(`/v1/streams/${encodeURIComponent(options.stream)}/logs`, options.url);
    if (options.format !== undefined) this.#route.searchParams.set('format', options.format);
  }

  /** Each line's id is the batch's and its number; the same batch again counts once. Waits as long as it takes, or until it is stopped. */
  async send(batch: string, lines: Buffer): Promise<Sent> {
    const { signal } = this.options;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const outcome = await this.#attempt(batch, lines);
      if (!('again' in outcome)) return outcome;
      if (signal.aborted) return { stopped: true };
      this.options.complain(`${outcome.again}; trying again`);
      await this.options.pause(Math.max(pauseMs, outcome.afterMs));
      if (signal.aborted) return { stopped: true };
    }
  }

  async #attempt(batch: string, lines: Buffer): Promise<Sent | Again> {
    const { key } = this.options;
    const headers = {
      ...{ 'content-type': 'text/plain', 'idempotency-key': batch },
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    };
    const { signal, letGo } = this.#patience();
    try {
      const body = new Uint8Array(lines);
      return await this.#judge(await fetch(this.#route, { method: 'POST', headers, body, signal }));
    } catch (error) {
      const { cause = error } = error as Error;
      return { again: `no answer from ${this.#route.origin}: ${(cause as Error).message}`, afterMs: 0 };
    } finally {
      letGo();
    }
  }

  /** How long one answer is waited for. */
  #patience(): { readonly signal: AbortSignal; readonly letGo: () => void } {
    const { signal: stop } = this.options;
    const over = new AbortController();
    const onStop = (): void => {
      AbortSignal.timeout(LAST_ANSWER_MS).addEventListener('abort', () => over.abort());
    };
    if (stop.aborted) onStop();
    else stop.addEventListener('abort', onStop, { once: true });
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    return { signal, letGo: () => stop.removeEventListener('abort', onStop) };
  }

  async #judge(response: Response): Promise<Sent | Again> {
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.status === 202 && isJsonObject(answer))
      return { accepted: Number(answer['accepted']), rejected: Number(answer['rejected']) };
    const detail = isJsonObject(answer)
      ? String(answer['detail'] ?? answer['title'])
      : 'no Millrace answers there';
    const told = `${this.#route.origin} answered ${response.status}: ${detail}`;
    const isPassing = response.status === 429 || response.status >= 500 || isIncomplete(answer);
    if (!isPassing) return { refused: told };
    return { again: told, afterMs: Number(response.headers.get('retry-after') ?? 0) * 1_000 };
  }
}

/** The connection broke on the way there; what came before is stored, and counts once. */
function isIncomplete(answer: unknown): boolean {
  return isJsonObject(answer) && answer['code'] === 'BODY_INCOMPLETE';
}

import { isJsonObject } from '#libs/kernel';

export interface LineSenderOptions {
  readonly url: string;
  readonly stream: string;
  readonly key: string | undefined;
  readonly format: string | undefined;
  readonly pause: (delayMs: number) => Promise<void>;
  readonly complain: (text: string) => void;
}

/** What became of a batch; `refused`: no repeat will help. */
export type Sent = { readonly accepted: number; readonly rejected: number } | { readonly refused: string };

interface Again {
  readonly again: string;
  readonly afterMs: number;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
/** An answer that never comes is none; the batch counts once however often it is sent. */
const TIMEOUT_MS = 120_000;

/** Sends batches of lines to ingest until they are stored. */
export class LineSender {
  readonly #route: URL;

  constructor(private readonly options: LineSenderOptions) {
    this.#route = new URL(`/v1/streams/${encodeURIComponent(options.stream)}/logs`, options.url);
    if (options.format !== undefined) this.#route.searchParams.set('format', options.format);
  }

  /** Each line's id is the batch's and its number; the same batch again counts once. Waits as long as it takes. */
  async send(batch: string, lines: Buffer): Promise<Sent> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const outcome = await this.#attempt(batch, lines);
      if (!('again' in outcome)) return outcome;
      this.options.complain(`${outcome.again}; trying again`);
      await this.options.pause(Math.max(pauseMs, outcome.afterMs));
    }
  }

  async #attempt(batch: string, lines: Buffer): Promise<Sent | Again> {
    const { key } = this.options;
    const headers = {
      ...{ 'content-type': 'text/plain', 'idempotency-key': batch },
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    };
    try {
      const body = new Uint8Array(lines);
      return await this.#judge(
        await fetch(this.#route, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) }),
      );
    } catch (error) {
      const { cause = error } = error as Error;
      return { again: `no answer from ${this.#route.origin}: ${(cause as Error).message}`, afterMs: 0 };
    }
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

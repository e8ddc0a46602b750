import type { Matcher, Silence } from '#libs/alerting';
import type { Clock } from '#libs/kernel';
import { COLLECTIONS, type DocumentStore, type DocumentWrite } from '#libs/storage';

const LOOK_EVERY_MS = 1_000;
const MAX_SILENCES = 1_000;

/** The silences that are stored, as they were at the last look: a second ago. */
export class SilenceBook {
  #silences: readonly Silence[] = [];

  constructor(
    private readonly documents: DocumentStore,
    private readonly clock: Clock,
  ) {}

  /** Those of one pipeline. */
  of(pipeline: string): readonly Silence[] {
    return this.#silences.filter(({ matchers }) =>
      matchers.every(({ name, value, isRegex, isEqual }) => {
        const isPlain = name === 'pipeline' && isRegex !== true && isEqual !== false;
        return !isPlain || value === pipeline;
      }),
    );
  }

  /** Looks for ever. A store that is away leaves what was known. Never rejects. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look().catch(() => undefined);
      await this.clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  async look(): Promise<void> {
    const { documents } = await this.documents.find({
      collection: COLLECTIONS.silences,
      // By their ends: those that are over need not be read.
      fromMs: this.clock.nowMs(),
      limit: MAX_SILENCES,
    });
    this.#silences = documents.map(silenceOf);
  }
}

/** A silence as the dashboard stores it: its time is its end. */
function silenceOf({ id, timeMs, body }: DocumentWrite): Silence {
  return {
    id,
    matchers: body['matchers'] as unknown as readonly Matcher[],
    startsAtMs: Date.parse(String(body['startsAt'])),
    endsAtMs: timeMs,
    createdBy: String(body['createdBy']),
    comment: String(body['comment']),
  };
}

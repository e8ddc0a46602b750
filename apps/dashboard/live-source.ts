import type { Clock } from '#libs/kernel';
import type { Delivery, MessageBroker, MessageReader } from '#libs/messaging';

export interface LiveSourceOptions {
  readonly broker: MessageBroker;
  readonly clock: Clock;
  readonly topic: string;
  readonly onMessages: (messages: readonly Delivery[]) => void;
  readonly signal: AbortSignal;
}

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
const RECEIVE = { maxMessages: 1_000, maxBytes: 4 * 1024 * 1024, waitMs: 1_000 } as const;

/** Hands on what is published on a topic from now on, until the signal; connects again for ever. */
export async function followTopic(options: LiveSourceOptions): Promise<void> {
  const { clock, signal } = options;
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const hasWorked = await followOnce(options);
    retryMs = hasWorked ? FIRST_RETRY_MS : Math.min(MAX_RETRY_MS, retryMs * 2);
    await clock.sleep(retryMs, signal);
  }
}

/** Resolves when the reader breaks or the signal aborts, with whether a connection had been made. */
async function followOnce(options: LiveSourceOptions): Promise<boolean> {
  const { broker, topic, signal, onMessages } = options;
  let reader: MessageReader | undefined;
  try {
    reader = await broker.openReader({ topic, partition: 0, from: 'latest' });
    while (!signal.aborted) {
      const messages = await reader.receive({ ...RECEIVE, signal });
      if (messages.length > 0) onMessages(messages);
    }
    return true;
  } catch {
    // What is shown live is best effort: the topic may not be made yet, or the broker is away. /health says so.
    return reader !== undefined;
  } finally {
    await reader?.close().catch(() => undefined);
  }
}

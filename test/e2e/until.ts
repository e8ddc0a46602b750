import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again, by default for at most two minutes: there is nothing to be told by. */
export async function until<T>(
  ask: () => Promise<T>,
  isSo: (answer: T) => boolean,
  limitMs = 120_000,
): Promise<T> {
  const deadlineMs = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    if (Date.now() > deadlineMs) throw new Error(`still ${JSON.stringify(answer)}`);
    await sleep(100);
  }
}

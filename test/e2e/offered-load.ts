import { setTimeout as sleep } from 'node:timers/promises';

/** A request has so many lines, where it is not said otherwise. */
const BATCH_LINES = 500;
/** A client has no more requests open than that; what is due while they are is offered later. */
const OPEN_POSTS = 64;

/** What was answered to a load that goes on at its pace, whatever is answered. */
export interface Answers {
  /** Events that were answered 202. */
  accepted: number;
  /** Requests by what was refused: status, code, and whether Retry-After says a whole number of seconds. */
  readonly refused: Map<string, number>;
  /** How long each 202 took, in milliseconds. */
  readonly tookMs: number[];
}

/** Offers log lines at a pace for so long; resolves when all is answered. No line is offered twice. */
export async function offer(
  url: string,
  load: {
    readonly stream: string;
    readonly eventsPerSecond: number;
    readonly seconds: number;
    readonly startMs: number;
    readonly batchLines?: number;
  },
): Promise<Answers> {
  const { batchLines = BATCH_LINES } = load;
  const answers: Answers = { accepted: 0, refused: new Map(), tookMs: [] };
  const open = new Set<Promise<void>>();
  const beganMs = performance.now();
  for (let sent = 0; sent < load.eventsPerSecond * load.seconds; sent += batchLines) {
    await sleep(Math.max(0, beganMs + (sent / load.eventsPerSecond) * 1_000 - performance.now()));
    while (open.size >= OPEN_POSTS) await Promise.race(open);
    const post = postBatch(
      `${url}/v1/streams/${load.stream}/logs`,
      linesFrom(sent, { ...load, batchLines }),
      answers,
    );
    const done = post.finally(() => open.delete(done));
    open.add(done);
  }
  await Promise.all(open);
  return answers;
}

async function postBatch(url: string, body: string, answers: Answers): Promise<void> {
  const beganMs = performance.now();
  const response = await fetch(url, { method: 'POST', body });
  const answer = (await response.json()) as { accepted?: number; code?: string };
  if (response.status === 202) {
    answers.accepted += answer.accepted ?? NaN;
    answers.tookMs.push(performance.now() - beganMs);
    return;
  }
  const retryAfter = /^\d+$/.test(response.headers.get('retry-after') ?? '') ? 'says when' : 'says nothing';
  const what = `${response.status} ${answer.code} ${retryAfter}`;
  answers.refused.set(what, (answers.refused.get(what) ?? 0) + 1);
}

function linesFrom(
  from: number,
  { eventsPerSecond, startMs, batchLines }: { eventsPerSecond: number; startMs: number; batchLines: number },
): string {
  return Array.from({ length: batchLines }, (_, i) => {
    const n = from + i;
    const stamp = new Date(startMs + Math.floor(n / eventsPerSecond) * 1_000)
      .toUTCString()
      .replace(/^\w+, (\d+) (\w+) (\d+) ([\d:]+) GMT$/, '$1/$2/$3:$4 +0000');
    return `198.51.${n % 199}.${n % 251} - - [${stamp}] "GET /p/${n % 997} HTTP/1.1" 200 ${n % 9_000} "-" "load"`;
  }).join('\n');
}

import type { WebRequest } from '#libs/schema';
import { SeededRandom } from './seeded-random.js';
import { HOST, type Target } from './shop.js';
import { type Asked, LONGEST_VISIT_MINUTES, visitsBeginningIn } from './visits.js';

/** An event as ingest takes it in: the stream and the time of arrival are ingest's. */
export interface SampleEvent {
  /** `demo-<seed>-<minute since the epoch>-<number in that minute>` */
  readonly id: string;
  readonly type: 'web-request@1';
  readonly timeMs: number;
  readonly data: WebRequest;
}

export interface MinuteOfTraffic {
  /** Epoch milliseconds, a multiple of 60,000. */
  readonly minuteStartMs: number;
  /** Something is broken: more than a third of the answers are errors, and late. */
  readonly burst: boolean;
}

export const MINUTE_MS = 60_000;
const ERROR_SHARE = 0.01;
const BURST_ERROR_SHARE = 0.35;
/** Answers wait for what is broken. */
const BURST_SLOWNESS = 6;
/** Parts of the pictures and styles that browsers have already. */
const UNCHANGED_SHARE = 0.3;
/** How wide the times of answers spread; 0.55 puts one of a hundred at 3.6 times the median. */
const DURATION_SIGMA = 0.55;
const BYTES_SIGMA = 0.25;

/** A web site with the visitors of one seed. It remembers visits that may go on, so that minute after minute is cheap. */
export class SampleSite {
  readonly #visits = new Map<number, readonly Asked[]>();

  /** @param seed another seed, other people */
  constructor(private readonly seed: string) {}

  /**
   * The requests of one minute, about 1,200, ordered by time. The same arguments give the same requests whatever
   * was asked before, and a burst changes answers only: who asks what when, and the ids, stay as they are.
   */
  requestsOfMinute({ minuteStartMs, burst }: MinuteOfTraffic): readonly SampleEvent[] {
    const minute = minuteStartMs / MINUTE_MS;
    return this.#askedIn(minute).map((asked, number) => {
      const id = `demo-${this.seed}-${minute}-${number}`;
      const data = answer(asked, burst, new SeededRandom(id));
      return { id, type: 'web-request@1', timeMs: asked.atMs, data };
    });
  }

  #askedIn(minute: number): readonly Asked[] {
    const earliest = minute - LONGEST_VISIT_MINUTES;
    for (const known of this.#visits.keys()) {
      if (known < earliest || known > minute) this.#visits.delete(known);
    }
    const asked: Asked[] = [];
    for (let begun = earliest; begun <= minute; begun++) {
      const visits = this.#visits.get(begun) ?? visitsBeginningIn(this.seed, begun);
      this.#visits.set(begun, visits);
      for (const each of visits) if (Math.floor(each.atMs / MINUTE_MS) === minute) asked.push(each);
    }
    return asked.sort((a, b) => a.atMs - b.atMs);
  }
}

function answer(asked: Asked, burst: boolean, random: SeededRandom): WebRequest {
  const { target, visitor } = asked;
  const status = statusOf(asked, burst, random);
  const slowness = burst && status >= 500 ? BURST_SLOWNESS : 1;
  return {
    method: target.method,
    path: target.path,
    ...(target.query === undefined ? {} : { query: target.query }),
    status,
    bytes: bytesOf(target, status, random),
    durationMs: Math.round(random.logNormal(target.medianMs, DURATION_SIGMA) * slowness * 10) / 10,
    userAgent: visitor.userAgent,
    ...(asked.referrer === undefined ? {} : { referrer: asked.referrer }),
    clientIp: visitor.clientIp,
    ...(asked.sessionId === undefined ? {} : { sessionId: asked.sessionId }),
    ...(visitor.userId === undefined ? {} : { userId: visitor.userId }),
    host: HOST,
    protocol: 'HTTP/1.1',
  };
}

function statusOf({ target, isMissing }: Asked, burst: boolean, random: SeededRandom): number {
  // Drawn first and always, so that a burst changes nothing else.
  const luck = random.next();
  const kind = random.weighted([
    [500, 3],
    [502, 3],
    [503, 4],
  ]);
  if (luck < (burst ? BURST_ERROR_SHARE : ERROR_SHARE)) return kind;
  if (isMissing === true) return 404;
  if (target.method === 'POST') return 303;
  return isAsset(target) && random.chance(UNCHANGED_SHARE) ? 304 : 200;
}

function isAsset({ path }: Target): boolean {
  return path.startsWith('/assets/') || path.startsWith('/images/') || path === '/favicon.ico';
}

function bytesOf(target: Target, status: number, random: SeededRandom): number {
  if (status === 304 || target.method === 'HEAD') return 0;
  if (status >= 500) return 512 + random.below(256);
  return Math.round(random.logNormal(status === 303 ? 240 : target.medianBytes, BYTES_SIGMA));
}

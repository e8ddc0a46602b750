import { SeededRandom } from './seeded-random.js';
import {
  assetsOf,
  BROKEN_PATHS,
  HOST,
  landing,
  type Place,
  placeAfter,
  PROBED_PATHS,
  STOCK,
  type Target,
  targetOf,
} from './shop.js';
import { crawler, person, prober, type Visitor } from './visitor.js';

/** A request before its answer. */
export interface Asked {
  readonly atMs: number;
  readonly visitor: Visitor;
  readonly target: Target;
  readonly referrer?: string;
  readonly sessionId?: string;
  /** Nothing is there: 404. */
  readonly isMissing?: true;
}

/** No visit is longer, so that what happens in a minute has begun at most so many minutes before. */
export const LONGEST_VISIT_MINUTES = 10;

const MINUTE_MS = 60_000;
const LONGEST_VISIT_MS = LONGEST_VISIT_MINUTES * MINUTE_MS;

/** Visits that begin in a minute, at the mean of a day. */
const PEOPLE_A_MINUTE = 65;
const CRAWLERS_A_MINUTE = 2.2;
const PROBERS_A_MINUTE = 0.7;

/** Every request of the visits that begin in this minute (minutes since the epoch), in no order. */
export function visitsBeginningIn(seed: string, minute: number): readonly Asked[] {
  const random = new SeededRandom(`visits/${seed}/${minute}`);
  const visits = [
    ...many(random.count(PEOPLE_A_MINUTE * rhythmAt(minute)), (number) =>
      visitOfPerson(
        { visitor: person(seed, random), sessionId: `s-${minute.toString(36)}-${number}` },
        random,
      ),
    ),
    ...many(random.count(CRAWLERS_A_MINUTE), () => visitOfCrawler(seed, random)),
    ...many(random.count(PROBERS_A_MINUTE), () => visitOfProber(random)),
  ];
  return visits.flatMap((visit) => {
    const beginMs = minute * MINUTE_MS + random.below(MINUTE_MS);
    return visit
      .filter(({ atMs }) => atMs < LONGEST_VISIT_MS)
      .map((asked) => ({ ...asked, atMs: beginMs + Math.floor(asked.atMs) }));
  });
}

/** More people in the afternoon and evening (UTC), few at night; the mean over a day is 1. */
function rhythmAt(minute: number): number {
  const hour = (minute / 60) % 24;
  return (
    1 + 0.45 * Math.cos(((hour - 17) / 24) * 2 * Math.PI) + 0.1 * Math.cos(((hour - 12) / 12) * 2 * Math.PI)
  );
}

function many<T>(count: number, make: (number: number) => T): T[] {
  return Array.from({ length: count }, (_, number) => make(number));
}

/** Who visits, and the name of the visit. */
interface Session {
  readonly visitor: Visitor;
  readonly sessionId: string;
}

/** Walks from page to page, looks at each for a while. Times are from the beginning of the visit. */
function visitOfPerson(session: Session, random: SeededRandom): readonly Asked[] {
  const asked: Asked[] = [];
  let place: Place | undefined = landing(random);
  let { referrer } = session.visitor;
  for (let atMs = 0; place !== undefined && atMs < LONGEST_VISIT_MS; atMs += random.logNormal(21_000, 0.9)) {
    const isLost = random.chance(0.008);
    const target: Target = isLost ? brokenLink(random) : targetOf(place, random);
    const from = referrer === undefined ? {} : { referrer };
    asked.push({ ...session, ...from, atMs, target, ...(isLost ? { isMissing: true as const } : {}) });
    referrer = `https://${HOST}${target.path}`;
    if (target.method === 'GET')
      asked.push(...broughtAlong(session, { atMs, referrer, isFirst: atMs === 0 }, random));
    place = placeAfter(place, random);
  }
  return asked;
}

function broughtAlong(
  session: Session,
  page: { readonly atMs: number; readonly referrer: string; readonly isFirst: boolean },
  random: SeededRandom,
): readonly Asked[] {
  const { atMs, referrer, isFirst } = page;
  const assets = assetsOf(isFirst, random);
  const targets = random.chance(0.35) ? [...assets, STOCK] : assets;
  return targets.map((target) => ({ ...session, referrer, target, atMs: atMs + random.between(80, 900) }));
}

/** One page after the other at an even pace, nothing else. */
function visitOfCrawler(seed: string, random: SeededRandom): readonly Asked[] {
  const visitor = crawler(seed, random);
  const paceMs = random.between(1_500, 6_000);
  const places: readonly Place[] = ['home', 'category', 'product', 'product', 'article', 'help'];
  const pages = many(10 + random.below(50), () => targetOf(random.pick(places), random));
  const robots: Target = { method: 'GET', path: '/robots.txt', medianMs: 2, medianBytes: 120 };
  return [robots, ...pages].map((target, index) => ({ visitor, target, atMs: index * paceMs }));
}

function visitOfProber(random: SeededRandom): readonly Asked[] {
  const visitor = prober(random);
  return many(5 + random.below(12), () => random.pick(PROBED_PATHS)).map((path, index) => ({
    visitor,
    target: { method: random.chance(0.2) ? 'HEAD' : 'GET', path, medianMs: 6, medianBytes: 320 },
    atMs: index * 350,
    isMissing: true,
  }));
}

function brokenLink(random: SeededRandom): Target {
  return { method: 'GET', path: random.pick(BROKEN_PATHS), medianMs: 14, medianBytes: 2_400 };
}

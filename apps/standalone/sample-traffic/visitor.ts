import { SeededRandom } from './seeded-random.js';

/** Somebody, or something, that visits again and again and looks the same each time. */
export interface Visitor {
  readonly clientIp: string;
  readonly userAgent: string;
  /** Only those who have an account. */
  readonly userId?: string;
  /** Where they come from; most come by themselves. */
  readonly referrer?: string;
}

const CHROME = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome';
const BROWSERS: readonly (readonly [string, number])[] = [
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME}/141.0.0.0 Safari/537.36`, 31],
  [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${CHROME}/141.0.0.0 Safari/537.36`, 9],
  [`Mozilla/5.0 (Linux; Android 10; K) ${CHROME}/141.0.0.0 Mobile Safari/537.36`, 24],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
    17,
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15',
    6,
  ],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0', 6],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0', 3],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME}/140.0.0.0 Safari/537.36 Edg/140.0.0.0`, 4],
];
const CRAWLERS: readonly string[] = [
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
  'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)',
  'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
];
const PROBERS: readonly string[] = ['curl/8.5.0', 'python-requests/2.32.3', 'Go-http-client/1.1'];
const REFERRERS: readonly (readonly [string | undefined, number])[] = [
  [undefined, 46],
  ['https://www.google.com/', 33],
  ['https://duckduckgo.com/', 5],
  ['https://www.bing.com/', 5],
  ['https://news.example.org/boats', 7],
  ['https://forum.example.net/t/rigging', 4],
];

/** How many people know the shop; few of them come often. */
const PEOPLE = 6_000;

/** One of the people; the same number is the same person. */
export function person(seed: string, random: SeededRandom): Visitor {
  // The square lets a part of them come back often.
  const number = Math.floor(random.next() ** 2 * PEOPLE);
  const traits = new SeededRandom(`person/${seed}/${number}`);
  const referrer = traits.weighted(REFERRERS);
  return {
    clientIp: publicAddress(traits),
    userAgent: traits.weighted(BROWSERS),
    ...(traits.chance(0.28) ? { userId: `u-${10_000 + number}` } : {}),
    ...(referrer === undefined ? {} : { referrer }),
  };
}

/** A search engine or the like: comes from one of few addresses. */
export function crawler(seed: string, random: SeededRandom): Visitor {
  const number = random.below(CRAWLERS.length);
  const traits = new SeededRandom(`crawler/${seed}/${number}`);
  return { clientIp: publicAddress(traits), userAgent: CRAWLERS[number] ?? '' };
}

/** A program that looks for holes, from anywhere. */
export function prober(random: SeededRandom): Visitor {
  return { clientIp: publicAddress(random), userAgent: random.pick(PROBERS) };
}

/** First octets of large networks around the world, so that a country can be told from most addresses. */
const NETWORKS = [
  5, 24, 31, 46, 62, 71, 78, 81, 82, 84, 86, 89, 90, 93, 98, 101, 109, 115, 126, 133, 177, 189, 201, 217,
];

function publicAddress(random: SeededRandom): string {
  return [random.pick(NETWORKS), random.below(256), random.below(256), 1 + random.below(254)].join('.');
}

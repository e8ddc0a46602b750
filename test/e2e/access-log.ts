/** A log made for a test: its text, and what is known about it. */
export interface AccessLog {
  readonly text: string;
  /** 1-based numbers of the lines that are broken. */
  readonly brokenLines: readonly number[];
}

const MINUTE_MS = 60_000;
const BROKEN = [
  '',
  'garbage',
  '203.0.113.9 - - [99/Foo/2025:00:00:00 +0000] "GET / HTTP/1.1" 200 1',
  '{"time":',
  '"',
];
const PATHS = ['/', '/p/1', '/p/2', '/cart', '/static/app.js', '/api/items', '/robots.txt', '/search?q=a'];
const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'curl/8.5.0',
];

/**
 * A combined log over several days, its lines out of order by up to a minute, some of them broken. The same seed
 * gives the same log.
 */
export function makeAccessLog(options: {
  lines: number;
  days: number;
  broken: number;
  seed: number;
}): AccessLog {
  const random = generator(options.seed);
  const startMs = Date.UTC(2025, 2, 28, 22, 17);
  const spanMs = options.days * 24 * 60 * MINUTE_MS;
  const events = Array.from({ length: options.lines }, () => {
    const timeMs = startMs + Math.floor(random() * spanMs);
    // Written when the request ended, up to a minute after the time it carries.
    return { writtenMs: timeMs + Math.floor(random() * MINUTE_MS), line: lineOf(timeMs, random) };
  });
  events.sort((a, b) => a.writtenMs - b.writtenMs);
  const lines = events.map(({ line }) => line);
  const brokenLines = plant(lines, options.broken, random);
  return { text: `${lines.join('\n')}\n`, brokenLines };
}

/** Puts broken lines among the others; their 1-based numbers, ascending. */
function plant(lines: string[], count: number, random: () => number): readonly number[] {
  const broken = new Set<number>();
  while (broken.size < count) broken.add(1 + Math.floor(random() * (lines.length - 1)));
  const places = [...broken].sort((a, b) => a - b);
  for (const [index, place] of places.entries())
    lines.splice(place, 0, BROKEN[1 + (index % (BROKEN.length - 1))] ?? '');
  return places.map((place) => place + 1);
}

function lineOf(timeMs: number, random: () => number): string {
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const status = random() < 0.03 ? 500 : random() < 0.05 ? 404 : 200;
  const address = `203.0.113.${Math.floor(random() * 250)}`;
  return `${address} - - [${stampOf(timeMs)}] "GET ${pick(PATHS)} HTTP/1.1" ${status} ${Math.floor(random() * 9_000)} "-" "${pick(AGENTS)}"`;
}

/** `28/Mar/2025:22:17:00 +0000` */
function stampOf(timeMs: number): string {
  const [, day, month, year, time] =
    /, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(timeMs).toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}

/** Mulberry32: small, seeded, good enough to scatter a log. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

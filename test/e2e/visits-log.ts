import { generator } from './access-log.js';

const PAGES = [
  '/',
  '/p/1',
  '/p/2',
  '/p/3',
  '/cart',
  '/checkout',
  '/help',
  '/blog/a',
  '/blog/b',
  '/search?q=x',
];
const OTHERS = ['/static/app.js', '/api/items', '/img/a.png', '/robots.txt'];
const BROWSERS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1',
];
const BOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

/** Written at most so long after the time it carries: below the pipeline's `maxOutOfOrderness`. */
const MAX_DELAY_MS = 9_000;
const MINUTE_MS = 60_000;

/**
 * A combined log of people who come, look at some pages, go, and come back, with bots between them; over two days,
 * around midnights and the cuts of long sessions. The same seed gives the same log.
 */
export function visitsLog(options: { visitors: number; seed: number }): string {
  const random = generator(options.seed);
  const lines: { writtenMs: number; line: string }[] = [];
  const startMs = Date.UTC(2025, 5, 3, 20);
  for (let visitor = 0; visitor < options.visitors; visitor++) {
    const isBot = random() < 0.1;
    const agent = isBot ? BOT : BROWSERS[visitor % BROWSERS.length];
    let timeMs = startMs + Math.floor(random() * 30 * 60) * MINUTE_MS;
    for (let request = 0; request < 2 + random() * 14; request++) {
      const path = pick(random() < 0.7 ? PAGES : OTHERS, random);
      const status = random() < 0.05 ? 404 : 200;
      const stamp = new Date(timeMs)
        .toUTCString()
        .replace(/^\w+, (\d+) (\w+) (\d+) ([\d:]+) GMT$/, '$1/$2/$3:$4 +0000');
      const line = `198.51.100.${visitor % 250} - u${visitor} [${stamp}] "GET ${path} HTTP/1.1" ${status} 77 "-" "${agent}"`;
      lines.push({ writtenMs: timeMs + Math.floor(random() * MAX_DELAY_MS), line });
      timeMs += Math.floor(waitMs(random) / 1_000) * 1_000;
    }
  }
  lines.sort((a, b) => a.writtenMs - b.writtenMs);
  return `${lines.map(({ line }) => line).join('\n')}\n`;
}

/** Mostly seconds, sometimes just about the gap of a session, sometimes hours. */
function waitMs(random: () => number): number {
  const kind = random();
  if (kind < 0.8) return random() * 5 * MINUTE_MS;
  if (kind < 0.9) return 30 * MINUTE_MS + (Math.floor(random() * 5) - 2) * 1_000;
  return random() * 14 * 60 * MINUTE_MS;
}

function pick<T>(choices: readonly T[], random: () => number): T {
  return choices[Math.floor(random() * choices.length)] as T;
}

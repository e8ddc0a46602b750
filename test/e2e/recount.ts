import { spawnSync } from 'node:child_process';

// An independent count of a combined log: shares no code with Millrace. In Python where there is one, so that not
// even the language is shared; else in a few lines of this one.

/** Minute (epoch milliseconds) → requests. */
export type Recount = ReadonlyMap<number, number>;

const PYTHON = `
import sys, re, json, datetime, collections
pattern = re.compile(r'^\\S+ \\S+ \\S+ \\[([^\\]]+)\\] "[A-Z]+ /\\S* HTTP/[\\d.]+" \\d{3} (?:\\d+|-) "[^"]*" "[^"]*"$')
counts = collections.Counter()
for line in sys.stdin:
    match = pattern.match(line.rstrip('\\n'))
    if not match: continue
    try: time = datetime.datetime.strptime(match.group(1), '%d/%b/%Y:%H:%M:%S %z')
    except ValueError: continue
    counts[int(time.timestamp()) // 60 * 60000] += 1
json.dump(counts, sys.stdout)
`;

/** Counts the requests of each minute of a combined log. */
export function recount(log: string): Recount {
  const python = spawnSync('python3', ['-c', PYTHON], { input: log, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (python.status !== 0) return recountHere(log);
  const counts = JSON.parse(python.stdout) as Record<string, number>;
  return new Map(Object.entries(counts).map(([minute, count]) => [Number(minute), count]));
}

function recountHere(log: string): Recount {
  const counts = new Map<number, number>();
  for (const line of log.split('\n')) {
    const [, stamp] =
      /^\S+ \S+ \S+ \[([^\]]+)\] "[A-Z]+ \/\S* HTTP\/[\d.]+" \d{3} (?:\d+|-) "[^"]*" "[^"]*"$/.exec(line) ??
      [];
    const timeMs = Date.parse((stamp ?? '').replace(/^(\d+)\/(\w+)\/(\d+):/, '$1 $2 $3 '));
    if (Number.isNaN(timeMs)) continue;
    const minute = Math.floor(timeMs / 60_000) * 60_000;
    counts.set(minute, (counts.get(minute) ?? 0) + 1);
  }
  return counts;
}

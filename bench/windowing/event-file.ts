import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { StreamEvent } from '#libs/kernel';

/** What an event of these measurements says: a request. */
export interface RequestData extends Record<string, unknown> {
  readonly path: string;
  readonly status: number;
  readonly bytes: number;
}

export interface TrafficShape {
  readonly events: number;
  readonly keys: number;
  /** From the first event to the last, milliseconds. */
  readonly spanMs: number;
}

const START_MS = Date.UTC(2026, 0, 1);
/** Neighbours are out of order by up to so much: less than the operator allows, so that nothing is late. */
const JITTER_MS = 3_000;

/** The same traffic at every call: events nearly in order, each key as likely as any other. */
export function* traffic({ events, keys, spanMs }: TrafficShape): Generator<StreamEvent<RequestData>> {
  const random = seededRandom(1);
  for (let i = 0; i < events; i++) {
    const timeMs = START_MS + Math.floor((i / events) * spanMs) + Math.floor(random() * JITTER_MS);
    yield {
      id: `e${i}`,
      stream: 'web',
      timeMs,
      receivedMs: timeMs + JITTER_MS,
      type: 'web-request@1',
      data: {
        path: `/shop/item-${Math.floor(random() * keys)}`,
        status: 200,
        bytes: Math.floor(random() * 10_000),
      },
    };
  }
}

/** Writes events as NDJSON. @returns bytes of the file */
export function writeEvents(path: string, events: Iterable<StreamEvent>): number {
  const file = openSync(path, 'w');
  let bytes = 0;
  let lines: string[] = [];
  const flush = (): void => {
    bytes += writeSync(file, lines.join(''));
    lines = [];
  };
  try {
    for (const event of events) {
      lines.push(`${JSON.stringify(event)}\n`);
      if (lines.length === LINES_AT_ONCE) flush();
    }
    flush();
  } finally {
    closeSync(file);
  }
  return bytes;
}

const LINES_AT_ONCE = 10_000;
const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 10;

/** Reads a file of lines in chunks, in one go: no waiting between them that one of the compared could profit from. */
export function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let kept = 0;
    for (;;) {
      const end = kept + readSync(file, chunk, kept, CHUNK_BYTES - kept, null);
      if (end === kept) return;
      const lastEnd = chunk.lastIndexOf(NEWLINE, end - 1) + 1;
      yield* chunk.toString('utf8', 0, lastEnd - 1).split('\n');
      chunk.copy(chunk, 0, lastEnd, end);
      kept = end - lastEnd;
    }
  } finally {
    closeSync(file);
  }
}

/** Park and Miller's minimal standard generator: the same numbers everywhere. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

import { request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { answeredEvents } from './ingest/load.js';
import { ServerProcess } from './ingest/server-process.js';
import { type Measurement, quantileOf } from './measurement.js';

// Ingest beside bare Fastify that parses the same bodies, in turns, and one body of a million log lines. Fastify calls JSON.parse
// and counts; ingest also checks each event against the schema, makes frames of them, and answers when the embedded log has flushed
// them to the disk. The load comes from this process, on the same machine: what it costs is the same for both, and brings the ratio
// nearer to 1. The processor time of the servers alone is told beside it: it depends less on who else is busy on the machine.

const ROUNDS = 5;
const SECONDS = 3;
/** Before it, the optimising compiler is at work on a second thread: more in the one that has more code. */
const WARM_UP_SECONDS = 5;
const BATCH = 500;
const LINES = 1_000_000;
const LINES_PER_CHUNK = 500;

/** `npm run bench -- ingest` */
export async function ingest(): Promise<readonly Measurement[]> {
  return [...(await besideFastify()), ...(await millionLines())];
}

async function besideFastify(): Promise<readonly Measurement[]> {
  const [ours, bare] = [await ServerProcess.ingest(), await ServerProcess.bareFastify()];
  try {
    return [
      ...(await compared('ingest-single', 1, { ours, bare })),
      ...(await compared(`ingest-batches-of-${BATCH}`, BATCH, { ours, bare })),
    ];
  } finally {
    await Promise.all([ours.stop(), bare.stop()]);
  }
}

interface Servers {
  readonly ours: ServerProcess;
  readonly bare: ServerProcess;
}

interface Round {
  readonly eventsPerSecond: number;
  readonly processorUsPerEvent: number;
}

async function compared(
  name: string,
  eventsPerBody: number,
  { ours, bare }: Servers,
): Promise<readonly Measurement[]> {
  const bodies = Array.from({ length: 50 }, (_, index) => bodyOf(eventsPerBody, index));
  // Enough of them that nobody waits for the disk: an answer comes after a flush of the log, and Fastify has none.
  const connections = eventsPerBody === 1 ? 1_024 : 128;
  const measure = async (server: ServerProcess, seconds = SECONDS): Promise<Round> => {
    const beforeMs = server.processorMs();
    const load = { url: server.url, bodies, eventsPerBody, connections, seconds };
    const { events, elapsedMs } = await answeredEvents(load);
    const processorMs = server.processorMs() - beforeMs;
    return {
      eventsPerSecond: (events * 1_000) / elapsedMs,
      processorUsPerEvent: (processorMs * 1_000) / events,
    };
  };
  await measure(ours, WARM_UP_SECONDS);
  await measure(bare, WARM_UP_SECONDS);
  const pairs: (readonly [Round, Round])[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Who goes first changes, so that neighbours that come or go favour neither.
    const besideFirst = round % 2 === 0 ? undefined : await measure(bare);
    const value = await measure(ours);
    pairs.push([value, besideFirst ?? (await measure(bare))]);
  }
  return [
    paired(name, 'events/s', pairs, ({ eventsPerSecond }) => eventsPerSecond),
    paired(`${name}-processor-time`, 'µs/event', pairs, ({ processorUsPerEvent }) => processorUsPerEvent),
  ];
}

function paired(
  name: string,
  unit: string,
  pairs: readonly (readonly [Round, Round])[],
  figure: (round: Round) => number,
): Measurement {
  const median = (values: readonly number[]): number => quantileOf(values, 0.5);
  return {
    name,
    value: median(pairs.map(([ours]) => figure(ours))),
    unit,
    beside: median(pairs.map(([, bare]) => figure(bare))),
    // Neighbours on the machine come and go: each pair has the same ones.
    ratio: median(pairs.map(([ours, bare]) => figure(ours) / figure(bare))),
    runs: pairs.length,
  };
}

function bodyOf(events: number, seed: number): Buffer {
  const all = Array.from({ length: events }, (_, index) => ({
    time: 1_780_000_000_000 + index,
    method: 'GET',
    path: `/p/${(seed * events + index) % 1_000}`,
    status: index % 50 === 0 ? 500 : 200,
    bytes: 5_316 + index,
    durationMs: 12.5,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0',
  }));
  return Buffer.from(JSON.stringify(events === 1 ? all[0] : all));
}

/** One streamed body, as curl sends a file: what it takes, and what it takes of memory. */
async function millionLines(): Promise<readonly Measurement[]> {
  const server = await ServerProcess.ingest();
  try {
    const beforeBytes = server.residentMaximumBytes();
    const beganMs = performance.now();
    const { accepted, rejected } = await postLines(server.url);
    const seconds = (performance.now() - beganMs) / 1_000;
    if (accepted + rejected !== LINES)
      throw new Error(`of ${LINES} lines ${accepted + rejected} are accounted for`);
    const mebibytes = (bytes: number): number => bytes / 1024 / 1024;
    return [
      { name: 'ingest-million-lines', value: LINES / seconds, unit: 'events/s', runs: 1 },
      {
        name: 'ingest-million-lines-resident-maximum',
        value: mebibytes(server.residentMaximumBytes()),
        unit: 'MiB',
        beside: mebibytes(beforeBytes),
        ratio: server.residentMaximumBytes() / beforeBytes,
        runs: 1,
      },
    ];
  } finally {
    await server.stop();
  }
}

async function postLines(url: string): Promise<{ readonly accepted: number; readonly rejected: number }> {
  const answer = new Promise<string>((resolve, reject) => {
    const sent = request(`${url}/v1/streams/bench/logs`, { method: 'POST' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    pipeline(Readable.from(chunksOfLines()), sent).catch(reject);
  });
  return JSON.parse(await answer) as { accepted: number; rejected: number };
}

/** Every thousandth line is broken. */
function* chunksOfLines(): Generator<Buffer> {
  for (let from = 0; from < LINES; from += LINES_PER_CHUNK) {
    const lines = Array.from({ length: LINES_PER_CHUNK }, (_, index) => lineOf(from + index));
    yield Buffer.from(`${lines.join('\n')}\n`);
  }
}

function lineOf(index: number): string {
  if (index % 1_000 === 999) return `broken line ${index}`;
  const second = String(index % 60).padStart(2, '0');
  return `203.0.113.${index % 250} - - [10/Oct/2026:13:55:${second} +0000] "GET /p/${index % 997} HTTP/1.1" 200 ${index % 9_000} "https://example.com/" "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0"`;
}

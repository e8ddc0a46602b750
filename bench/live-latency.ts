import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Measurement, quantileOf } from './measurement.js';

// From the 202 to the number on /v1/live, one post after the other, seen by a client outside; beside it what the
// app itself reports (arrival → live stream) for the same posts.

const POSTS = 200;
const STREAM = 'bench';
const STANDALONE = join(import.meta.dirname, '../apps/standalone/main.js');

/** p50 and p99 in milliseconds; `beside` is the app's own figure. */
export async function liveLatency(): Promise<readonly Measurement[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const settings = { MILLRACE_PORT: '0', MILLRACE_DATA_DIR: dataDir, MILLRACE_DEMO: 'false' };
  const child = spawn(process.execPath, [STANDALONE], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await addressOf(child.stdout);
    const samples = await measure(url);
    const own = await reported(url);
    return [
      figure('p50', quantileOf(samples, 0.5), own.p50Ms),
      figure('p99', quantileOf(samples, 0.99), own.p99Ms),
    ];
  } finally {
    child.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function figure(quantile: string, value: number, beside: number): Measurement {
  return { name: `live-latency-${quantile}`, value, unit: 'ms', beside, ratio: value / beside, runs: POSTS };
}

async function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const [address] = /http:\/\/localhost:\d+/.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error('standalone ended before it listened');
}

async function measure(url: string): Promise<readonly number[]> {
  const live = await LiveReader.open(`${url}/v1/live?stream=${STREAM}`);
  const samples: number[] = [];
  for (let total = 1; total <= POSTS; total++) {
    await post(url);
    const answeredMs = performance.now();
    await live.untilRequests(total);
    samples.push(Math.max(0, live.seenMs - answeredMs));
  }
  live.close();
  return samples;
}

async function post(url: string): Promise<void> {
  const response = await fetch(`${url}/v1/streams/${STREAM}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ method: 'GET', path: '/', status: 200, time: Date.now() }),
  });
  if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
}

async function reported(url: string): Promise<{ p50Ms: number; p99Ms: number }> {
  const view = (await (await fetch(`${url}/v1/pipelines/web`)).json()) as {
    latency: { p50Ms: number; p99Ms: number };
  };
  return view.latency;
}

interface LiveRow {
  readonly series: string;
  readonly windowStart: string;
  readonly measures: { readonly requests?: number };
}

/** Reads the live stream and keeps the newest number of each minute. */
class LiveReader {
  /** When the last number came. */
  seenMs = 0;
  readonly #minutes = new Map<string, number>();
  #wake: () => void = () => undefined;

  private constructor(private readonly abort: AbortController) {}

  static async open(url: string): Promise<LiveReader> {
    const abort = new AbortController();
    const response = await fetch(url, { signal: abort.signal });
    const reader = new LiveReader(abort);
    reader.#read(response).catch(() => reader.#wake());
    return reader;
  }

  /** Resolves when the minutes add up to so many requests. */
  async untilRequests(total: number): Promise<void> {
    while (this.#total() < total) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  close(): void {
    this.abort.abort();
  }

  #total(): number {
    return [...this.#minutes.values()].reduce((sum, count) => sum + count, 0);
  }

  async #read(response: Response): Promise<void> {
    if (response.body === null) throw new Error('no live stream');
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) this.#take(event);
    }
  }

  #take(event: string): void {
    if (!event.includes('event: points')) return;
    const data = event.split('\n').find((line) => line.startsWith('data: ')) ?? 'data: {}';
    const { rows = [] } = JSON.parse(data.slice('data: '.length)) as { rows?: readonly LiveRow[] };
    for (const { series, windowStart, measures } of rows) {
      if (series === 'requests_per_minute') this.#minutes.set(windowStart, measures.requests ?? 0);
    }
    this.seenMs = performance.now();
    this.#wake();
  }
}

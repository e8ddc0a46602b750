import { spawn } from 'node:child_process';

/** A row of `GET /v1/series/{name}`. */
export interface ApiRow {
  readonly windowStart: string;
  readonly windowEnd: string;
  readonly key: Readonly<Record<string, unknown>>;
  readonly measures: Readonly<Record<string, unknown>>;
  readonly revision: number;
  readonly phase: string;
}

export interface IntakeAnswer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly errors: readonly {
    readonly index: number;
    readonly line?: number;
    readonly code: string;
    readonly detail: string;
  }[];
  readonly errorsTruncated: boolean;
}

export async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Every row of a series of a stream, page by page. */
export async function allRows(url: string, series: string, stream: string): Promise<readonly ApiRow[]> {
  const rows: ApiRow[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const at = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { rows: ApiRow[]; nextCursor?: string | null } = await getJson(
      `${url}/v1/series/${series}?stream=${stream}&limit=1000${at}`,
    );
    rows.push(...page.rows);
    cursor = page.nextCursor ?? undefined;
  }
  return rows;
}

/** Minute (epoch milliseconds) → requests, as the API tells it. */
export function requestsByMinute(rows: readonly ApiRow[]): ReadonlyMap<number, number> {
  return new Map(
    rows.map(({ windowStart, measures }) => [Date.parse(windowStart), Number(measures['requests'])]),
  );
}

/** Posts a log the way the README says: `curl --data-binary @-`. */
export async function postWithCurl(url: string, stream: string, log: string): Promise<IntakeAnswer> {
  const curl = spawn('curl', ['-sS', '--data-binary', '@-', `${url}/v1/streams/${stream}/logs`]);
  let answer = '';
  curl.stdout.setEncoding('utf8').on('data', (text: string) => (answer += text));
  curl.stdin.end(log);
  const code = await new Promise<number | null>((ended, failed) => {
    curl.once('close', ended).once('error', failed);
  });
  if (code !== 0) throw new Error(`curl ended with ${code}`);
  return JSON.parse(answer) as IntakeAnswer;
}

/** Posts a log in one request that may break off. */
export async function postLog(url: string, stream: string, log: string, key?: string): Promise<IntakeAnswer> {
  return await sendLog(url, { stream, log, key });
}

/** A log to be posted. */
export interface LogPost {
  readonly stream: string;
  readonly log: string;
  readonly key?: string | undefined;
}

/** Posts a log in one request that may break off, or is given up. */
export async function sendLog(url: string, post: LogPost, signal?: AbortSignal): Promise<IntakeAnswer> {
  const { stream, log, key } = post;
  const response = await fetch(`${url}/v1/streams/${stream}/logs`, {
    method: 'POST',
    body: log,
    headers: { 'content-type': 'text/plain', ...(key === undefined ? {} : { 'idempotency-key': key }) },
    signal: signal ?? null,
  });
  if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as IntakeAnswer;
}

export async function closeStream(url: string, stream: string): Promise<void> {
  const response = await fetch(`${url}/v1/streams/${stream}/close`, { method: 'POST' });
  if (!response.ok) throw new Error(`close: ${response.status} ${await response.text()}`);
}

/** Counts of events by how they ended; docs/event-fates.md explains the names. */
export type Fates = Readonly<
  Record<'counted' | 'late' | 'future' | 'dead' | 'duplicate' | 'filtered', number>
>;

/** How the events of a stream ended. */
export async function fatesOf(url: string, stream: string): Promise<Fates> {
  const { streams } = await getJson<{ streams: readonly { stream: string; fates: Fates }[] }>(
    `${url}/v1/pipelines/web`,
  );
  const found = streams.find((one) => one.stream === stream);
  if (found === undefined) throw new Error(`no stream ${stream}`);
  return found.fates;
}

/** The 1-based numbers of the lines that are kept as dead letters, ascending; at most 100. */
export async function deadLines(url: string, stream: string): Promise<readonly number[]> {
  const page = await getJson<{ deadLetters: { line: number }[] }>(
    `${url}/v1/dead-letters?stream=${stream}&limit=100`,
  );
  return page.deadLetters.map(({ line }) => line).sort((a, b) => a - b);
}

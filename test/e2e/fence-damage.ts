import { expect } from '@jest/globals';
import { PRODUCER_PROPERTY } from '#libs/messaging';
import { allRows, closeStream, fatesOf, getJson, postLog, requestsByMinute } from './api.js';
import { type BrokerAccidents, PARTITIONS } from './broker-accidents.js';
import { LOG, PATIENCE_MS, PIECES, SECRET } from './fence-trial.js';
import { until } from './until.js';
import { recount } from './recount.js';
import { removeFolder, StandaloneProcess, temporaryFolder } from './standalone-process.js';

const SERIES = ['requests_per_minute', 'visits_per_minute', 'top_paths', 'sessions'];

type Rows = ReadonlyMap<string, ReadonlySet<string>>;

/** A line for everything that is wrong when a log has been sent and processed to its end. */
export async function damageIn(url: string, broker: BrokerAccidents): Promise<readonly string[]> {
  const wanted = await rowsWithoutAccident();
  const stopped = await closedOrStopped(url);
  if (stopped.length > 0) return stopped;
  const found: string[] = [];
  for (const [series, rows] of await rowsOfAll(url)) {
    const wrong = [...rows.symmetricDifference(wanted.get(series) ?? new Set())];
    if (wrong.length > 0) found.push(`${wrong.length} rows of ${series} are wrong, missing or too many`);
  }
  const { counted } = await fatesOf(url, 'web');
  if (counted !== 2_000) found.push(`${counted} of 2000 events are counted`);
  const repeated = await repeatedResults(broker);
  if (repeated > 0) found.push(`${repeated} messages are more than once on results`);
  return found;
}

/** Until all is final, or a task has found that something is lost: nothing becomes final any more then. */
async function closedOrStopped(url: string): Promise<readonly string[]> {
  let isClosed = false;
  const stoppedTasks = async (): Promise<readonly string[]> => {
    const { stages } = await getJson<{ stages: readonly StageAnswer[] }>(`${url}/v1/pipelines/web`);
    return stages.flatMap(({ stage, tasks }) =>
      tasks
        .filter(({ problem }) => problem?.code === 'INPUT_GAP')
        .map(({ partition }) => `web/${stage}/${partition} stands still: messages of its input are lost`),
    );
  };
  const closing = until(() => succeeds(closeStream(url, 'web')), Boolean, PATIENCE_MS);
  void closing.then(
    () => (isClosed = true),
    () => undefined,
  );
  const watching = until(
    () => stoppedTasks().catch(() => []),
    (tasks) => isClosed || tasks.length > 0,
    PATIENCE_MS,
  );
  return await Promise.race([closing.then(() => []), watching]);
}

interface StageAnswer {
  readonly stage: string;
  readonly tasks: readonly { readonly partition: number; readonly problem?: { readonly code: string } }[];
}

let rowsWanted: Promise<Rows> | undefined;

/** Of one process over the embedded log, whose counts are those of an independent program. */
function rowsWithoutAccident(): Promise<Rows> {
  return (rowsWanted ??= runAlone());
}

async function runAlone(): Promise<Rows> {
  const folder = temporaryFolder();
  const alone = await StandaloneProcess.start(folder, SECRET);
  try {
    // With the same ids, so that each event is in the same partition: how late it is depends on what else is there.
    for (const { log, key } of PIECES) await postLog(alone.url, 'web', log, key);
    await until(() => succeeds(closeStream(alone.url, 'web')), Boolean, PATIENCE_MS);
    expect(requestsByMinute(await allRows(alone.url, 'requests_per_minute', 'web'))).toEqual(
      recount(LOG.text),
    );
    return await rowsOfAll(alone.url);
  } finally {
    await alone.kill();
    removeFolder(folder);
  }
}

/** Everything but how often a row was corrected, which depends on when what arrived. */
async function rowsOfAll(url: string): Promise<Rows> {
  const found = new Map<string, ReadonlySet<string>>();
  for (const series of SERIES) {
    const rows = await allRows(url, series, 'web');
    found.set(
      series,
      new Set(
        rows.map(({ windowStart, windowEnd, key, measures, phase }) =>
          JSON.stringify([windowStart, windowEnd, key, measures, phase]),
        ),
      ),
    );
  }
  return found;
}

/** Messages of tasks on `results` whose id was there before. */
async function repeatedResults(broker: BrokerAccidents): Promise<number> {
  const ids: string[] = [];
  for (const partition of PARTITIONS) {
    const stored = await broker.storedIn('results', partition);
    const theirs = stored.filter(({ properties }) => properties[PRODUCER_PROPERTY] !== undefined);
    ids.push(...theirs.map(({ properties }) => String(properties['ce_id'])));
  }
  return ids.length - new Set(ids).size;
}

function succeeds(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}

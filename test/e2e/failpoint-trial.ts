import fc from 'fast-check';
import { expect } from '@jest/globals';
import { makeAccessLog } from './access-log.js';
import { allRows, closeStream, deadLines, fatesOf, postLog, requestsByMinute } from './api.js';
import { type Recount, recount } from './recount.js';
import { StandaloneProcess } from './standalone-process.js';

// The process kills itself at every step of the way of a message, one or more times; then it is started again, and
// the same log is sent again under the same key. Each time the rows must equal an independent count.

const LOG = makeAccessLog({ lines: 2_000, days: 2, broken: 8, seed: 23 });
const KEY = 'log-23';
/** Each case starts two processes or more: all of them where there is time, else those marked `always`. */
const HAS_TIME = (fc.readConfigureGlobal().numRuns ?? 200) >= 2_000;

export interface FailpointCase {
  /** One process after the other, each with its failpoint. */
  readonly dies: readonly string[];
  /** Where it dies only once it is told to stop. */
  readonly atStop?: boolean;
  readonly always?: true;
}

/** Every failpoint, alone or with another. */
export const FAILPOINT_CASES: readonly FailpointCase[] = [
  { dies: ['after-frame-stored:3'], always: true },
  { dies: ['web/global/0@after-acquire'] },
  { dies: ['web/local/1@after-load'] },
  { dies: ['web/enrich/0@before-frame:2'] },
  { dies: ['web/enrich/1@after-frame:2'], always: true },
  { dies: ['web/enrich/0@before-covering-commit'], atStop: true },
  { dies: ['web/enrich/0@after-covering-commit'], atStop: true, always: true },
  { dies: ['web/local/0@before-apply:2'] },
  { dies: ['web/global/0@after-apply:2'] },
  { dies: ['web/local/0@before-commit:2'] },
  { dies: ['web/local/0@after-commit:2'], always: true },
  { dies: ['web/global/0@before-commit:2'] },
  { dies: ['web/global/0@after-commit:2', 'web/global/0@after-redeliver'], always: true },
  { dies: ['before-deliver-rows'] },
  { dies: ['web/global/0@after-deliver-rows', 'web/global/0@after-deliver-rows'], always: true },
  { dies: ['web/local/0@before-deliver-messages:2'] },
  { dies: ['web/local/0@after-deliver-messages', 'web/local/0@after-deliver-messages'], always: true },
  { dies: ['before-acknowledge'] },
  { dies: ['web/local/0@after-acknowledge'] },
];

/** Those that there is time for. */
export const TRIED_CASES = FAILPOINT_CASES.filter(({ always }) => HAS_TIME || always === true).map(
  (each) => ({
    ...each,
    title: each.dies.join(', then '),
  }),
);

/** One data folder through its processes. */
export class FailpointTrial {
  #standalone: StandaloneProcess | undefined;

  constructor(
    private readonly folder: string,
    private readonly settings: Readonly<Record<string, string>> = {},
  ) {}

  /** Through all deaths of a case, to the same numbers as if there had been none. */
  async run({ dies, atStop = false }: FailpointCase): Promise<void> {
    for (const failpoint of dies) expect(await this.#runUntilDead(failpoint, atStop)).toBe('SIGKILL');
    const { url } = (this.#standalone = await StandaloneProcess.start(this.folder, this.settings));
    expect(await postLog(url, 'web', LOG.text, KEY)).toMatchObject({ accepted: 2_000, rejected: 8 });
    await closeStream(url, 'web');
    const rows = await allRows(url, 'requests_per_minute', 'web');
    expect(requestsByMinute(rows)).toEqual(expected());
    expect([...new Set(rows.map(({ phase }) => phase))]).toEqual(['final']);
    expect(await fatesOf(url, 'web')).toMatchObject({ counted: 2_000, dead: 8, late: 0, future: 0 });
    expect(await deadLines(url, 'web')).toEqual(LOG.brokenLines);
  }

  async end(): Promise<void> {
    await this.#standalone?.kill();
  }

  /** Gives the process work until it has died at the failpoint; how it died. */
  async #runUntilDead(failpoint: string, atStop: boolean): Promise<unknown> {
    const started = StandaloneProcess.start(this.folder, { ...this.settings, MILLRACE_FAILPOINT: failpoint });
    const running = await started.catch((error: Error) => error.message);
    // Some die before they listen.
    if (typeof running === 'string') return /ended with (\w+)/.exec(running)?.[1] ?? running;
    this.#standalone = running;
    const { url } = running;
    const work = postLog(url, 'web', LOG.text, KEY)
      .then(() => closeStream(url, 'web'))
      .then(() => (atStop ? running.stop() : undefined));
    await Promise.race([work.then(() => running.ended), running.ended]).catch(() => undefined);
    return await running.ended;
  }
}

let counted: Recount | undefined;

function expected(): Recount {
  counted ??= recount(LOG.text);
  return counted;
}

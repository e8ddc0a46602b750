import { defineFunction } from '#libs/functions';

export interface Request {
  readonly user: string;
  readonly path: string;
}

export interface Visit {
  readonly user: string;
  readonly requests: number;
  readonly landing: string;
  readonly exit: string;
  readonly seconds: number;
}

/** What is known of a visit that goes on. */
type OpenVisit = {
  readonly requests: number;
  readonly landing: string;
  readonly exit: string;
  readonly startMs: number;
  readonly endMs: number;
};

/** A user who does nothing for so long has gone. */
const QUIET_MS = 30 * 60_000;

/** One output for each visit of each user. */
export const visits = defineFunction<Request, Visit>({
  name: 'visits',
  input: 'web.enriched',
  output: 'web.visits',
  by: ({ data }) => data.user,
  process({ data, timeMs }, { state, timers }) {
    const visit = state.value<OpenVisit>('visit');
    const open = visit.get() ?? {
      requests: 0,
      landing: data.path,
      exit: data.path,
      startMs: timeMs,
      endMs: timeMs,
    };
    const endMs = Math.max(open.endMs, timeMs);
    visit.set({ ...open, requests: open.requests + 1, exit: data.path, endMs });
    timers.setEventTime('quiet', endMs + QUIET_MS);
  },
  onTimer(_timer, { key, state }) {
    const visit = state.value<OpenVisit>('visit');
    const ended = visit.get();
    if (ended === undefined) return undefined;
    visit.clear();
    const { requests, landing, exit, startMs, endMs } = ended;
    return { user: key, requests, landing, exit, seconds: (endMs - startMs) / 1_000 };
  },
});

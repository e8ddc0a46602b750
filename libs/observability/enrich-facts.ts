import { countedFact, gaugedFact, loggedFact } from './fact.js';

/** What enrich records. */
export const ENRICH_FACTS = {
  deduplicationHorizon: gaugedFact<{ pipeline: string; partition: number }>({
    gauge: 'millrace_enrich_deduplication_horizon_seconds',
    help: 'How far back ids are remembered; below deduplicateFor where there are more ids than a partition keeps',
    labels: ['pipeline', 'partition'],
  }),
  lookupAnswered: countedFact<{ pipeline: string; source: string; outcome: string }>({
    level: 'debug',
    counter: 'millrace_lookup_answers_total',
    help: 'Look-ups by outcome: cached, fetched, missing, failed, timeout, refused (the breaker is open)',
    labels: ['pipeline', 'source', 'outcome'],
  }),
  breakerState: gaugedFact<{ pipeline: string; source: string }>({
    gauge: 'millrace_lookup_breaker_state',
    help: 'Circuit breaker of a source of look-ups: 0 closed, 1 half-open, 2 open',
    labels: ['pipeline', 'source'],
  }),
  breakerOpened: loggedFact<{ pipeline: string; source: string }>(
    'warn',
    'a source of look-ups has failed too often; it is left alone for a while',
  ),
  lookupRowsRefused: countedFact<{ pipeline: string; source: string; reason: string }>({
    level: 'warn',
    message: 'messages of a topic of look-ups are no rows, or there is no room for them',
    counter: 'millrace_lookup_rows_refused_total',
    help: 'Messages of a topic of look-ups that are no rows (no-row), and rows that there was no room for (no-room)',
    labels: ['pipeline', 'source', 'reason'],
  }),
  stepFileLoaded: loggedFact<{ path: string }>('info', 'the file of a step has changed and is read'),
  stepFileRefused: loggedFact<{ path: string; error: unknown }>(
    'warn',
    'the file of a step has changed and cannot be used; what it held before serves, in a look-up as its onError says',
  ),
} as const;

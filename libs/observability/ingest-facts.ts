import { countedFact } from './fact.js';

interface OfStream {
  readonly pipeline: string;
  readonly stream: string;
}

/** What ingest records. */
export const INGEST_FACTS = {
  eventsAccepted: countedFact<OfStream>({
    level: 'debug',
    counter: 'millrace_ingest_accepted_events_total',
    help: 'Events that the log has stored',
    labels: ['pipeline', 'stream'],
  }),
  eventsRejected: countedFact<OfStream & { code: string }>({
    level: 'debug',
    counter: 'millrace_ingest_rejected_events_total',
    help: 'Events and lines that were refused, by code',
    labels: ['pipeline', 'stream', 'code'],
  }),
  requestFailed: countedFact<{ code: string; route: string; error?: unknown }>({
    level: 'warn',
    message: 'request failed',
    counter: 'millrace_http_failed_requests_total',
    help: 'Requests that ended in a problem document, by code',
    labels: ['code'],
  }),
} as const;

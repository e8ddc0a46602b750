/** What is promised of the way from one stage to the next. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly guarantee: 'exactly-once' | 'at-least-once' | 'best-effort' | 'none';
  /** How it is kept, or what it does not cover. */
  readonly note: string;
}

/** Every edge of a pipeline, in the order in which an event passes them. */
export const EDGES: readonly Edge[] = [
  {
    from: 'sender',
    to: 'raw',
    guarantee: 'at-least-once',
    note: 'A 202 means stored. A sender that repeats itself counts once if its events have ids of their own or it sends an Idempotency-Key.',
  },
  {
    from: 'raw',
    to: 'enriched',
    guarantee: 'exactly-once',
    note: 'Each frame says which input it covers; copies are dropped.',
  },
  {
    from: 'enriched',
    to: 'partials',
    guarantee: 'exactly-once',
    note: 'State, position and output are one commit.',
  },
  {
    from: 'partials',
    to: 'rows',
    guarantee: 'exactly-once',
    note: 'A row replaces only an older revision of itself.',
  },
  {
    from: 'partials',
    to: 'judged',
    guarantee: 'exactly-once',
    note: 'State, position and output are one commit.',
  },
  {
    from: 'partials',
    to: 'results',
    guarantee: 'exactly-once',
    note: 'Numbered messages with ids that do not depend on the run.',
  },
  {
    from: 'judged',
    to: 'alerts',
    guarantee: 'exactly-once',
    note: 'One message a transition, with an id that does not depend on the run.',
  },
  {
    from: 'partials',
    to: 'live',
    guarantee: 'best-effort',
    note: 'Numbers that still change; what is complete is in the rows.',
  },
  {
    from: 'alerts',
    to: 'notifications',
    guarantee: 'exactly-once',
    note: 'Groups, their timers and what they have told are part of the same commit as the transitions.',
  },
  {
    from: 'notifications',
    to: 'receivers',
    guarantee: 'at-least-once',
    note: 'Sent after the commit until taken, under the same idempotency key; what a receiver does with it is its own.',
  },
];

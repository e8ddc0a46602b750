/**
 * What keeps every event from being lost or counted twice, one name each (ARCHITECTURE.md, "How each event counts
 * once"). Simulations and chaos runs take one away to show that it is what holds; nothing else ever does.
 */
export const FENCES = [
  /** A refused commit is taken for our own only if the stored one carries its id. */
  'commit-id',
  /** Numbered messages apply once. */
  'sequence-filter',
  /** Reading goes on behind the committed position, wherever the subscription stands and whatever comes again. */
  'position-filter',
  /** Only what is committed is delivered. */
  'outbox-before-delivery',
  /** Only what is committed, and whose outbox is known to be delivered, is acknowledged. */
  'acknowledge-after-commit',
  /** Frames apply by what they cover. */
  'covered-check',
  /** Before a public topic gets an outbox again, its end is read for what is there. */
  'public-tail',
] as const;

export type Fence = (typeof FENCES)[number];

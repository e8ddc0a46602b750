import type { ScannedEvents } from '#libs/ingestion';
import type { EventMould } from './event-mould.js';

/** Plain events of one body that stand side by side, none of which has an id; they are taken from its front. */
export class EventRun {
  /** The first that has not been taken. */
  next = 0;
  /** Behind the last. */
  end = 0;

  constructor(
    readonly events: ScannedEvents,
    readonly mould: EventMould,
  ) {}
}

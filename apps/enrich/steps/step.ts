/** The data of an event while steps add to it. */
export type EventData = Record<string, unknown>;

/**
 * One step of enrich: reads fields of the event's data and adds or changes some, in place. The same data gives the
 * same fields always: no clock, no randomness, no memory that shows.
 */
export type Step = (data: EventData, timeMs: number) => void;

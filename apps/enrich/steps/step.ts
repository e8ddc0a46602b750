/** The data of an event while steps add to it. */
export type EventData = Record<string, unknown>;

/** `filtered`: the event ends here, and is counted as such. */
export type StepVerdict = 'filtered' | undefined;

/**
 * One step of enrich: reads fields of the event's data and adds or changes some, in place. The same data gives the
 * same fields always: no clock, no randomness, no memory that shows. Only what is looked up outside may differ from
 * one run to the next; the first frame that the log has stands.
 *
 * @throws what the event becomes a dead letter for
 */
export type Step = (data: EventData, timeMs: number) => StepVerdict | Promise<StepVerdict>;

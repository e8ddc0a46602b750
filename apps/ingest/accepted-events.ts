import { FACTS, type Telemetry } from '#libs/observability';

/** Counts the events of a stream that are stored: one record for all that are stored in one moment, whosever they are. */
export class AcceptedEvents {
  #events = 0;

  constructor(
    private readonly telemetry: Telemetry,
    private readonly place: { readonly pipeline: string; readonly stream: string },
  ) {}

  add(events: number): void {
    // Also where a request had nothing but rejected events: the stream shows in the metrics with 0.
    if (this.#events === 0) queueMicrotask(() => this.#record());
    this.#events += events;
  }

  #record(): void {
    const events = this.#events;
    this.#events = 0;
    this.telemetry.record(FACTS.eventsAccepted, this.place, events);
  }
}

import { isUtf8 } from 'node:buffer';
import { EventScanner, ScannedEvents } from '#libs/ingestion';
import type { EventSchema } from '#libs/schema';

const MAX_SPARE = 64;
/** What many small events were read into is not kept. */
const MAX_KEPT_EVENTS = 4_096;

/** Reads bodies of JSON by the scanner of their schema. */
export class ScannedBodies {
  readonly #scanners = new WeakMap<EventSchema, EventScanner>();
  readonly #spare: ScannedEvents[] = [];

  /** The events of a body; undefined: it has to be read by JSON.parse. */
  scan(body: Buffer, schema: EventSchema): ScannedEvents | undefined {
    if (!isUtf8(body)) return undefined;
    const events = this.#spare.pop() ?? new ScannedEvents();
    const scanned = this.#scannerOf(schema).scan(body, events);
    if (scanned === undefined) this.letGo(events);
    return scanned;
  }

  /** Nobody reads these events any more. */
  letGo(events: ScannedEvents): void {
    events.clear();
    if (events.capacity <= MAX_KEPT_EVENTS && this.#spare.length < MAX_SPARE) this.#spare.push(events);
  }

  #scannerOf(schema: EventSchema): EventScanner {
    let scanner = this.#scanners.get(schema);
    if (scanner === undefined) this.#scanners.set(schema, (scanner = new EventScanner(schema.jsonSchema)));
    return scanner;
  }
}

import type { JsonValue } from '#libs/kernel';
import type { Marker } from '#libs/messaging';

const PREFIX = 'stream/';

/**
 * The streams whose `open` marker this partition of `raw` carries. Ingest stores it in every partition before the first
 * event of a stream; for other producers that is done here, when their first event is seen. A marker that comes twice
 * does no harm.
 */
export class OpenedStreams {
  readonly #streams = new Set<string>();
  readonly #changed = new Set<string>();

  /** @param open stores the marker of a stream in every partition */
  constructor(private readonly open: (stream: string) => Promise<void>) {}

  note(markers: readonly Marker[]): void {
    for (const { type, stream } of markers) if (type === 'open') this.#add(stream);
  }

  /** Undefined where the stream is open already; else resolves when it is. */
  ensure(stream: string): Promise<void> | undefined {
    if (this.#streams.has(stream)) return undefined;
    return this.open(stream).then(() => this.#add(stream));
  }

  restore(cells: ReadonlyMap<string, JsonValue>): void {
    for (const name of cells.keys()) {
      if (name.startsWith(PREFIX)) this.#streams.add(name.slice(PREFIX.length));
    }
  }

  *changes(): Generator<[string, JsonValue | undefined]> {
    for (const stream of this.#changed) yield [PREFIX + stream, true];
    this.#changed.clear();
  }

  *cells(): Generator<[string, JsonValue]> {
    for (const stream of this.#streams) yield [PREFIX + stream, true];
  }

  #add(stream: string): void {
    if (this.#streams.has(stream)) return;
    this.#streams.add(stream);
    this.#changed.add(stream);
  }
}

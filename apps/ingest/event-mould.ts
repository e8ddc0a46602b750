/** What an event whose id is made here looks like around its id, its time and its data, as {@link encodeEvent} prints it. */
export interface EventMould {
  readonly beforeId: Uint8Array;
  readonly beforeTime: Uint8Array;
  readonly behindTime: Uint8Array;
  /** The time of an event that says none. */
  readonly receivedMs: number;
}

/** An event whose data is not printed again: its members stand in `json` at `[from, end)`. */
export interface MouldedEvent {
  readonly timeMs: number | undefined;
  readonly json: Buffer;
  readonly from: number;
  readonly end: number;
}

/** What all events have in common that are received in one moment. */
export interface MouldPlace {
  readonly stream: string;
  readonly type: string;
  readonly receivedMs: number;
}

const MAX_KEPT = 1_000;

/** The moulds of this moment: many requests of a stream come in one. */
export class EventMoulds {
  readonly #kept = new Map<string, EventMould>();

  /** @param generatedIds what ids begin with that are made here */
  constructor(private readonly generatedIds: string) {}

  of(place: MouldPlace): EventMould {
    const name = `${place.stream} ${place.type}`;
    const kept = this.#kept.get(name);
    if (kept?.receivedMs === place.receivedMs) return kept;
    if (kept === undefined && this.#kept.size >= MAX_KEPT) this.#kept.clear();
    const mould = this.#make(place, kept);
    this.#kept.set(name, mould);
    return mould;
  }

  #make({ stream, type, receivedMs }: MouldPlace, before: EventMould | undefined): EventMould {
    const behindTime = Buffer.from(`,"receivedMs":${receivedMs},"type":${JSON.stringify(type)},"data":{`);
    if (before !== undefined) return { ...before, behindTime, receivedMs };
    const beforeId = Buffer.from(`{"id":${JSON.stringify(this.generatedIds).slice(0, -1)}`);
    const beforeTime = Buffer.from(`","stream":${JSON.stringify(stream)},"timeMs":`);
    return { beforeId, beforeTime, behindTime, receivedMs };
  }
}

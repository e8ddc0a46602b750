import type { Position } from '#libs/messaging';

interface Waiting {
  readonly position: Position;
  readonly bytes: number;
  isDone: boolean;
}

/**
 * What was received and is not acknowledged yet, in the order of the partition. Things end in any order; what is acknowledged
 * is everything up to the first that has not ended.
 */
export class AcknowledgementLine {
  #waiting: Waiting[] = [];
  #bytes = 0;
  #due: Position | undefined;
  #reached: Position | undefined;
  #storing: Promise<void> | undefined;
  #failure: Error | undefined;
  #onChange: () => void = () => undefined;

  /** @param acknowledge stores that everything up to a position is done; if it fails, nothing further is stored */
  constructor(private readonly acknowledge: (position: Position) => Promise<void>) {}

  /** Gives what to call when it is done. */
  add(position: Position, bytes: number): () => void {
    const entry: Waiting = { position, bytes, isDone: false };
    this.#waiting.push(entry);
    this.#bytes += bytes;
    return () => {
      entry.isDone = true;
      this.#advance();
    };
  }

  get size(): number {
    return this.#waiting.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Positions that are done and wait for an earlier one. */
  get doneBehind(): readonly Position[] {
    return this.#waiting.filter(({ isDone }) => isDone).map(({ position }) => position);
  }

  /** @throws what has kept an acknowledgement from being stored */
  assertStored(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Everything up to here has ended, and is acknowledged or about to be; undefined: nothing has. */
  get reached(): Position | undefined {
    return this.#reached;
  }

  /** Resolves at the next change. */
  changed(): Promise<void> {
    return new Promise((done) => (this.#onChange = done));
  }

  /** Resolves when all that is due is stored; rejects where it could not be. */
  async flush(): Promise<void> {
    while (this.#storing !== undefined) await this.#storing;
  }

  #advance(): void {
    let count = 0;
    for (; this.#waiting[count]?.isDone === true; count++) this.#bytes -= this.#waiting[count]!.bytes;
    if (count > 0) {
      this.#due = this.#reached = this.#waiting[count - 1]!.position;
      this.#waiting.splice(0, count);
      if (this.#storing === undefined) this.#store();
    }
    this.#onChange();
  }

  /** One at a time: what becomes due meanwhile goes with the next. After a failure no more: its error stays for flush. */
  #store(): void {
    const position = this.#due!;
    const storing = this.acknowledge(position).then(() => {
      if (this.#due === position) this.#due = this.#storing = undefined;
      else this.#store();
    });
    storing.catch((error: unknown) => {
      this.#failure = error as Error;
      this.#onChange();
    });
    this.#storing = storing;
  }
}

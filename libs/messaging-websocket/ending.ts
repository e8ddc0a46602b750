import { ClosedError } from '#libs/messaging';

/** How a reader, consumer or producer ends: once, by whoever held it or by a failure, which is named from then on. */
export class Ending {
  #failure: Error | undefined;
  #ended: Promise<void> | undefined;

  /**
   * @param what has ended, for messages
   * @param release gives back what it holds
   */
  constructor(
    private readonly what: string,
    private readonly release: () => Promise<void>,
  ) {}

  close(): Promise<void> {
    this.#ended ??= this.release();
    return this.#ended;
  }

  /** It is over, and not because somebody closed it. */
  fail(error: Error): void {
    this.#failure = error;
    void this.close();
  }

  /** @throws ClosedError */
  assertOpen(): void {
    if (this.#ended === undefined) return;
    const why = this.#failure === undefined ? '' : ` (${this.#failure.message})`;
    throw new ClosedError(this.what + why);
  }
}

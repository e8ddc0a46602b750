import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';
import { StepFileInvalidError } from '#libs/platform';

export interface ReloadedFileOptions<T> {
  readonly path: string;
  /** What it is to the step, for messages: `a database of addresses`. */
  readonly wanted: string;
  readonly read: (bytes: Buffer) => T;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** How often the file is looked at, while somebody uses it. */
const LOOK_EVERY_MS = 2_000;

/**
 * A file's content, read again when the file changes. While it can't be read, or is not what it should be, the content
 * before serves: whoever replaces it by a rename is never seen half-way.
 */
export class ReloadedFile<T> {
  #version: string;
  #lastLookMs: number;
  #looking: Promise<void> | undefined;
  #problem: StepFileInvalidError | undefined;
  #goodAtMs: number;

  private constructor(
    private readonly options: ReloadedFileOptions<T>,
    private content: T,
    version: string,
  ) {
    this.#version = version;
    this.#lastLookMs = this.#goodAtMs = options.clock.monotonicMs();
  }

  /** @throws StepFileInvalidError */
  static async open<T>(options: ReloadedFileOptions<T>): Promise<ReloadedFile<T>> {
    try {
      const version = await versionOf(options.path);
      return new ReloadedFile(options, options.read(await readFile(options.path)), version);
    } catch (error) {
      throw new StepFileInvalidError(options.path, options.wanted, error);
    }
  }

  /** What the file holds, as of a moment ago. Looks again in the background. */
  get current(): T {
    const nowMs = this.options.clock.monotonicMs();
    if (nowMs - this.#lastLookMs >= LOOK_EVERY_MS && this.#looking === undefined) {
      this.#lastLookMs = nowMs;
      void this.look();
    }
    return this.content;
  }

  /** Why the file can't be used as it is now; undefined as long as it can. */
  get problem(): StepFileInvalidError | undefined {
    return this.#problem;
  }

  /** When the content was last known to be what the file holds: monotonic, in milliseconds. */
  get goodAtMs(): number {
    return this.#goodAtMs;
  }

  /** Reads the file if it has changed; one look at a time. Never throws. */
  async look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { path, wanted, read, clock, telemetry } = this.options;
    try {
      const version = await versionOf(path);
      if (version !== this.#version) {
        this.content = read(await readFile(path));
        this.#version = version;
        telemetry.record(FACTS.stepFileLoaded, { path });
      }
      this.#problem = undefined;
      this.#goodAtMs = clock.monotonicMs();
    } catch (error) {
      this.#problem = new StepFileInvalidError(path, wanted, error);
      telemetry.record(FACTS.stepFileRefused, { path, error: this.#problem });
    }
  }
}

async function versionOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs}/${size}/${ino}`;
}

import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';
import { StepFileInvalidError } from './enrich.errors.js';

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
  #isLooking = false;

  private constructor(
    private readonly options: ReloadedFileOptions<T>,
    private content: T,
    version: string,
  ) {
    this.#version = version;
    this.#lastLookMs = options.clock.monotonicMs();
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
    if (nowMs - this.#lastLookMs >= LOOK_EVERY_MS && !this.#isLooking) {
      this.#lastLookMs = nowMs;
      void this.look();
    }
    return this.content;
  }

  /** Reads the file if it has changed. Never throws. */
  async look(): Promise<void> {
    const { path, wanted, read, telemetry } = this.options;
    this.#isLooking = true;
    try {
      const version = await versionOf(path);
      if (version === this.#version) return;
      this.content = read(await readFile(path));
      this.#version = version;
      telemetry.record(FACTS.stepFileLoaded, { path });
    } catch (error) {
      telemetry.record(FACTS.stepFileRefused, { path, error: new StepFileInvalidError(path, wanted, error) });
    } finally {
      this.#isLooking = false;
    }
  }
}

async function versionOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs}/${size}/${ino}`;
}

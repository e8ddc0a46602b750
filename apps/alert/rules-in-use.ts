import { isJsonObject, type JsonValue } from '#libs/kernel';
import { FACTS, type Telemetry } from '#libs/observability';

/** The cell that says which rules the state of an alert task was judged by. */
export const RULES_CELL = 'rules/in-use';

/** Which rules judge, as the commits of the alert task record it. */
export class RulesInUse {
  #version = '';
  /** As the last commit has it. */
  #recorded = '';

  constructor(
    private readonly pipeline: string,
    private readonly telemetry: Telemetry,
  ) {}

  /**
   * @param stored what the last commit says
   * @param version of the rules that judge from here on
   */
  restore(stored: JsonValue | undefined, version: string): void {
    this.#recorded = isJsonObject(stored) ? String(stored['version']) : '';
    this.#version = this.#recorded;
    this.use(version);
  }

  /** @param version of the rules that judge from here on */
  use(version: string): void {
    const before = this.#version;
    this.#version = version;
    if (before !== version && before !== '')
      this.telemetry.record(FACTS.alertRulesInUse, { pipeline: this.pipeline, version, before });
  }

  *changes(): Iterable<readonly [name: string, value: JsonValue]> {
    if (this.#recorded === this.#version) return;
    this.#recorded = this.#version;
    yield* this.cells();
  }

  *cells(): Iterable<readonly [name: string, value: JsonValue]> {
    if (this.#recorded !== '') yield [RULES_CELL, { version: this.#recorded }];
  }
}

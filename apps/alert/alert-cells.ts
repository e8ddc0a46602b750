import type { AlertEvent, AlertLabels, AlertState } from '#libs/alerting';
import type { JsonObject, JsonValue } from '#libs/kernel';

/** One alert as the task keeps it: what it is, and how it stands. */
export interface AlertCell {
  readonly rule: string;
  readonly stream: string;
  readonly labels: AlertLabels;
  /** The global task whose rows it judges: always the same one, as its series and key are. */
  readonly upstream: number;
  readonly state: AlertState;
  /** The newest transition as it was told; absent while there was none. */
  readonly told?: AlertEvent;
}

const ALERT_PREFIX = 'alert/';
const WATERMARK_PREFIX = 'watermark/';

/**
 * The state of an alert task as cells: one for each alert (`alert/<fingerprint>`), one for each upstream task and
 * stream (`watermark/<task>/<stream>`).
 */
export class AlertCells {
  readonly #alerts = new Map<string, AlertCell>();
  readonly #watermarks = new Map<string, number>();
  /** Fingerprints of the alerts of one upstream task and stream. */
  readonly #members = new Map<string, Set<string>>();
  readonly #changed = new Set<string>();

  constructor(cells: ReadonlyMap<string, JsonValue> = new Map()) {
    for (const [name, value] of cells) {
      if (name.startsWith(ALERT_PREFIX))
        this.put(name.slice(ALERT_PREFIX.length), value as unknown as AlertCell);
      else if (name.startsWith(WATERMARK_PREFIX))
        this.#watermarks.set(name.slice(WATERMARK_PREFIX.length), Number(value));
    }
    this.#changed.clear();
  }

  get(fingerprint: string): AlertCell | undefined {
    return this.#alerts.get(fingerprint);
  }

  put(fingerprint: string, cell: AlertCell): void {
    this.#alerts.set(fingerprint, cell);
    const source = sourceOf(cell.upstream, cell.stream);
    const members = this.#members.get(source);
    if (members === undefined) this.#members.set(source, new Set([fingerprint]));
    else members.add(fingerprint);
    this.#changed.add(ALERT_PREFIX + fingerprint);
  }

  remove(fingerprint: string, { upstream, stream }: AlertCell): void {
    this.#alerts.delete(fingerprint);
    this.#members.get(sourceOf(upstream, stream))?.delete(fingerprint);
    this.#changed.add(ALERT_PREFIX + fingerprint);
  }

  all(): Iterable<readonly [fingerprint: string, cell: AlertCell]> {
    return this.#alerts;
  }

  /** The alerts that this upstream task has made rows for. A copy: they may be changed meanwhile. */
  of(upstream: number, stream: string): readonly (readonly [fingerprint: string, cell: AlertCell])[] {
    const members = [...(this.#members.get(sourceOf(upstream, stream)) ?? [])];
    return members.map((fingerprint) => [fingerprint, this.#alerts.get(fingerprint)!] as const);
  }

  /** −∞ for a task that has not reported the stream. */
  watermarkMs(upstream: number, stream: string): number {
    return this.#watermarks.get(sourceOf(upstream, stream)) ?? -Infinity;
  }

  /** The watermark never goes back. False: it stays where it was. */
  advance(upstream: number, stream: string, watermarkMs: number): boolean {
    if (watermarkMs <= this.watermarkMs(upstream, stream)) return false;
    this.#watermarks.set(sourceOf(upstream, stream), watermarkMs);
    this.#changed.add(WATERMARK_PREFIX + sourceOf(upstream, stream));
    return true;
  }

  *changes(): Iterable<readonly [name: string, value: JsonValue | undefined]> {
    const names = [...this.#changed];
    this.#changed.clear();
    for (const name of names) yield [name, this.#value(name)];
  }

  *cells(): Iterable<readonly [name: string, value: JsonValue]> {
    for (const [fingerprint, cell] of this.#alerts) yield [ALERT_PREFIX + fingerprint, toJson(cell)];
    for (const [source, watermarkMs] of this.#watermarks) yield [WATERMARK_PREFIX + source, watermarkMs];
  }

  #value(name: string): JsonValue | undefined {
    if (!name.startsWith(ALERT_PREFIX)) return this.#watermarks.get(name.slice(WATERMARK_PREFIX.length));
    const cell = this.#alerts.get(name.slice(ALERT_PREFIX.length));
    return cell && toJson(cell);
  }
}

function sourceOf(upstream: number, stream: string): string {
  return `${upstream}/${stream}`;
}

/** Cells are made of JSON already; their types say more than JSON's can. */
function toJson(cell: AlertCell): JsonValue {
  return cell as unknown as JsonObject;
}

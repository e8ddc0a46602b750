const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/**
 * A duration as people write it, in milliseconds: a number and one of `ms`, `s`, `m`, `h`, `d`.
 * `10s` is 10000, `1.5h` is 5400000. A day is 24 hours.
 *
 * @throws RangeError if it is not written so, or is not a whole number of milliseconds
 */
export function parseDuration(text: string): number {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  const unitMs = UNIT_MS[unit ?? ''];
  if (amount === undefined || unitMs === undefined) {
    throw new RangeError(`'${text}' is not a duration: write a number and ms, s, m, h or d, e.g. 10s`);
  }
  const durationMs = Number(amount) * unitMs;
  if (!Number.isSafeInteger(durationMs)) {
    throw new RangeError(`'${text}' is not a whole number of milliseconds`);
  }
  return durationMs;
}

/** The shortest way to write a duration that {@link parseDuration} reads back: 90000 is `90s`, 60000 is `1m`. */
export function formatDuration(durationMs: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const unitMs = UNIT_MS[unit] ?? 1;
    if (durationMs !== 0 && durationMs % unitMs === 0) return `${durationMs / unitMs}${unit}`;
  }
  return `${durationMs}ms`;
}

/**
 * The longest bucket spans 30 days. The server looks for buckets from so long before a bound on; where that is before
 * 1970 and no row is, its arithmetic goes round and finds nothing (seen in 6.0.5; a row before 1970 mends it).
 */
const LEAST_LOWER_BOUND_MS = 40 * 24 * 60 * 60 * 1_000;
/** The farthest that a Date reaches. */
const MAX_DATE_MS = 8_640_000_000_000_000;

/**
 * What a filter says about the start of windows, half-open. Rows that are too early may come through where the lower
 * bound is one that the server gets wrong: whoever reads looks again.
 */
export function startRange(
  fromMs: number,
  toMs: number,
): { readonly start?: { readonly $gte?: Date; readonly $lt?: Date } } {
  const start = {
    ...(fromMs < LEAST_LOWER_BOUND_MS ? {} : { $gte: new Date(Math.min(fromMs, MAX_DATE_MS)) }),
    ...(toMs > MAX_DATE_MS ? {} : { $lt: new Date(Math.max(toMs, -MAX_DATE_MS)) }),
  };
  return Object.keys(start).length === 0 ? {} : { start };
}

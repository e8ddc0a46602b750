import { formatDuration } from '#libs/kernel';

const DAY_MS = 86_400_000;

/**
 * Sizes that a wall clock can show: those that divide a day, and whole days.
 *
 * @throws RangeError for others, with the nearest that would do, and for a zone that the runtime does not know
 */
export function checkZonedSize(sizeMs: number, timeZone: string): void {
  if (!isTimeZone(timeZone)) {
    throw new RangeError(`'${timeZone}' is no time zone: write an IANA name, e.g. Europe/Prague`);
  }
  if (DAY_MS % sizeMs === 0 || sizeMs % DAY_MS === 0) return;
  const near = nearestSizes(sizeMs).map(formatDuration).join(' or ');
  throw new RangeError(
    `with a time zone a size divides a day or is whole days: ${near}, not ${formatDuration(sizeMs)}`,
  );
}

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}

/** The next smaller and the next larger one. */
function nearestSizes(sizeMs: number): readonly number[] {
  if (sizeMs > DAY_MS) {
    const days = Math.floor(sizeMs / DAY_MS);
    return [days * DAY_MS, (days + 1) * DAY_MS];
  }
  let parts = Math.floor(DAY_MS / sizeMs);
  let more = parts + 1;
  while (DAY_MS % parts !== 0) parts -= 1;
  while (DAY_MS % more !== 0) more += 1;
  return [DAY_MS / more, DAY_MS / parts];
}

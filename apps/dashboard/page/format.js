const LOCALE = 'en-GB';
const WHOLE = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat(LOCALE, { notation: 'compact', maximumFractionDigits: 1 });

/** @param {number} value */
export function count(value) {
  return Math.abs(value) >= 1e7 ? SHORT.format(value) : WHOLE.format(value);
}

/** @param {number} value */
export function rate(value) {
  if (value !== 0 && Math.abs(value) < 10) return value.toFixed(1);
  return count(value);
}

/** A number of unknown size, to three digits. @param {number} value */
export function measured(value) {
  return Math.abs(value) >= 100 ? count(value) : String(Number(value.toPrecision(3)));
}

/** @param {number} share 0 to 1 */
export function percent(share) {
  if (share === 0) return '0 %';
  if (share < 0.0001) return '< 0.01 %';
  return `${(share * 100).toFixed(share < 0.01 ? 2 : share < 0.1 ? 1 : 0)} %`;
}

/** @param {number} bytes */
export function bytes(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[power]}`;
}

/** @param {number} ms a short time, such as a latency */
export function latency(ms) {
  if (ms < 10 && ms % 1 !== 0) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(2)} s`;
  return duration(ms);
}

/** @param {number} ms how long ago something was */
export function age(ms) {
  return ms < 1_500 ? 'now' : `${duration(ms)}`;
}

/** @param {number} ms how long something took or is ago, the two largest units */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60)
    return seconds % 60 === 0 || minutes >= 10 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return days < 730 ? `${days} days` : `${Math.floor(days / 365.25)} years`;
}

/** @param {number} ms */
export function clockTime(ms) {
  return new Date(ms).toISOString().slice(11, 16);
}

/** @param {number} ms */
export function secondTime(ms) {
  return new Date(ms).toISOString().slice(11, 19);
}

/** @param {number} ms */
export function shortDay(ms) {
  return new Date(ms).toLocaleDateString(LOCALE, { timeZone: 'UTC', day: 'numeric', month: 'short' });
}

/** @param {number} ms */
export function day(ms) {
  return new Date(ms).toLocaleDateString(LOCALE, {
    timeZone: 'UTC',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  });
}

/**
 * A moment, with its day unless that is today's.
 *
 * @param {number} ms
 * @param {number} nowMs
 */
export function moment(ms, nowMs) {
  const isToday = day(ms) === day(nowMs);
  return isToday ? secondTime(ms) : `${day(ms)}, ${secondTime(ms)}`;
}

/**
 * A stretch of time.
 *
 * @param {number} fromMs
 * @param {number} toMs
 */
export function stretch(fromMs, toMs) {
  if (day(fromMs) === day(toMs - 1)) return `${day(fromMs)}, ${clockTime(fromMs)} – ${clockTime(toMs)}`;
  return `${day(fromMs)}, ${clockTime(fromMs)} – ${day(toMs)}, ${clockTime(toMs)}`;
}

/** @param {string} name `top_paths` → `Top paths` */
export function title(name) {
  const words = name
    .replaceAll(/[_-]+/g, ' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

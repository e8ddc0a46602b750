/** Below the largest message, with room for the header. */
const MAX_PART_BYTES = 640_000;
/** JSON text is at most this many bytes per UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

/**
 * Cuts the lines of a frame into parts that fit a message each; at least one part. Depends on nothing but the
 * lines, so that every run cuts at the same places.
 */
export function splitIntoParts(
  lines: readonly string[],
  maxBytes = MAX_PART_BYTES,
): readonly (readonly string[])[] {
  let units = lines.length;
  for (const line of lines) units += line.length;
  if (units * MAX_BYTES_PER_UNIT <= maxBytes) return [lines];
  const parts: string[][] = [[]];
  let partBytes = 0;
  for (const line of lines) {
    const lineBytes = Buffer.byteLength(line) + 1;
    if (partBytes > 0 && partBytes + lineBytes > maxBytes) {
      parts.push([]);
      partBytes = 0;
    }
    parts.at(-1)?.push(line);
    partBytes += lineBytes;
  }
  return parts;
}

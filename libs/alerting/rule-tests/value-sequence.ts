/** A value a window; undefined: the window has none. */
export type ValueSequence = readonly (number | undefined)[];

const MAX_VALUES = 100_000;
const NUMBER = String.raw`-?\d+(?:\.\d+)?`;
const RUN = new RegExp(`^(_|${NUMBER})(?:([+-]\\d+(?:\\.\\d+)?))?(?:x(\\d+))?$`);

/**
 * Values of one window after the other: `3`, `_` (none), `3x5` (five times), `3+2x4` (3 5 7 9), `9-2x3` (9 7 5), separated by
 * spaces. The number after `x` is how many values it makes.
 *
 * @throws RangeError that says what is wanted
 */
export function parseValueSequence(text: string): ValueSequence {
  const values: (number | undefined)[] = [];
  for (const part of text.trim().split(/\s+/)) {
    const [, first, step = '0', times = '1'] = RUN.exec(part) ?? [];
    if (first === undefined || Number(times) < 1)
      throw new RangeError(`'${part}' is none of 3, _, 3x5, 3+2x4 and 9-2x3`);
    if (values.length + Number(times) > MAX_VALUES)
      throw new RangeError(`more than ${MAX_VALUES} values are too many`);
    for (let i = 0; i < Number(times); i++)
      values.push(first === '_' ? undefined : Number(first) + i * Number(step));
  }
  return values;
}
